//! A finding from the first deviation to the end.

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::code::DeviationCode;
use cronwarden::api::finding::{ScheduledWorkloadFindingStatus, State};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use serde_json::json;

use super::deviations::{NAMESPACE, cases, set};
use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::{ControlPlane, WORKLOAD_CONTROLLERS, eventually};

fn status(finding: &ScheduledWorkloadFinding) -> ScheduledWorkloadFindingStatus {
    finding.status.clone().unwrap_or_default()
}

fn codes(finding: &ScheduledWorkloadFinding) -> Vec<DeviationCode> {
    status(finding).deviations.iter().map(|deviation| deviation.code).collect()
}

/// What a closed finding has to keep.
fn evidence(finding: &ScheduledWorkloadFinding) -> ScheduledWorkloadFindingStatus {
    ScheduledWorkloadFindingStatus {
        state: State::Open,
        closed_at: None,
        conditions: Vec::new(),
        next_steps: Vec::new(),
        ..status(finding)
    }
}

async fn unapprove(scene: &Scene, name: &str) -> anyhow::Result<()> {
    scene.approvals().delete(name, &DeleteParams::default()).await?;
    Ok(())
}

#[tokio::test]
async fn each_deviation_alone_is_found_resolved_and_reopened() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let cases = cases()?;
    // One approval that stays: without any, nobody would be told.
    scene.apply(&[namespace(NAMESPACE), approval("elsewhere", "any")]).await?;
    scene.approve(&cases.iter().map(|case| case.approval.clone()).collect::<Vec<_>>()).await?;
    scene.apply(&cases.iter().map(|case| case.approved.clone()).collect::<Vec<_>>()).await?;
    for case in &cases {
        let name = format!("{NAMESPACE}-{}", case.name);
        scene.approval_status(&name, "matched", |status| status.matched_workloads == 1).await;
    }
    assert_eq!(scene.all_findings().await?, [], "an approved CronJob makes no finding");

    scene.apply(&cases.iter().map(|case| case.changed.clone()).collect::<Vec<_>>()).await?;
    let mut opened = Vec::new();
    for case in &cases {
        let finding = scene.finding_in(State::Open, NAMESPACE, case.name).await;
        let status = status(&finding);
        let found: Vec<_> = status
            .deviations
            .iter()
            .map(|d| (d.code, d.path.as_str(), d.expected.as_str(), d.observed.as_str()))
            .collect();
        let expected = (case.code, case.path.as_str(), case.expected.as_str(), case.observed.as_str());
        assert_eq!(found, [expected], "{}", case.name);
        let approval = format!("{NAMESPACE}-{}", case.name);
        assert_eq!(status.nearest_approval, Some(approval), "{}", case.name);
        assert_eq!(status.reasons, case.code.as_str(), "{}", case.name);
        assert!(status.severity >= case.code.severity(), "{}: {}", case.name, status.severity);
        assert!(!status.next_steps.is_empty() && status.snapshot.is_some(), "{}: {status:?}", case.name);
        opened.push(finding);
    }

    scene.apply(&cases.iter().map(|case| case.approved.clone()).collect::<Vec<_>>()).await?;
    for (case, opened) in cases.iter().zip(&opened) {
        let resolved = scene.finding_in(State::Resolved, NAMESPACE, case.name).await;
        assert_eq!(resolved.metadata.uid, opened.metadata.uid, "{}: it is the same finding", case.name);
        assert_eq!(evidence(&resolved), evidence(opened), "{}: the evidence is kept", case.name);
        let status = status(&resolved);
        assert!(status.closed_at >= status.last_seen && status.closed_at.is_some(), "{}", case.name);
        assert_eq!(status.next_steps, [""; 0], "{}: there is nothing left to do", case.name);
        let conditions: Vec<_> =
            status.conditions.iter().map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_str())).collect();
        assert_eq!(conditions, [("Deviating", "False", "Resolved")], "{}", case.name);
    }

    for case in &cases {
        unapprove(&scene, &format!("{NAMESPACE}-{}", case.name)).await?;
    }
    for (case, opened) in cases.iter().zip(&opened) {
        let reopened = scene.finding_in(State::Open, NAMESPACE, case.name).await;
        assert_eq!(reopened.metadata.uid, opened.metadata.uid, "{}: it is the same finding", case.name);
        assert_eq!(codes(&reopened), [DeviationCode::Unapproved], "{}", case.name);
        let (before, now) = (status(opened), status(&reopened));
        assert_eq!(now.first_seen, before.first_seen, "{}", case.name);
        assert!(now.last_seen > before.last_seen && now.closed_at.is_none(), "{}: {now:?}", case.name);
        scene.wait_until_told(NAMESPACE, case.name, &["FindingOpened", "FindingResolved", "FindingReopened"]).await;
    }
    Ok(())
}

#[tokio::test]
async fn time_absence_and_deletion_are_followed() -> anyhow::Result<()> {
    let scene = Scene::start_in(ControlPlane::builder().controllers(WORKLOAD_CONTROLLERS)).await?;
    scene.apply(&[namespace("payments"), namespace("doomed"), approval("elsewhere", "any")]).await?;

    let expires_at = expiring(&scene, SignedDuration::from_secs(8)).await?;
    required(&scene).await?;
    deleted(&scene).await?;
    namespace_deleted(&scene).await?;
    expired(&scene, expires_at).await
}

/// Sets up an approval that expires while the rest of the test runs.
async fn expiring(scene: &Scene, after: SignedDuration) -> anyhow::Result<Timestamp> {
    let at = Timestamp::from_second((Timestamp::now() + after).as_second())?;
    let mut expiring = approval("payments", "expiring");
    set(&mut expiring, "/spec/expiresAt", json!(at.to_string()));
    scene.approve(&[expiring]).await?;
    scene.apply(&[cron_job("payments", "expiring")]).await?;
    scene.approval_status("payments-expiring", "matched", |status| status.matched_workloads == 1).await;
    if Timestamp::now() < at {
        assert_eq!(scene.findings_about("payments", "expiring").await?, [], "the approval has not expired yet");
    }
    Ok(at)
}

async fn expired(scene: &Scene, at: Timestamp) -> anyhow::Result<()> {
    let finding = scene.finding_in(State::Open, "payments", "expiring").await;
    assert_eq!(codes(&finding), [DeviationCode::ApprovalExpired]);
    let deviation = status(&finding).deviations.remove(0);
    assert_eq!(deviation.observed, format!("it expired at {at}"));
    assert_eq!(deviation.approval.as_deref(), Some("payments-expiring"));
    let sentence =
        format!("ApprovalExpired: approval payments-expiring speaks for this workload, but it expired at {at}.");
    assert_eq!(status(&finding).conditions[0].message, sentence);
    assert!(status(&finding).first_seen.is_some_and(|seen| seen.0 >= at), "{finding:?}");
    scene
        .approval_status("payments-expiring", "expired", |status| {
            status.conditions.iter().any(|c| c.type_ == "Expired" && c.status == "True")
                && status.conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
        })
        .await;

    scene.apply(&[approval("payments", "expiring")]).await?;
    scene.finding_in(State::Resolved, "payments", "expiring").await;
    Ok(())
}

async fn required(scene: &Scene) -> anyhow::Result<()> {
    let mut requiring = approval("payments", "backup");
    set(&mut requiring, "/spec/expected/required", json!(true));
    scene.apply(&[requiring]).await?;
    let missing = scene.finding_in(State::Open, "payments", "backup").await;
    assert_eq!(codes(&missing), [DeviationCode::Missing]);
    assert_eq!(missing.spec.workload.uid, "", "there is none");
    let deviation = status(&missing).deviations.remove(0);
    assert_eq!(deviation.expected, "CronJob/payments/backup exists");
    let sentence = "Missing: approval payments-backup requires that CronJob/payments/backup exists; it does not.";
    assert_eq!(status(&missing).conditions[0].message, sentence);
    assert_eq!(deviation.approval.as_deref(), Some("payments-backup"));
    let same = |other: &ScheduledWorkloadFinding| assert_eq!(other.metadata.uid, missing.metadata.uid);

    scene.apply(&[cron_job("payments", "backup")]).await?;
    same(&scene.finding_in(State::Resolved, "payments", "backup").await);

    scene.cron_jobs("payments").delete("backup", &DeleteParams::default()).await?;
    let again = scene.finding_in(State::Open, "payments", "backup").await;
    assert_eq!(codes(&again), [DeviationCode::Missing]);
    same(&again);

    scene.apply(&[cron_job("payments", "backup")]).await?;
    same(&scene.finding_in(State::Resolved, "payments", "backup").await);
    scene.cron_jobs("payments").delete("backup", &DeleteParams::default()).await?;
    scene.finding_in(State::Open, "payments", "backup").await;
    unapprove(scene, "payments-backup").await?;
    same(&scene.finding_in(State::Resolved, "payments", "backup").await);
    Ok(())
}

async fn deleted(scene: &Scene) -> anyhow::Result<()> {
    scene.apply(&[cron_job("payments", "planted")]).await?;
    let opened = scene.finding_in(State::Open, "payments", "planted").await;
    assert_eq!(codes(&opened), [DeviationCode::Unapproved]);
    assert_eq!(status(&opened).deviations[0].observed, "none does");

    scene.cron_jobs("payments").delete("planted", &DeleteParams::default()).await?;
    let deleted = scene.finding_in(State::Deleted, "payments", "planted").await;
    assert_eq!(deleted.metadata.uid, opened.metadata.uid, "it is the same finding");
    assert_eq!(evidence(&deleted), evidence(&opened), "the evidence is kept");
    assert!(status(&deleted).closed_at.is_some());
    let steps = status(&deleted).next_steps;
    assert!(!steps.iter().any(|step| step.contains("kubectl get cronjob")), "it cannot be looked at: {steps:?}");
    scene.wait_until_told("payments", "planted", &["FindingOpened", "WorkloadDeleted"]).await;

    scene.apply(&[cron_job("payments", "planted")]).await?;
    let both = eventually("there is a second finding", PATIENCE, async || {
        let found = scene.findings_about("payments", "planted").await.map_err(|error| format!("{error:#}"))?;
        <[_; 2]>::try_from(found).map_err(|found| format!("{} findings", found.len()))
    })
    .await;
    let states = both.each_ref().map(|finding| status(finding).state);
    let mut expected = [State::Open; 2];
    let first = usize::from(both[0].metadata.uid != opened.metadata.uid);
    expected[first] = State::Deleted;
    assert_eq!(states, expected, "the first stays as it is");
    assert_ne!(both[0].spec.workload.uid, both[1].spec.workload.uid);

    // Approving it closes the second one only, and the first keeps what it says.
    scene.apply(&[approval("payments", "planted")]).await?;
    eventually("the second finding is resolved", PATIENCE, async || {
        let found = scene.findings_about("payments", "planted").await.map_err(|error| format!("{error:#}"))?;
        let mut states: Vec<State> = found.iter().map(|finding| status(finding).state).collect();
        states.sort_unstable();
        if states == [State::Resolved, State::Deleted] { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    Ok(())
}

async fn namespace_deleted(scene: &Scene) -> anyhow::Result<()> {
    scene.approve(&[approval("doomed", "approved")]).await?;
    scene.apply(&[cron_job("doomed", "planted"), cron_job("doomed", "approved")]).await?;
    let opened = scene.finding_in(State::Open, "doomed", "planted").await;
    scene.approval_status("doomed-approved", "matched", |status| status.matched_workloads == 1).await;

    let namespaces: Api<Namespace> = Api::all(scene.client.clone());
    namespaces.delete("doomed", &DeleteParams::default()).await?;
    eventually("the namespace is gone", PATIENCE, async || match namespaces.get_opt("doomed").await {
        Ok(None) => Ok(()),
        other => Err(format!("{:?}", other.map(|namespace| namespace.and_then(|n| n.status)))),
    })
    .await;
    let deleted = scene.finding_in(State::Deleted, "doomed", "planted").await;
    assert_eq!(deleted.metadata.uid, opened.metadata.uid);
    assert_eq!(evidence(&deleted), evidence(&opened), "the evidence outlives the namespace");
    scene.approval_status("doomed-approved", "unmatched", |status| status.matched_workloads == 0).await;
    assert_eq!(scene.findings_about("doomed", "approved").await?, [], "what was approved left no trace");
    Ok(())
}
