//! A judgement in full, for programs.

use serde::Serialize;

use super::super::document::{Named, api_version, to_json};
use super::super::words::{shown, source};
use super::Subject;
use super::lineage::{OneLink, OneParent, OneRun, Verdict, origin};
use super::recorded::OneFinding;
use crate::api::code::{DeviationCode, Severity};
use crate::api::finding::{Deviation, Outcome, Risk};
use crate::assess::{Check, CheckOutcome, Explained, Explanation};

/// Renders a judgement in full as one JSON document that ends with a line break. `docs/scan-output.md` lists the fields.
pub fn json(subject: &Subject<'_>, explanation: &Explanation) -> String {
    let assessment = &explanation.assessment;
    to_json(&Document {
        api_version: api_version(),
        kind: "Explanation",
        workload: Named::of(subject.key),
        source: source(subject.source),
        line: subject.position.map(|position| position.line),
        column: subject.position.map(|position| position.column),
        verdict: Verdict::of(assessment, subject.lineage.map(|lineage| &lineage.traced.origin)),
        severity: (!assessment.deviations.is_empty()).then_some(assessment.severity),
        severity_reasons: assessment.severity_reasons.clone(),
        nearest_approval: assessment.nearest().map(shown),
        deviations: assessment.deviations.iter().map(deviation).collect(),
        risks: assessment.risks.iter().map(risk).collect(),
        approvals: explanation.approvals.iter().map(approval).collect(),
        finding: subject.finding.and_then(OneFinding::of),
        origin: subject.lineage.map(|lineage| origin(&lineage.traced.origin)),
        cron_job: subject.lineage.and_then(|lineage| lineage.cron_job).map(OneParent::of),
        chain: subject.lineage.iter().flat_map(|lineage| lineage.links).map(OneLink::of).collect(),
        more_pods: subject.lineage.map(|lineage| lineage.more_pods).filter(|more| *more > 0),
        runs: subject.runs.iter().map(OneRun::of).collect(),
        next_runs: subject.ticks.iter().map(|tick| shown(tick)).collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: &'static str,
    workload: Named,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    severity_reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest_approval: Option<String>,
    deviations: Vec<Deviation>,
    risks: Vec<OneRisk>,
    approvals: Vec<OneApproval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<OneFinding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron_job: Option<OneParent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<OneLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_pods: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<OneRun>,
    next_runs: Vec<String>,
}

#[derive(Serialize)]
struct OneRisk {
    #[serde(flatten)]
    risk: Risk,
    raises: bool,
    meaning: &'static str,
}

#[derive(Serialize)]
struct OneApproval {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    selects: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatches: Vec<OneMismatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<OneCheck>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

#[derive(Serialize)]
struct OneMismatch {
    field: String,
    expected: String,
    observed: String,
}

#[derive(Serialize)]
struct OneCheck {
    outcome: &'static str,
    code: DeviationCode,
    field: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    expected: String,
    observed: String,
}

fn deviation(deviation: &Deviation) -> Deviation {
    let Deviation { code, path, expected, observed, approval } = deviation;
    Deviation {
        code: *code,
        path: shown(path),
        expected: shown(expected),
        observed: shown(observed),
        approval: approval.as_deref().map(shown),
    }
}

fn risk(risk: &Risk) -> OneRisk {
    let Risk { code, path, detail } = risk;
    OneRisk {
        risk: Risk { code: *code, path: shown(path), detail: shown(detail) },
        raises: code.raises(),
        meaning: code.meaning(),
    }
}

fn approval(approval: &Explained) -> OneApproval {
    let Explained { name, outcome, mismatches, checks, problems } = approval;
    OneApproval {
        name: shown(name),
        outcome: *outcome,
        selects: outcome.is_some(),
        mismatches: mismatches
            .iter()
            .map(|m| OneMismatch { field: shown(&m.field), expected: shown(&m.expected), observed: shown(&m.observed) })
            .collect(),
        checks: checks.iter().map(check).collect(),
        problems: problems.iter().map(|problem| shown(problem)).collect(),
    }
}

fn check(check: &Check) -> OneCheck {
    let Check { code, field, path, expected, observed, outcome } = check;
    OneCheck {
        outcome: match outcome {
            CheckOutcome::Held => "Held",
            CheckOutcome::Deviates => "Deviates",
            CheckOutcome::Unknown => "Unknown",
        },
        code: *code,
        field,
        path: shown(path),
        expected: shown(expected),
        observed: shown(observed),
    }
}
