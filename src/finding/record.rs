//! What has to be remembered of a finding that is recorded in the cluster: a few hundred bytes instead of its whole text.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sha2::{Digest, Sha256};

use super::runs::Count;
use super::{campaign, is_group};
use crate::api::ScheduledWorkloadFinding;
use crate::api::code::DeviationCode;
use crate::api::finding::{
    Actor, Attempt, Campaign, ScheduledWorkloadFindingStatus as Status, State, Triage, WorkloadReference,
};

/// A finding as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name of the finding.
    pub name: String,
    /// The workload that it is about.
    pub workload: WorkloadReference,
    /// What Cronwarden wrote; absent between the two writes that make a finding.
    pub written: Option<Written>,
    /// What people decided.
    pub acknowledgement: Option<Acknowledgement>,
}

/// What Cronwarden wrote into a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub(super) state: State,
    pub(super) fingerprint: String,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) deviating_since: Option<Timestamp>,
    pub(super) told: Told,
    pub(super) runs: Option<Count>,
    /// Identifies the template of a workload that nothing approves, as campaigns do.
    pub(super) template: Option<Box<str>>,
    pub(super) campaign: Option<Box<Campaign>>,
    /// Who deleted a workload that is required, and missing as long as the finding is open: nothing else may remember it that long.
    pub(super) deleter: Option<Box<Actor>>,
    pub(super) digest: [u8; 16],
    /// Whether the finding says something else of what does not change any more. That is remembered as it was.
    pub(super) is_forged: bool,
}

/// Whom a finding names: the audit IDs of what they did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) actor: Option<Box<str>>,
    pub(super) creator: Option<Box<str>>,
    pub(super) deleter: Option<Box<str>>,
    pub(super) attempts: usize,
    /// Of how many attempts it says whose they were.
    pub(super) attributed_attempts: usize,
}

impl Told {
    fn of(status: &Status) -> Self {
        let id = |actor: &Actor| actor.audit_id.as_deref().map(Box::from);
        Self {
            actor: id(&status.actor),
            creator: status.creator.as_deref().and_then(id),
            deleter: status.deleter.as_deref().and_then(id),
            attempts: status.tampering.len(),
            attributed_attempts: attributed(&status.tampering),
        }
    }
}

/// Of how many attempts it is known whose they were.
pub(super) fn attributed(attempts: &[Attempt]) -> usize {
    attempts.iter().filter(|attempt| attempt.actor.audit_id.is_some()).count()
}

/// A decision of people to live with a finding for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    fingerprint: String,
    until: Option<Timestamp>,
}

impl Acknowledgement {
    /// Whether it holds for this evidence at this time.
    pub(super) fn holds(&self, fingerprint: &str, now: Timestamp) -> bool {
        self.fingerprint == fingerprint && self.until.is_none_or(|until| now < until)
    }
}

impl Record {
    /// What has to be remembered of a finding.
    pub fn of(finding: &ScheduledWorkloadFinding) -> Self {
        let is_absent = finding.spec.workload.uid.is_empty();
        Self {
            name: finding.metadata.name.clone().unwrap_or_default(),
            workload: finding.spec.workload.clone(),
            written: finding.status.as_ref().map(|status| Written::of(&finding.spec.workload, status, is_absent)),
            acknowledgement: finding.spec.triage.as_ref().map(acknowledgement),
        }
    }

    /// Remembers what does not change any more as it was `before`, whatever somebody wrote into the finding since: since when the
    /// workload deviates, since when that is over, and who deleted what is missing.
    #[must_use]
    pub fn insisting(mut self, before: &Self) -> Self {
        match (&mut self.written, &before.written) {
            (Some(now), Some(before)) => now.insist(before),
            (now @ None, Some(before)) => *now = Some(Written { is_forged: true, ..before.clone() }),
            (_, None) => {}
        }
        self
    }

    /// Where the finding stands, if it is complete.
    pub fn state(&self) -> Option<State> {
        self.written.as_ref().map(|written| written.state)
    }

    /// Until when people decided to live with the finding, if they said so.
    pub fn acknowledged_until(&self) -> Option<Timestamp> {
        self.acknowledgement.as_ref().and_then(|acknowledgement| acknowledgement.until)
    }

    /// The Jobs that the finding speaks of, if it speaks of more than one.
    pub fn runs(&self) -> Option<&Count> {
        self.written.as_ref().and_then(|written| written.runs.as_ref())
    }

    /// Since when the workload deviates.
    pub fn first_seen(&self) -> Option<Timestamp> {
        self.written.as_ref().and_then(|written| written.first_seen)
    }

    /// What identifies the template of the workload as campaigns do, if nothing approves it.
    pub fn template(&self) -> Option<&str> {
        self.written.as_ref().and_then(|written| written.template.as_deref())
    }

    /// The campaign that the finding tells of.
    pub fn campaign(&self) -> Option<&Campaign> {
        self.written.as_ref().and_then(|written| written.campaign.as_deref())
    }

    /// When the finding was resolved or its workload deleted.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.written.as_ref().and_then(|written| written.closed_at)
    }
}

fn unapproved_template(status: &Status) -> Option<Box<str>> {
    let is_unapproved = status.reasons.split(',').any(|code| code == DeviationCode::Unapproved.as_str());
    let hash = status.template_hash.as_deref().filter(|_| is_unapproved)?;
    campaign::fingerprint(hash).map(Box::from)
}

fn acknowledgement(triage: &Triage) -> Acknowledgement {
    Acknowledgement { fingerprint: triage.fingerprint.clone(), until: triage.until.as_ref().map(|time| time.0) }
}

impl Written {
    fn of(workload: &WorkloadReference, status: &Status, is_absent: bool) -> Self {
        let at = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        Self {
            state: status.state,
            fingerprint: status.fingerprint.clone(),
            first_seen: at(&status.first_seen),
            last_seen: at(&status.last_seen),
            closed_at: at(&status.closed_at),
            deviating_since: status.conditions.first().map(|condition| condition.last_transition_time.0),
            told: Told::of(status),
            runs: status.runs.as_ref().map(Count::from),
            template: unapproved_template(status),
            deleter: status.deleter.clone().filter(|_| is_absent),
            campaign: status.campaign.clone().map(Box::new),
            digest: digest(workload, status),
            is_forged: false,
        }
    }

    /// Remembers what does not change any more as it was.
    fn insist(&mut self, before: &Self) {
        if self.deleter != before.deleter && self.state.is_active() && before.state.is_active() {
            self.deleter.clone_from(&before.deleter);
            self.is_forged = true;
        }
        let is_over = self.state == before.state && !self.state.is_active();
        let times = [(&mut self.first_seen, before.first_seen, true), (&mut self.closed_at, before.closed_at, is_over)];
        for (time, before, is_fixed) in times {
            if is_fixed && before.is_some() && *time != before {
                *time = before;
                self.is_forged = true;
            }
        }
    }
}

/// Whether a finding says what is remembered of it, so that nobody changed it since.
pub fn is_intact(finding: &ScheduledWorkloadFinding, record: &Record) -> bool {
    let digest = |status: &Status| digest(&finding.spec.workload, status);
    finding.status.as_ref().map(digest) == record.written.as_ref().map(|written| written.digest)
}

/// Identifies the content of a status. Times do not count: they say when it was written, not what. Nor do counts, nor of Jobs that are
/// many which of them was the last.
pub(super) fn digest(workload: &WorkloadReference, status: &Status) -> [u8; 16] {
    let mut status = status.clone();
    status.runs = None;
    if is_group(workload) {
        status.lineage = Vec::new();
        (status.actor, status.creator) = (Actor::default(), None);
    }
    status.first_seen = None;
    status.last_seen = None;
    status.closed_at = None;
    for condition in &mut status.conditions {
        condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
    }
    // A status is made of text, numbers and lists: it always has a JSON form.
    let text = serde_json::to_vec(&status).unwrap_or_default();
    let mut digest = [0; 16];
    for (to, from) in digest.iter_mut().zip(Sha256::digest(&text)) {
        *to = from;
    }
    digest
}
