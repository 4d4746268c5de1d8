//! Whoever stops, starts or deletes what the inventory says should run, or rest, or exist, is named.

use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::downtime;
use super::stage::{PATHS, Stage};
use crate::operator::deviations::set;
use crate::operator::scene::{PATIENCE, approval, cron_job, namespace};

fn user(actor: &cronwarden::api::finding::Actor) -> Option<&str> {
    actor.username.as_deref()
}

/// An approval of a workload that has to exist.
fn requiring(name: &str) -> Value {
    let mut approval = approval("payments", name);
    set(&mut approval, "/spec/expected/required", json!(true));
    approval
}

/// Waits until a required workload is missing, and it is known who deleted it.
async fn missing_by(stage: &Stage, who: &str, name: &str) -> Status {
    let by = |s: &Status| {
        let deleter = s.deleter.as_deref();
        s.state == State::Open && s.reasons == "Missing" && deleter.and_then(user) == Some(who)
    };
    stage.status("payments", name, &format!("missing, and deleted by {who}"), by).await
}

#[tokio::test]
async fn whoever_stops_or_deletes_what_should_run_is_named() -> anyhow::Result<()> {
    let mut stage = Stage::start(PATHS).await?;
    let mut resting = approval("payments", "resting");
    set(&mut resting, "/spec/expected/suspended", json!(true));
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.scene.approve(&[approval("payments", "running"), resting, requiring("backup")]).await?;
    let mut asleep = cron_job("payments", "resting");
    set(&mut asleep, "/spec/suspend", json!(true));
    for job in [&cron_job("payments", "running"), &asleep, &cron_job("payments", "backup")] {
        stage.create("pipeline", job).await?;
    }
    stage.scene.settled().await;

    for (name, who, code, suspend) in [("running", "jane", "Suspended", true), ("resting", "john", "Resumed", false)] {
        stage.patch(who, "payments", name, json!({ "suspend": suspend })).await?;
        let status = stage.made_by(who, "payments", name).await;
        assert_eq!((status.state, status.reasons.as_str()), (State::Open, code), "{status:?}");
        assert_eq!(status.creator.as_deref().and_then(user), Some("pipeline"));
        stage.patch("pipeline", "payments", name, json!({ "suspend": !suspend })).await?;
        stage.found(State::Resolved, code, "payments", name).await;
    }

    stage.run("jane", &["delete", "cronjob", "backup", "-n", "payments"]).await?;
    let missing = missing_by(&stage, "jane", "backup").await;
    let deleter = missing.deleter.as_ref().expect("it is there");
    assert_eq!(deleter.verb.as_deref(), Some("delete"));
    assert!(deleter.time.is_some() && deleter.audit_id.is_some(), "{deleter:?}");
    assert!(missing.next_steps.iter().any(|step| step.contains("status.deleter")), "{missing:?}");
    stage.scene.settled().await;
    // It was missing until it was created. That it became known who deleted it is no transition.
    let finding = stage.scene.findings_about("payments", "backup").await?.remove(0).name_any();
    let transitions = ["FindingOpened", "FindingResolved", "FindingReopened"];
    stage.scene.wait_until_told("default", &finding, &transitions).await;

    // Nothing is forgotten by a restart, and what is written again afterwards still says it.
    stage.scene.stop_operator().await?;
    let written = stage.scene.writes()?.len();
    stage.scene.start_operator().await?;
    stage.scene.settled().await;
    let since = stage.scene.writes()?.split_off(written);
    assert!(since.is_empty(), "{since:#?}");
    let another = json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "another" },
        "spec": { "match": { "namespaces": ["payments"], "names": ["backup"] }, "owner": { "team": "audit" },
                  "expected": { "required": true } },
    });
    stage.scene.apply(&[another]).await?;
    let both = |s: &Status| s.deviations.len() == 2;
    let status = stage.status("payments", "backup", "required twice", both).await;
    assert_eq!(status.deleter, missing.deleter);

    stage.create("pipeline", &cron_job("payments", "backup")).await?;
    stage.found(State::Resolved, "Missing", "payments", "backup").await;
    stage.run("mallory", &["delete", "cronjobs", "--all", "-n", "payments"]).await?;
    missing_by(&stage, "mallory", "backup").await;
    Ok(())
}

#[tokio::test]
async fn whoever_deletes_while_the_operator_is_away_is_named_by_the_log() -> anyhow::Result<()> {
    let mut stage = downtime::stage().await?;
    stage.scene.start_operator().await?;
    stage.listens("log").await;
    stage.scene.approve(&[requiring("backup"), requiring("export")]).await?;
    for name in ["backup", "export", "optional"] {
        stage.create("pipeline", &cron_job("payments", name)).await?;
    }
    stage.scene.finding_in(State::Open, "payments", "optional").await;
    stage.scene.settled().await;
    stage.scene.stop_operator().await?;

    stage.run("mallory", &["delete", "cronjob", "backup", "export", "optional", "-n", "payments"]).await?;
    // The last one of that name counts.
    stage.create("jane", &cron_job("payments", "export")).await?;
    stage.run("john", &["delete", "cronjob", "export", "-n", "payments"]).await?;
    stage.scene.start_operator().await?;
    missing_by(&stage, "mallory", "backup").await;
    missing_by(&stage, "john", "export").await;

    // It is required only now that it is gone.
    let deleted = |s: &Status| s.deleter.is_some();
    stage.status("payments", "optional", "deleted", deleted).await;
    stage.scene.apply(&[requiring("optional")]).await?;
    crate::harness::eventually("the missing one names who deleted it", PATIENCE, async || {
        let found = stage.scene.findings_about("payments", "optional").await.map_err(|error| format!("{error:#}"))?;
        let mut missing = found.iter().filter(|finding| finding.spec.workload.uid.is_empty());
        let status = missing.next().and_then(|finding| finding.status.as_ref());
        let deleter = status.and_then(|status| status.deleter.as_deref()).and_then(user);
        if deleter == Some("mallory") { Ok(()) } else { Err(format!("{found:#?}")) }
    })
    .await;
    Ok(())
}
