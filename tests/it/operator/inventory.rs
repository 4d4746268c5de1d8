//! What the operator makes of approvals, and what it says of them in their status.

use cronwarden::api::approval::ApprovedCronJobStatus;
use cronwarden::api::code::DeviationCode;
use cronwarden::api::finding::{Deviation, Outcome, State};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::deviations::set;
use super::scene::{Scene, approval, cron_job, namespace};

/// Status, reason and message of a condition.
fn condition<'a>(status: &'a ApprovedCronJobStatus, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let condition = status.conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((&condition.status, &condition.reason, &condition.message))
}

fn matching(name: &str, matches: Value) -> Value {
    let mut approval = approval("any", name);
    approval["metadata"]["name"] = json!(name);
    approval["spec"]["match"] = matches;
    approval
}

async fn deviations(scene: &Scene, state: State, namespace: &str, name: &str) -> Vec<Deviation> {
    let finding = scene.finding_in(state, namespace, name).await;
    finding.status.map(|status| status.deviations).unwrap_or_default()
}

#[tokio::test]
async fn approvals_say_what_became_of_them() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    labels_of_a_namespace(&scene).await?;
    invalid_rules(&scene).await?;
    invalid_match(&scene).await?;
    samples_and_count(&scene).await?;
    breadth(&scene).await
}

async fn labels_of_a_namespace(scene: &Scene) -> anyhow::Result<()> {
    scene.apply(&[namespace("shop")]).await?;
    let by_label = json!({ "names": ["backup"], "namespaceSelector": { "matchLabels": { "tier": "prod" } } });
    scene.approve(&[matching("prod-backups", by_label)]).await?;
    scene.apply(&[cron_job("shop", "backup")]).await?;
    let found = deviations(scene, State::Open, "shop", "backup").await;
    assert_eq!(found[0].code, DeviationCode::Unapproved);
    assert_eq!(found[0].approval, None, "nothing selects it");

    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(scene.client.clone());
    let label = async |value: Value| {
        let patch = Patch::Merge(json!({ "metadata": { "labels": { "tier": value } } }));
        namespaces.patch("shop", &PatchParams::default(), &patch).await
    };
    label(json!("prod")).await?;
    scene.finding_in(State::Resolved, "shop", "backup").await;
    scene.approval_status("prod-backups", "matched", |status| status.samples == ["CronJob/shop/backup"]).await;
    label(json!("test")).await?;
    scene.finding_in(State::Open, "shop", "backup").await;
    scene.approval_status("prod-backups", "unmatched", |status| status.matched_workloads == 0).await;
    label(json!("prod")).await?;
    scene.finding_in(State::Resolved, "shop", "backup").await;
    Ok(())
}

/// Each part that the API server lets pass and that means nothing.
async fn invalid_rules(scene: &Scene) -> anyhow::Result<()> {
    scene.apply(&[namespace("invalid")]).await?;
    let cases = [
        (
            "zone",
            "/spec/expected/timeZones",
            json!(["Etc/UTC", "Mars/Olympus"]),
            "spec.expected.timeZones[1]: Mars/Olympus",
        ),
        ("window", "/spec/expected/windows", json!(["01:00-05:00 Mars/Olympus"]), "spec.expected.windows[0]: "),
        ("schedule", "/spec/expected/schedules", json!(["0 25 * * *"]), "spec.expected.schedules[0]: hour `25`"),
        (
            "image",
            "/spec/expected/images",
            json!([{ "repository": "registry.example.com//app" }]),
            "spec.expected.images[0].repository: ",
        ),
    ];
    let full_name = |name: &str| format!("invalid-{name}");
    let invalid = cases.iter().map(|(name, pointer, value, _)| {
        let mut invalid = approval("invalid", name);
        set(&mut invalid, pointer, value.clone());
        invalid
    });
    scene.approve(&invalid.collect::<Vec<_>>()).await?;
    scene.apply(&cases.each_ref().map(|(name, ..)| cron_job("invalid", name))).await?;
    for (name, _, _, problem) in &cases {
        let status = scene.approval_status(&full_name(name), "matched", |status| status.matched_workloads == 1).await;
        let (ready, reason, message) = condition(&status, "Ready").unwrap_or_default();
        assert_eq!((ready, reason), ("False", "Invalid"), "{name}");
        assert!(message.contains(problem), "{name}: {message}");

        let finding = scene.finding_in(State::Open, "invalid", name).await;
        let found = finding.status.unwrap_or_default();
        assert_eq!(found.deviations.len(), 1, "{name}: {:?}", found.deviations);
        assert_eq!(found.deviations[0].code, DeviationCode::Unapproved, "{name}");
        assert_eq!(found.deviations[0].approval, Some(full_name(name)), "{name}");
        assert!(found.deviations[0].observed.contains(problem), "{name}: {}", found.deviations[0].observed);
        assert_eq!(found.approvals[0].outcome, Outcome::Invalid, "{name}");
    }

    scene.approve(&cases.each_ref().map(|(name, ..)| approval("invalid", name))).await?;
    for (name, ..) in &cases {
        scene.finding_in(State::Resolved, "invalid", name).await;
        let is_ready = |status: &ApprovedCronJobStatus| condition(status, "Ready").is_some_and(|c| c.0 == "True");
        scene.approval_status(&full_name(name), "ready", is_ready).await;
    }
    Ok(())
}

/// Half a match could select more than was meant, so an approval with a broken one selects nothing.
async fn invalid_match(scene: &Scene) -> anyhow::Result<()> {
    let without_values = json!({ "matchExpressions": [{ "key": "tier", "operator": "In" }] });
    let broken = matching("broken-match", json!({ "namespaces": ["invalid"], "namespaceSelector": without_values }));
    scene.approve(&[broken]).await?;
    scene.apply(&[cron_job("invalid", "unmatched")]).await?;
    let found = deviations(scene, State::Open, "invalid", "unmatched").await;
    assert_eq!((found[0].code, &found[0].approval), (DeviationCode::Unapproved, &None));
    let status = scene.approval_status("broken-match", "judged", |status| !status.conditions.is_empty()).await;
    let (ready, _, message) = condition(&status, "Ready").unwrap_or_default();
    assert_eq!(ready, "False");
    assert!(message.contains("spec.match.namespaceSelector"), "{message}");
    scene.approvals().delete("broken-match", &DeleteParams::default()).await?;
    Ok(())
}

async fn samples_and_count(scene: &Scene) -> anyhow::Result<()> {
    scene.apply(&[namespace("many")]).await?;
    scene.approve(&[matching("many", json!({ "namespaces": ["many"] }))]).await?;
    let names: Vec<String> = (0..12).map(|number| format!("backup-{number:02}")).collect();
    scene.apply(&names.iter().map(|name| cron_job("many", name)).collect::<Vec<_>>()).await?;
    let status = scene.approval_status("many", "matched twelve times", |status| status.matched_workloads == 12).await;
    let first: Vec<String> = names.iter().take(10).map(|name| format!("CronJob/many/{name}")).collect();
    assert_eq!(status.samples, first);
    assert_eq!(condition(&status, "Matched"), Some(("True", "Selects", "The approval selects 12 workloads.")));

    scene.cron_jobs("many").delete("backup-00", &DeleteParams::default()).await?;
    let status = scene.approval_status("many", "matched eleven times", |status| status.matched_workloads == 11).await;
    assert_eq!(status.samples[0], "CronJob/many/backup-01");
    assert_eq!(scene.findings_about("many", "backup-00").await?, []);

    scene.approve(&[matching("many", json!({ "namespaces": ["nowhere"] }))]).await?;
    let status = scene.approval_status("many", "unmatched", |status| status.matched_workloads == 0).await;
    assert_eq!(condition(&status, "Matched"), Some(("False", "NoWorkload", "The approval selects no workload.")));
    assert_eq!(condition(&status, "Ready").map(|ready| ready.0), Some("True"), "matching nothing is no defect");
    assert_eq!(status.samples, [""; 0]);
    Ok(())
}

async fn breadth(scene: &Scene) -> anyhow::Result<()> {
    let everything = json!({ "namespaces": ["*"], "names": ["*"] });
    let constrained = matching("breadth", everything.clone());
    let mut unconstrained = constrained.clone();
    set(&mut unconstrained, "/spec/expected", json!({ "schedules": ["0 2 * * *"] }));
    let mut expiring = approval("somewhere", "specific");
    set(&mut expiring, "/spec/expiresAt", json!("2099-01-01T00:00:00Z"));
    let mut expired = approval("somewhere", "expired");
    set(&mut expired, "/spec/expiresAt", json!("2020-01-01T00:00:00Z"));
    scene.approve(&[expiring, expired]).await?;
    for (broad, holds, reason) in
        [(constrained, "False", "MatchesEverything"), (unconstrained, "True", "ApprovesEverything")]
    {
        scene.approve(&[broad]).await?;
        let fits = |status: &ApprovedCronJobStatus| condition(status, "Broad").is_some_and(|c| c.1 == reason);
        let status = scene.approval_status("breadth", reason, fits).await;
        assert_eq!(condition(&status, "Broad").map(|broad| broad.0), Some(holds), "{reason}");
    }
    let status = scene.approval_status("somewhere-specific", "known", |status| !status.conditions.is_empty()).await;
    assert_eq!(condition(&status, "Broad").map(|c| (c.0, c.1)), Some(("False", "Specific")));
    let not_yet = "The approval will approve nothing from 2099-01-01T00:00:00Z on.";
    assert_eq!(condition(&status, "Expired"), Some(("False", "NotYet", not_yet)));
    let status = scene.approval_status("somewhere-expired", "known", |status| !status.conditions.is_empty()).await;
    let since = "The approval has approved nothing since 2020-01-01T00:00:00Z.";
    assert_eq!(condition(&status, "Expired"), Some(("True", "Expired", since)));
    Ok(())
}
