//! Workloads that were gone before they could be judged: being quick is no way to stay unseen.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Concerned, Picture};
use crate::finding::{self, Attribution, Subject, Write};
use crate::workload::WorkloadKey;

/// How many of each kind are remembered.
const MOST: usize = 4_000;

/// Workloads of one kind that were gone before they could be judged.
#[derive(Debug)]
pub(super) struct Departed<E> {
    by_key: HashMap<WorkloadKey, Vec<E>>,
    count: usize,
}

impl<E> Default for Departed<E> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), count: 0 }
    }
}

impl<E> Departed<E> {
    pub(super) fn add(&mut self, key: &WorkloadKey, entry: E) {
        // Nobody can choose which one goes, so nobody can push out what comes next.
        if self.count >= MOST
            && let Some(other) = self.by_key.keys().next().cloned()
        {
            self.take(&other);
        }
        self.count += 1;
        self.by_key.entry(key.clone()).or_default().push(entry);
    }

    pub(super) fn get_mut(&mut self, key: &WorkloadKey) -> impl Iterator<Item = &mut E> {
        self.by_key.get_mut(key).into_iter().flatten()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.by_key.keys()
    }

    pub(super) fn take(&mut self, key: &WorkloadKey) -> Vec<E> {
        let taken = self.by_key.remove(key).unwrap_or_default();
        self.count -= taken.len();
        taken
    }
}

impl Picture {
    /// Judges those that were under a key, as they were. What is written about them is over as soon as it is recorded.
    pub(super) fn judge_departed(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Write> {
        let mut writes = Vec::new();
        for entry in self.departed.take(key) {
            let reference = finding::reference(key, &entry.uid);
            let name = finding::name(&reference);
            if let Some(known) = self.findings.get(&name).filter(|known| known.record.state().is_some()) {
                self.campaigns.gone_as_recorded(&known.record, now);
                continue;
            }
            let (workload, provenance, assessment) = self.assess(&entry, key, &name, now);
            self.ledger.gone(&entry.uid, now);
            self.campaigns.gone(&entry.uid, now);
            let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
            let about =
                Subject { workload: workload.as_ref(), attribution: Some(attribution), ..Subject::of(&reference) };
            let write = self.plan(about, &assessment, now);
            let waits = self.wait_for_evidence(&Concerned::Workload(key.clone()), &provenance, &assessment);
            if write.is_some() || waits {
                self.departed.add(key, entry);
            }
            writes.extend(write);
        }
        writes
    }
}
