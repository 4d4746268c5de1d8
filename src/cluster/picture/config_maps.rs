//! What ConfigMaps hold, what was recorded of them for approvals, and which workloads are concerned by a change.
//!
//! The first time that an approval with `expected.configMapHashes` is seen to speak for a workload, what the ConfigMaps of the workload
//! hold is recorded in its status. It stays for as long as the approval's spec does, over restarts, and whatever becomes of the workload:
//! who could have it recorded anew by making the workload anew would be approved with any script.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::Observed;
use super::super::store::Relist;
use super::record::{Place, Record};
use super::{Concerned, Picture};
use crate::assess::{self, Recorded};
use crate::inventory::RecordedConfigMaps;
use crate::workload::{ConfigMapHashes, Unreadable, Workload, WorkloadKey};

/// What is known of ConfigMaps.
#[derive(Debug, Default)]
pub(super) struct ConfigMaps {
    /// Whether they are watched at all.
    are_watched: bool,
    list: Relist<Place>,
    now: HashMap<Place, Versioned>,
    /// What is recorded, by the approval that asks for it.
    records: HashMap<Arc<str>, Record>,
    users: Users,
}

/// What a ConfigMap holds, at some version.
#[derive(Debug)]
struct Versioned {
    version: u64,
    hashes: ConfigMapHashes,
}

/// Which workloads refer to which ConfigMaps under an approval that asks for their content.
#[derive(Debug, Default)]
struct Users {
    by_place: HashMap<Place, BTreeSet<WorkloadKey>>,
    by_workload: HashMap<WorkloadKey, BTreeSet<Place>>,
}

impl Users {
    fn set(&mut self, key: &WorkloadKey, places: BTreeSet<Place>) {
        for place in self.by_workload.remove(key).unwrap_or_default() {
            if let Some(keys) = self.by_place.get_mut(&place) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_place.remove(&place);
                }
            }
        }
        for place in &places {
            self.by_place.entry(place.clone()).or_default().insert(key.clone());
        }
        if !places.is_empty() {
            self.by_workload.insert(key.clone(), places);
        }
    }

    fn of(&self, place: &Place) -> Vec<Concerned> {
        self.by_place.get(place).into_iter().flatten().cloned().map(Concerned::Workload).collect()
    }
}

impl ConfigMaps {
    pub(super) fn new(are_watched: bool) -> Self {
        Self { are_watched, ..Self::default() }
    }

    /// Whether all that a verdict needs of them is known.
    pub(super) fn is_complete(&self) -> bool {
        !self.are_watched || self.list.is_complete()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.now.len()
    }

    /// What a judgement may know of them.
    pub(super) fn known(&self) -> Option<&dyn assess::ConfigMaps> {
        self.are_watched.then_some(self)
    }

    /// Forgets what a workload refers to.
    pub(super) fn forget_user(&mut self, key: &WorkloadKey) {
        self.users.set(key, BTreeSet::new());
    }

    /// Forgets what was recorded for an approval.
    pub(super) fn forget_record(&mut self, approval: &str) {
        self.records.remove(approval);
    }

    /// What the status of an approval says of them. What is recorded stays there while they are not watched.
    pub(super) fn recorded_for(&self, approval: &str) -> RecordedConfigMaps {
        let record = self.records.get(approval);
        RecordedConfigMaps {
            are_read: self.are_watched,
            recorded: record.map(Record::written).unwrap_or_default(),
            is_full: record.is_some_and(Record::is_full),
        }
    }

    fn put(&mut self, place: Place, version: u64, hashes: ConfigMapHashes) -> Vec<Concerned> {
        let known = self.now.get(&place);
        if known.is_some_and(|known| version < known.version) {
            return Vec::new();
        }
        let is_news = known.is_none_or(|known| known.hashes != hashes);
        let concerned = if is_news { self.users.of(&place) } else { Vec::new() };
        self.now.insert(place, Versioned { version, hashes });
        concerned
    }

    fn remove(&mut self, place: &Place) -> Vec<Concerned> {
        self.now.remove(place).map(|_| self.users.of(place)).unwrap_or_default()
    }
}

impl assess::ConfigMaps for ConfigMaps {
    fn now(&self, namespace: &str, name: &str) -> Option<&ConfigMapHashes> {
        self.now.get(&Place::new(namespace, name)).map(|known| &known.hashes)
    }

    fn recorded(&self, approval: &str, namespace: &str, name: &str) -> Recorded<'_> {
        match self.records.get(approval) {
            Some(record) => record.of(&Place::new(namespace, name)),
            None => Recorded::NotYet,
        }
    }
}

impl Picture {
    pub(super) fn observe_config_map(&mut self, event: Event<Observed<ConfigMapHashes>>) -> Vec<Concerned> {
        let maps = &mut self.config_maps;
        match event {
            Event::Init => {
                maps.list.begin(maps.now.keys().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                let (place, version) = (place(&observed), observed.version());
                maps.list.mention(&place);
                if let Ok(hashes) = observed.object {
                    maps.put(place, version, hashes)
                } else {
                    // The API server checks that it is one. Were it none, what was recorded would not be there.
                    self.metrics.could_not_read("configmaps");
                    maps.remove(&place)
                }
            }
            Event::Delete(observed) => maps.remove(&place(&observed)),
            Event::InitDone => {
                let gone = maps.list.end();
                gone.iter().flat_map(|place| maps.remove(place)).collect()
            }
        }
    }

    /// Takes in which content an approval asks for. What this process recorded for the same spec counts; after a start, what the status
    /// says that was recorded for it.
    pub(super) fn keep_record(&mut self, name: &Arc<str>) {
        let asking = self.inventory.get(name).filter(|a| a.rules.as_ref().is_ok_and(|rules| rules.config_map_hashes));
        let (Some(approval), Some(known)) = (asking, self.recorded.get(name)) else {
            return self.config_maps.forget_record(name);
        };
        let records = &mut self.config_maps.records;
        if !records.get(name).is_some_and(|record| record.is_about(&known.uid, approval.generation)) {
            let status = known.status.as_ref().filter(|status| status.observed_generation == approval.generation);
            let recorded = status.map_or(&[][..], |status| &status.config_maps);
            records.insert(name.clone(), Record::new(&known.uid, approval.generation, &known.seen, recorded));
        }
    }

    /// Records what the ConfigMaps of a workload hold for all approvals that ask for it, and returns those for which that is news.
    pub(super) fn record_config_maps(
        &mut self,
        key: &WorkloadKey,
        workload: impl FnOnce() -> Result<Workload, Unreadable>,
        now: Timestamp,
    ) -> Vec<Concerned> {
        let maps = &mut self.config_maps;
        let (mut places, mut news) = (BTreeSet::new(), Vec::new());
        if maps.are_watched
            && !maps.records.is_empty()
            && let Ok(workload) = workload()
        {
            for approval in self.inventory.selecting(&workload, self.namespaces.get(&key.namespace)) {
                let (Ok(rules), Some(record)) = (&approval.rules, maps.records.get_mut(&approval.name)) else {
                    continue;
                };
                let mut is_news = false;
                for reference in rules.held_config_maps(&workload) {
                    let place = Place::new(&key.namespace, reference.name);
                    if let Some(Versioned { version, hashes }) = maps.now.get(&place) {
                        is_news |= record.take(&place, *version, hashes, now);
                    }
                    places.insert(place);
                }
                if is_news {
                    news.push(Concerned::Approval(approval.name.clone()));
                }
            }
        }
        maps.users.set(key, places);
        news
    }
}

fn place(observed: &Observed<ConfigMapHashes>) -> Place {
    Place::new(observed.metadata.namespace.as_deref().unwrap_or_default(), observed.name())
}

#[cfg(test)]
mod tests;
