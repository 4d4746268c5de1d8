//! A report for programs: JSON and YAML with the same fields, named as in the status of a finding.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::{self, Verdict, codes, shown};
use super::{Judged, Level, Problem, Report, Spot, Summary};
use crate::api::GROUP;
use crate::api::code::{DeviationCode, RiskCode, Severity};
use crate::api::finding::{ConsideredApproval, Deviation, Outcome, Risk};
use crate::assess::Unknown;
use crate::manifest::Position;
use crate::workload::{WorkloadKey, WorkloadKind};

/// Renders a report as one JSON document that ends with a line break. `docs/scan-output.md` lists the fields.
pub fn json(report: &Report) -> String {
    to_json(&Document::of(report))
}

/// Renders a report as one YAML document with the fields of [`json`].
pub fn yaml(report: &Report) -> String {
    // As with JSON, there is nothing in it that could fail.
    serde_saphyr::to_string(&Document::of(report)).unwrap_or_default()
}

/// The text of a document of this room. They hold texts, numbers and lists: writing them cannot fail.
pub(super) fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// The version of the documents: it changes when a field changes its meaning or goes away, not when one is added.
pub(super) fn api_version() -> String {
    format!("{GROUP}/v1alpha1")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: &'static str,
    summary: Figures,
    workloads: Vec<OneWorkload>,
    problems: Vec<OneProblem>,
}

#[derive(Serialize)]
struct Figures {
    files: u64,
    documents: u64,
    workloads: u64,
    approved: u64,
    deviating: u64,
    unknown: u64,
    approvals: u64,
    namespaces: u64,
    skipped: BTreeMap<String, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneWorkload {
    workload: Named,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    severity_reasons: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasons: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    risk_reasons: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest_approval: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deviations: Vec<OneDeviation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<OneUnknown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    risks: Vec<OneRisk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approvals: Vec<OneApproval>,
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_hash: Option<String>,
}

/// A workload, named.
#[derive(Serialize)]
pub(super) struct Named {
    kind: WorkloadKind,
    namespace: String,
    name: String,
}

impl Named {
    pub(super) fn of(key: &WorkloadKey) -> Self {
        Self { kind: key.kind, namespace: shown(&key.namespace), name: shown(&key.name) }
    }
}

/// Where something stands. Lines and columns count from 1, columns in characters; the end is the position after the last one.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u64>,
}

impl Place {
    fn of(spot: Option<&Spot>) -> Self {
        let at = |of: fn(&Spot) -> u64| spot.map(of);
        Self {
            source: None,
            line: at(|spot| spot.place.start.line),
            column: at(|spot| spot.place.start.column),
            end_line: at(|spot| spot.place.end.line),
            end_column: at(|spot| spot.place.end.column),
        }
    }
}

#[derive(Serialize)]
pub(super) struct OneDeviation {
    code: DeviationCode,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    expected: String,
    observed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
pub(super) struct OneUnknown {
    code: DeviationCode,
    expected: String,
    approval: String,
}

#[derive(Serialize)]
pub(super) struct OneRisk {
    code: RiskCode,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    detail: String,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct OneApproval {
    name: String,
    outcome: Outcome,
    deviations: i32,
}

#[derive(Serialize)]
pub(super) struct OneProblem {
    level: &'static str,
    message: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

impl Document {
    fn of(report: &Report) -> Self {
        let Summary { files, documents, workloads, approved, deviating, unknown, approvals, namespaces, skipped } =
            &report.summary;
        Self {
            api_version: api_version(),
            kind: "ScanReport",
            summary: Figures {
                files: *files,
                documents: *documents,
                workloads: *workloads,
                approved: *approved,
                deviating: *deviating,
                unknown: *unknown,
                approvals: *approvals,
                namespaces: *namespaces,
                skipped: skipped.iter().map(|(kind, number)| (shown(kind), *number)).collect(),
            },
            workloads: report.judged.iter().map(one_workload).collect(),
            problems: report.problems.iter().map(one_problem).collect(),
        }
    }
}

fn one_workload(judged: &Judged) -> OneWorkload {
    let assessment = &judged.assessment;
    let verdict = judged.verdict();
    OneWorkload {
        workload: Named::of(&judged.key),
        verdict,
        severity: (verdict == Verdict::Deviating).then_some(assessment.severity),
        place: Place { source: Some(words::source(&judged.source)), ..Place::of(judged.workload.as_ref()) },
        severity_reasons: assessment.severity_reasons.clone(),
        reasons: codes(assessment.deviations.iter().map(|deviation| deviation.code.as_str())),
        risk_reasons: codes(assessment.risks.iter().map(|risk| risk.code.as_str())),
        nearest_approval: assessment.nearest().map(shown),
        deviations: placed(&assessment.deviations, &judged.deviations).map(one_deviation).collect(),
        unknown: assessment.unknown.iter().map(one_unknown).collect(),
        risks: placed(&assessment.risks, &judged.risks).map(one_risk).collect(),
        approvals: assessment.approvals.iter().map(one_approval).collect(),
        fingerprint: judged.fingerprint.clone(),
        template_hash: judged.template_hash.clone(),
    }
}

/// Each thing with its spot, if it has one.
pub(super) fn placed<'a, T>(all: &'a [T], spots: &'a [Spot]) -> impl Iterator<Item = (&'a T, Option<&'a Spot>)> {
    all.iter().enumerate().map(|(i, thing)| (thing, spots.get(i)))
}

pub(super) fn one_deviation((deviation, spot): (&Deviation, Option<&Spot>)) -> OneDeviation {
    let Deviation { code, path, expected, observed, approval } = deviation;
    OneDeviation {
        code: *code,
        path: shown(path),
        expected: shown(expected),
        observed: shown(observed),
        approval: approval.as_deref().map(shown),
        place: Place::of(spot),
    }
}

pub(super) fn one_unknown(unknown: &Unknown) -> OneUnknown {
    let Unknown { code, expected, approval } = unknown;
    OneUnknown { code: *code, expected: shown(expected), approval: shown(approval) }
}

pub(super) fn one_risk((risk, spot): (&Risk, Option<&Spot>)) -> OneRisk {
    let Risk { code, path, detail } = risk;
    OneRisk { code: *code, path: shown(path), detail: shown(detail), place: Place::of(spot) }
}

fn one_approval(approval: &ConsideredApproval) -> OneApproval {
    let ConsideredApproval { name, outcome, deviations } = approval;
    OneApproval { name: shown(name), outcome: *outcome, deviations: *deviations }
}

pub(super) fn one_problem(problem: &Problem) -> OneProblem {
    let position = |of: fn(Position) -> u64| problem.position.map(of);
    OneProblem {
        level: match problem.level {
            Level::Error => "error",
            Level::Warning => "warning",
        },
        message: shown(&problem.message),
        source: words::source(&problem.source),
        line: position(|position| position.line),
        column: position(|position| position.column),
    }
}
