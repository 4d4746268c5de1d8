//! What is done while the operator is away, and what no event tells of.

use cronwarden::api::finding::{Evidence, State};
use serde_json::json;

use super::stage::{PATHS, Stage};
use crate::harness::{AuditEvent, ControlPlane, eventually};
use crate::intake::{Files, leaked};
use crate::operator::scene::{OPERATOR_USER, PATIENCE, approval, cron_job, namespace};

/// The policy of `deploy/intake`, but that of what somebody does nothing is told, and that everything is told of the operator.
fn policy(files: &Files) -> anyhow::Result<String> {
    let policy = std::fs::read_to_string(files.path("audit-policy.yaml"))?;
    let more =
        format!("rules:\n  - level: None\n    users: [ghost]\n  - level: Metadata\n    users: ['{OPERATOR_USER}']\n");
    assert!(policy.contains("\nrules:\n"), "{policy}");
    Ok(policy.replacen("rules:\n", &more, 1))
}

/// A cluster whose audit log the operator follows.
pub async fn stage() -> anyhow::Result<Stage> {
    let files = Files::make()?;
    let builder = ControlPlane::builder().audit_policy(policy(&files)?);
    let mut stage = Stage::prepare(files, builder, PATHS).await?;
    let log = stage.scene.cluster.audit_log().display().to_string();
    let state = stage.scene.cluster.scratch_dir().join("state").display().to_string();
    stage.scene.arguments.extend(["--audit-log", leaked(log), "--state-dir", leaked(state), "--grace", "3s"]);
    let mut expecting = approval("payments", "deployed");
    expecting["spec"]["match"]["names"] = json!(["deployed*"]);
    expecting["spec"]["expected"]["deploymentPaths"] = json!(["pipeline"]);
    stage.scene.apply(&[namespace("payments"), expecting]).await?;
    Ok(stage)
}

#[tokio::test]
async fn what_is_done_while_the_operator_is_away_has_its_author_from_the_log() -> anyhow::Result<()> {
    let mut stage = stage().await?;
    stage.scene.start_operator().await?;
    stage.listens("log").await;
    for name in ["changed", "deleted", "left-alone"] {
        stage.create("jane", &cron_job("payments", name)).await?;
    }
    for name in ["deployed", "deployed-and-edited"] {
        stage.create("pipeline", &cron_job("payments", name)).await?;
    }
    for name in ["changed", "deleted", "left-alone"] {
        stage.made_by("jane", "payments", name).await;
    }
    stage.scene.settled().await;
    stage.scene.stop_operator().await?;

    stage.patch("john", "payments", "changed", json!({ "schedule": "0 3 * * *" })).await?;
    stage.create("john", &cron_job("payments", "created")).await?;
    stage.run("mallory", &["delete", "cronjob", "deleted", "-n", "payments"]).await?;
    stage.patch("jane", "payments", "deployed-and-edited", json!({ "successfulJobsHistoryLimit": 5 })).await?;

    stage.scene.start_operator().await?;
    let changed = stage.made_by("john", "payments", "changed").await;
    assert_eq!(changed.creator.and_then(|creator| creator.username).as_deref(), Some("jane"));
    stage.made_by("john", "payments", "created").await;
    let by = |status: &cronwarden::api::finding::ScheduledWorkloadFindingStatus| {
        status.deleter.as_ref().is_some_and(|deleter| deleter.username.as_deref() == Some("mallory"))
    };
    let deleted = stage.status("payments", "deleted", "deleted by mallory", by).await;
    assert_eq!((deleted.state, deleted.actor.username.as_deref()), (State::Deleted, Some("jane")));
    let edited = stage.found(State::Open, "DeploymentPath", "payments", "deployed-and-edited").await;
    assert_eq!(edited.actor.username.as_deref(), Some("jane"));
    let found = ["changed", "created", "deleted", "deployed-and-edited", "left-alone"];
    stage.only_about(&found).await?;

    stage.scene.settled().await;
    stage.scene.stop_operator().await?;
    let before = everything(&stage).await?;
    let written = stage.scene.writes()?.len();
    stage.scene.start_operator().await?;
    stage.scene.settled().await;
    stage.only_about(&found).await?;
    stage.scene.stop_operator().await?;
    let since = stage.scene.writes()?.split_off(written);
    assert!(since.is_empty(), "a restart over an unchanged cluster writes nothing: {since:#?}");
    assert_eq!(everything(&stage).await?, before);
    let is_refused = |event: &AuditEvent| event.user == OPERATOR_USER && event.code == Some(403);
    let refused: Vec<AuditEvent> = stage.scene.cluster.audit_events()?.into_iter().filter(is_refused).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

/// All that the operator keeps, with its versions.
async fn everything(stage: &Stage) -> anyhow::Result<String> {
    let args = ["get", "findings,acj,configmaps", "-n", "cronwarden", "-o", "json", "--show-managed-fields"];
    let all = stage.scene.cluster.kubectl(args).run().await?.stdout;
    anyhow::ensure!(all.contains("cronwarden-ledger-"), "the ledger is not among them");
    Ok(all)
}

#[tokio::test]
async fn a_change_of_which_no_event_tells_is_unattributed() -> anyhow::Result<()> {
    let mut stage = stage().await?;
    stage.create("pipeline", &cron_job("payments", "deployed-before")).await?;
    stage.scene.start_operator().await?;
    // What was there before the first event nobody can account for.
    stage.create("jane", &cron_job("payments", "rogue")).await?;
    stage.made_by("jane", "payments", "rogue").await;
    stage.create("pipeline", &cron_job("payments", "deployed")).await?;
    stage.create("ghost", &cron_job("payments", "deployed-by-nobody")).await?;
    let status = stage.found(State::Open, "UnattributedChange", "payments", "deployed-by-nobody").await;
    assert!(matches!(status.actor.evidence, Evidence::ManagedFields), "{status:?}");
    assert!(status.deviations[0].observed.contains("generation 1"), "{status:?}");

    stage.patch("ghost", "payments", "deployed", json!({ "successfulJobsHistoryLimit": 5 })).await?;
    let status = stage.found(State::Open, "UnattributedChange", "payments", "deployed").await;
    assert_eq!(status.creator, None);
    assert!(status.deviations[0].observed.contains("generation 2"), "{status:?}");
    stage.scene.stop_operator().await?;
    stage.patch("ghost", "payments", "deployed-before", json!({ "successfulJobsHistoryLimit": 5 })).await?;
    stage.scene.start_operator().await?;
    stage.found(State::Open, "UnattributedChange", "payments", "deployed-before").await;

    for (name, spec) in [("deployed", 3), ("deployed-before", 3), ("deployed-by-nobody", 4)] {
        stage.patch("pipeline", "payments", name, json!({ "successfulJobsHistoryLimit": spec })).await?;
        stage.found(State::Resolved, "UnattributedChange", "payments", name).await;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_webhook_could_not_deliver_is_attributed_when_the_operator_is_back() -> anyhow::Result<()> {
    let mut stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.create("jane", &cron_job("payments", "before")).await?;
    stage.made_by("jane", "payments", "before").await;
    stage.scene.kill_operator()?;
    stage.create("john", &cron_job("payments", "meanwhile")).await?;
    let failed = format!("host=\"{}\"", stage.files.address());
    eventually("the API server has tried, and failed", PATIENCE, async || {
        let metrics = stage.scene.cluster.kubectl(["get", "--raw", "/metrics"]).run().await;
        let metrics = metrics.map_err(|error| format!("{error:#}"))?.stdout;
        let is_failure = |line: &str| {
            line.starts_with("rest_client_requests_total") && line.contains(&failed) && line.contains("<error>")
        };
        if metrics.lines().any(is_failure) { Ok(()) } else { Err("no failure yet".to_owned()) }
    })
    .await;
    stage.scene.start_operator().await?;
    stage.made_by("john", "payments", "meanwhile").await;
    stage.made_by("jane", "payments", "before").await;
    Ok(())
}
