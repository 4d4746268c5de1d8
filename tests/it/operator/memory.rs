//! Whoever may create CronJobs chooses how large they are: a start over many of the largest has to fit into the memory that
//! `deploy` grants.

use std::path::Path;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::batch::v1::CronJob;
use kube::api::PostParams;
use serde_json::json;

use super::scene::{Scene, approval, cron_job, namespace};
use crate::harness::ControlPlane;

const CRON_JOBS: usize = 250;
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
    let status = std::fs::read_to_string(format!("/proc/{}/status", scene.operator_pid()?))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
    let peak: u64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    assert!(peak < granted()?, "{peak} KiB of {} KiB", granted()?);
    Ok(())
}
