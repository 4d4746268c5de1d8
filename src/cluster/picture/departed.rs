//! Workloads that were gone before they could be judged: being quick is no way to stay unseen.

use std::collections::HashMap;

use jiff::Timestamp;

use super::super::store::Entry;
use super::{Concerned, Picture};
use crate::finding::{self, Attribution, Subject, Write};
use crate::workload::WorkloadKey;

/// How many are remembered.
const MOST: usize = 1_000;

/// Workloads that were gone before they could be judged.
#[derive(Debug, Default)]
pub(super) struct Departed {
    by_key: HashMap<WorkloadKey, Vec<Entry>>,
    count: usize,
}

impl Departed {
    pub(super) fn add(&mut self, key: &WorkloadKey, entry: Entry) {
        // Nobody can choose which one goes, so nobody can push out what comes next.
        if self.count >= MOST
            && let Some(other) = self.by_key.keys().next().cloned()
        {
            self.take(&other);
        }
        self.count += 1;
        self.by_key.entry(key.clone()).or_default().push(entry);
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.by_key.keys()
    }

    fn take(&mut self, key: &WorkloadKey) -> Vec<Entry> {
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
            if self.findings.get(&name).is_some_and(|known| known.record.state().is_some()) {
                continue;
            }
            let (workload, provenance, assessment) = self.assess(&entry, key, &name, now);
            self.ledger.gone(&entry.uid, now);
            self.campaigns.gone(&entry.uid, now);
            let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
            let about = Subject { reference: &reference, workload: workload.as_ref(), attribution: Some(attribution) };
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
