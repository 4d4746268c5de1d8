//! Far more findings at once than anybody can read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cronwarden::api::finding::State;
use serde_json::{Value, json};

use super::crowd::{apply, apply_all};
use super::fresh::agrees;
use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};

/// How many Events the operator sends at once, and how long each one after that has to wait.
const BURST: usize = 100;
const PAUSE: Duration = Duration::from_millis(500);

const SUPPRESSED: &str = "cronwarden_events_suppressed_total";

#[tokio::test]
async fn a_thousand_findings_are_all_recorded_and_few_are_told() -> anyhow::Result<()> {
    const JOBS: usize = 1000;
    let scene = Scene::start().await?;
    apply_all(&scene.client, [namespace("apps"), namespace("batch"), approval("apps", "another")]).await?;
    agrees(&scene, PATIENCE).await;
    let before = scene.writes()?.len();

    let began = Instant::now();
    let job = |i: usize| cron_job(["apps", "batch"][i % 2], &format!("job-{i:03}"));
    apply_all(&scene.client, (0..JOBS).map(job)).await?;
    eprintln!("{JOBS} CronJobs were created within {:.1?}", began.elapsed());
    agrees(&scene, Duration::from_mins(3)).await;
    let took = began.elapsed();
    let findings = scene.all_findings().await?;
    assert_eq!(findings.len(), JOBS);
    let open =
        |f: &&cronwarden::api::ScheduledWorkloadFinding| f.status.as_ref().is_some_and(|s| s.state == State::Open);
    assert_eq!(findings.iter().filter(open).count(), JOBS);

    // One write for the finding, one for its evidence, and an Event for some of them.
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for event in scene.writes()?.split_off(before) {
        assert!(event.succeeded(), "{:#}", event.raw);
        let object = event.object.unwrap_or_default();
        *writes.entry(format!("{} {}/{}", event.verb, object.resource, object.subresource)).or_default() += 1;
    }
    eprintln!("all findings were there after {took:.1?}, with these writes: {writes:?}");
    assert_eq!(writes.remove("patch scheduledworkloadfindings/"), Some(JOBS));
    assert_eq!(writes.remove("patch scheduledworkloadfindings/status"), Some(JOBS));
    let told = writes.remove("create events/").unwrap_or_default();
    assert_eq!(writes, BTreeMap::new(), "there are writes that nobody needs");
    assert!(told >= 1);
    let waited = PAUSE * u32::try_from(told.saturating_sub(BURST + 1))?;
    assert!(waited <= took, "{told} Events within {took:?}");
    assert_eq!(told + scene.count(SUPPRESSED)?, JOBS, "each one was told or counted as suppressed");
    Ok(())
}

#[tokio::test]
async fn nobody_is_told_of_findings_before_there_is_an_inventory() -> anyhow::Result<()> {
    const JOBS: usize = 200;
    let scene = Scene::start().await?;
    apply_all(&scene.client, [namespace("apps")]).await?;
    apply_all(&scene.client, (0..JOBS).map(|i| cron_job("apps", &format!("job-{i:03}")))).await?;
    agrees(&scene, PATIENCE).await;
    assert_eq!(scene.all_findings().await?.len(), JOBS);
    let advice = scene.logs().lines().filter(|line| line.contains("write a first inventory")).count();
    assert_eq!(advice, 1, "the advice is given once");

    // An approval that has expired is of no use, so it is no inventory.
    let mut expired = approval("apps", "another");
    expired["spec"]["expiresAt"] = json!("2020-01-01T00:00:00Z");
    apply(&scene.client, &expired).await?;
    apply(&scene.client, &cron_job("apps", "before")).await?;
    agrees(&scene, PATIENCE).await;
    let events = |writes: Vec<crate::harness::AuditEvent>| {
        let mut writes: Vec<Value> = writes.into_iter().map(|event| event.raw).collect();
        writes.retain(|event| event.pointer("/objectRef/resource").is_some_and(|resource| resource == "events"));
        writes
    };
    assert_eq!(events(scene.writes()?), [] as [Value; 0]);
    assert_eq!(scene.count(SUPPRESSED)?, 0);

    // From the first usable approval on, what is new is told, and the flood of before is not made up for.
    apply(&scene.client, &approval("apps", "another")).await?;
    agrees(&scene, PATIENCE).await;
    apply(&scene.client, &cron_job("apps", "after")).await?;
    agrees(&scene, PATIENCE).await;
    let told = scene.events("apps").await?;
    let told: Vec<_> = told.iter().filter_map(|event| event.regarding.as_ref()?.name.as_deref()).collect();
    assert_eq!(told, ["after"]);
    Ok(())
}
