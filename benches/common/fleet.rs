//! A cluster full of CronJobs: teams with a namespace each, kinds of jobs with an approval each, and many instances of them.

// Several benchmarks include this module and none of them uses all of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use cronwarden::api::ApprovedCronJob;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// How many CronJobs a team has, and how many of them are of one kind.
const PER_TEAM: usize = 200;
const PER_KIND: usize = 10;

/// What was created.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    pub cron_jobs: usize,
    pub approvals: usize,
    pub deviating: usize,
    pub took: Duration,
}

/// Creates so many CronJobs, of which one in so many deviates, or none.
pub async fn create(client: &Client, count: usize, one_deviates_in: Option<usize>) -> anyhow::Result<Fleet> {
    let start = Instant::now();
    let teams = count.div_ceil(PER_TEAM);
    create_all::<Namespace>(client, (0..teams).map(|team| namespace(&team_name(team)))).await?;
    let kinds = count.div_ceil(PER_KIND);
    let approvals = (0..kinds).map(|kind| {
        let number = kind * PER_KIND;
        approval(&team_name(number / PER_TEAM), &kind_name(number))
    });
    create_all::<ApprovedCronJob>(client, approvals).await?;
    let cron_jobs = (0..count).map(|number| {
        let name = format!("{}-{}", kind_name(number), number % PER_KIND);
        let deviates = one_deviates_in.is_some_and(|one| number.is_multiple_of(one));
        let tag = if deviates { "latest" } else { "v3.2.1" };
        cron_job(&team_name(number / PER_TEAM), &name, tag)
    });
    create_all::<CronJob>(client, cron_jobs).await?;
    let deviating = one_deviates_in.map_or(0, |one| count.div_ceil(one));
    Ok(Fleet { cron_jobs: count, approvals: kinds, deviating, took: start.elapsed() })
}

fn team_name(team: usize) -> String {
    format!("team-{team:03}")
}

fn kind_name(number: usize) -> String {
    format!("ledger-export-{:02}", number % PER_TEAM / PER_KIND)
}

async fn create_all<K>(client: &Client, objects: impl Iterator<Item = Value>) -> anyhow::Result<()>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    stream::iter(objects)
        .map(|object| async move {
            let url = match object["metadata"]["namespace"].as_str() {
                Some(namespace) => K::url_path(&(), Some(namespace)),
                None => K::url_path(&(), None),
            };
            let request = http::Request::post(url).header("Content-Type", "application/json");
            client.request_text(request.body(object.to_string().into_bytes())?).await?;
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

pub fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "team": name } } })
}

/// Approves every instance of a kind of job.
pub fn approval(namespace: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": format!("{namespace}-{kind}") },
        "spec": {
            "match": { "namespaces": [namespace], "names": [format!("{kind}-*")] },
            "owner": { "team": namespace },
            "expected": {
                "schedules": ["0 2 * * *"],
                "timeZones": ["Etc/UTC"],
                "minimumInterval": "1h",
                "windows": ["01:00-05:00"],
                "images": [{ "repository": "registry.example.com/jobs/*", "tags": ["v3.*"] }],
                "commands": [{ "command": ["/usr/bin/export"], "args": ["--ledger=*", "**"] }],
                "serviceAccounts": ["runner"],
                "suspended": false,
            },
            "allowed": { "secrets": ["credentials"], "configMaps": ["settings"] },
        },
    })
}

/// Applied by a GitOps controller, with what such manifests usually have.
pub fn cron_job(namespace: &str, name: &str, tag: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {
                "app.kubernetes.io/name": name,
                "app.kubernetes.io/managed-by": "argocd",
                "team": namespace,
            },
            "annotations": { "argocd.argoproj.io/tracking-id": format!("jobs:batch/CronJob:{namespace}/{name}") },
        },
        "spec": {
            "schedule": "0 2 * * *",
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": { "spec": { "backoffLimit": 2, "activeDeadlineSeconds": 3600, "template": {
                "metadata": { "labels": { "app.kubernetes.io/name": name } },
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "runner",
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 10001, "fsGroup": 10001 },
                    "containers": [{
                        "name": "export",
                        "image": format!("registry.example.com/jobs/ledger-export:{tag}"),
                        "command": ["/usr/bin/export"],
                        "args": [format!("--ledger={name}"), "--format=parquet", "--output=/work/out"],
                        "env": [
                            { "name": "DATABASE_HOST", "value": "postgres.databases.svc.cluster.local" },
                            { "name": "LOG_LEVEL", "value": "info" },
                            { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "credentials", "key": "password" } } },
                        ],
                        "envFrom": [{ "configMapRef": { "name": "settings" } }],
                        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "256Mi" } },
                        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                        "volumeMounts": [{ "name": "work", "mountPath": "/work" }],
                    }],
                    "volumes": [{ "name": "work", "emptyDir": {} }],
                },
            } } },
        },
    })
}

/// Creates one object.
pub async fn create_one<K>(client: &Client, object: Value) -> anyhow::Result<()>
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    create_all::<K>(client, std::iter::once(object)).await
}
