//! The operator ends and starts again: over an unchanged cluster without a single write, and in the middle of changes
//! without losing any.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cronwarden::api::finding::{State, SubjectKind, WorkloadReference};
use cronwarden::finding::{Reason, name};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::crowd::{Changes, NAMESPACES, Numbers, apply_all, set};
use super::fresh::{agrees, raw_items};
use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::{AuditEvent, ControlPlane, eventually};

/// How long the operator may need for the work of a whole test on a busy machine.
const LONG_PATIENCE: Duration = Duration::from_mins(3);

const FINDINGS: &str = "/apis/cronwarden.dev/v1alpha1/scheduledworkloadfindings";
const APPROVALS: &str = "/apis/cronwarden.dev/v1alpha1/approvedcronjobs";

#[tokio::test]
async fn a_restart_over_an_unchanged_cluster_writes_nothing() -> anyhow::Result<()> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    apply_all(&scene.client, (1..=5).map(|i| namespace(&format!("apps-{i}")))).await?;
    apply_all(&scene.client, inventory()).await?;
    scene.start_operator().await?;

    // Asked to end while it is busy, it finishes what it has begun: no finding stays without its evidence.
    apply_all(&scene.client, five_hundred()).await?;
    eventually("the operator is in the middle of it", PATIENCE, async || {
        let writes = writes(&scene)?;
        if writes >= 50 { Ok(()) } else { Err(format!("{writes} writes")) }
    })
    .await;
    stop(&mut scene).await?;
    let begun = scene.all_findings().await?;
    assert!(begun.len() < 200, "it was stopped after it had written everything");
    let incomplete = begun.iter().filter(|finding| finding.status.is_none()).count();
    assert_eq!(incomplete, 0, "of {} findings", begun.len());

    let started = Instant::now();
    scene.start_operator().await?;
    agrees(&scene, LONG_PATIENCE).await;
    eprintln!("{} findings were there, 200 after {:.1?}", begun.len(), started.elapsed());
    let before = everything(&scene).await?;
    assert_eq!(before.iter().filter(|(path, ..)| *path == FINDINGS).count(), 200);

    stop(&mut scene).await?;
    let written = scene.writes()?.len();
    let started = Instant::now();
    scene.start_operator().await?;
    scene.settled().await;
    eprintln!("the quiet restart took {:.1?}", started.elapsed());
    assert_eq!(scene.count("cronwarden_judgements_total")?, 500, "every workload was judged once");
    stop(&mut scene).await?;
    let since: Vec<AuditEvent> = scene.writes()?.split_off(written);
    assert!(since.is_empty(), "{since:#?}");
    let after = everything(&scene).await?;
    assert_eq!(before, after);
    Ok(())
}

/// Ends the operator as Kubernetes does.
async fn stop(scene: &mut Scene) -> anyhow::Result<()> {
    let asked = Instant::now();
    let status = scene.stop_operator().await?;
    assert!(status.success(), "{status}");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    eprintln!("the operator ended within {took:.1?}");
    Ok(())
}

fn writes(scene: &Scene) -> Result<usize, String> {
    let findings = r#"cronwarden_writes_total{resource="scheduledworkloadfindings",outcome="ok"}"#;
    scene.count(findings).map_err(|error| format!("{error:#}"))
}

/// The text of every finding and approval, versions and managed fields included.
async fn everything(scene: &Scene) -> anyhow::Result<Vec<(&'static str, String, String)>> {
    let mut everything = Vec::new();
    for path in [FINDINGS, APPROVALS] {
        let items = raw_items(&scene.client, path).await?;
        everything.extend(items.into_iter().map(|(identity, text)| (path, identity.name, text.get().to_owned())));
    }
    Ok(everything)
}

/// Approvals with names, globs and selectors, some of which overlap. They approve everything that is called `ok-…`.
fn inventory() -> Vec<Value> {
    let selecting = |name: &str, selects: Value, schedule: &str| {
        let mut approval = approval("apps", name);
        approval["spec"]["match"] = selects;
        approval["spec"]["expected"]["schedules"] = json!([schedule]);
        approval
    };
    vec![
        selecting("glob", json!({ "namespaces": ["apps-1", "apps-2"], "names": ["ok-*"] }), "0 2 * * *"),
        selecting(
            "question",
            json!({ "namespaces": ["apps-?"], "names": ["ok-???"], "selector":
            { "matchExpressions": [{ "key": "team", "operator": "In", "values": ["payments"] }] } }),
            "0 2 * * *",
        ),
        selecting(
            "labelled",
            json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "apps-4" } },
            "names": ["ok-*"] }),
            "0 2 * * *",
        ),
        // These deviate: the first is one more for what another approves, the second the only one for some others.
        selecting("another", json!({ "namespaces": ["apps-1"], "names": ["*"] }), "0 3 * * *"),
        selecting("broken", json!({ "namespaces": ["apps-5"], "names": ["rogue-*"] }), "0 4 * * *"),
    ]
}

/// In each of five namespaces 60 CronJobs that are approved and 40 that are not.
fn five_hundred() -> impl Iterator<Item = Value> {
    (1..=5).flat_map(|namespace| {
        let namespace = format!("apps-{namespace}");
        (0..100).map(move |number| {
            let name = if number < 60 { format!("ok-{number:03}") } else { format!("rogue-{number:03}") };
            let mut job = cron_job(&namespace, &name);
            if number % 3 == 0 && number >= 60 {
                set(&mut job, "/spec/jobTemplate/spec/template/spec/hostNetwork", json!(true));
            }
            job
        })
    })
}

#[tokio::test]
async fn a_crash_in_the_middle_of_changes_loses_nothing() -> anyhow::Result<()> {
    const CHANGES: usize = 1000;
    const LAST: usize = 200;
    let mut scene = Scene::start().await?;
    apply_all(&scene.client, NAMESPACES.map(namespace)).await?;
    let mut changes = Changes::new(7);
    let done = AtomicUsize::new(0);
    let client = scene.client.clone();

    // Some changes are left for the end, so that there are still some to come at every crash.
    let mut numbers = Numbers::new(7);
    let crashes: Vec<u64> = (0..3).map(|part| 20 + 60 * part + numbers.below(40)).collect();
    let started = Instant::now();
    let crash = async {
        for findings in &crashes {
            eventually(&format!("there are {findings} findings"), PATIENCE, async || {
                let count = scene.all_findings().await.map_err(|error| format!("{error:#}"))?.len() as u64;
                if count >= *findings { Ok(()) } else { Err(format!("{count} findings")) }
            })
            .await;
            scene.kill_operator()?;
            let changed = done.load(Ordering::Relaxed);
            eprintln!("crash at {findings} findings, after {changed} changes and {:.1?}", started.elapsed());
            assert!(changed < CHANGES);
            scene.spawn_operator()?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(changes.make(&client, CHANGES - LAST, &done), crash)?;
    changes.make(&client, LAST, &done).await?;
    eprintln!("{} changes took {:.1?}", done.load(Ordering::Relaxed), started.elapsed());
    agrees(&scene, LONG_PATIENCE).await;
    eprintln!("all findings were right after {:.1?}", started.elapsed());

    // The last crash, with everything still to be done at the start.
    scene.kill_operator()?;
    changes.make(&client, LAST, &done).await?;
    scene.start_operator().await?;
    agrees(&scene, LONG_PATIENCE).await;
    scene.ensure_operator_runs()?;
    let findings = scene.all_findings().await?;
    let count = |state| findings.iter().filter(|f| f.status.as_ref().is_some_and(|s| s.state == state)).count();
    let states = [State::Open, State::Resolved, State::Deleted].map(count);
    assert!(states.iter().all(|count| *count > 10), "the changes have become too tame: {states:?}");
    eprintln!("open, resolved, deleted: {states:?}");
    Ok(())
}

#[tokio::test]
async fn a_finding_that_was_left_without_its_evidence_is_completed() -> anyhow::Result<()> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    let mut approved = approval("apps", "good");
    approved["spec"]["match"] = json!({ "namespaces": ["apps"], "names": ["good"] });
    apply_all(&scene.client, [namespace("apps"), approved]).await?;
    apply_all(&scene.client, ["good", "rogue"].map(|name| cron_job("apps", name))).await?;

    // What is left if the operator ends between the two writes that make a finding.
    let mut left = Vec::new();
    for workload in ["good", "rogue", "gone"] {
        let uid = match scene.cron_jobs("apps").get_opt(workload).await? {
            Some(job) => job.uid().expect("it has one"),
            None => "7d3c4e0a-6f0b-4b5e-9a55-1f2f5f0d4a11".to_owned(),
        };
        let reference =
            WorkloadReference { kind: SubjectKind::CronJob, namespace: "apps".into(), name: workload.into(), uid };
        left.push(json!({
            "apiVersion": "cronwarden.dev/v1alpha1",
            "kind": "ScheduledWorkloadFinding",
            "metadata": { "name": name(&reference) },
            "spec": { "workload": reference },
        }));
    }
    apply_all(&scene.client, left).await?;
    let uids = |mut findings: Vec<_>| {
        findings.sort_by_key(ResourceExt::name_any);
        findings.iter().map(|finding: &cronwarden::api::ScheduledWorkloadFinding| finding.uid()).collect::<Vec<_>>()
    };
    let before = uids(scene.all_findings().await?);

    scene.start_operator().await?;
    scene.finding_in(State::Open, "apps", "rogue").await;
    scene.finding_in(State::Resolved, "apps", "good").await;
    scene.finding_in(State::Deleted, "apps", "gone").await;
    agrees(&scene, PATIENCE).await;
    assert_eq!(uids(scene.all_findings().await?), before, "they are completed, not made anew");
    let told: Vec<String> = scene.events("apps").await?.into_iter().filter_map(|event| event.reason).collect();
    assert!(told.contains(&Reason::FindingOpened.as_str().to_owned()), "{told:?}");
    Ok(())
}
