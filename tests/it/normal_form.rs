//! The normal form of the manifests in `tests/data/manifests`: that of a manifest is that of what the API server stores for
//! it, and it changes with every field that is judged.

use std::path::PathBuf;

use anyhow::Context;
use cronwarden::workload::{Workload, WorkloadKind};
use http::Method;
use serde_json::{Value, json};

use crate::harness::ControlPlane;
use crate::rest::{repository, send};

/// So that the corpus does not shrink unnoticed.
const FEWEST_MANIFESTS: usize = 60;

/// A CronJob or Job of the corpus.
struct Manifest {
    /// The file and the name, for messages.
    name: String,
    kind: WorkloadKind,
    object: Value,
}

impl Manifest {
    fn new(file: &str, object: Value) -> anyhow::Result<Self> {
        let kind = match object["kind"].as_str() {
            Some("CronJob") => WorkloadKind::CronJob,
            Some("Job") => WorkloadKind::Job,
            other => anyhow::bail!("{file} has an object of the kind {other:?}"),
        };
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or_default();
        Ok(Self { name: format!("{file}: {kind} {name}"), kind, object })
    }

    fn normal_form(&self, object: &Value) -> anyhow::Result<Workload> {
        Workload::from_json(self.kind, &object.to_string()).with_context(|| self.name.clone())
    }

    /// Creates the object and reads it back.
    async fn store(&self, client: &kube::Client) -> anyhow::Result<Value> {
        let namespace = self.object["metadata"]["namespace"].as_str().unwrap_or("default");
        let resource = match self.kind {
            WorkloadKind::CronJob => "cronjobs",
            WorkloadKind::Job => "jobs",
        };
        let path = format!("/apis/batch/v1/namespaces/{namespace}/{resource}");
        let created = send(client, Method::POST, &format!("{path}?fieldValidation=Strict"), &self.object).await?;
        let name = created["metadata"]["name"].as_str().context("no name")?;
        Ok(send(client, Method::GET, &format!("{path}/{name}"), &Value::Null).await?)
    }

    /// Each field in which the normal form of the manifest is not that of the stored object.
    fn differences(&self, stored: &Value) -> anyhow::Result<Vec<String>> {
        let mut ours = self.normal_form(&self.object)?;
        let mut theirs = self.normal_form(stored)?;
        // Only the API server gives these.
        ours.uid.clear();
        theirs.uid.clear();
        if self.object["metadata"]["name"].is_null() {
            theirs.key.name.clone_from(&ours.key.name);
        }
        let mut found = Vec::new();
        differ(&serde_json::to_value(ours)?, &serde_json::to_value(theirs)?, "", &mut found);
        Ok(found.into_iter().map(|difference| format!("{}: {difference}", self.name)).collect())
    }
}

/// Lists where two values differ, as deep down as possible.
fn differ(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().for_each(|(key, value)| differ(value, &b[key], &format!("{path}/{key}"), found));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(a, b, &format!("{path}/{index}"), found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: the manifest has {ours}, the stored object {theirs}")),
    }
}

fn corpus() -> anyhow::Result<Vec<Manifest>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(repository("tests/data/manifests"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    files.sort();
    let mut manifests = Vec::new();
    for path in files {
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let objects: Vec<Value> = serde_saphyr::from_multiple(&std::fs::read_to_string(&path)?)
            .with_context(|| path.display().to_string())?;
        for object in objects {
            manifests.push(Manifest::new(&file, object)?);
        }
    }
    anyhow::ensure!(manifests.len() >= FEWEST_MANIFESTS, "only {} manifests", manifests.len());
    Ok(manifests)
}

#[tokio::test]
async fn a_manifest_and_what_is_stored_have_the_same_normal_form() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().start().await?;
    cluster.kubectl(["create", "namespace", "payments"]).run().await?;
    let client = cluster.client().await?;
    let mut wrong = Vec::new();
    for manifest in corpus()? {
        match manifest.store(&client).await {
            Ok(stored) => match manifest.differences(&stored) {
                Ok(differences) => wrong.extend(differences),
                Err(error) => wrong.push(format!("{error:#}")),
            },
            Err(error) => wrong.push(format!("{}: cannot be stored: {error:#}", manifest.name)),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Where in a manifest a change is made: it depends on the kind.
#[derive(Clone, Copy)]
enum Place {
    Whole,
    /// Only in CronJobs.
    Cron,
    Job,
    Template,
    Pod,
}

impl Place {
    fn pointer(self, kind: WorkloadKind) -> Option<&'static str> {
        let job = match kind {
            WorkloadKind::CronJob => "/spec/jobTemplate/spec",
            WorkloadKind::Job => "/spec",
        };
        match (self, kind) {
            (Self::Whole, _) => Some(""),
            (Self::Cron, WorkloadKind::Job) => None,
            (Self::Cron, WorkloadKind::CronJob) => Some("/spec"),
            (Self::Job, _) => Some(job),
            (Self::Template, WorkloadKind::CronJob) => Some("/spec/jobTemplate/spec/template"),
            (Self::Template, WorkloadKind::Job) => Some("/spec/template"),
            (Self::Pod, WorkloadKind::CronJob) => Some("/spec/jobTemplate/spec/template/spec"),
            (Self::Pod, WorkloadKind::Job) => Some("/spec/template/spec"),
        }
    }
}

/// Changes of one judged field each: where, which field (`-` appends to a list), and its new value.
fn changes() -> Vec<(Place, &'static str, Value)> {
    use Place::{Cron, Job, Pod, Template, Whole};
    vec![
        (Whole, "/metadata/name", json!("changed")),
        (Whole, "/metadata/namespace", json!("changed")),
        (Whole, "/metadata/labels/changed", json!("")),
        (Cron, "/schedule", json!("59 23 31 12 *")),
        (Cron, "/timeZone", json!("Antarctica/Troll")),
        (Cron, "/suspend", json!(true)),
        (Cron, "/concurrencyPolicy", json!("Changed")),
        (Cron, "/successfulJobsHistoryLimit", json!(77)),
        (Cron, "/failedJobsHistoryLimit", json!(77)),
        (Cron, "/startingDeadlineSeconds", json!(77)),
        (Job, "/suspend", json!(true)),
        (Job, "/ttlSecondsAfterFinished", json!(77)),
        (Job, "/activeDeadlineSeconds", json!(77)),
        (Template, "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1x", json!("unconfined")),
        (Template, "/metadata/labels/changed", json!("")),
        (Template, "/metadata/annotations/changed", json!("")),
        (Job, "/parallelism", json!(77)),
        (Pod, "/affinity/nodeAffinity/changed", json!(true)),
        (Pod, "/dnsConfig/nameservers/-", json!("192.0.2.99")),
        (Pod, "/dnsPolicy", json!("Changed")),
        (Pod, "/hostAliases/-", json!({ "ip": "192.0.2.99" })),
        (Pod, "/hostname", json!("changed")),
        (Pod, "/subdomain", json!("changed")),
        (Pod, "/serviceAccountName", json!("changed")),
        (Pod, "/automountServiceAccountToken", json!(true)),
        (Pod, "/hostPID", json!(true)),
        (Pod, "/hostIPC", json!(true)),
        (Pod, "/hostNetwork", json!(true)),
        (Pod, "/hostUsers", json!(false)),
        (Pod, "/shareProcessNamespace", json!(true)),
        (Pod, "/nodeName", json!("changed")),
        (Pod, "/nodeSelector/changed", json!("")),
        (Pod, "/priorityClassName", json!("changed")),
        (Pod, "/runtimeClassName", json!("changed")),
        (Pod, "/restartPolicy", json!("Changed")),
        (Pod, "/os/name", json!("changed")),
        (Pod, "/imagePullSecrets/-", json!({ "name": "changed" })),
        (Pod, "/tolerations/-", json!({ "key": "changed" })),
        (Pod, "/volumes/-", json!({ "name": "changed" })),
        (Pod, "/volumes/-", json!({ "name": "changed", "hostPath": { "path": "/" } })),
        (Pod, "/securityContext/runAsUser", json!(77)),
        (Pod, "/securityContext/seccompProfile/type", json!("Changed")),
        (Pod, "/securityContext/sysctls/-", json!({ "name": "changed", "value": "1" })),
        (Pod, "/initContainers/-", json!({ "name": "changed", "image": "changed" })),
        (Pod, "/initContainers/-", json!({ "name": "changed", "image": "changed", "restartPolicy": "Always" })),
        (Pod, "/containers/-", json!({ "name": "changed", "image": "changed" })),
        (Pod, "/containers/0/name", json!("changed")),
        (Pod, "/containers/0/image", json!("changed.example/image")),
        (Pod, "/containers/0/imagePullPolicy", json!("Changed")),
        (Pod, "/containers/0/command", json!(["changed"])),
        (Pod, "/containers/0/command/-", json!("")),
        (Pod, "/containers/0/args/-", json!("")),
        (Pod, "/containers/0/workingDir", json!("/changed")),
        (Pod, "/containers/0/env/-", json!({ "name": "CHANGED" })),
        (
            Pod,
            "/containers/0/env/-",
            json!({ "name": "C", "valueFrom": { "secretKeyRef": { "name": "c", "key": "k" } } }),
        ),
        (Pod, "/containers/0/envFrom/-", json!({ "secretRef": { "name": "changed" } })),
        (Pod, "/containers/0/volumeMounts/-", json!({ "name": "changed", "mountPath": "/changed" })),
        (Pod, "/containers/0/volumeDevices/-", json!({ "name": "changed", "devicePath": "/dev/changed" })),
        (Pod, "/containers/0/ports/-", json!({ "containerPort": 7777, "hostPort": 7777 })),
        (Pod, "/containers/0/securityContext/privileged", json!(true)),
        (Pod, "/containers/0/securityContext/procMount", json!("Unmasked")),
        (Pod, "/containers/0/securityContext/capabilities/add/-", json!("CHANGED")),
        (Pod, "/containers/0/securityContext/appArmorProfile/type", json!("Changed")),
        (Pod, "/containers/0/livenessProbe/exec/command", json!(["changed"])),
        (Pod, "/containers/0/readinessProbe/httpGet/host", json!("changed")),
        (Pod, "/containers/0/lifecycle/postStart/exec/command", json!(["changed"])),
    ]
}

/// Sets a field, and makes what is missing on the way to it. Returns whether that changed anything.
fn set(object: &mut Value, pointer: &str, new: &Value) -> bool {
    let mut place = object;
    for part in pointer.split('/').skip(1).map(|part| part.replace("~1", "/")) {
        if part == "-" {
            if place.is_null() {
                *place = json!([]);
            }
            let Some(list) = place.as_array_mut() else { return false };
            list.push(new.clone());
            return true;
        }
        place = match place {
            Value::Array(list) => match part.parse().ok().and_then(|index: usize| list.get_mut(index)) {
                Some(entry) => entry,
                None => return false,
            },
            object => &mut object[part],
        };
    }
    std::mem::replace(place, new.clone()) != *new
}

#[test]
fn every_judged_field_changes_the_normal_form() -> anyhow::Result<()> {
    let corpus = corpus()?;
    let mut wrong = Vec::new();
    for (place, field, new) in changes() {
        let mut changed = 0;
        for manifest in &corpus {
            let Some(start) = place.pointer(manifest.kind) else { continue };
            let mut object = manifest.object.clone();
            if !set(&mut object, &format!("{start}{field}"), &new) {
                continue;
            }
            changed += 1;
            if manifest.normal_form(&object)? == manifest.normal_form(&manifest.object)? {
                wrong.push(format!("{}: {field} set to {new} changes nothing", manifest.name));
            }
        }
        // A change that hardly any manifest can take proves nothing.
        if changed < corpus.len() / 3 {
            wrong.push(format!("{field} was changed in {changed} manifests only"));
        }
    }
    assert!(wrong.is_empty(), "{} fields not in the normal form:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
