//! The figures of a history.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Entry, Life, Verdict, What};

/// The figures of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// When the first and the last thing happened that the log tells of workloads and approvals.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How many workloads there were.
    pub workloads: u64,
    /// How many entries are versions that deviate.
    pub deviating: u64,
    /// How many workloads were created and deleted within the log and never approved.
    pub planted_and_gone: u64,
    /// How many Jobs the CronJob controller created.
    pub runs: u64,
    /// How many requests changed nothing that is judged.
    pub unchanged: u64,
    /// Who did how much: those who did most first.
    pub actors: Vec<ActorSummary>,
}

/// What one user did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorSummary {
    /// In whose name it was done.
    pub username: String,
    /// Who did it in the name of that user, if it was another.
    pub impersonator: Option<String>,
    /// How many objects were created.
    pub created: u64,
    /// How often an object was changed, suspended or resumed.
    pub changed: u64,
    /// How many objects were deleted.
    pub deleted: u64,
    /// How many of the versions that were created or came of a change deviate.
    pub deviating: u64,
}

impl ActorSummary {
    /// How much it is in all.
    pub fn total(&self) -> u64 {
        self.created + self.changed + self.deleted
    }
}

impl Summary {
    pub(super) fn of(entries: &[Entry], lives: &[Life], span: Option<(Timestamp, Timestamp)>, unchanged: u64) -> Self {
        let mut actors: BTreeMap<(&str, Option<&str>), ActorSummary> = BTreeMap::new();
        let mut deviating = 0;
        for entry in entries {
            let actor = &*entry.actor;
            let impersonator = actor.impersonated.is_some().then_some(actor.user.username.as_str());
            let counts = actors.entry((&actor.effective().username, impersonator)).or_default();
            let is_deviating = entry.verdict == Some(Verdict::Deviating) && entry.what != What::Deleted;
            counts.deviating += u64::from(is_deviating);
            deviating += u64::from(is_deviating);
            match entry.what {
                What::Created => counts.created += 1,
                What::Changed | What::Suspended | What::Resumed => counts.changed += 1,
                What::Deleted => counts.deleted += 1,
            }
        }
        let mut actors: Vec<ActorSummary> = actors
            .into_iter()
            .map(|((username, impersonator), counts)| ActorSummary {
                username: username.to_owned(),
                impersonator: impersonator.map(str::to_owned),
                ..counts
            })
            .collect();
        actors.sort_by_key(|actor| Reverse(actor.total()));
        Self {
            span,
            workloads: lives.len() as u64,
            deviating,
            planted_and_gone: lives.iter().filter(|life| life.is_planted_and_gone()).count() as u64,
            runs: lives.iter().map(|life| life.runs).sum(),
            unchanged,
            actors,
        }
    }
}
