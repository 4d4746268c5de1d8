//! The scenarios of `tests/data/corpus`: what teams run, what a platform team approved, and what has to come of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cronwarden::api::ApprovedCronJob;
use cronwarden::api::code::{DeviationCode, RiskCode};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::workload::{Workload, WorkloadKey, WorkloadKind};
use serde::Deserialize;
use serde_json::Value;

use crate::rest::repository;

/// A folder of the corpus.
pub struct Scenario {
    /// The name of the folder.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// `inventory.yaml`.
    pub approvals: Vec<ApprovedCronJob>,
    /// The same, compiled.
    pub inventory: Inventory,
    /// The labels of the namespaces of `namespaces.yaml`; a namespace that it does not name has none.
    pub namespaces: BTreeMap<String, Labels>,
    /// Each object of `workloads.yaml` with its normal form.
    pub workloads: Vec<(Value, Workload)>,
    /// `verdicts.yaml`.
    pub verdicts: Verdicts,
}

impl Scenario {
    /// The labels of a workload's namespace.
    pub fn namespace(&self, workload: &Workload) -> Labels {
        self.namespaces.get(&workload.key.namespace).cloned().unwrap_or_default()
    }
}

/// What has to come of a scenario.
#[derive(Deserialize)]
pub struct Verdicts {
    /// What is judged otherwise today than it should be, by `Kind/namespace/name`.
    #[serde(default, rename = "known-wrong")]
    pub known_wrong: BTreeMap<String, KnownWrong>,
    /// The hostile edits that the approval leaves open, as `docs/approvals.md` says, by `Kind/namespace/name`.
    #[serde(default, rename = "not-covered")]
    pub not_covered: BTreeMap<String, NotCovered>,
    /// The required CronJobs that nobody deployed.
    #[serde(default)]
    pub missing: Vec<String>,
    /// What is right, by `Kind/namespace/name`.
    #[serde(flatten)]
    pub workloads: BTreeMap<String, Verdict>,
}

/// What is right for a workload.
#[derive(Deserialize)]
pub struct Verdict {
    /// The judgement.
    #[serde(flatten)]
    pub judged: Judged,
    /// Whether an attacker wrote or changed it.
    pub hostile: bool,
    /// Why, for people.
    pub why: String,
}

/// A judgement, as far as the corpus fixes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Judged {
    /// Whether the workload is approved.
    pub verdict: Outcome,
    /// The codes of what deviates, sorted by name, each once.
    pub deviations: Vec<DeviationCode>,
    /// The codes of what makes it dangerous, sorted by name, each once.
    pub risks: Vec<RiskCode>,
}

/// What the judgement of a workload comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Outcome {
    /// An approval is satisfied.
    Approved,
    /// It differs from every approval, or there is none.
    Deviates,
    /// An approval expects what nothing here can tell.
    Unknown,
}

/// What is judged otherwise today than it should be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownWrong {
    /// The judgement of today.
    pub today: Judged,
    /// What is wrong with it.
    pub why: String,
}

/// A hostile edit of what the approval says nothing about, so that the workload is rightly quiet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCovered {
    /// The field of an approval that would show the edit.
    #[serde(rename = "covered-by")]
    pub covered_by: CoveredBy,
    /// What was edited.
    pub why: String,
}

/// What would cover an edit that the approval leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum CoveredBy {
    /// Pinning the template.
    #[serde(rename = "expected.templateHash")]
    TemplateHash,
    /// A narrower pattern.
    #[serde(rename = "expected.commands")]
    Commands,
    /// No field of today.
    #[serde(rename = "nothing")]
    Nothing,
}

impl std::fmt::Display for CoveredBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TemplateHash => "expected.templateHash",
            Self::Commands => "expected.commands",
            Self::Nothing => "no field",
        })
    }
}

/// Every scenario, by name.
pub fn corpus() -> anyhow::Result<Vec<Scenario>> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(repository("tests/data/corpus"))?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    folders.sort();
    folders.into_iter().map(|folder| scenario(folder.clone()).with_context(|| folder.display().to_string())).collect()
}

fn scenario(folder: PathBuf) -> anyhow::Result<Scenario> {
    let approvals = documents(&folder.join("inventory.yaml"))?
        .into_iter()
        .map(|document| Ok(serde_json::from_value(document)?))
        .collect::<anyhow::Result<Vec<ApprovedCronJob>>>()?;
    let mut inventory = Inventory::default();
    for approval in &approvals {
        let compiled = Approval::compile(approval);
        ensure!(compiled.rules.is_ok(), "{:?} cannot be used: {:?}", approval.metadata.name, compiled.rules);
        ensure!(inventory.insert(compiled).is_none(), "two approvals are called {:?}", approval.metadata.name);
    }
    let mut namespaces = BTreeMap::new();
    for namespace in documents(&folder.join("namespaces.yaml"))? {
        let name = namespace["metadata"]["name"].as_str().context("a namespace has no name")?.to_owned();
        let labels = serde_json::from_value(namespace["metadata"]["labels"].clone())?;
        namespaces.insert(name, labels);
    }
    let workloads = documents(&folder.join("workloads.yaml"))?
        .into_iter()
        .map(|object| Ok((object.clone(), workload(&object)?)))
        .collect::<anyhow::Result<_>>()?;
    let verdicts = serde_saphyr::from_str(&fs::read_to_string(folder.join("verdicts.yaml"))?)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Scenario { name, folder, approvals, inventory, namespaces, workloads, verdicts })
}

/// The objects of a file, which may be absent. A `List` stands for what it holds.
fn documents(file: &Path) -> anyhow::Result<Vec<Value>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    // `defaultMode: 0755` is octal to kubectl.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(&fs::read_to_string(file)?, options)
        .with_context(|| file.display().to_string())?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .flat_map(|mut document| match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => vec![document],
        })
        .collect())
}

fn workload(object: &Value) -> anyhow::Result<Workload> {
    let kind = match object["kind"].as_str() {
        Some("CronJob") => WorkloadKind::CronJob,
        Some("Job") => WorkloadKind::Job,
        other => bail!("an object of the kind {other:?} is not a workload"),
    };
    Workload::from_json(kind, &object.to_string()).with_context(|| object["metadata"]["name"].to_string())
}

/// The CronJobs that the approvals of a scenario require.
pub fn required(scenario: &Scenario) -> Vec<WorkloadKey> {
    let requiring = scenario.approvals.iter().filter(|approval| approval.spec.expected.required);
    let mut keys: Vec<WorkloadKey> = requiring
        .flat_map(|approval| {
            let matches = &approval.spec.matches;
            matches.namespaces.iter().flat_map(|namespace| {
                matches.names.iter().map(|name| WorkloadKey {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    kind: WorkloadKind::CronJob,
                })
            })
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}
