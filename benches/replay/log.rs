//! A log as an API server of a busy cluster writes it: JSON lines, mostly reads and leases, and few changes of workloads.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One event of so many is a change of a CronJob or a Job.
const RELEVANT: usize = 400;
/// One event of so many is a request for CronJobs or Jobs that changes nothing.
const READ: usize = 150;

/// A log that was written.
pub struct Log {
    pub file: PathBuf,
    pub bytes: usize,
    /// How many events there are.
    pub events: usize,
    /// How many of them are about CronJobs or Jobs.
    pub relevant: usize,
    /// How many changes of workloads there are that are no runs of a CronJob.
    pub changes: usize,
    /// How many runs of CronJobs there are.
    pub runs: usize,
}

impl Log {
    /// Writes a log of about this size. It is the same every time.
    pub fn write(file: &Path, size: usize) -> anyhow::Result<Self> {
        let mut writer =
            BufWriter::new(File::create(file).with_context(|| format!("cannot write {}", file.display()))?);
        let mut log = Self { file: file.to_owned(), bytes: 0, events: 0, relevant: 0, changes: 0, runs: 0 };
        while log.bytes < size {
            let number = log.events;
            let event = if number.is_multiple_of(RELEVANT) {
                log.relevant += 1;
                let kind = number / RELEVANT;
                if kind.is_multiple_of(8) {
                    log.changes += 1;
                } else {
                    log.runs += 1;
                }
                if kind.is_multiple_of(8) { changed(number, kind / 8)? } else { run(number, kind)? }
            } else if number.is_multiple_of(READ) {
                log.relevant += 1;
                read_of_workloads(number)?
            } else {
                other(number)?
            };
            let text = event.to_string();
            writer.write_all(text.as_bytes())?;
            writer.write_all(b"\n")?;
            log.bytes += text.len() + 1;
            log.events += 1;
        }
        writer.flush()?;
        Ok(log)
    }
}

fn event(number: usize, verb: &str, user: &str, agent: &str, object: &Value, uri: &str) -> anyhow::Result<Value> {
    let at = Timestamp::from_microsecond(1_790_000_000_000_000 + i64::try_from(number)? * 7_919)?;
    Ok(json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": format!("{:08x}-3f5c-4d1e-9a77-{number:012x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff),
        "stage": "ResponseComplete", "requestURI": uri, "verb": verb,
        "user": {
            "username": user, "uid": "b7f5a3d2-64c1-4be5-9c0c-0f6f7c1f2a11",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [format!("JTI={number:032x}")]},
        },
        "sourceIPs": [format!("10.0.{}.{}", number % 200, number % 250)], "userAgent": agent, "objectRef": object,
        "responseStatus": {"metadata": {}, "code": if verb == "create" { 201 } else { 200 }},
        "requestReceivedTimestamp": at.to_string(), "stageTimestamp": at.to_string(),
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": format!("RBAC: allowed by ClusterRoleBinding \"{user}\" of ClusterRole \"{user}\" to User \"{user}\""),
        },
    }))
}

/// What most of a log is: leases, pods, nodes, endpoints.
fn other(number: usize) -> anyhow::Result<Value> {
    let (resource, group, verb) = [
        ("leases", "coordination.k8s.io", "update"),
        ("pods", "", "get"),
        ("nodes", "", "get"),
        ("pods", "", "patch"),
        ("leases", "coordination.k8s.io", "get"),
        ("endpointslices", "discovery.k8s.io", "update"),
        ("events", "", "create"),
        ("configmaps", "", "get"),
    ][number % 8];
    let namespace = format!("team-{}", number % 97);
    let name = format!("{resource}-{}-x7k2p", number % 1013);
    let uri = format!("/apis/{group}/v1/namespaces/{namespace}/{resource}/{name}?timeout=10s");
    let object = json!({"resource": resource, "namespace": namespace, "name": name, "apiGroup": group, "apiVersion": "v1",
        "uid": format!("{number:032x}"), "resourceVersion": number.to_string()});
    let mut event = event(
        number,
        verb,
        &format!("system:node:node-{}.eu-central-1.compute.internal", number % 61),
        "kubelet/v1.36.3 (linux/amd64) kubernetes/0d1f1f5",
        &object,
        &uri,
    )?;
    // Every third has bodies, as many policies ask for.
    if number.is_multiple_of(3) {
        let body = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace,
            "labels": {"app": "web", "pod-template-hash": "7d4b9c6f5"}, "resourceVersion": number.to_string()},
            "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-09-21T10:00:00Z"},
                {"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-09-21T10:00:00Z"}],
                "podIP": format!("10.244.{}.{}", number % 200, number % 250), "startTime": "2026-09-21T10:00:00Z"}});
        event["level"] = "RequestResponse".into();
        event["requestObject"] = body.clone();
        event["responseObject"] = body;
    }
    Ok(event)
}

fn read_of_workloads(number: usize) -> anyhow::Result<Value> {
    let resource = ["cronjobs", "jobs"][number % 2];
    let uri = format!("/apis/batch/v1/{resource}?allowWatchBookmarks=true&resourceVersion={number}&watch=true");
    let object = json!({"resource": resource, "apiGroup": "batch", "apiVersion": "v1"});
    event(number, "watch", "system:kube-controller-manager", "kube-controller-manager/v1.36.3", &object, &uri)
}

fn template() -> Value {
    json!({"metadata": {}, "spec": {"containers": [{"name": "main", "image": "registry.example.com/backup/pgdump:v3.2.1",
        "command": ["/usr/bin/pgdump"], "args": ["--all"], "resources": {}, "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
        "restartPolicy": "Never", "dnsPolicy": "ClusterFirst", "serviceAccountName": "backup", "securityContext": {},
        "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30}})
}

/// A CronJob is created.
fn changed(number: usize, count: usize) -> anyhow::Result<Value> {
    let (namespace, name) = (format!("team-{}", count % 97), format!("backup-{count:06}"));
    let body = json!({"kind": "CronJob", "apiVersion": "batch/v1", "metadata": {"name": name, "namespace": namespace,
        "uid": format!("c-{count}"), "resourceVersion": number.to_string(), "generation": 1},
        "spec": {"schedule": "0 2 * * *", "concurrencyPolicy": "Allow", "suspend": false,
            "jobTemplate": {"metadata": {}, "spec": {"template": template()}},
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}, "status": {}});
    let object =
        json!({"resource": "cronjobs", "namespace": namespace, "name": name, "apiGroup": "batch", "apiVersion": "v1"});
    let uri = format!("/apis/batch/v1/namespaces/{namespace}/cronjobs");
    let user = "system:serviceaccount:argocd:argocd-application-controller";
    let mut event = event(number, "create", user, "argocd-application-controller/v0.0.0", &object, &uri)?;
    event["level"] = "RequestResponse".into();
    event["requestObject"] = body.clone();
    event["responseObject"] = body;
    Ok(event)
}

/// The controller runs a CronJob.
fn run(number: usize, count: usize) -> anyhow::Result<Value> {
    let (namespace, owner) = (format!("team-{}", count % 89), format!("report-{}", count % 499));
    let name = format!("{owner}-{}", 29_800_000 + count);
    let body = json!({"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": name, "namespace": namespace,
        "uid": format!("j-{count}"), "resourceVersion": number.to_string(), "generation": 1,
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": owner, "uid": format!("o-{}", count % 499),
            "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"parallelism": 1, "completions": 1, "backoffLimit": 6, "template": template()}, "status": {}});
    let object =
        json!({"resource": "jobs", "namespace": namespace, "name": name, "apiGroup": "batch", "apiVersion": "v1"});
    let uri = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
    let user = "system:serviceaccount:kube-system:cronjob-controller";
    let mut event = event(number, "create", user, "kube-controller-manager/v1.36.3", &object, &uri)?;
    event["level"] = "RequestResponse".into();
    event["requestObject"] = body.clone();
    event["responseObject"] = body;
    Ok(event)
}
