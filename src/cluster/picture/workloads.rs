//! Changes of workloads and of their namespaces.

use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::{LabelsOnly, Observed};
use super::super::store::Entry;
use super::{Concerned, Picture};
use crate::workload::{Packed, Unreadable, WorkloadKey, WorkloadKind};

impl Picture {
    pub(super) fn observe_workload(&mut self, event: Event<Observed<Packed>>, now: Timestamp) -> Vec<Concerned> {
        let live = matches!(event, Event::Apply(_));
        match event {
            Event::Init => {
                self.lists.workloads.begin(self.workloads.keys().map(|key| WorkloadKey::clone(key)));
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                let key = workload_key(&observed);
                self.lists.workloads.mention(&key);
                self.put_workload(key, observed, live, now)
            }
            Event::Delete(observed) => self.remove_workload(&workload_key(&observed), now),
            Event::InitDone => {
                let gone = self.lists.workloads.end();
                gone.iter().flat_map(|key| self.remove_workload(key, now)).collect()
            }
        }
    }

    /// A change that touches nothing that is judged, such as that of a CronJob's status at every tick, concerns nobody. `live` is
    /// whether the watch saw it happen.
    fn put_workload(
        &mut self,
        key: WorkloadKey,
        observed: Observed<Packed>,
        live: bool,
        now: Timestamp,
    ) -> Vec<Concerned> {
        let uid: Box<str> = observed.uid().into();
        let known = self.workloads.get(&key).map(|(_, entry)| entry).filter(|entry| entry.uid == uid);
        let seen = observed.seen(known.map(|entry| &entry.seen), live, now);
        if observed.object.is_err() {
            self.metrics.could_not_read("cronjobs");
        }
        let object = observed.object.map_err(|reason| Unreadable::new(&reason));
        // Whoever changed what is not judged may be known, and where nobody is there is no more to say than before.
        let is_news = known.is_none_or(|known| {
            let is_other = known.seen.sighting != seen.sighting && self.ledger.has_source();
            known.object != object || known.seen.claim != seen.claim || is_other
        });
        if let Some(known) = self.workloads.get_mut(&key) {
            if known.uid != uid {
                self.ledger.gone(&known.uid, now);
                self.campaigns.gone(&known.uid, now);
                if !known.judged {
                    self.departed.add(&key, known.clone());
                }
            }
            (known.uid, known.seen, known.object) = (uid, seen, object);
            known.judged &= !is_news;
        } else {
            let entry = Entry { uid, seen, object, selected_by: Box::default(), judged: false };
            self.workloads.insert(Arc::new(key.clone()), entry);
        }
        if is_news { vec![Concerned::Workload(key)] } else { Vec::new() }
    }

    fn remove_workload(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Concerned> {
        let Some(entry) = self.workloads.remove(key) else { return Vec::new() };
        self.ledger.gone(&entry.uid, now);
        self.campaigns.gone(&entry.uid, now);
        self.note_absence(key, &entry.uid, now);
        let mut concerned = self.select(key, &entry.selected_by, &[]);
        concerned.extend(self.own.set(key, &[]).into_iter().map(Concerned::Approval));
        concerned.push(Concerned::Workload(key.clone()));
        if !entry.judged {
            self.departed.add(key, entry);
        }
        concerned
    }

    pub(super) fn observe_namespace(&mut self, event: Event<Observed<LabelsOnly>>) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.namespaces.begin(self.namespaces.keys().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                let name = observed.name().to_owned();
                self.lists.namespaces.mention(&name);
                let labels = observed.metadata.labels.unwrap_or_default();
                if self.namespaces.get(&name) == Some(&labels) {
                    return Vec::new();
                }
                let concerned = self
                    .workloads
                    .in_namespace(&name)
                    .map(|key| Concerned::Workload(WorkloadKey::clone(key)))
                    .collect();
                self.namespaces.insert(name, labels);
                concerned
            }
            // Its workloads go first, or are about to: they are judged as long as they are seen.
            Event::Delete(observed) => {
                self.namespaces.remove(observed.name());
                Vec::new()
            }
            Event::InitDone => {
                for gone in self.lists.namespaces.end() {
                    self.namespaces.remove(&gone);
                }
                Vec::new()
            }
        }
    }
}

fn workload_key(observed: &Observed<Packed>) -> WorkloadKey {
    WorkloadKey {
        namespace: observed.metadata.namespace.clone().unwrap_or_default(),
        name: observed.name().to_owned(),
        kind: WorkloadKind::CronJob,
    }
}
