//! The manifests of `tests/data/manifests`, and changes of every field that is judged.

use std::path::PathBuf;

use anyhow::Context;
use cronwarden::workload::{Workload, WorkloadKind};
use serde_json::{Value, json};

use crate::rest::repository;

/// So that the set does not shrink unnoticed.
const FEWEST_MANIFESTS: usize = 60;

/// A CronJob or Job of tests/data/manifests.
pub struct Manifest {
    /// The file and the name, for messages.
    pub name: String,
    pub kind: WorkloadKind,
    /// The manifest.
    pub object: Value,
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

    /// What is judged of an object in the place of the manifest.
    pub fn normal_form(&self, object: &Value) -> anyhow::Result<Workload> {
        Workload::from_json(self.kind, &object.to_string()).with_context(|| self.name.clone())
    }
}

/// Every manifest, by file.
pub fn manifests() -> anyhow::Result<Vec<Manifest>> {
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

/// Where in a manifest a change is made: it depends on the kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Whole,
    /// Only in CronJobs.
    Cron,
    Job,
    Template,
    Pod,
}

impl Place {
    /// The place as a JSON pointer, if the kind has it.
    pub fn pointer(self, kind: WorkloadKind) -> Option<&'static str> {
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
pub fn changes() -> Vec<(Place, &'static str, Value)> {
    use Place::{Cron, Job, Pod, Template, Whole};
    vec![
        (Whole, "/metadata/name", json!("changed")),
        (Whole, "/metadata/namespace", json!("changed")),
        (Whole, "/metadata/labels/changed", json!("")),
        (Whole, "/metadata/annotations/argocd.argoproj.io~1tracking-id", json!("changed")),
        (Whole, "/metadata/annotations/meta.helm.sh~1release-name", json!("changed")),
        (Whole, "/metadata/annotations/meta.helm.sh~1release-namespace", json!("changed")),
        (Whole, "/metadata/annotations/helm.sh~1hook", json!("changed")),
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
pub fn set(object: &mut Value, pointer: &str, new: &Value) -> bool {
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
