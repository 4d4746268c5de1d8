//! The health checks of `docs/gitops.md`, run by the interpreters of Argo CD and Flux over statuses of our own making.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use cronwarden::api::approval::{ApprovedCronJobSpec, ApprovedCronJobStatus};
use cronwarden::api::finding::{ScheduledWorkloadFindingSpec, State, Triage};
use cronwarden::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use cronwarden::assess::{Assessment, assess};
use cronwarden::finding::{Record, Subject, Write as Change, closing, plan, reference};
use cronwarden::inventory::{Approval, Inventory, Known, Labels, status};
use cronwarden::workload::{Workload, WorkloadKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{Block, blocks, file};
use super::sandbox::build;
use super::yaml;
use crate::harness::ScratchDir;

/// A folder with the helper that answers as the tools do.
static HELPER: LazyLock<ScratchDir> = LazyLock::new(|| {
    let scratch = ScratchDir::new().unwrap();
    build("./health", &scratch.path().join("health"));
    scratch
});

/// What a tool makes of an object.
#[derive(Debug, Deserialize)]
struct Health {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error: String,
}

/// The health checks of one resource.
struct Checks {
    lua: String,
    cel: Value,
}

impl Checks {
    fn of(kind: &str) -> Self {
        let blocks = blocks("gitops.md");
        let settings = yaml(&file(&blocks, "argocd/argocd-cm.yaml").text);
        let key = format!("resource.customizations.health.cronwarden.dev_{kind}");
        let lua = settings["data"][&key].as_str().unwrap_or_else(|| panic!("no {key}")).to_owned();
        let kustomization = yaml(&file(&blocks, "clusters/production/inventory.yaml").text);
        let expressions = kustomization["spec"]["healthCheckExprs"].as_array().unwrap();
        let ours = |entry: &&Value| entry["apiVersion"] == "cronwarden.dev/v1alpha1" && entry["kind"] == kind;
        let mut cel = expressions.iter().find(ours).unwrap_or_else(|| panic!("no expressions for {kind}")).clone();
        cel.as_object_mut().unwrap().retain(|field, _| field != "apiVersion" && field != "kind");
        Self { lua, cel }
    }

    /// What Argo CD and Flux say of an object.
    fn ask(&self, object: &impl Serialize) -> [Health; 2] {
        let questions = [json!({"object": object, "lua": self.lua}), json!({"object": object, "cel": self.cel})];
        ask(&questions).try_into().expect("an answer to each question")
    }

    /// Fails unless Argo CD and Flux say this; returns the message of Argo CD.
    #[track_caller]
    fn say(&self, object: &impl Serialize, argo_cd: &str, flux: &str) -> String {
        let [in_argo_cd, in_flux] = self.ask(object);
        assert_eq!((in_argo_cd.status.as_str(), in_argo_cd.error.as_str()), (argo_cd, ""), "Argo CD");
        assert_eq!((in_flux.status.as_str(), in_flux.error.as_str()), (flux, ""), "Flux");
        in_argo_cd.message
    }

    /// Fails unless Argo CD calls it progressing and Flux cannot tell yet, and so keeps waiting.
    #[track_caller]
    fn wait_for_a_status(&self, object: &impl Serialize) {
        let [in_argo_cd, in_flux] = self.ask(object);
        assert_eq!((in_argo_cd.status.as_str(), in_argo_cd.error.as_str()), ("Progressing", ""), "Argo CD");
        assert!(in_flux.error.contains("no such attribute"), "Flux: {in_flux:?}");
    }
}

fn ask(questions: &[Value]) -> Vec<Health> {
    let mut helper =
        Command::new(HELPER.path().join("health")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = helper.stdin.take().unwrap();
    for question in questions {
        writeln!(input, "{question}").unwrap();
    }
    drop(input);
    let output = helper.wait_with_output().unwrap();
    assert!(output.status.success(), "the helper failed: {}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// An approval of generation 2 that says this.
fn approval(spec: Value) -> ApprovedCronJob {
    let spec: ApprovedCronJobSpec = serde_json::from_value(spec).unwrap();
    let mut approval = ApprovedCronJob::new("nightly-backup", spec);
    approval.metadata.generation = Some(2);
    approval
}

/// Gives an approval the status that the operator would write.
fn reported(mut approval: ApprovedCronJob, matched: usize) -> ApprovedCronJob {
    approval.status =
        Some(status(&Approval::compile(&approval), Known { count: matched, ..Known::default() }, None, now()));
    approval
}

fn condition<'a>(status: &'a ApprovedCronJobStatus, kind: &str) -> (&'a str, &'a str) {
    let condition = status.conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    (&condition.status, &condition.message)
}

#[test]
fn an_approval_is_as_healthy_as_it_is_ready() {
    let checks = Checks::of("ApprovedCronJob");
    let valid = || approval(json!({"match": {"names": ["nightly-backup"]}, "expected": {"schedules": ["@daily"]}}));
    checks.wait_for_a_status(&valid());

    for matched in [0, 1] {
        let ready = reported(valid(), matched);
        let status = ready.status.as_ref().unwrap();
        assert_eq!(condition(status, "Matched").0 == "True", matched > 0);
        let message = checks.say(&ready, "Healthy", "Current");
        assert_eq!(message, condition(status, "Ready").1);
    }

    // Its spec was changed since.
    let mut stale = reported(valid(), 1);
    stale.metadata.generation = Some(3);
    checks.say(&stale, "Progressing", "InProgress");

    let invalid = reported(approval(json!({"match": {"names": ["*"]}, "expected": {"schedules": ["never"]}})), 1);
    let (ready, why) = condition(invalid.status.as_ref().unwrap(), "Ready");
    assert_eq!(ready, "False");
    assert!(why.contains("expected.schedules[0]"), "{why}");
    assert_eq!(checks.say(&invalid, "Degraded", "Failed"), why);

    let expired = reported(approval(json!({"match": {"names": ["*"]}, "expiresAt": "2026-01-01T00:00:00Z"})), 1);
    let (holds, since) = condition(expired.status.as_ref().unwrap(), "Expired");
    assert_eq!(holds, "True");
    assert_eq!(checks.say(&expired, "Healthy", "Current"), since);
}

/// A finding in a cluster, written as the operator does.
struct Life {
    workload: Workload,
    finding: ScheduledWorkloadFinding,
}

impl Life {
    /// A finding of which only the first of the two writes that make it has happened.
    fn begin() -> Self {
        let manifest = json!({
            "metadata": {"name": "miner", "namespace": "shop", "uid": "6f1c2a0e-0000-4000-8000-000000000000"},
            "spec": {"schedule": "@hourly", "jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "main", "image": "registry.example.com/miner:1"}]
            }}}}}
        });
        let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap();
        let workload_reference = reference(&workload.key, "6f1c2a0e-0000-4000-8000-000000000000");
        let spec = ScheduledWorkloadFindingSpec { workload: workload_reference, triage: None };
        Self { workload, finding: ScheduledWorkloadFinding::new("shop-miner", spec) }
    }

    fn record(&self) -> Record {
        Record::of(&self.finding)
    }

    /// Judges the workload by approvals of these names, and writes what there is to write.
    fn judge(&mut self, approved: &[&str]) {
        let mut inventory = Inventory::default();
        let spec: ApprovedCronJobSpec = serde_json::from_value(json!({"match": {"names": approved}})).unwrap();
        inventory.insert(Approval::compile(&ApprovedCronJob::new("shop", spec)));
        let assessment: Assessment = assess(&self.workload, &inventory, &Labels::new(), now());
        let workload_reference = self.finding.spec.workload.clone();
        let subject = Subject { workload: Some(&self.workload), ..Subject::of(&workload_reference) };
        let change = plan(subject, &assessment, Some(&self.record()), now());
        self.carry_out(change);
    }

    fn carry_out(&mut self, change: Option<Change>) {
        match change {
            Some(Change::Apply { status, .. }) => self.finding.status = Some(*status),
            Some(Change::Close { closing, .. }) => closing.apply(self.finding.status.as_mut().unwrap()),
            other => panic!("nothing was written: {other:?}"),
        }
    }

    #[track_caller]
    fn is(&self, state: State, argo_cd: &str, flux: &str) {
        assert_eq!(self.finding.status.as_ref().unwrap().state, state);
        let status = self.finding.status.as_ref().unwrap();
        let message = Checks::of("ScheduledWorkloadFinding").say(&self.finding, argo_cd, flux);
        assert_eq!(message, format!("{}: {}", state.as_str(), status.conditions[0].message));
    }
}

#[test]
fn a_finding_is_as_healthy_as_its_state() {
    let mut life = Life::begin();
    Checks::of("ScheduledWorkloadFinding").wait_for_a_status(&life.finding);
    life.judge(&["backup"]);
    life.is(State::Open, "Degraded", "Failed");

    let fingerprint = life.finding.status.as_ref().unwrap().fingerprint.clone();
    life.finding.spec.triage = Some(Triage { fingerprint, ..Triage::default() });
    life.judge(&["backup"]);
    life.is(State::Acknowledged, "Suspended", "Current");

    let mut deleted = Life { workload: life.workload.clone(), finding: life.finding.clone() };
    let change = closing(&deleted.record(), now());
    deleted.carry_out(change);
    deleted.is(State::Deleted, "Healthy", "Current");

    life.judge(&["miner"]);
    life.is(State::Resolved, "Healthy", "Current");
}

#[test]
fn approvals_come_before_what_they_approve() {
    let blocks = blocks("gitops.md");
    let shown: Vec<&str> = blocks.iter().filter(|block| block.language == "yaml").filter_map(Block::path).collect();
    let known = [
        "argocd/argocd-cm.yaml",
        "clusters/production/inventory.yaml",
        "inventory/payments-nightly-backup.yaml",
        "clusters/production/apps.yaml",
    ];
    assert_eq!(shown, known, "a block that no test looks at");
    let example = yaml(&file(&blocks, "inventory/payments-nightly-backup.yaml").text);
    let wave = example["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str().unwrap();
    assert!(wave.parse::<i32>().unwrap() < 0, "CronJobs are in wave 0");
    let example: ApprovedCronJob = serde_json::from_value(example).unwrap();
    assert_eq!(Approval::compile(&example).rules.err(), None);

    let inventory = yaml(&file(&blocks, "clusters/production/inventory.yaml").text);
    let apps = yaml(&file(&blocks, "clusters/production/apps.yaml").text);
    assert_eq!(apps["spec"]["dependsOn"][0]["name"], inventory["metadata"]["name"]);
    assert_eq!(inventory["spec"]["wait"], true, "without it nothing waits for the health of approvals");
}
