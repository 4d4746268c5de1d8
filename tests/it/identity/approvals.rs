//! Whoever writes an approval is judged too.

use cronwarden::api::approval::ApprovedCronJobStatus;
use cronwarden::api::finding::{Evidence, ScheduledWorkloadFindingStatus as Status, State, SubjectKind};
use serde_json::json;

use super::stage::{PATHS, Stage, risks};
use crate::operator::scene::{approval, cron_job, namespace};

/// Whether an approval is said to speak for a workload of its own author.
fn is_self_approved(status: &ApprovedCronJobStatus, workload: Option<&str>) -> bool {
    let mut conditions = status.conditions.iter().filter(|c| c.type_ == "SelfApproved");
    conditions.any(|c| match workload {
        Some(workload) => c.status == "True" && c.reason == "SameActor" && c.message.contains(workload),
        None => c.status == "False" && c.reason == "NoneKnown",
    })
}

#[tokio::test]
async fn whoever_approves_their_own_workload_is_found_in_either_order() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    // The risk shows where there is a finding: the schedule is not what is approved.
    let deviating = |name: &str| {
        let mut job = cron_job("payments", name);
        job["spec"]["schedule"] = json!("0 3 * * *");
        job
    };
    stage.create("jane", &deviating("job-first")).await?;
    stage.made_by("jane", "payments", "job-first").await;
    stage.create("jane", &approval("payments", "job-first")).await?;
    stage.create("jane", &approval("payments", "approval-first")).await?;
    stage.scene.approval_status("payments-approval-first", "known", |s| s.observed_generation == Some(1)).await;
    stage.create("jane", &deviating("approval-first")).await?;
    stage.create("john", &approval("payments", "reviewed")).await?;
    stage.create("jane", &deviating("reviewed")).await?;
    // Approved, so there is no finding to show it.
    stage.create("jane", &approval("payments", "quiet")).await?;
    stage.create("jane", &cron_job("payments", "quiet")).await?;

    for name in ["job-first", "approval-first"] {
        let is_risk = |s: &Status| risks(s).contains(&"SelfApproval") && s.reasons == "Schedule";
        let status = stage.status("payments", name, "self-approved", is_risk).await;
        let risk = status.risks.iter().find(|risk| risk.code.as_str() == "SelfApproval").expect("it is there");
        assert_eq!(risk.detail, format!("jane also wrote approval payments-{name}"));
    }
    for name in ["job-first", "approval-first", "quiet"] {
        let fits = |s: &ApprovedCronJobStatus| is_self_approved(s, Some(&format!("payments/{name}")));
        stage.scene.approval_status(&format!("payments-{name}"), "self-approved", fits).await;
    }
    let reviewed = stage.made_by("jane", "payments", "reviewed").await;
    stage.scene.approval_status("payments-reviewed", "reviewed", |s| is_self_approved(s, None)).await;
    assert!(!risks(&reviewed).contains(&"SelfApproval"), "{reviewed:?}");
    assert_eq!(stage.scene.metric("cronwarden_self_approved_approvals")?.to_string(), "3");

    // Somebody else writes it anew.
    stage.run("pipeline", &["delete", "acj", "payments-quiet"]).await?;
    stage.create("pipeline", &approval("payments", "quiet")).await?;
    stage.scene.approval_status("payments-quiet", "reviewed", |s| is_self_approved(s, None)).await;
    Ok(())
}

#[tokio::test]
async fn an_approval_that_came_by_no_path_has_a_finding() -> anyhow::Result<()> {
    let configuration = format!("{PATHS}\napprovals:\n  deploymentPaths: [pipeline]\n");
    let stage = Stage::start(&configuration).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.create("pipeline", &approval("payments", "reviewed")).await?;
    stage.create("pipeline", &approval("payments", "edited")).await?;
    stage.create("jane", &approval("payments", "by-hand")).await?;
    let opened = stage.found(State::Open, "DeploymentPath", "", "payments-by-hand").await;
    assert_eq!((opened.actor.username.as_deref(), opened.actor.evidence), (Some("jane"), Evidence::Audit));
    assert_eq!(opened.deviations[0].expected, "written by pipeline");
    assert!(risks(&opened).contains(&"HumanActor"), "{opened:?}");

    let widened = r#"{"spec":{"match":{"names":["*"]}}}"#;
    stage.run("jane", &["patch", "acj", "payments-edited", "--type=merge", "-p", widened]).await?;
    let edited = stage.found(State::Open, "DeploymentPath", "", "payments-edited").await;
    assert_eq!(edited.actor.username.as_deref(), Some("jane"));
    assert_eq!(edited.creator.as_ref().and_then(|c| c.username.as_deref()), Some("pipeline"), "{edited:?}");
    let finding = stage.scene.findings_about("", "payments-edited").await?.remove(0);
    assert_eq!(finding.spec.workload.kind, SubjectKind::ApprovedCronJob);
    stage.scene.wait_until_told("default", "payments-edited", &["FindingOpened"]).await;

    let mut reverted = approval("payments", "edited");
    reverted["spec"]["match"]["names"] = json!(["edited"]);
    stage.send("pipeline", &["replace"], &reverted).await?;
    stage.found(State::Resolved, "DeploymentPath", "", "payments-edited").await;
    stage.run("jane", &["delete", "acj", "payments-by-hand"]).await?;
    let deleted = |s: &Status| s.state == State::Deleted && s.deleter.as_ref().is_some_and(|d| d.shown == "jane");
    stage.status("", "payments-by-hand", "deleted by jane", deleted).await;
    stage.only_about(&["payments-by-hand", "payments-edited"]).await
}
