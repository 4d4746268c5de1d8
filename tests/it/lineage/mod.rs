//! From CronJob to Job: what accounts for a Job, shown with the CronJob, Job and garbage-collector controllers of Kubernetes.

mod evidence;
mod folds;
mod forged;
mod pods;
mod short;
mod ticks;

use std::time::Duration;

use anyhow::Context;
use cronwarden::api::finding::{LinkKind, ScheduledWorkloadFindingStatus as Status, State};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::harness::{ControlPlane, WORKLOAD_CONTROLLERS, eventually};
use crate::operator::scene::{Scene, namespace};

/// A tick comes once a minute, and a Job is judged some seconds after it.
const TWO_TICKS: Duration = Duration::from_secs(150);

/// A cluster whose CronJobs run, with these namespaces.
async fn scene(namespaces: &[&str]) -> anyhow::Result<Scene> {
    let scene = Scene::start_in(ControlPlane::builder().controllers(WORKLOAD_CONTROLLERS)).await?;
    scene.apply(&namespaces.iter().map(|name| namespace(name)).collect::<Vec<_>>()).await?;
    Ok(scene)
}

/// A CronJob whose Jobs run `image`.
pub fn cron_job(namespace: &str, name: &str, schedule: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "jobTemplate": { "spec": job(namespace, name, image)["spec"] },
        },
    })
}

const EVERY_MINUTE: &str = "* * * * *";
pub const DAILY: &str = "0 2 * * *";
pub const APPROVED: &str = "registry.example.com/backup/pgdump:v3.2";
const ALSO_APPROVED: &str = "registry.example.com/backup/pgdump:v3.3";
pub const EVIL: &str = "docker.io/xmrig/xmrig:6";

/// A Job that nothing accounts for.
pub fn job(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "namespace": namespace, "name": name },
        "spec": { "backoffLimit": 0, "template": { "spec": {
            "restartPolicy": "Never",
            "containers": [{ "name": "dump", "image": image, "command": ["/usr/bin/pgdump"] }],
        } } },
    })
}

/// An approval of what the CronJobs, or the Jobs, of a namespace run.
pub fn approval(namespace: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": format!("{namespace}-{}", kind.to_lowercase()) },
        "spec": {
            "match": { "kinds": [kind], "namespaces": [namespace] },
            "expected": { "images": [{ "repository": "registry.example.com/backup/pgdump", "tags": ["v3.*"] }] },
        },
    })
}

/// A Job with everything that the controller writes on the run of a tick.
pub async fn as_run(scene: &Scene, namespace: &str, name: &str, tick: Timestamp, image: &str) -> anyhow::Result<Value> {
    let uid = scene.cron_jobs(namespace).get(name).await?.metadata.uid.context("a uid")?;
    let mut run = job(namespace, &format!("{name}-{}", tick.as_second() / 60), image);
    run["metadata"]["annotations"] = json!({ "batch.kubernetes.io/cronjob-scheduled-timestamp": tick.to_string() });
    run["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true,
    }]);
    Ok(run)
}

/// The tick of a daily schedule at 02:00 that comes after, or came before, by so many days.
pub fn daily(days: i64) -> anyhow::Result<Timestamp> {
    let today = Timestamp::now().as_second() / 86_400 * 86_400 + 2 * 3600;
    Ok(Timestamp::from_second(today + days * 86_400)?)
}

fn jobs(scene: &Scene, namespace: &str) -> Api<Job> {
    Api::namespaced(scene.client.clone(), namespace)
}

/// Waits until there are at least so many Jobs.
async fn ran(scene: &Scene, namespace: &str, count: usize) -> Vec<Job> {
    eventually(&format!("{count} runs in {namespace}"), TWO_TICKS, async || {
        let found = jobs(scene, namespace).list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        if found.items.len() >= count { Ok(found.items) } else { Err(format!("{}", found.items.len())) }
    })
    .await
}

/// Waits until the finding about a Job is as it should be.
async fn found(scene: &Scene, namespace: &str, name: &str, reasons: &str) -> Status {
    let fits = |status: &Status| status.state == State::Open && status.reasons == reasons;
    let finding = scene.finding(namespace, name, reasons, |finding| finding.status.as_ref().is_some_and(fits)).await;
    finding.status.expect("it has one")
}

/// What ties a link of the chain to the one before.
fn tie(status: &Status, kind: LinkKind) -> &str {
    let link = status.lineage.iter().find(|link| link.kind == kind);
    link.map_or_else(|| panic!("no {kind:?} in {:?}", status.lineage), |link| link.rests_on.as_str())
}

/// Waits until every Job is judged, and fails if there is a finding about anything but these.
async fn only_about(scene: &Scene, expected: &[&str]) -> anyhow::Result<()> {
    // What the operator has not seen yet is not pending.
    eventually("the operator has seen every Job", TWO_TICKS, async || {
        let all: Api<Job> = Api::all(scene.client.clone());
        let there = all.list_metadata(&ListParams::default()).await.map_err(|error| error.to_string())?.items.len();
        let seen = scene.count("cronwarden_objects{resource=\"jobs\"}").map_err(|error| format!("{error:#}"))?;
        if seen == there { Ok(()) } else { Err(format!("{seen} of {there}")) }
    })
    .await;
    scene.settled().await;
    let mut names: Vec<String> =
        scene.all_findings().await?.into_iter().map(|finding| finding.spec.workload.name).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    Ok(())
}

/// Starts the operator again over what it has recorded, and fails if it writes anything.
async fn restart_quietly(scene: &mut Scene) -> anyhow::Result<()> {
    scene.stop_operator().await?;
    let before = scene.writes()?.len();
    scene.start_operator().await?;
    scene.settled().await;
    let more: Vec<String> = scene.writes()?.into_iter().skip(before).map(|write| write.request_uri).collect();
    assert!(more.is_empty(), "{more:?}");
    Ok(())
}
