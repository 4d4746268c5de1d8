//! Runs of the schedule, and of people.

use cronwarden::api::finding::{LinkKind, State};
use kube::api::DeleteParams;
use serde_json::json;

use super::{
    ALSO_APPROVED, APPROVED, DAILY, EVERY_MINUTE, EVIL, approval, as_run, cron_job, found, jobs, only_about, ran,
    scene, tie,
};
use crate::harness::eventually;

#[tokio::test]
async fn runs_are_accounted_for_by_their_cron_job_whatever_becomes_of_it() -> anyhow::Result<()> {
    let scene = scene(&["good", "bad", "gone"]).await?;
    scene.approve(&[approval("good", "CronJob"), approval("gone", "CronJob")]).await?;
    scene
        .apply(&[
            cron_job("good", "minutely", EVERY_MINUTE, APPROVED),
            cron_job("bad", "planted", EVERY_MINUTE, EVIL),
            cron_job("gone", "orphaned", EVERY_MINUTE, APPROVED),
        ])
        .await?;
    found(&scene, "bad", "planted", "Unapproved").await;
    let first = ran(&scene, "good", 1).await.remove(0);
    ran(&scene, "gone", 1).await;
    scene.cluster.kubectl(["delete", "cronjob", "orphaned", "-n", "gone", "--cascade=orphan"]).run().await?;
    eventually("the run is an orphan", super::TWO_TICKS, async || {
        let runs = ran(&scene, "gone", 1).await;
        let owners = runs[0].metadata.owner_references.clone().unwrap_or_default();
        if owners.is_empty() { Ok(()) } else { Err(format!("{owners:?}")) }
    })
    .await;

    // The template changes between two ticks: each run has that of its time.
    let patch = json!({ "spec": { "jobTemplate": { "spec": { "template": { "spec": { "containers": [
        { "name": "dump", "image": ALSO_APPROVED },
    ] } } } } } });
    let patch = patch.to_string();
    scene.cluster.kubectl(["patch", "cronjob", "minutely", "-n", "good", "-p", &patch]).run().await?;
    ran(&scene, "good", 2).await;
    let counted = scene
        .finding("bad", "planted", "counted", |finding| {
            finding.status.as_ref().and_then(|status| status.runs.as_ref()).is_some_and(|runs| runs.count >= 2)
        })
        .await;
    let runs = counted.status.and_then(|status| status.runs).expect("they are counted");
    assert!(runs.latest[0].starts_with("planted-"), "{runs:?}");
    only_about(&scene, &["planted"]).await?;

    // Nothing of all this was written but the finding about the one, and the statuses of approvals.
    let written: Vec<String> = scene.writes()?.into_iter().filter_map(|w| w.object).map(|o| o.resource).collect();
    assert!(written.iter().filter(|resource| *resource == "scheduledworkloadfindings").count() <= 10, "{written:?}");
    let before = scene.writes()?.len();
    jobs(&scene, "good").delete(&first.metadata.name.unwrap_or_default(), &DeleteParams::background()).await?;
    only_about(&scene, &["planted"]).await?;
    let more: Vec<_> =
        scene.writes()?.into_iter().skip(before).filter(|w| !w.request_uri.contains("planted")).collect();
    assert!(more.is_empty(), "{more:?}");
    Ok(())
}

#[tokio::test]
async fn a_cron_job_that_is_changed_runs_and_is_changed_back_leaves_a_finding_about_its_run() -> anyhow::Result<()> {
    let scene = scene(&["brief"]).await?;
    scene.approve(&[approval("brief", "CronJob")]).await?;
    let good = cron_job("brief", "nightly", DAILY, APPROVED);
    let evil = cron_job("brief", "nightly", DAILY, EVIL);
    scene.apply(std::slice::from_ref(&good)).await?;
    scene.apply(&[evil]).await?;
    scene.finding_in(State::Open, "brief", "nightly").await;
    let run = as_run(&scene, "brief", "nightly", super::daily(-1)?, EVIL).await?;
    scene.apply(&[run]).await?;
    only_about(&scene, &["nightly"]).await?;
    scene.apply(&[good]).await?;
    scene.finding_in(State::Resolved, "brief", "nightly").await;
    found(&scene, "brief", "nightly-*", "Image").await;
    // A template that the CronJob never had is none of its own, though it would be approved.
    let earlier = as_run(&scene, "brief", "nightly", super::daily(-2)?, super::ALSO_APPROVED).await?;
    scene.apply(&[earlier]).await?;
    only_about(&scene, &["nightly", "nightly-*", "nightly-*"]).await
}

#[tokio::test]
async fn runs_by_hand_are_allowed_or_not_by_the_approval_of_the_cron_job() -> anyhow::Result<()> {
    let scene = scene(&["strict", "open", "nobodys"]).await?;
    let mut open = approval("open", "CronJob");
    open["spec"]["allowed"] = json!({ "manualRuns": true });
    scene.approve(&[approval("strict", "CronJob"), open.clone()]).await?;
    let namespaces = ["strict", "open", "nobodys"];
    scene.apply(&namespaces.map(|namespace| cron_job(namespace, "nightly", DAILY, APPROVED))).await?;
    for namespace in namespaces {
        scene.cluster.kubectl(["create", "job", "by-hand", "--from=cronjob/nightly", "-n", namespace]).run().await?;
    }
    let status = found(&scene, "strict", "by-hand", "ManualRun").await;
    assert_eq!(status.nearest_approval, None);
    assert_eq!(status.deviations[0].approval.as_deref(), Some("strict-cronjob"));
    assert!(
        tie(&status, LinkKind::Job).contains("it has the annotation of kubectl create job --from"),
        "{:?}",
        status.lineage
    );
    assert!(tie(&status, LinkKind::Job).contains("no event tells who created it"), "{:?}", status.lineage);
    // The CronJob that nobody approved has a finding already.
    only_about(&scene, &["by-hand", "nightly"]).await?;

    open["metadata"]["name"] = json!("strict-cronjob");
    open["spec"]["match"]["namespaces"] = json!(["strict"]);
    scene.approve(&[open]).await?;
    scene.finding_in(State::Resolved, "strict", "by-hand").await;
    // With another template it is no run of the CronJob at all, whatever mark it has.
    let mut forged = as_run(&scene, "open", "nightly", super::daily(-1)?, EVIL).await?;
    forged["metadata"]["annotations"] = json!({ "cronjob.kubernetes.io/instantiate": "manual" });
    scene.apply(&[forged.clone()]).await?;
    found(&scene, "open", forged["metadata"]["name"].as_str().unwrap_or_default(), "ForgedOwner").await;
    Ok(())
}
