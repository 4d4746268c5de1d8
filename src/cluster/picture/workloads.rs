//! Changes of workloads and of their namespaces.

use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::{LabelsOnly, Observed};
use super::super::store::Entry;
use super::{Concerned, Picture};
use crate::lineage::{Template, Templates};
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
                let key = observed.key(WorkloadKind::CronJob);
                self.lists.workloads.mention(&key);
                self.put_workload(key, observed, live, now)
            }
            Event::Delete(observed) => self.remove_workload(&observed.key(WorkloadKind::CronJob), now),
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
        self.told.seen(&key, &uid);
        let since = if seen.sighting.generation == 1 { seen.created } else { observed.changed };
        let object = observed.object.map_err(|reason| Unreadable::new(&reason));
        let templates = templates(known, &object, since, now);
        // Whoever changed what is not judged may be known, and where nobody is there is no more to say than before.
        let is_news = known.is_none_or(|known| {
            let is_other = known.seen.sighting != seen.sighting && self.ledger.has_source();
            known.object != object || known.seen.claim != seen.claim || is_other
        });
        if let Some(known) = self.workloads.get_mut(&key) {
            if known.uid != uid {
                self.ledger.gone(&known.uid, now);
                self.runs.remove(&known.uid);
                self.pods.digests.remove(&known.uid);
                self.parents.bury(&key, known, now);
                self.campaigns.gone(&known.uid, now);
                if !known.judged {
                    self.departed.add(&key, known.clone());
                }
            }
            (known.uid, known.seen, known.object, known.templates) = (uid, seen, object, templates);
            known.judged &= !is_news;
        } else {
            let entry = Entry { uid, seen, object, selected_by: Box::default(), judged: false, templates };
            self.workloads.insert(Arc::new(key.clone()), entry);
        }
        if is_news { vec![Concerned::Workload(key)] } else { Vec::new() }
    }

    fn remove_workload(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Concerned> {
        let Some(entry) = self.workloads.remove(key) else { return Vec::new() };
        self.ledger.gone(&entry.uid, now);
        self.runs.remove(&entry.uid);
        self.pods.digests.remove(&entry.uid);
        self.parents.bury(key, &entry, now);
        self.campaigns.gone(&entry.uid, now);
        self.note_absence(key, &entry.uid, now);
        let mut concerned = self.select(key, &entry.selected_by, &[]);
        concerned.extend(self.own.set(key, &[]).into_iter().map(Concerned::Approval));
        self.config_maps.forget_user(key);
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
                let workloads = self.workloads.in_namespace(&name).chain(self.jobs.all.in_namespace(&name));
                let concerned = workloads.map(|key| Concerned::Workload(WorkloadKey::clone(key))).collect();
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

/// The templates that the Jobs of a CronJob have had. `since` is when it became what it is, if that is known.
fn templates(
    known: Option<&Entry>,
    object: &Result<Packed, Unreadable>,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Templates {
    match (known, object) {
        (Some(known), object) if known.object == *object => known.templates.clone(),
        (Some(known), Err(_)) => known.templates.clone(),
        (known, Ok(packed)) => {
            let template = packed.unpack().map(|workload| Template::of(&workload)).unwrap_or_default();
            match known {
                Some(known) => {
                    let mut templates = known.templates.clone();
                    templates.replace(template, now);
                    templates
                }
                None => Templates::new(template, since),
            }
        }
        (None, Err(_)) => Templates::default(),
    }
}
