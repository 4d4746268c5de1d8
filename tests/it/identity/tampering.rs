//! Findings cannot be got rid of, and trying to is a risk of its own.

use std::collections::BTreeMap;

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::stage::{PATHS, Stage, risks};
use crate::harness::eventually;
use crate::operator::scene::{PATIENCE, approval, cron_job, namespace};

/// What somebody did to a finding, as it tells.
fn attempts(status: &Status) -> Vec<(&str, Option<&str>)> {
    status.tampering.iter().map(|attempt| (attempt.verb.as_str(), attempt.actor.username.as_deref())).collect()
}

/// Waits until another finding says what a finding said, and who removed it.
async fn back(stage: &Stage, was: &ScheduledWorkloadFinding, by: (&str, &str)) -> ScheduledWorkloadFinding {
    let workload = &was.spec.workload;
    let (verb, user) = by;
    let is_back = |finding: &ScheduledWorkloadFinding| {
        let status = finding.status.as_ref();
        finding.uid() != was.uid() && status.is_some_and(|s| attempts(s) == [(verb, Some(user))])
    };
    let what = format!("back after {user} removed it");
    let finding = stage.scene.finding(&workload.namespace, &workload.name, &what, is_back).await;
    let (before, now) = (was.status.clone().expect("it had one"), finding.status.clone().expect("it has one"));
    assert_eq!(finding.name_any(), was.name_any());
    assert_eq!(finding.spec, was.spec);
    assert_eq!(now.first_seen, before.first_seen);
    assert_eq!((now.state, &now.reasons, &now.snapshot), (before.state, &before.reasons, &before.snapshot));
    assert_eq!((now.actor.audit_id, now.deleter), (before.actor.audit_id, before.deleter));
    finding
}

#[tokio::test]
async fn a_finding_that_is_removed_comes_back_and_says_who_removed_it() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    for name in ["open", "gone", "edited"] {
        stage.create("jane", &cron_job("payments", name)).await?;
        stage.made_by("jane", "payments", name).await;
    }
    stage.run("jane", &["delete", "cronjob", "gone", "-n", "payments"]).await?;
    let deleted = |s: &Status| s.state == State::Deleted && s.deleter.is_some();
    stage.status("payments", "gone", "deleted", deleted).await;
    stage.scene.settled().await;

    // Decisions are no attempts, whoever takes them.
    let edited = stage.scene.findings_about("payments", "edited").await?.remove(0);
    let fingerprint = edited.status.as_ref().expect("it has one").fingerprint.clone();
    let triage =
        json!({ "spec": { "triage": { "state": "Acknowledged", "by": "mallory", "fingerprint": fingerprint } } });
    let name = edited.name_any();
    stage.run("mallory", &["patch", "finding", &name, "--type=merge", "-p", &triage.to_string()]).await?;
    let edited = stage.scene.finding_in(State::Acknowledged, "payments", "edited").await;
    assert_eq!(attempts(edited.status.as_ref().expect("it has one")), []);

    let open = stage.scene.findings_about("payments", "open").await?.remove(0);
    let gone = stage.scene.findings_about("payments", "gone").await?.remove(0);
    for finding in [&open, &gone] {
        stage.run("mallory", &["delete", "finding", &finding.name_any()]).await?;
    }
    let open = back(&stage, &open, ("delete", "mallory")).await;
    assert!(risks(open.status.as_ref().expect("it has one")).contains(&"EvidenceTampering"), "{open:?}");
    back(&stage, &gone, ("delete", "mallory")).await;

    forge(&stage, &name).await?;
    hide_times(&stage).await?;
    everything_at_once(&stage).await
}

/// Whatever is written into the status is put right.
async fn forge(stage: &Stage, name: &str) -> anyhow::Result<()> {
    let before = stage.scene.findings().get(name).await?.status.expect("it has one");
    let forged = json!({ "status": { "state": "Resolved", "reasons": "", "deviations": [], "firstSeen": "2030-01-01T00:00:00Z",
        "actor": { "shown": "john", "username": "john" } } });
    let forge = forged.to_string();
    stage.run("mallory", &["patch", "finding", name, "--subresource=status", "--type=merge", "-p", &forge]).await?;
    let is_right =
        |s: &Status| s.deviations == before.deviations && s.first_seen == before.first_seen && s.tampering.len() == 1;
    let status = stage.status("payments", "edited", "put right", is_right).await;
    assert_eq!(attempts(&status), [("patch", Some("mallory"))]);
    assert_eq!((status.state, &status.actor), (State::Open, &before.actor), "it is not what was acknowledged");
    assert!(risks(&status).contains(&"EvidenceTampering"), "{status:?}");
    Ok(())
}

/// Since when it is so cannot be hidden, nor can a finding that is over be made to look old enough to be dropped.
async fn hide_times(stage: &Stage) -> anyhow::Result<()> {
    let cases = [
        ("open", json!({ "status": null })),
        ("gone", json!({ "status": { "firstSeen": "2020-01-02T00:00:00Z", "closedAt": "2020-01-02T00:00:00Z" } })),
    ];
    for (workload, forged) in cases {
        let finding = stage.scene.findings_about("payments", workload).await?.remove(0);
        let before = finding.status.clone().expect("it has one");
        let (name, forged) = (finding.name_any(), forged.to_string());
        let patch = ["patch", "finding", &name, "--subresource=status", "--type=merge", "-p", &forged];
        stage.run("mallory", &patch).await?;
        let is_right = |s: &Status| {
            s.first_seen == before.first_seen
                && s.closed_at == before.closed_at
                && attempts(s) == [("delete", Some("mallory")), ("patch", Some("mallory"))]
        };
        let status = stage.status("payments", workload, "put right", is_right).await;
        assert_eq!((status.state, &status.actor, &status.snapshot), (before.state, &before.actor, &before.snapshot));
    }
    Ok(())
}

async fn everything_at_once(stage: &Stage) -> anyhow::Result<()> {
    stage.scene.settled().await;
    let before = stage.scene.all_findings().await?;
    assert_eq!(before.len(), 3);
    let all = "/apis/cronwarden.dev/v1alpha1/scheduledworkloadfindings";
    stage.run("mallory", &["delete", "--raw", all]).await?;
    let is_told = |status: &Status| attempts(status).contains(&("deletecollection", Some("mallory")));
    eventually("all findings are back", PATIENCE, async || {
        let now = stage.scene.all_findings().await.map_err(|error| error.to_string())?;
        let uids: Vec<_> = before.iter().map(ResourceExt::uid).collect();
        let back = now.iter().filter(|f| !uids.contains(&f.uid()) && f.status.as_ref().is_some_and(is_told));
        if back.count() == before.len() { Ok(()) } else { Err(format!("{now:#?}")) }
    })
    .await;
    for finding in &before {
        let now = stage.scene.findings().get(&finding.name_any()).await?;
        assert_eq!(now.spec.workload, finding.spec.workload);
        let (now, before) = (now.status.expect("it has one"), finding.status.clone().expect("it had one"));
        assert_eq!((now.state, now.first_seen, now.snapshot), (before.state, before.first_seen, before.snapshot));
    }
    Ok(())
}

#[tokio::test]
async fn findings_that_are_removed_as_soon_as_they_are_there_come_back() -> anyhow::Result<()> {
    const JOBS: usize = 30;
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    // With an inventory there are Events, and the operator knows the answer to a write only after them.
    stage.scene.approve(&[approval("elsewhere", "any")]).await?;
    let jobs: Vec<Value> = (0..JOBS).map(|number| cron_job("payments", &format!("job-{number:02}"))).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": jobs });
    stage.create("jane", &list).await?;
    let mut removed = BTreeMap::new();
    eventually("every finding was removed once", PATIENCE, async || {
        for finding in stage.scene.all_findings().await.map_err(|error| error.to_string())? {
            let name = finding.name_any();
            if finding.status.is_some() && !removed.contains_key(&name) {
                let gone = stage.scene.findings().delete(&name, &DeleteParams::default()).await;
                gone.map_err(|error| error.to_string())?;
                removed.insert(name, finding.uid());
            }
        }
        if removed.len() == JOBS { Ok(()) } else { Err(format!("{} of {JOBS}", removed.len())) }
    })
    .await;
    eventually("every finding is back", PATIENCE, async || {
        let mut findings = stage.scene.all_findings().await.map_err(|error| error.to_string())?;
        let told = |status: &Status| risks(status).contains(&"EvidenceTampering");
        findings.retain(|f| removed.get(&f.name_any()) != Some(&f.uid()) && f.status.as_ref().is_some_and(told));
        if findings.len() == JOBS { Ok(()) } else { Err(format!("{} of {JOBS}", findings.len())) }
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn what_the_operator_drops_itself_is_no_attempt_and_stays_away() -> anyhow::Result<()> {
    let mut stage = Stage::start(PATHS).await?;
    stage.scene.stop_operator().await?;
    stage.scene.arguments.extend(["--retention", "5s"]);
    stage.scene.start_operator().await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.create("jane", &cron_job("payments", "gone")).await?;
    stage.made_by("jane", "payments", "gone").await;
    stage.run("jane", &["delete", "cronjob", "gone", "-n", "payments"]).await?;
    stage.scene.finding_in(State::Deleted, "payments", "gone").await;
    eventually("the finding is dropped", PATIENCE, async || {
        let left = stage.scene.all_findings().await.map_err(|error| error.to_string())?;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    // What comes afterwards is known, and nothing came back.
    stage.create("jane", &cron_job("payments", "next")).await?;
    let next = stage.made_by("jane", "payments", "next").await;
    assert_eq!(attempts(&next), []);
    stage.scene.settled().await;
    stage.only_about(&["next"]).await
}

#[tokio::test]
async fn whoever_may_edit_namespaces_can_neither_read_nor_write_the_ledger() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    let editor = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "namespace": "payments", "name": "editors" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin" },
        "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane" }],
    });
    stage.scene.apply(&[namespace("payments"), editor]).await?;
    stage.create("jane", &cron_job("payments", "nightly")).await?;
    stage.made_by("jane", "payments", "nightly").await;
    let maps = ["get", "configmaps", "-n", "cronwarden", "-o", "name"];
    let kept = stage.scene.cluster.kubectl(maps).run().await?.stdout;
    let map = kept.lines().find(|line| line.contains("cronwarden-ledger-")).expect("the ledger is kept");
    for verb in [&["get"][..], &["delete"], &["patch", "--type=merge", "-p", r#"{"binaryData":null}"#]] {
        let refused = stage.kubectl("jane", verb)?.args([map, "-n", "cronwarden"]).output().await?;
        assert!(refused.stderr.contains("Forbidden"), "{verb:?}: {refused:?}");
    }
    Ok(())
}
