//! The history for programs. Fields are named as in the status of a finding.

use serde::Serialize;

use super::super::document::{
    Named, OneDeviation, OneProblem, OneRisk, OneUnknown, api_version, one_deviation, one_problem, one_risk,
    one_unknown, to_json,
};
use super::super::words::{self, codes, shown};
use super::Replay;
use super::phrase::subject;
use crate::api::code::Severity;
use crate::api::finding::{Actor, Evidence};
use crate::finding;
use crate::identity;
use crate::timeline::{ActorSummary, Entry, History, Inventories, Life, Remark, Subject, Verdict};
use crate::workload::difference::Difference;

/// Renders a history as one JSON document that ends with a line break. `docs/replay.md` lists the fields.
pub fn json(replay: &Replay) -> String {
    to_json(&Document::of(replay))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: &'static str,
    summary: Figures,
    entries: Vec<OneEntry>,
    workloads: Vec<OneLife>,
    actors: Vec<Counts>,
    problems: Vec<OneProblem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    inventory: &'static str,
    files: u64,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    entries: u64,
    workloads: u64,
    deviating: u64,
    planted_and_gone: u64,
    runs: u64,
    unchanged: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneEntry {
    time: String,
    what: &'static str,
    #[serde(flatten)]
    subject: Target,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: String,
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
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
    changes: Vec<OneChange>,
    #[serde(skip_serializing_if = "is_zero")]
    more_changes: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<OneRemark>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effects: Vec<OneEffect>,
    #[serde(skip_serializing_if = "String::is_empty")]
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_hash: Option<String>,
    source: String,
    line: u64,
}

/// What an entry is about: one of these.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Target {
    Workload(Named),
    Approval(String),
    /// Workloads that are not named.
    Workloads(String),
}

#[derive(Serialize)]
struct OneChange {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<String>,
}

#[derive(Serialize)]
struct OneRemark {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Serialize)]
struct OneEffect {
    workload: Named,
    before: &'static str,
    after: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneLife {
    workload: Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    was_approved: bool,
    was_deviating: bool,
    planted_and_gone: bool,
    entries: u64,
    runs: u64,
}

#[derive(Serialize)]
struct Moment {
    time: String,
    username: String,
}

#[derive(Serialize)]
struct Counts {
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonator: Option<String>,
    created: u64,
    changed: u64,
    deleted: u64,
    deviating: u64,
}

impl Document {
    fn of(replay: &Replay) -> Self {
        let History { entries, lives, inventories, summary } = &replay.history;
        Self {
            api_version: api_version(),
            kind: "ReplayReport",
            summary: Figures {
                inventory: match inventories {
                    Inventories::None => "None",
                    Inventories::Given => "Given",
                    Inventories::Recorded => "Recorded",
                },
                files: replay.sources.len() as u64,
                records: replay.records,
                from: summary.span.map(|(from, _)| from.to_string()),
                to: summary.span.map(|(_, to)| to.to_string()),
                entries: entries.len() as u64,
                workloads: summary.workloads,
                deviating: summary.deviating,
                planted_and_gone: summary.planted_and_gone,
                runs: summary.runs,
                unchanged: summary.unchanged,
            },
            entries: entries.iter().map(|entry| one_entry(replay, entry)).collect(),
            workloads: lives.iter().map(one_life).collect(),
            actors: summary.actors.iter().map(counts).collect(),
            problems: replay.problems.iter().map(one_problem).collect(),
        }
    }
}

fn one_entry(replay: &Replay, entry: &Entry) -> OneEntry {
    let assessment = &entry.assessment;
    OneEntry {
        time: entry.at.to_string(),
        what: entry.what.as_str(),
        subject: match &entry.subject {
            Subject::Workload(key) => Target::Workload(Named::of(key)),
            Subject::Approval(name) => Target::Approval(shown(name)),
            Subject::Unnamed(..) => Target::Workloads(subject(&entry.subject)),
        },
        uid: shown(&entry.uid),
        actor: finding::requester(&entry.actor, &entry.audit_id, Evidence::Audit),
        verdict: entry.verdict.map(Verdict::as_str),
        severity: (entry.verdict == Some(Verdict::Deviating)).then_some(assessment.severity),
        severity_reasons: assessment.severity_reasons.clone(),
        reasons: codes(assessment.deviations.iter().map(|deviation| deviation.code.as_str())),
        risk_reasons: codes(assessment.risks.iter().map(|risk| risk.code.as_str())),
        nearest_approval: assessment.nearest().map(shown),
        deviations: assessment.deviations.iter().map(|deviation| one_deviation((deviation, None))).collect(),
        unknown: assessment.unknown.iter().map(one_unknown).collect(),
        risks: assessment.risks.iter().map(|risk| one_risk((risk, None))).collect(),
        changes: entry.differences.all.iter().map(one_change).collect(),
        more_changes: entry.differences.more,
        remarks: entry.remarks.iter().map(one_remark).collect(),
        effects: entry
            .effects
            .iter()
            .map(|effect| OneEffect {
                workload: Named::of(&effect.key),
                before: effect.before.as_str(),
                after: effect.after.as_str(),
            })
            .collect(),
        fingerprint: entry.fingerprint.clone(),
        template_hash: entry.template_hash.clone(),
        source: words::source(&replay.source(entry)),
        line: entry.origin.line,
    }
}

fn one_change(difference: &Difference) -> OneChange {
    let Difference { path, old, new } = difference;
    OneChange { path: shown(path), old: old.as_deref().map(shown), new: new.as_deref().map(shown) }
}

fn one_remark(remark: &Remark) -> OneRemark {
    let (code, detail) = match remark {
        Remark::BeforeLog => ("BeforeLog", None),
        Remark::ContentNotRecorded => ("ContentNotRecorded", None),
        Remark::Unreadable(reason) => ("Unreadable", Some(reason.to_string())),
        Remark::NamesNotRecorded => ("NamesNotRecorded", None),
        Remark::ManualRun(cron_job) => ("ManualRun", Some(cron_job.clone())),
        Remark::ClaimsOwner(cron_job) => ("ClaimsOwner", Some(cron_job.clone())),
        Remark::Child(kind, name) => ("Child", Some(format!("{kind}/{name}"))),
        Remark::OwnApproval(approval) => ("OwnApproval", Some(approval.clone())),
        Remark::AfterDeletion => ("AfterDeletion", None),
    };
    OneRemark { code, detail: detail.map(|detail| shown(&detail)) }
}

fn one_life(life: &Life) -> OneLife {
    let moment = |moment: &Option<(jiff::Timestamp, std::sync::Arc<identity::Actor>)>| {
        moment.as_ref().map(|(at, actor)| Moment { time: at.to_string(), username: shown(&actor.effective().username) })
    };
    OneLife {
        workload: Named::of(&life.key),
        uid: shown(&life.uid),
        created: moment(&life.created),
        deleted: moment(&life.deleted),
        verdict: life.verdict.map(Verdict::as_str),
        was_approved: life.was_approved,
        was_deviating: life.was_deviating,
        planted_and_gone: life.is_planted_and_gone(),
        entries: life.entries,
        runs: life.runs,
    }
}

fn counts(actor: &ActorSummary) -> Counts {
    let ActorSummary { username, impersonator, created, changed, deleted, deviating } = actor;
    Counts {
        username: shown(username),
        impersonator: impersonator.as_deref().map(shown),
        created: *created,
        changed: *changed,
        deleted: *deleted,
        deviating: *deviating,
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
