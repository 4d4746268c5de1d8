//! One finding for one cause, however many Jobs there are.

use cronwarden::api::finding::State;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use super::{APPROVED, EVIL, approval, job, jobs, only_about, scene};
use crate::operator::scene::PATIENCE;

#[tokio::test]
async fn jobs_of_one_generator_have_one_finding() -> anyhow::Result<()> {
    let mut scene = scene(&["churn"]).await?;
    // Without any approval nobody is told of anything.
    scene.approve(&[approval("elsewhere", "CronJob")]).await?;
    let generated = |image: &str| {
        let mut generated = job("churn", "", image);
        generated["metadata"] = json!({ "namespace": "churn", "generateName": "import-" });
        serde_json::from_value(generated)
    };
    for _ in 0..30 {
        jobs(&scene, "churn").create(&PostParams::default(), &generated(EVIL)?).await?;
    }
    let counted = |count: i64| {
        move |finding: &cronwarden::api::ScheduledWorkloadFinding| {
            let runs = finding.status.as_ref().and_then(|status| status.runs.as_ref());
            runs.is_some_and(|runs| runs.count >= count)
        }
    };
    let finding = scene.finding("churn", "import-*", "counted", counted(15)).await;
    let status = finding.status.expect("a status");
    assert_eq!((status.state, status.reasons.as_str()), (State::Open, "Unapproved"));
    assert!(status.snapshot.is_some() && status.runs.is_some_and(|runs| runs.latest.len() == 5));

    // Many Jobs cannot have an Event: it is about the finding.
    let name = finding.metadata.name.unwrap_or_default();
    scene.wait_until_told("default", &name, &["FindingOpened"]).await;

    // All of them go, and others of the same make come: nothing is written but the count, and that now and then.
    jobs(&scene, "churn").delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
    only_about(&scene, &["import-*"]).await?;
    let before = scene.writes()?.len();
    for _ in 0..20 {
        let made = jobs(&scene, "churn").create(&PostParams::default(), &generated(EVIL)?).await?;
        jobs(&scene, "churn").delete(&made.metadata.name.unwrap_or_default(), &DeleteParams::background()).await?;
    }
    only_about(&scene, &["import-*"]).await?;
    assert!(scene.writes()?.len() - before <= 4, "{:?}", scene.writes()?.len() - before);

    // The count goes on after a restart, which writes nothing by itself.
    scene.stop_operator().await?;
    let before = scene.writes()?.len();
    scene.start_operator().await?;
    scene.settled().await;
    assert_eq!(scene.writes()?.len(), before);

    // An approval of what they run resolves it, and lets them come and go.
    let remaining = jobs(&scene, "churn").create(&PostParams::default(), &generated(EVIL)?).await?;
    crate::harness::eventually("it is judged", PATIENCE, async || scene.is_settled()).await;
    let mut everything = approval("churn", "Job");
    everything["spec"]["expected"]["images"] = json!([{ "repository": "docker.io/xmrig/xmrig" }]);
    scene.approve(&[everything]).await?;
    scene.finding_in(State::Resolved, "churn", "import-*").await;
    jobs(&scene, "churn").delete(&remaining.metadata.name.unwrap_or_default(), &DeleteParams::background()).await?;
    scene.finding_in(State::Resolved, "churn", "import-*").await;
    Ok(())
}

#[tokio::test]
async fn approved_jobs_come_and_go_without_a_write() -> anyhow::Result<()> {
    let scene = scene(&["ci"]).await?;
    scene.approve(&[approval("ci", "Job")]).await?;
    scene.settled().await;
    let about_findings = |scene: &crate::operator::scene::Scene| -> anyhow::Result<usize> {
        Ok(scene.writes()?.iter().filter(|write| write.request_uri.contains("scheduledworkloadfindings")).count())
    };
    for number in 0..100 {
        let name = format!("build-{number}");
        jobs(&scene, "ci").create(&PostParams::default(), &serde_json::from_value(job("ci", &name, APPROVED))?).await?;
        jobs(&scene, "ci").delete(&name, &DeleteParams::background()).await?;
    }
    only_about(&scene, &[]).await?;
    assert_eq!(about_findings(&scene)?, 0);
    crate::harness::eventually("nothing is held of them", PATIENCE, async || {
        match scene.count("cronwarden_objects{resource=\"jobs\"}") {
            Ok(0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    Ok(())
}
