//! Approvals and workloads, made deterministically from their numbers.
//!
//! Of a hundred approvals, eighty name one workload in one namespace, ten the instances of a job by a prefix of their name, six
//! a job in the namespaces of a tenant, and four add a selector. A handful that select by labels in every namespace come on
//! top, as many at any size: those are rules of the platform, and do not grow with it.

use cronwarden::api::ApprovedCronJob;
use cronwarden::inventory::{Approval, Labels};
use serde_json::{Value, json};

/// How many of the first approvals select by labels alone.
const PLATFORM_RULES: usize = 3;

/// How many workloads of a hundred deviate, and how many nobody approved.
const DEVIATING: usize = 2;
const UNAPPROVED: usize = 1;

/// The labels of every namespace.
pub fn namespace_labels() -> Labels {
    [("environment", "production"), ("team", "payments")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// How an approval selects.
enum Shape {
    Platform,
    Exact,
    NamePrefix,
    NamespacePrefix,
    Selector,
}

impl Shape {
    fn of(number: usize) -> Self {
        match number % 100 {
            _ if number < PLATFORM_RULES => Self::Platform,
            0..80 => Self::Exact,
            80..90 => Self::NamePrefix,
            90..96 => Self::NamespacePrefix,
            _ => Self::Selector,
        }
    }
}

/// The approval of that number.
pub fn approval(number: usize) -> Result<Approval, serde_json::Error> {
    let (namespace, job) = place(number);
    let matches = match Shape::of(number) {
        Shape::Platform => json!({ "namespaceSelector": { "matchLabels": { "platform": format!("rule-{number}") } } }),
        Shape::Exact => json!({ "namespaces": [namespace], "names": [job] }),
        Shape::NamePrefix => json!({ "namespaces": [namespace], "names": [format!("{job}-*")] }),
        Shape::NamespacePrefix => json!({ "namespaces": [format!("{namespace}-*")], "names": [job] }),
        Shape::Selector => json!({
            "namespaces": [namespace],
            "names": [job],
            "selector": { "matchLabels": { "app": job } },
            "namespaceSelector": { "matchExpressions": [{ "key": "environment", "operator": "In", "values": ["production", "staging"] }] },
        }),
    };
    let object: ApprovedCronJob = serde_json::from_value(json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": format!("approval-{number}"), "generation": 1 },
        "spec": {
            "match": matches,
            "owner": { "team": namespace },
            "expected": {
                "schedules": [schedule(number)],
                "timeZones": ["Etc/UTC"],
                "minimumInterval": "1h",
                "windows": ["00:00-08:00"],
                "images": [{ "repository": "registry.example.com/jobs/*", "tags": ["v3.*"] }],
                "commands": [{ "command": ["/usr/bin/job"], "args": ["--name", "*", "**"] }],
                "serviceAccounts": ["runner"],
                "labels": { "app": job },
                "suspended": false,
            },
            "allowed": { "secrets": ["credentials"], "configMaps": ["settings"] },
        },
    }))?;
    Ok(Approval::compile(&object))
}

/// The JSON text of the CronJob of that number, as the API server sends it, where there are so many approvals.
pub fn workload(number: usize, approvals: usize) -> String {
    // A prime, so that neighbours rely on different approvals. Nothing relies on the rules of the platform alone.
    let approval = PLATFORM_RULES + number * 7919 % (approvals - PLATFORM_RULES);
    let (namespace, job) = place(approval);
    let (namespace, name) = match Shape::of(approval) {
        Shape::NamePrefix => (namespace, format!("{job}-{}", number % 50)),
        Shape::NamespacePrefix => (format!("{namespace}-{}", number % 50), job.clone()),
        Shape::Platform | Shape::Exact | Shape::Selector => (namespace, job.clone()),
    };
    let name = if number % 100 < UNAPPROVED { format!("unknown-{number}") } else { name };
    let deviates = (UNAPPROVED..UNAPPROVED + DEVIATING).contains(&(number % 100));
    let tag = if deviates { "latest" } else { "v3.2.1" };
    cron_job(&namespace, &name, &job, schedule(approval), tag).to_string()
}

/// Namespaces have forty approvals each.
fn place(number: usize) -> (String, String) {
    (format!("team-{:05}", number / 40), format!("job-{:02}", number % 40))
}

fn schedule(number: usize) -> &'static str {
    ["0 2 * * *", "15 3 * * *", "30 1 * * 1-5", "@daily"][number % 4]
}

fn cron_job(namespace: &str, name: &str, app: &str, schedule: &str, tag: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": "9c2f9a0e-6f0d-4a3c-9a3e-5a7e3d1c2b4f",
            "resourceVersion": "123456",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": { "app": app, "app.kubernetes.io/managed-by": "argocd", "team": namespace },
            "annotations": { "argocd.argoproj.io/tracking-id": format!("jobs:batch/CronJob:{namespace}/{name}") },
        },
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "suspend": false,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": { "spec": { "backoffLimit": 2, "template": {
                "metadata": { "labels": { "app": app } },
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "runner",
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 10001, "fsGroup": 10001 },
                    "containers": [{
                        "name": "job",
                        "image": format!("registry.example.com/jobs/{app}:{tag}"),
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["/usr/bin/job"],
                        "args": ["--name", name, "--verbose", "--output=/work/out"],
                        "env": [
                            { "name": "DATABASE_HOST", "value": "postgres.databases.svc.cluster.local" },
                            { "name": "LOG_LEVEL", "value": "info" },
                            { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "credentials", "key": "password" } } },
                        ],
                        "envFrom": [{ "configMapRef": { "name": "settings" } }],
                        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "256Mi" } },
                        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                        "volumeMounts": [{ "name": "work", "mountPath": "/work" }],
                        "terminationMessagePath": "/dev/termination-log",
                    }],
                    "volumes": [{ "name": "work", "emptyDir": {} }],
                    "dnsPolicy": "ClusterFirst",
                    "schedulerName": "default-scheduler",
                },
            } } },
        },
        "status": {},
    })
}
