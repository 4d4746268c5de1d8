//! Whoever may create CronJobs or ConfigMaps chooses how large they are: a start over many of the largest has to fit into the memory that
//! `deploy` grants.

use std::path::Path;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::component;
use super::scene::{Scene, approval, cron_job, namespace};
use crate::harness::ControlPlane;

const CRON_JOBS: usize = 250;
const CONFIG_MAPS: usize = 300;
const ARGUMENT: usize = 900_000;

/// The memory that the container of `deploy` may use, in KiB.
fn granted() -> anyhow::Result<u64> {
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/deployment.yaml"))?;
    let limits = manifest.split("limits:").nth(1).context("deploy/deployment.yaml has no limits")?;
    let memory = limits.split("memory:").nth(1).and_then(|rest| rest.split("Mi").next()).context("no memory in Mi")?;
    Ok(memory.trim().parse::<u64>()? * 1024)
}

#[tokio::test]
async fn a_start_over_the_largest_cron_jobs_fits_into_the_memory_of_deploy() -> anyhow::Result<()> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    scene.apply(&[namespace("large"), approval("large", "another")]).await?;
    let api = scene.cron_jobs("large");
    let large = "x".repeat(ARGUMENT);
    futures::stream::iter(0..CRON_JOBS)
        .map(|i| {
            let mut object = cron_job("large", &format!("large-{i}"));
            object["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"] = json!([large]);
            let api = api.clone();
            async move {
                let object: CronJob = serde_json::from_value(object)?;
                api.create(&PostParams::default(), &object).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(4)
        .try_collect::<Vec<()>>()
        .await?;
    scene.start_operator().await?;
    scene.settled().await;
    assert_eq!(scene.all_findings().await?.len(), CRON_JOBS);
    let peak = used(&scene, "VmHWM:")?;
    assert!(peak < granted()?, "{peak} KiB of {} KiB", granted()?);
    Ok(())
}

#[tokio::test]
async fn what_the_largest_config_maps_hold_does_not_stay_in_memory() -> anyhow::Result<()> {
    let mut scene = Scene::without_operator(ControlPlane::builder()).await?;
    component::apply(&scene, "config-maps").await?;
    scene.arguments = vec!["--watch-config-maps"];
    scene.apply(&[namespace("large")]).await?;
    let api: Api<ConfigMap> = Api::namespaced(scene.client.clone(), "large");
    let large = "x".repeat(ARGUMENT);
    for i in 0..CONFIG_MAPS {
        let object = json!({ "metadata": { "name": format!("large-{i}") }, "data": { "script": large } });
        api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    }
    scene.start_operator().await?;
    scene.settled().await;
    assert!(scene.count(r#"cronwarden_objects{resource="configmaps"}"#)? >= CONFIG_MAPS);
    let (peak, now) = (used(&scene, "VmHWM:")?, used(&scene, "VmRSS:")?);
    eprintln!("{peak} KiB at the most, {now} KiB now, of {} KiB of content", CONFIG_MAPS * ARGUMENT / 1024);
    assert!(peak < granted()? / 2, "{peak} KiB of {} KiB", granted()?);
    Ok(())
}

/// How much memory the operator uses, or used at the most, in KiB.
fn used(scene: &Scene, which: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", scene.operator_pid()?))?;
    let used = status.lines().find_map(|line| line.strip_prefix(which)).context("nothing is known of its memory")?;
    Ok(used.trim().trim_end_matches("kB").trim().parse()?)
}
