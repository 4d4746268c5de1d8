//! What is recorded of ConfigMaps for one approval.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::api::approval::RecordedConfigMap;
use crate::assess::Recorded;
use crate::identity::ledger::Seen;
use crate::workload::ConfigMapHashes;

/// How many ConfigMaps are recorded for one approval: they are all in its status.
const MOST: usize = 256;

/// How many keys are recorded one by one for one approval. Of further ConfigMaps only the hash of all keys is.
const MOST_KEYS: usize = 1024;

/// How long after an approval became what it is a ConfigMap may arrive that was changed before it: each has a watch of its own.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Names a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    namespace: Box<str>,
    name: Box<str>,
}

impl Place {
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// What is recorded for one spec of an approval.
#[derive(Debug)]
pub(super) struct Record {
    uid: Box<str>,
    generation: Option<i64>,
    /// The version in which the approval got this spec, and when, if its watch saw it.
    became: Option<(u64, Timestamp)>,
    maps: BTreeMap<Place, ConfigMapHashes>,
    is_full: bool,
}

impl Record {
    /// The record of an approval, beginning with what its status says.
    pub(super) fn new(uid: &str, generation: Option<i64>, seen: &Seen, recorded: &[RecordedConfigMap]) -> Self {
        let became = seen.sighting.became.map(|version| (version, seen.at));
        let read = |recorded: &RecordedConfigMap| {
            let place = Place::new(&recorded.namespace, &recorded.name);
            Some((place, ConfigMapHashes::from_recorded(recorded)?))
        };
        let maps = recorded.iter().filter_map(read).collect();
        Self { uid: uid.into(), generation, became, maps, is_full: false }
    }

    /// Whether it is that of this spec.
    pub(super) fn is_about(&self, uid: &str, generation: Option<i64>) -> bool {
        *self.uid == *uid && self.generation == generation
    }

    /// Whether something could not be recorded for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// What is recorded of a ConfigMap.
    pub(super) fn of(&self, place: &Place) -> Recorded<'_> {
        match self.maps.get(place) {
            Some(hashes) => Recorded::As(hashes),
            None if self.maps.len() >= MOST => Recorded::NoRoom,
            None => Recorded::NotYet,
        }
    }

    /// Records what a ConfigMap holds, unless it was recorded before. Says whether that is news.
    pub(super) fn take(&mut self, place: &Place, version: u64, hashes: &ConfigMapHashes, now: Timestamp) -> bool {
        if let Some(recorded) = self.maps.get(place) {
            if recorded.is_same(hashes) || !self.was_first(version, now) {
                return false;
            }
        } else if self.maps.len() >= MOST {
            return !std::mem::replace(&mut self.is_full, true);
        }
        let others = self.maps.iter().filter(|(other, _)| *other != place);
        let keys: usize = others.map(|(_, hashes)| hashes.keys()).sum();
        let fits = keys + hashes.keys() <= MOST_KEYS;
        let hashes = if fits { hashes.clone() } else { hashes.without_keys() };
        self.maps.insert(place.clone(), hashes);
        true
    }

    /// Whether a ConfigMap was what it is before the approval was: whoever applies both in this order approved the new content. Versions
    /// of different kinds are only compared as long as it can matter.
    fn was_first(&self, version: u64, now: Timestamp) -> bool {
        self.became.is_some_and(|(became, at)| version < became && now.duration_since(at) < LATE)
    }

    /// The form in which it is in the approval's status.
    pub(super) fn written(&self) -> Vec<RecordedConfigMap> {
        self.maps.iter().map(|(place, hashes)| hashes.recorded(&place.namespace, &place.name)).collect()
    }
}
