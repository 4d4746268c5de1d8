//! Permissions are taken away from the operator and given back.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::crowd::{apply, apply_all, delete};
use super::fresh::agrees;
use super::observe::{Liveness, ensure_told_once, reaches};
use super::scene::{OPERATOR_USER, PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::{AuditEvent, eventually};

/// After a refusal the operator pauses for up to a minute before it tries again.
const LONG_PATIENCE: Duration = Duration::from_mins(3);

#[tokio::test]
async fn permissions_that_were_taken_away_and_given_back_lose_nothing() -> anyhow::Result<()> {
    const JOBS: usize = 50;
    let mut scene = Scene::start().await?;
    let liveness = Liveness::of(scene.address());
    apply_all(&scene.client, [namespace("apps"), approval("apps", "another")]).await?;
    apply_all(&scene.client, (0..JOBS).map(|i| cron_job("apps", &format!("early-{i:02}")))).await?;
    agrees(&scene, PATIENCE).await;

    // Where a finding can be made but its evidence not be written, nobody is told of it.
    let role = object(&scene, "clusterrole", &["rules"]).await?;
    let mut less = role.clone();
    let rules = less["rules"].as_array_mut().context("a role without rules")?;
    rules.retain(|rule| rule["resources"] != json!(["scheduledworkloadfindings/status"]));
    apply(&scene.client, &less).await?;
    until_it_may_not(&scene).await;
    apply(&scene.client, &cron_job("apps", "half")).await?;
    let forbidden = r#"cronwarden_writes_total{resource="scheduledworkloadfindings",outcome="forbidden"}"#;
    reaches(&scene, forbidden, 3).await;
    let about_half = async || -> anyhow::Result<usize> {
        let events = scene.events("apps").await?;
        Ok(events.iter().filter(|e| e.regarding.as_ref().is_some_and(|r| r.name.as_deref() == Some("half"))).count())
    };
    assert_eq!(about_half().await?, 0);
    apply(&scene.client, &role).await?;
    agrees(&scene, PATIENCE).await;
    assert_eq!(about_half().await?, 1);

    // The watches that are open stay open, so that the operator sees what it may not write.
    let binding = object(&scene, "clusterrolebinding", &["roleRef", "subjects"]).await?;
    delete(&scene.client, &binding).await?;
    until_it_may_not(&scene).await;
    let taken = Instant::now();
    let before = scene.count(forbidden)?;
    apply_all(&scene.client, (0..JOBS).map(|i| cron_job("apps", &format!("late-{i:02}")))).await?;
    for i in 0..JOBS / 2 {
        delete(&scene.client, &cron_job("apps", &format!("early-{i:02}"))).await?;
    }
    reaches(&scene, forbidden, before + 5 * JOBS).await;
    scene.ensure_operator_runs()?;
    apply(&scene.client, &binding).await?;
    let (gone_for, given_back) = (taken.elapsed(), Instant::now());
    agrees(&scene, LONG_PATIENCE).await;
    eprintln!("without permissions for {gone_for:.1?}, right {:.1?} after it got them back", given_back.elapsed());
    let refused = scene.cluster.audit_events()?.into_iter().filter(|e| e.user == OPERATOR_USER && e.code == Some(403));
    let refused: Vec<AuditEvent> = refused.filter(AuditEvent::is_write).collect();
    // With pauses that double from a quarter of a second on, each subject is tried this often.
    let quarters = taken.elapsed().as_millis() / 250 + 1;
    let bound = (quarters.ilog2() as usize + 2) * (JOBS + JOBS / 2 + 1);
    eprintln!("{} writes were refused, at most {bound} are", refused.len());
    assert!(refused.len() <= bound, "{} writes were refused", refused.len());
    ensure_told_once(&scene).await?;
    liveness.ensure_always_alive()?;

    // Started without permissions it waits, alive but not ready, and writes nothing.
    scene.stop_operator().await?;
    delete(&scene.client, &binding).await?;
    until_it_may_not(&scene).await;
    apply_all(&scene.client, (0..JOBS).map(|i| cron_job("apps", &format!("later-{i:02}")))).await?;
    let written = scene.writes()?.len();
    scene.spawn_operator()?;
    reaches(&scene, r#"cronwarden_watch_errors_total{resource="cronjobs"}"#, 2).await;
    assert_eq!(scene.http("/livez")?.0, 200);
    assert_eq!(scene.http("/readyz")?.0, 503);
    assert_eq!(scene.writes()?.len(), written);
    apply(&scene.client, &binding).await?;
    agrees(&scene, LONG_PATIENCE).await;
    assert_eq!(scene.http("/readyz")?.0, 200);
    scene.ensure_operator_runs()
}

/// The role or binding of `deploy`, as it can be applied again.
async fn object(scene: &Scene, resource: &str, parts: &[&str]) -> anyhow::Result<Value> {
    let found = scene.cluster.kubectl(["get", resource, "cronwarden-operator", "-o", "json"]).run().await?.json()?;
    let name = &found["metadata"]["name"];
    let mut object = json!({ "apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": { "name": name } });
    for part in parts {
        object[part] = found[part].clone();
    }
    Ok(object)
}

/// Waits until the API server knows that the operator may not write evidence.
async fn until_it_may_not(scene: &Scene) {
    let question = ["auth", "can-i", "patch", "scheduledworkloadfindings.cronwarden.dev", "--subresource=status"];
    eventually("the permissions have changed", PATIENCE, async || {
        let asked = scene.cluster.kubectl(question).args(["--as", OPERATOR_USER]).output().await;
        let may = asked.map_err(|error| format!("{error:#}"))?.status.success();
        if may { Err("it still may".to_owned()) } else { Ok(()) }
    })
    .await;
}
