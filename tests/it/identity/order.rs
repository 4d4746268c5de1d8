//! What comes of events does not depend on when, how often and in which order they arrive.

use std::collections::BTreeMap;

use cronwarden::api::finding::{Actor, ScheduledWorkloadFindingStatus as Status, State};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::stage::{PATHS, Stage, post};
use crate::harness::eventually;
use crate::intake::Files;
use crate::operator::scene::{PATIENCE, cron_job, namespace};

/// Whom a finding names: who last changed, who created and who deleted the workload.
type Named = (Actor, Option<Box<Actor>>, Option<Box<Actor>>);

/// Whom each finding names, by the name of its workload.
async fn named(stage: &Stage) -> anyhow::Result<BTreeMap<String, Named>> {
    let named = |Status { actor, creator, deleter, .. }| (actor, creator, deleter);
    let findings = stage.scene.all_findings().await?.into_iter();
    Ok(findings.map(|f| (f.spec.workload.name, named(f.status.unwrap_or_default()))).collect())
}

/// All sorts of changes by all sorts of people.
async fn happen(stage: &Stage) -> anyhow::Result<()> {
    stage.scene.apply(&[namespace("payments")]).await?;
    for name in ["left", "changed", "twice", "gone", "collected"] {
        stage.create("jane", &cron_job("payments", name)).await?;
    }
    stage.run("john", &["label", "cronjob", "left", "-n", "payments", "a=b"]).await?;
    stage.patch("john", "payments", "changed", json!({ "schedule": "0 3 * * *" })).await?;
    stage.patch("john", "payments", "twice", json!({ "schedule": "0 3 * * *" })).await?;
    stage.patch("mallory", "payments", "twice", json!({ "schedule": "0 4 * * *" })).await?;
    stage.run("john", &["annotate", "cronjob", "twice", "-n", "payments", "c=d"]).await?;
    stage.run("john", &["delete", "cronjob", "gone", "-n", "payments"]).await?;
    stage.run("mallory", &["label", "cronjob", "collected", "-n", "payments", "collect=me"]).await?;
    let collection = "/apis/batch/v1/namespaces/payments/cronjobs?labelSelector=collect%3Dme";
    stage.run("mallory", &["delete", "--raw", collection]).await?;
    // A second one of the same name is another one.
    stage.create("mallory", &cron_job("payments", "gone-again")).await?;
    for (user, name) in [("jane", "left"), ("john", "changed"), ("mallory", "twice"), ("mallory", "gone-again")] {
        stage.made_by(user, "payments", name).await;
    }
    for name in ["gone", "collected"] {
        let is_told = |s: &Status| s.state == State::Deleted && s.deleter.is_some();
        stage.status("payments", name, "deleted by somebody", is_told).await;
    }
    Ok(())
}

#[tokio::test]
async fn events_in_any_order_late_and_twice_name_the_same_people() -> anyhow::Result<()> {
    let mut stage = Stage::start(PATHS).await?;
    happen(&stage).await?;
    stage.scene.settled().await;
    let first = named(&stage).await?;
    assert_eq!(first.len(), 6, "{first:#?}");
    let configuration = stage.scene.arguments[..2].to_vec();
    let mut events: Vec<Value> = stage.scene.cluster.audit_events()?.into_iter().map(|event| event.raw).collect();
    events.retain(|event| event["objectRef"]["apiGroup"] == "batch");
    assert!(events.len() >= 14, "{events:#?}");

    for seed in [3, 7, 11] {
        forget(&mut stage).await?;
        stage.files = Files::make()?;
        stage.scene.arguments.clone_from(&configuration);
        stage.scene.arguments.extend(stage.files.arguments());
        stage.scene.start_operator().await?;
        for event in shuffled(&events, seed) {
            post(&stage.files, &[event]).await?;
        }
        eventually("the same people are named", PATIENCE, async || {
            let now = named(&stage).await.map_err(|error| format!("{error:#}"))?;
            if now == first { Ok(()) } else { Err(format!("{now:#?}")) }
        })
        .await;
    }
    Ok(())
}

/// Nothing is left of what the operator knew: neither the ledger nor what its findings say of anybody.
async fn forget(stage: &mut Stage) -> anyhow::Result<()> {
    stage.scene.stop_operator().await?;
    let maps = ["delete", "configmaps", "--all", "-n", "cronwarden"];
    stage.scene.cluster.kubectl(maps).run().await?;
    for finding in stage.scene.all_findings().await? {
        let name = finding.name_any();
        if finding.status.is_some_and(|status| status.state == State::Deleted) {
            let nobody = json!({ "status": { "actor": null, "creator": null, "deleter": null } });
            let parameters = PatchParams::default();
            stage.scene.findings().patch_status(&name, &parameters, &Patch::Merge(nobody)).await?;
        } else {
            stage.scene.findings().delete(&name, &DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// Every event twice, in an order of chance.
fn shuffled(events: &[Value], seed: u64) -> Vec<Value> {
    let mut twice: Vec<Value> = events.iter().chain(events).cloned().collect();
    let mut state = seed;
    for place in (1..twice.len()).rev() {
        // Knuth's constants for a linear congruential generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(place + 1).expect("it fits");
        twice.swap(place, usize::try_from((state >> 33) % bound).expect("it is in bounds"));
    }
    twice
}
