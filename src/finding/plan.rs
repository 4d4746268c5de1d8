//! The life of a finding: when it is written, closed and dropped.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::actor::{Actors, Attribution};
use super::event::{Notice, Reason};
use super::record::{Record, Written, attributed as attributed_attempts, digest};
use super::runs::Count;
use super::{fingerprint, name, status, steps};
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::{
    Actor, Link, ScheduledWorkloadFindingStatus as Status, State, SubjectKind, WorkloadReference,
};
use crate::assess::Assessment;
use crate::workload::Workload;

/// What a finding is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// How the finding refers to it.
    pub reference: &'a WorkloadReference,
    /// The workload, if it exists and can be read.
    pub workload: Option<&'a Workload>,
    /// Who made it what it is, as far as anything tells.
    pub attribution: Option<Attribution<'a>>,
    /// The chain that it stands in.
    pub lineage: &'a [Link],
    /// The Jobs that the finding speaks of, if it speaks of more than one.
    pub runs: Option<&'a Count>,
}

impl<'a> Subject<'a> {
    /// A subject of which nothing else is known.
    pub fn of(reference: &'a WorkloadReference) -> Self {
        Self { reference, workload: None, attribution: None, lineage: &[], runs: None }
    }
}

/// One change of what is recorded. It leaves nothing to decide to whoever carries it out.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Record a finding in full.
    Apply {
        /// The name of the finding.
        name: String,
        /// The workload that it is about.
        workload: WorkloadReference,
        /// All that was observed.
        status: Box<Status>,
        /// Whether there is no such finding yet.
        create: bool,
        /// What to tell people.
        notice: Option<Notice>,
    },
    /// Mark a finding as over, and leave its evidence as it is.
    Close {
        /// The name of the finding.
        name: String,
        /// How it ended.
        closing: Closing,
        /// What to tell people.
        notice: Notice,
    },
    /// Say who did it in a finding that is over: evidence may come after the end.
    Attribute {
        /// The name of the finding.
        name: String,
        /// Who it was.
        verdict: Attributed,
    },
    /// Drop a finding that was over for longer than the retention time.
    Delete {
        /// The name of the finding.
        name: String,
    },
}

impl Write {
    /// The name of the finding that is written.
    pub fn name(&self) -> &str {
        match self {
            Self::Apply { name, .. }
            | Self::Close { name, .. }
            | Self::Attribute { name, .. }
            | Self::Delete { name } => name,
        }
    }

    /// What people are told once it is recorded, if they are told anything.
    pub fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Apply { notice, .. } => notice.as_ref(),
            Self::Close { notice, .. } => Some(notice),
            Self::Attribute { .. } | Self::Delete { .. } => None,
        }
    }
}

/// How a finding ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    state: State,
    at: Timestamp,
    why: &'static str,
    next_steps: Vec<String>,
}

impl Closing {
    /// Marks a status as over.
    pub fn apply(&self, status: &mut Status) {
        status.state = self.state;
        status.closed_at = Some(Time(self.at));
        status.next_steps.clone_from(&self.next_steps);
        status.conditions = vec![Condition {
            type_: status::DEVIATING.to_owned(),
            status: "False".to_owned(),
            reason: self.state.as_str().to_owned(),
            message: self.why.to_owned(),
            last_transition_time: Time(self.at),
            observed_generation: None,
        }];
    }
}

/// What to write about a subject that was just judged, if anything.
pub fn plan(subject: Subject<'_>, assessment: &Assessment, record: Option<&Record>, now: Timestamp) -> Option<Write> {
    if assessment.is_approved() {
        return record.and_then(|record| resolved(record, now));
    }
    if assessment.deviations.is_empty() {
        // Not observed to deviate, and not known to be approved: whatever is recorded stays as it is.
        return None;
    }
    let written = record.and_then(|record| record.written.as_ref());
    let fingerprint = fingerprint(assessment, subject.workload);
    let acknowledged = record
        .and_then(|record| record.acknowledgement.as_ref())
        .is_some_and(|acknowledgement| acknowledgement.holds(&fingerprint, now));
    let state = if acknowledged { State::Acknowledged } else { State::Open };
    let active = written.filter(|written| written.state.is_active());
    let unchanged = active.filter(|active| active.fingerprint == fingerprint);

    let name = name(subject.reference);
    let deleter = active.and_then(|active| active.deleter.clone());
    let mut status = status::of(&name, subject, assessment, fingerprint, state, deleter);
    status.first_seen = Some(Time(written.and_then(|written| written.first_seen).unwrap_or(now)));
    status.last_seen = Some(Time(unchanged.and_then(|unchanged| unchanged.last_seen).unwrap_or(now)));
    let since = active.and_then(|active| active.deviating_since).unwrap_or(now);
    status.conditions = vec![status::deviating(assessment, since)];
    let is_told = active.is_some_and(|active| active.digest == digest(subject.reference, &status) && !active.is_forged);
    let is_counted = |runs: &Count| !runs.is_due(active.and_then(|active| active.runs.as_ref()), now);
    if is_told && subject.runs.is_none_or(is_counted) {
        return None;
    }
    let notice = reason(written, unchanged.is_some(), state).map(|reason| Notice::about(reason, &name, &status));
    Some(Write::Apply {
        name,
        workload: subject.reference.clone(),
        status: Box::new(status),
        create: record.is_none(),
        notice,
    })
}

/// Which transition this is, if it is one that people are told of.
fn reason(written: Option<&Written>, unchanged: bool, state: State) -> Option<Reason> {
    match (written.map(|written| written.state), state) {
        (_, State::Acknowledged | State::Resolved | State::Deleted) => None,
        (None, State::Open) => Some(Reason::FindingOpened),
        (Some(State::Resolved | State::Deleted | State::Acknowledged), State::Open) => Some(Reason::FindingReopened),
        (Some(State::Open), State::Open) => (!unchanged).then_some(Reason::FindingChanged),
    }
}

fn resolved(record: &Record, now: Timestamp) -> Option<Write> {
    let why = "The workload no longer deviates from the inventory.";
    close(record, State::Resolved, now, why, Reason::FindingResolved)
}

/// What to write about a finding whose workload is gone, if anything.
///
/// A required workload that is missing was never there: its finding is resolved once nothing requires it any more.
pub fn closing(record: &Record, now: Timestamp) -> Option<Write> {
    if record.workload.uid.is_empty() {
        return resolved(record, now);
    }
    let why = match record.workload.kind {
        SubjectKind::ApprovedCronJob => "The approval was deleted.",
        SubjectKind::CronJob | SubjectKind::Job => {
            "The workload was deleted while it deviated; deletion is not innocence."
        }
    };
    close(record, State::Deleted, now, why, Reason::WorkloadDeleted)
}

/// A finding that is over already stays as it is. One that was never completed is closed too.
fn close(record: &Record, state: State, at: Timestamp, why: &'static str, reason: Reason) -> Option<Write> {
    let is_over = record.state().is_some_and(|state| !state.is_active());
    (!is_over).then(|| Write::Close {
        name: record.name.clone(),
        notice: Notice::closing(reason, &record.name, why, at),
        closing: Closing { state, at, why, next_steps: steps::when_over(state, &record.workload, false) },
    })
}

/// Who did it, where that became known after the end of a finding, and since when it was so, where somebody wrote something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributed {
    actors: Box<Actors>,
    first_seen: Option<Timestamp>,
    closed_at: Option<Timestamp>,
}

impl Attributed {
    /// Adds it to a finding.
    pub fn apply(&self, finding: &mut ScheduledWorkloadFinding) {
        let Actors { actor, creator, deleter, tampering } = &*self.actors;
        let Some(status) = &mut finding.status else { return };
        status.first_seen = self.first_seen.map(Time);
        status.closed_at = self.closed_at.map(Time);
        if actor.audit_id.is_some() {
            status.actor = actor.clone();
            status.creator.clone_from(creator);
        }
        if deleter.is_some() {
            status.deleter.clone_from(deleter);
        }
        if !tampering.is_empty() {
            status.tampering.clone_from(tampering);
        }
        status.next_steps = steps::when_over(status.state, &finding.spec.workload, status.deleter.is_some());
    }
}

/// What to write about a finding that is over, if more became known of who did it.
pub fn attributed(record: &Record, attribution: Attribution<'_>) -> Option<Write> {
    let written = record.written.as_ref().filter(|written| !written.state.is_active())?;
    let actors = attribution.told(None);
    let is_news = |new: Option<&Actor>, known: &Option<Box<str>>| {
        new.and_then(|actor| actor.audit_id.as_deref()).is_some_and(|id| known.as_deref() != Some(id))
    };
    let is_more = is_news(Some(&actors.actor), &written.told.actor)
        || is_news(actors.creator.as_deref(), &written.told.creator)
        || is_news(actors.deleter.as_deref(), &written.told.deleter)
        || actors.tampering.len() > written.told.attempts
        || attributed_attempts(&actors.tampering) > written.told.attributed_attempts;
    let (first_seen, closed_at) = (written.first_seen, written.closed_at);
    let verdict = Attributed { actors: Box::new(actors), first_seen, closed_at };
    (is_more || written.is_forged).then(|| Write::Attribute { name: record.name.clone(), verdict })
}

/// What to write to bring a finding back that somebody removed. `finding` is how it was.
pub fn restored(finding: ScheduledWorkloadFinding) -> Option<Write> {
    Some(Write::Apply {
        name: finding.metadata.name?,
        workload: finding.spec.workload,
        status: Box::new(finding.status?),
        create: true,
        notice: None,
    })
}

/// What to write about a finding that has been over for longer than the retention time, if it has.
pub fn expired(record: &Record, retention: SignedDuration, now: Timestamp) -> Option<Write> {
    let closed_at = record.closed_at().filter(|_| record.state().is_some_and(|state| !state.is_active()))?;
    (closed_at.saturating_add(retention).is_ok_and(|end| end <= now))
        .then(|| Write::Delete { name: record.name.clone() })
}
