//! Nothing tells who does what.

use cronwarden::api::finding::{Evidence, State};
use serde_json::json;

use super::stage::{PATHS, Stage};
use crate::harness::ControlPlane;
use crate::intake::Files;
use crate::operator::scene::{approval, cron_job, namespace};

#[tokio::test]
async fn without_a_source_paths_are_unknown_and_managed_fields_a_claim() -> anyhow::Result<()> {
    let mut stage = Stage::prepare(Files::make()?, ControlPlane::builder(), PATHS).await?;
    stage.scene.start_operator().await?;
    let mut expecting = approval("payments", "nightly");
    expecting["spec"]["expected"]["deploymentPaths"] = json!(["argocd"]);
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.scene.approve(&[expecting]).await?;
    stage.send("jane", &["apply"], &cron_job("payments", "nightly")).await?;
    stage.send("jane", &["apply"], &cron_job("payments", "rogue")).await?;

    let finding = stage.scene.finding_in(State::Open, "payments", "rogue").await;
    let actor = finding.status.expect("it has one").actor;
    assert_eq!(actor.shown, "(kubectl-client-side-apply)");
    assert_eq!(actor.evidence, Evidence::ManagedFields);
    assert_eq!((actor.username, actor.audit_id), (None, None), "a claim is no identity");
    let listed = stage.scene.cluster.kubectl(["get", "findings"]).run().await?.stdout;
    assert!(listed.contains("(kubectl-client-side-apply)"), "{listed}");

    let status = stage.scene.approval_status("payments-nightly", "matched", |s| s.matched_workloads == 1).await;
    let checked = status.conditions.iter().find(|c| c.type_ == "FullyChecked").expect("a condition");
    assert_eq!((checked.status.as_str(), checked.reason.as_str()), ("False", "NoIdentityEvidence"));
    stage.scene.settled().await;
    stage.only_about(&["rogue"]).await
}
