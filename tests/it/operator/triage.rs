//! What people do to findings: they acknowledge, edit and delete them.

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::deviations::set;
use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::eventually;

const NAMESPACE: &str = "payments";

fn status(finding: &ScheduledWorkloadFinding) -> Status {
    finding.status.clone().unwrap_or_default()
}

/// What does not say when.
fn content(finding: &ScheduledWorkloadFinding) -> Status {
    Status { first_seen: None, last_seen: None, conditions: Vec::new(), ..status(finding) }
}

fn triage(fingerprint: &str) -> Value {
    json!({ "state": "Acknowledged", "by": "soc", "reason": "known, CHG-7", "fingerprint": fingerprint })
}

async fn write_triage(
    scene: &Scene,
    finding: &ScheduledWorkloadFinding,
    triage: Value,
) -> anyhow::Result<ScheduledWorkloadFinding> {
    let patch = Patch::Merge(json!({ "spec": { "triage": triage } }));
    Ok(scene.findings().patch(&finding.name_any(), &PatchParams::default(), &patch).await?)
}

/// A CronJob that nobody approved, and the finding about it.
async fn planted(scene: &Scene, name: &str) -> anyhow::Result<ScheduledWorkloadFinding> {
    scene.apply(&[cron_job(NAMESPACE, name)]).await?;
    Ok(scene.finding_in(State::Open, NAMESPACE, name).await)
}

/// Returns once the operator has looked at every change of a finding that was made before.
async fn findings_were_looked_at(scene: &Scene, name: &str) -> anyhow::Result<()> {
    let sentinel = planted(scene, name).await?;
    write_triage(scene, &sentinel, triage(&status(&sentinel).fingerprint)).await?;
    scene.finding_in(State::Acknowledged, NAMESPACE, name).await;
    Ok(())
}

#[tokio::test]
async fn people_decide_and_the_evidence_stays_true() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    scene.apply(&[namespace(NAMESPACE)]).await?;
    // Some approval, or nobody would be told.
    scene.approve(&[approval("elsewhere", "any")]).await?;

    acknowledged_until_it_changes(&scene).await?;
    wrong_fingerprints_change_nothing(&scene).await?;
    acknowledged_for_a_time(&scene).await?;
    deleted_by_hand(&scene).await?;
    edited_by_hand(&scene).await?;
    dropped_after_the_retention_time(&mut scene).await
}

async fn acknowledged_until_it_changes(scene: &Scene) -> anyhow::Result<()> {
    let opened = planted(scene, "accepted").await?;
    let decided = write_triage(scene, &opened, triage(&status(&opened).fingerprint)).await?.spec;
    let acknowledged = scene.finding_in(State::Acknowledged, NAMESPACE, "accepted").await;
    assert_eq!(Status { state: State::Open, ..status(&acknowledged) }, status(&opened), "only the state is another");

    let mut changed = cron_job(NAMESPACE, "accepted");
    set(&mut changed, "/spec/schedule", json!("* * * * *"));
    scene.apply(&[changed]).await?;
    let reopened = scene.finding_in(State::Open, NAMESPACE, "accepted").await;
    assert_ne!(status(&reopened).fingerprint, status(&opened).fingerprint);
    scene.wait_until_told(NAMESPACE, "accepted", &["FindingOpened", "FindingReopened"]).await;

    // What was acknowledged before is back, so the decision about it holds again.
    scene.apply(&[cron_job(NAMESPACE, "accepted")]).await?;
    let again = scene.finding_in(State::Acknowledged, NAMESPACE, "accepted").await;
    assert_eq!(again.spec, decided, "what people wrote is theirs");
    for entry in again.metadata.managed_fields.iter().flatten().filter(|m| m.manager.as_deref() == Some("cronwarden")) {
        let fields = serde_json::to_value(&entry.fields_v1)?;
        assert_eq!(fields.pointer("/f:spec/f:triage"), None, "it is not Cronwarden's: {fields}");
    }

    write_triage(scene, &again, Value::Null).await?;
    scene.finding_in(State::Open, NAMESPACE, "accepted").await;
    Ok(())
}

async fn wrong_fingerprints_change_nothing(scene: &Scene) -> anyhow::Result<()> {
    let opened = planted(scene, "misread").await?;
    let past = (Timestamp::now() - SignedDuration::from_hours(1)).to_string();
    let mut too_late = triage(&status(&opened).fingerprint);
    too_late["until"] = json!(past);
    for (useless, sentinel) in [(triage("0123456789abcdef"), "sentinel-1"), (too_late, "sentinel-2")] {
        let written = write_triage(scene, &opened, useless).await?;
        findings_were_looked_at(scene, sentinel).await?;
        let now = scene.findings().get(&opened.name_any()).await?;
        assert_eq!(now, written, "the operator wrote nothing");
        assert_eq!(status(&now).state, State::Open);
    }
    Ok(())
}

async fn acknowledged_for_a_time(scene: &Scene) -> anyhow::Result<()> {
    let opened = planted(scene, "for-now").await?;
    let until = Timestamp::from_second(Timestamp::now().as_second() + 4)?;
    let mut decision = triage(&status(&opened).fingerprint);
    decision["until"] = json!(until.to_string());
    write_triage(scene, &opened, decision).await?;
    scene.finding_in(State::Acknowledged, NAMESPACE, "for-now").await;
    let reopened = scene.finding_in(State::Open, NAMESPACE, "for-now").await;
    assert!(Timestamp::now() >= until, "not a moment too early");
    assert_eq!(content(&reopened), content(&opened));
    scene.wait_until_told(NAMESPACE, "for-now", &["FindingOpened", "FindingReopened"]).await;
    Ok(())
}

async fn deleted_by_hand(scene: &Scene) -> anyhow::Result<()> {
    let opened = planted(scene, "unwelcome").await?;
    scene.findings().delete(&opened.name_any(), &DeleteParams::default()).await?;
    let again = scene
        .finding(NAMESPACE, "unwelcome", "back", |finding| {
            finding.metadata.uid != opened.metadata.uid && status(finding).state == State::Open
        })
        .await;
    assert_eq!(again.name_any(), opened.name_any());
    let tampered =
        scene.finding(NAMESPACE, "unwelcome", "told of it", |finding| !status(finding).tampering.is_empty()).await;
    let Status { severity, severity_reasons, risk_reasons, risks, tampering, .. } = status(&tampered);
    assert_eq!((risk_reasons.as_str(), risks.len(), tampering.len()), ("EvidenceTampering", 1, 1));
    assert_eq!(tampering[0].verb, "delete");
    let as_before = content(&tampered);
    assert_eq!(
        as_before,
        Status {
            severity,
            severity_reasons,
            risk_reasons,
            risks,
            tampering,
            fingerprint: as_before.fingerprint.clone(),
            next_steps: as_before.next_steps.clone(),
            ..content(&opened)
        },
        "nothing else is another"
    );
    assert_eq!(status(&tampered).first_seen, status(&opened).first_seen);
    Ok(())
}

async fn edited_by_hand(scene: &Scene) -> anyhow::Result<()> {
    let opened = planted(scene, "whitewashed").await?;
    let name = opened.name_any();
    for forged in [
        json!({ "state": "Resolved", "closedAt": "2020-01-01T00:00:00Z" }),
        json!({ "severity": "Low", "deviations": [], "reasons": "" }),
        json!({ "state": "Acknowledged" }),
        json!({ "snapshot": { "schedule": "0 0 1 1 *" } }),
        json!({ "nextSteps": ["nothing to see here"] }),
        json!({ "fingerprint": "0123456789abcdef" }),
    ] {
        let patch = Patch::Merge(json!({ "status": forged }));
        let edited = scene.findings().patch_status(&name, &PatchParams::default(), &patch).await?;
        assert_ne!(content(&edited), content(&opened), "the edit was no edit: {forged}");
        let what = format!("put right after {forged}");
        scene.finding(NAMESPACE, "whitewashed", &what, |finding| content(finding) == content(&opened)).await;
    }

    // A finding that is over cannot be brought back to life either.
    scene.apply(&[approval(NAMESPACE, "whitewashed")]).await?;
    scene.finding_in(State::Resolved, NAMESPACE, "whitewashed").await;
    let patch = Patch::Merge(json!({ "status": { "state": "Open" } }));
    scene.findings().patch_status(&name, &PatchParams::default(), &patch).await?;
    scene.finding_in(State::Resolved, NAMESPACE, "whitewashed").await;
    Ok(())
}

async fn dropped_after_the_retention_time(scene: &mut Scene) -> anyhow::Result<()> {
    planted(scene, "deleted").await?;
    scene.cron_jobs(NAMESPACE).delete("deleted", &DeleteParams::default()).await?;
    scene.finding_in(State::Deleted, NAMESPACE, "deleted").await;
    let is_over =
        |finding: &ScheduledWorkloadFinding| matches!(status(finding).state, State::Resolved | State::Deleted);
    let before = scene.all_findings().await?;
    let over = before.iter().filter(|finding| is_over(finding)).count();
    assert_eq!(over, 2, "one was resolved and one deleted");

    scene.stop_operator().await?;
    scene.arguments = vec!["--retention", "1s"];
    scene.start_operator().await?;
    let dropped = async |what: &str| {
        eventually(what, PATIENCE, async || {
            let left = scene.all_findings().await.map_err(|error| format!("{error:#}"))?;
            let over: Vec<String> = left.iter().filter(|f| is_over(f)).map(ResourceExt::name_any).collect();
            if over.is_empty() { Ok(left.len()) } else { Err(format!("still there: {over:?}")) }
        })
        .await
    };
    let left = dropped("findings that are over are dropped after a restart").await;
    assert_eq!(left, before.len() - over, "the others stay");

    scene.apply(&[approval(NAMESPACE, "misread")]).await?;
    let left = dropped("a finding that is over is dropped while the operator runs").await;
    // The next look may come before the approval has been taken in, when nothing is over yet.
    scene.approval_status("payments-misread", "matched", |status| status.matched_workloads == 1).await;
    assert!(left >= before.len() - over - 1, "the others stay");
    eventually("only the resolved finding is dropped", PATIENCE, async || {
        let left = scene.all_findings().await.map_err(|error| format!("{error:#}"))?;
        if left.len() == before.len() - over - 1 { Ok(()) } else { Err(format!("{} are left", left.len())) }
    })
    .await;
    Ok(())
}
