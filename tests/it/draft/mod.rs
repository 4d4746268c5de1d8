//! Drafted approvals: of every workload of the test data, and of some that approvals can hardly express.

mod approval;
mod changed;
mod hostile;
mod mutation;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use cronwarden::api::ApprovedCronJob;
use cronwarden::api::finding::Deviation;
use cronwarden::assess::assess;
use cronwarden::draft::{Accepted, Draft, Options};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::workload::{Workload, WorkloadKind};
use jiff::Timestamp;
use serde_json::Value;

use crate::mutations::manifests;
use crate::rest::{repository, yaml};

/// So that the test data does not shrink unnoticed.
const FEWEST_WORKLOADS: usize = 180;

/// Workloads that add capabilities which are none: no approval can name them, so they deviate from every one.
const UNAPPROVABLE: [&str; 1] = ["security: Job security-capability-spelling"];

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

fn options(strict: bool) -> Options {
    Options { accepted: Accepted::all(), strict }
}

/// Every workload of the test data that can be read and approved, with the name of the file.
fn workloads() -> anyhow::Result<Vec<(String, Workload)>> {
    let mut found = Vec::new();
    for manifest in manifests()? {
        found.push((manifest.name.clone(), manifest.normal_form(&manifest.object)?));
    }
    let mut folders = std::fs::read_dir(repository("tests/data/assess"))?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(std::fs::DirEntry::path);
    for folder in folders {
        let file = folder.path().join("workload.yaml");
        if !file.exists() {
            continue;
        }
        let manifest: Value = yaml(&file)?;
        let kind = serde_json::from_value::<WorkloadKind>(manifest["kind"].clone())?;
        if let Ok(workload) = Workload::from_json(kind, &manifest.to_string()) {
            found.push((folder.file_name().to_string_lossy().into_owned(), workload));
        }
    }
    let all = found.len();
    found.retain(|(name, _)| !UNAPPROVABLE.contains(&name.as_str()));
    anyhow::ensure!(found.len() + UNAPPROVABLE.len() == all, "a workload that is listed does not occur");
    anyhow::ensure!(found.len() >= FEWEST_WORKLOADS, "only {} workloads", found.len());
    Ok(found)
}

/// The same workloads, of which no two have the same kind, namespace and name: later ones move to a namespace of their own.
fn distinct_workloads() -> anyhow::Result<Vec<(String, Workload)>> {
    let mut keys = BTreeSet::new();
    let mut found = workloads()?;
    for (i, (_, workload)) in found.iter_mut().enumerate() {
        if !keys.insert(workload.key.clone()) {
            workload.key.namespace = format!("other-{i}");
            keys.insert(workload.key.clone());
        }
    }
    Ok(found)
}

fn inventory<'a>(approvals: impl IntoIterator<Item = &'a ApprovedCronJob>) -> Inventory {
    let mut inventory = Inventory::default();
    for approval in approvals {
        let replaced = inventory.insert(Approval::compile(approval));
        assert!(replaced.is_none(), "two approvals have the name {:?}", approval.metadata.name);
    }
    inventory
}

fn inventory_of(drafts: &[Draft]) -> Inventory {
    inventory(drafts.iter().map(|draft| &draft.approval))
}

fn deviations(workload: &Workload, inventory: &Inventory) -> Vec<Deviation> {
    assess(workload, inventory, &Labels::new(), now()).deviations
}

/// What the schema of the resource says, without its rules: lengths, types, and fields that there are.
fn schema() -> Value {
    let crd = cronwarden::api::all_crds().into_iter().find(|crd| crd.spec.names.kind == "ApprovedCronJob");
    let versions = serde_json::to_value(crd.expect("the definition").spec.versions).expect("JSON");
    let mut schema = versions[0]["schema"]["openAPIV3Schema"].clone();
    remove_formats(&mut schema);
    schema
}

/// The formats of integers are none of JSON Schema.
fn remove_formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|name, value| !(name == "format" && value.is_string()));
            fields.values_mut().for_each(remove_formats);
        }
        Value::Array(entries) => entries.iter_mut().for_each(remove_formats),
        _ => {}
    }
}

/// Why a draft would not be accepted by the API server, as far as that shows without one.
fn problems(draft: &Draft, schema: &jsonschema::Validator) -> Vec<String> {
    let object = serde_json::to_value(&draft.approval).expect("JSON");
    let mut problems: Vec<String> =
        schema.iter_errors(&object).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if let Err(unusable) = Approval::compile(&draft.approval).rules {
        problems.extend(unusable.iter().map(ToString::to_string));
    }
    problems
}

/// Literal values of environment variables and whatever else is planted as a credential.
fn credentials(workload: &Workload) -> BTreeSet<String> {
    use cronwarden::workload::pod::EnvSource;
    let variables = workload.pod.containers.iter().flat_map(|container| &container.env);
    let mut found: BTreeSet<String> = variables
        .filter_map(|variable| match &variable.source {
            EnvSource::Literal(text) => Some(text.expose().to_owned()),
            _ => None,
        })
        // Short values are words that occur elsewhere too.
        .filter(|text| text.len() >= 8 && text.contains(|c: char| c.is_ascii_digit()))
        .collect();
    found.insert("hunter2-S3cr3t".to_owned());
    found
}

/// The codes of deviations with their paths.
fn codes(deviations: &[Deviation]) -> BTreeMap<String, &'static str> {
    deviations.iter().map(|deviation| (deviation.path.clone(), deviation.code.as_str())).collect()
}
