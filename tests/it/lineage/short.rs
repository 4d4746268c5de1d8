//! What is gone within moments is recorded all the same.

use cronwarden::api::finding::State;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use super::{EVERY_MINUTE, EVIL, cron_job, job, jobs, ran, scene};
use crate::harness::eventually;
use crate::identity::stage::{PATHS, Stage, post};
use crate::operator::scene::namespace;

#[tokio::test]
async fn being_quick_is_no_way_to_stay_unseen() -> anyhow::Result<()> {
    let scene = scene(&["quick", "once"]).await?;
    for number in 0..10 {
        let name = format!("brief-{number}");
        jobs(&scene, "quick")
            .create(&PostParams::default(), &serde_json::from_value(job("quick", &name, EVIL))?)
            .await?;
        jobs(&scene, "quick").delete(&name, &DeleteParams::background()).await?;
    }
    for number in 0..10 {
        let finding = scene.finding_in(State::Deleted, "quick", &format!("brief-{number}")).await;
        assert!(finding.status.is_some_and(|status| status.snapshot.is_some()));
    }
    let mut once = cron_job("once", "planted", EVERY_MINUTE, EVIL);
    once["spec"]["successfulJobsHistoryLimit"] = json!(0);
    once["spec"]["failedJobsHistoryLimit"] = json!(0);
    once["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = json!(0);
    scene.apply(&[once]).await?;
    ran(&scene, "once", 1).await;
    scene.cron_jobs("once").delete("planted", &DeleteParams::background()).await?;
    let finding = scene.finding_in(State::Deleted, "once", "planted").await.status.expect("a status");
    assert_eq!(finding.runs.map(|runs| runs.count), Some(1));
    eventually("its run is gone with it", super::TWO_TICKS, async || {
        match jobs(&scene, "once").list(&kube::api::ListParams::default()).await {
            Ok(left) if left.items.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let mut names: Vec<String> = (0..10).map(|number| format!("brief-{number}")).collect();
    names.push("planted".to_owned());
    super::only_about(&scene, &names.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn what_no_watch_ever_saw_is_told_by_audit_events_alone() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("shadows")]).await?;
    let event = |kind: &str, name: &str, mut object: serde_json::Value| {
        let resource = format!("{}s", kind.to_lowercase());
        let now = jiff::Timestamp::now();
        object["metadata"]["uid"] = json!(format!("00000000-0000-4000-8000-{:012}", name.len()));
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["resourceVersion"] = json!("7");
        object["metadata"]["creationTimestamp"] = json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete",
            "auditID": format!("audit-of-{name}"), "verb": "create", "user": { "username": "mallory" },
            "requestURI": format!("/apis/batch/v1/namespaces/shadows/{resource}"),
            "objectRef": { "resource": resource, "namespace": "shadows", "name": name, "apiGroup": "batch", "apiVersion": "v1" },
            "responseStatus": { "code": 201 }, "responseObject": object, "stageTimestamp": now.to_string(),
        })
    };
    let events = [
        event("Job", "shadow", job("shadows", "shadow", EVIL)),
        event("CronJob", "night-shadow", cron_job("shadows", "night-shadow", EVERY_MINUTE, EVIL)),
    ];
    post(&stage.files, &events).await?;
    for name in ["shadow", "night-shadow"] {
        let status = stage.found(State::Deleted, "Unapproved", "shadows", name).await;
        assert_eq!(status.actor.username.as_deref(), Some("mallory"), "{status:?}");
    }
    Ok(())
}
