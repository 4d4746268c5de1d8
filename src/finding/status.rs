//! An assessment in the words of a finding, within bounds.

use std::cmp::Reverse;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::actor::Actors;
use super::event::fit;
use super::plan::Subject;
use super::runs::Count;
use super::{snapshot, steps};
use crate::api::code::DeviationCode;
use crate::api::finding::{Actor, Deviation, Risk, ScheduledWorkloadFindingStatus as Status, State};
use crate::assess::Assessment;

/// The type of the condition that tells whether a workload deviates.
pub(super) const DEVIATING: &str = "Deviating";

const MOST_DEVIATIONS: usize = 50;
const MOST_RISKS: usize = 50;
const MOST_APPROVALS: usize = 20;
/// The longest text of one field, in bytes.
const LONGEST_TEXT: usize = 512;

/// The status of a finding, without the times. `known` is who deleted what is missing, as it is recorded.
pub(super) fn of(
    name: &str,
    subject: Subject<'_>,
    assessment: &Assessment,
    fingerprint: String,
    state: State,
    known: Option<Box<Actor>>,
) -> Status {
    let Actors { actor, creator, deleter, tampering } =
        subject.attribution.map(|attribution| attribution.told(subject.workload)).unwrap_or_default();
    let deleter = deleter.or(known);
    Status {
        state,
        actor,
        creator,
        next_steps: steps::after(name, subject.reference, assessment, &fingerprint, deleter.is_some()),
        deleter,
        tampering,
        severity: assessment.severity,
        severity_reasons: assessment.severity_reasons.clone(),
        reasons: codes(assessment.deviations.iter().map(|deviation| deviation.code.as_str())),
        risk_reasons: codes(assessment.risks.iter().map(|risk| risk.code.as_str())),
        nearest_approval: assessment.nearest().map(str::to_owned),
        deviations: deviations(&assessment.deviations),
        risks: assessment.risks.iter().take(MOST_RISKS).map(bounded_risk).collect(),
        approvals: assessment.approvals.iter().take(MOST_APPROVALS).cloned().collect(),
        fingerprint,
        campaign: assessment.campaign.clone(),
        template_hash: subject.workload.map(crate::workload::Workload::template_hash),
        snapshot: subject.workload.map(snapshot::of),
        lineage: subject.lineage.to_vec(),
        runs: subject.runs.map(Count::told),
        ..Status::default()
    }
}

/// The condition of a workload that deviates.
pub(super) fn deviating(assessment: &Assessment, since: Timestamp) -> Condition {
    // The first of the worst code: the same that the severity starts from.
    let worst =
        assessment.deviations.iter().min_by_key(|deviation| (Reverse(deviation.code.severity()), deviation.code));
    Condition {
        type_: DEVIATING.to_owned(),
        status: "True".to_owned(),
        reason: worst.map_or("Unapproved", |deviation| deviation.code.as_str()).to_owned(),
        message: worst.map(sentence).unwrap_or_default(),
        last_transition_time: Time(since),
        observed_generation: None,
    }
}

/// A deviation as a sentence.
pub(super) fn sentence(deviation: &Deviation) -> String {
    let Deviation { code, path, expected, observed, approval } = deviation;
    match (code, approval) {
        (DeviationCode::UnattributedChange | DeviationCode::DeploymentPath, _) => {
            format!("{code}: {observed}; expected is that it is {expected}.")
        }
        (DeviationCode::Unapproved, None) => format!("{code}: no ApprovedCronJob selects this workload."),
        (DeviationCode::Unapproved | DeviationCode::ApprovalExpired, Some(approval)) => {
            format!("{code}: approval {approval} speaks for this workload, but {observed}.")
        }
        (DeviationCode::Missing, Some(approval)) => {
            format!("{code}: approval {approval} requires that {expected}; {observed}.")
        }
        _ if path.is_empty() => format!("{code}: {observed}; expected is {expected}."),
        (_, Some(approval)) => format!("{code}: {path} is {observed}; approval {approval} expects {expected}."),
        (_, None) => format!("{code}: {path} is {observed}; expected is {expected}."),
    }
}

/// Each code once, in the order of their first appearance.
fn codes<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for code in all {
        if !unique.contains(&code) {
            unique.push(code);
        }
    }
    unique.join(",")
}

/// At most fifty; if there are more, the last one says how many.
fn deviations(all: &[Deviation]) -> Vec<Deviation> {
    let mut shown: Vec<Deviation> = all.iter().take(MOST_DEVIATIONS).map(bounded).collect();
    if all.len() > MOST_DEVIATIONS
        && let Some(last) = shown.last_mut()
    {
        *last = Deviation {
            path: String::new(),
            expected: "no further deviation".to_owned(),
            observed: format!("{} more deviations that are not shown", all.len() - MOST_DEVIATIONS + 1),
            ..last.clone()
        };
    }
    shown
}

fn bounded(deviation: &Deviation) -> Deviation {
    let Deviation { code, path, expected, observed, approval } = deviation;
    Deviation {
        code: *code,
        path: fit(path, LONGEST_TEXT),
        expected: fit(expected, LONGEST_TEXT),
        observed: fit(observed, LONGEST_TEXT),
        approval: approval.clone(),
    }
}

fn bounded_risk(risk: &Risk) -> Risk {
    let Risk { code, path, detail } = risk;
    Risk { code: *code, path: fit(path, LONGEST_TEXT), detail: fit(detail, LONGEST_TEXT) }
}
