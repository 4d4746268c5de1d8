//! What is known of one object: who created it, who made each of its latest generations, who deleted it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;

use super::super::{Deed, Object, Source};

/// How many generations are remembered: that of the object as it is, and some that its watch may not have told yet.
const GENERATIONS: usize = 4;

/// How many generations events may be ahead of the watch.
const FARTHEST: i64 = 1000;

/// How many requests are remembered for one generation. Only the first of them made it; others changed metadata, or were
/// admitted and refused later.
const CANDIDATES: usize = 4;

/// Identifies the judged content of an object.
pub type Content = [u8; 16];

/// What is known of one object. It does not depend on the order in which it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) object: Object,
    pub(super) created: Option<Deed>,
    pub(super) deleted: Option<Deed>,
    pub(super) generations: BTreeMap<i64, Vec<Candidate>>,
    /// The generation that the object had when the first event was received.
    pub(super) witnessed: Option<i64>,
    /// What a watch saw of it last, and when it saw that first.
    pub(super) sighted: Option<(Sighting, Timestamp)>,
}

/// A request that may have made a generation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The version that came of it; none of an admission request. What is known to be carried out comes first.
    pub(super) resource_version: Option<u64>,
    pub(super) deed: Deed,
    pub(super) content: Option<Content>,
}

/// What a watch saw of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The generation that it has.
    pub generation: i64,
    /// The version in which it got that generation, if the watch saw it happen.
    pub became: Option<u64>,
    /// Its judged content.
    pub content: Option<Content>,
}

impl History {
    pub(super) fn of(object: Object) -> Self {
        Self { object, ..Self::default() }
    }

    /// Whether any event told of it.
    pub(super) fn is_told(&self) -> bool {
        self.created.is_some() || !self.generations.is_empty()
    }

    /// The last time of which anything tells.
    pub(super) fn told_last(&self) -> Option<Timestamp> {
        let deeds = self.created.iter().chain(&self.deleted).map(|deed| deed.at);
        deeds.chain(self.sighted.map(|(_, at)| at)).max()
    }

    /// Notes who created it. Says whether that is news.
    pub(super) fn note_created(&mut self, deed: Deed) -> bool {
        earliest(&mut self.created, deed)
    }

    /// Notes who deleted it. Says whether that is news.
    pub(super) fn note_deleted(&mut self, deed: Deed) -> bool {
        earliest(&mut self.deleted, deed)
    }

    /// Notes a request that may have made a generation. Says whether that is news.
    pub(super) fn note_generation(&mut self, generation: i64, candidate: Candidate) -> bool {
        let is_far = self.sighted.is_some_and(|(seen, _)| generation > seen.generation.saturating_add(FARTHEST));
        if generation <= 0 || is_far {
            return false;
        }
        let candidates = match self.generations.entry(generation) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Vec::new()),
        };
        let news = insert(candidates, candidate);
        while self.generations.len() > GENERATIONS {
            self.generations.pop_first();
        }
        news && self.generations.contains_key(&generation)
    }

    /// Notes what a watch sees of it now. Says whether that is news.
    pub(super) fn note_sighting(&mut self, seen: Sighting, at: Timestamp) -> bool {
        // Whoever tells of generations that are far from coming is mistaken, or lies.
        self.generations.retain(|generation, _| *generation <= seen.generation.saturating_add(FARTHEST));
        match &mut self.sighted {
            Some((known, _)) if known.generation == seen.generation => {
                known.content = seen.content.or(known.content);
                false
            }
            sighted => {
                *sighted = Some((seen, at));
                true
            }
        }
    }

    /// What the watch sees now, with what it saw when the object became so, which may have been before a restart.
    pub(super) fn remembered(&self, seen: Sighting, at: Timestamp) -> (Sighting, Timestamp) {
        match self.sighted {
            Some((known, since)) if known.generation == seen.generation => {
                (Sighting { became: known.became.or(seen.became), ..seen }, since.min(at))
            }
            _ => (seen, at),
        }
    }

    /// Who made the object what the watch saw.
    pub(super) fn changer(&self, seen: Sighting) -> Option<&Deed> {
        let candidates = self.generations.get(&seen.generation).map(Vec::as_slice).unwrap_or_default();
        let admitted = |candidate: &&Candidate| {
            candidate.deed.source == Source::Admission
                && candidate.content.is_some()
                && candidate.content == seen.content
        };
        let carried_out = match seen.became {
            Some(version) => candidates.iter().find(|candidate| candidate.resource_version == Some(version)),
            // Nobody saw when it became so: the first request that led to this generation made it.
            None => candidates.iter().find(|candidate| candidate.resource_version.is_some()),
        };
        let changer = carried_out.or_else(|| candidates.iter().find(admitted)).map(|candidate| &candidate.deed);
        // The first generation is what was created, whatever else is known of it.
        changer.or(if seen.generation == 1 { self.created.as_ref() } else { None })
    }
}

/// Keeps the earliest; of an audit event and an admission request, the audit event.
fn earliest(known: &mut Option<Deed>, new: Deed) -> bool {
    let is_better = known.as_ref().is_none_or(|known| (new.source, &new) < (known.source, known));
    if is_better {
        *known = Some(new);
    }
    is_better
}

fn insert(candidates: &mut Vec<Candidate>, new: Candidate) -> bool {
    let Err(place) = candidates.binary_search_by(|known| order(known).cmp(&order(&new))) else { return false };
    candidates.insert(place, new);
    candidates.truncate(CANDIDATES);
    place < CANDIDATES
}

/// What was carried out by its version, then what was only admitted.
fn order(candidate: &Candidate) -> (bool, &Candidate) {
    (candidate.resource_version.is_none(), candidate)
}
