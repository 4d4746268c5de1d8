//! Required workloads that are missing: who deleted the last one of that name.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::Picture;
use super::identity::object_of;
use crate::identity::{Fact, Object, Provenance};
use crate::workload::WorkloadKey;

/// The uid of the last object of each name that is required and missing. The inventory bounds how many there are.
#[derive(Debug, Default)]
pub(super) struct Absent(HashMap<WorkloadKey, Box<str>>);

impl Picture {
    /// The watch saw a workload go. Who deleted it may be told later.
    pub(super) fn note_absence(&mut self, key: &WorkloadKey, uid: &str, now: Timestamp) {
        if !self.inventory.requiring(key, now).is_empty() {
            self.remember_absent(key, uid, now);
        }
    }

    /// Nobody saw these workloads go, if they were ever there: looks for what is known of the last of each name.
    pub(super) fn find_absent(&mut self, required: impl IntoIterator<Item = WorkloadKey>, now: Timestamp) {
        let is_unknown = |key: &WorkloadKey| self.workloads.get(key).is_none() && !self.absent.0.contains_key(key);
        let missing: HashMap<Object, WorkloadKey> =
            required.into_iter().filter(is_unknown).map(|key| (object_of(&key), key)).collect();
        if missing.is_empty() {
            return;
        }
        for (object, uid) in self.ledger.last_of(&missing.keys().cloned().collect::<HashSet<_>>()) {
            if let Some(key) = missing.get(&object) {
                self.remember_absent(key, &uid, now);
            }
        }
    }

    /// Somebody deleted an object. It may be one that nobody saw go, or was not known to be the last of its name.
    pub(super) fn note_deletion(&mut self, fact: &Fact, uid: &str, now: Timestamp) {
        let Some(key) = fact.object.workload().filter(|_| fact.verb.deletes()) else { return };
        if self.workloads.get(&key).is_some() || self.inventory.requiring(&key, now).is_empty() {
            return;
        }
        let is_last = self.absent.0.get(&key).is_none_or(|known| {
            let deleted = self.ledger.farewell(known).deleter;
            deleted.is_some_and(|deleted| deleted.at < fact.at)
        });
        if is_last {
            self.remember_absent(&key, uid, now);
        }
    }

    fn remember_absent(&mut self, key: &WorkloadKey, uid: &str, now: Timestamp) {
        if let Some(other) = self.absent.0.insert(key.clone(), uid.into()) {
            self.ledger.release(&other, now);
        }
        self.ledger.retain(uid);
    }

    /// What is known of who deleted a workload that is required, if it is missing.
    pub(super) fn absence(&mut self, key: &WorkloadKey, is_missing: bool, now: Timestamp) -> Provenance {
        if !is_missing {
            if let Some(uid) = self.absent.0.remove(key) {
                self.ledger.release(&uid, now);
            }
            return Provenance::default();
        }
        let deleter = self.absent.0.get(key).and_then(|uid| self.ledger.farewell(uid).deleter);
        Provenance { deleter, ..Provenance::default() }
    }
}
