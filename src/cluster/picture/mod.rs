//! All that is known of the cluster, and who is concerned by a change of it. No client in here: it is fed and asked.

mod approvals;
mod findings;
#[cfg(test)]
mod tests;
mod workloads;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::metrics::{Held, Metrics};
use super::store::{Deadlines, Entry, Findings, Relist, Workloads};
use super::watch::Change;
use crate::api::approval::ApprovedCronJobStatus;
use crate::api::finding::State;
use crate::assess::{self, Assessment};
use crate::finding::{self, Subject, Write};
use crate::inventory::{Inventory, Labels};
use crate::workload::{Workload, WorkloadKey};

/// Something that has to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::cluster) enum Concerned {
    /// A workload, or the place where one should be.
    Workload(WorkloadKey),
    /// The status of an approval.
    Approval(Arc<str>),
}

/// All that is known of the cluster.
#[derive(Debug)]
pub(in crate::cluster) struct Picture {
    inventory: Inventory,
    /// What is recorded of the approvals.
    recorded: HashMap<Arc<str>, RecordedApproval>,
    /// The workloads that each approval selects.
    selected: HashMap<Arc<str>, BTreeSet<Arc<WorkloadKey>>>,
    workloads: Workloads,
    namespaces: HashMap<String, Labels>,
    findings: Findings,
    lists: Lists,
    deadlines: Deadlines<Concerned>,
    retention: SignedDuration,
    metrics: Metrics,
}

/// Which lists are being read, and which have been.
#[derive(Debug, Default)]
struct Lists {
    workloads: Relist<WorkloadKey>,
    namespaces: Relist<String>,
    approvals: Relist<Arc<str>>,
    findings: Relist<String>,
}

/// What is recorded of an approval.
#[derive(Clone, Debug)]
struct RecordedApproval {
    uid: String,
    version: u64,
    status: Option<ApprovedCronJobStatus>,
}

impl Picture {
    pub(in crate::cluster) fn new(retention: SignedDuration, metrics: Metrics) -> Self {
        Self {
            inventory: Inventory::default(),
            recorded: HashMap::new(),
            selected: HashMap::new(),
            workloads: Workloads::default(),
            namespaces: HashMap::new(),
            findings: Findings::default(),
            lists: Lists::default(),
            deadlines: Deadlines::default(),
            retention,
            metrics,
        }
    }

    /// Whether every list that a verdict needs has been read completely at least once.
    pub(in crate::cluster) fn synced(&self) -> bool {
        let Lists { workloads, namespaces, approvals, findings } = &self.lists;
        workloads.is_complete() && namespaces.is_complete() && approvals.is_complete() && findings.is_complete()
    }

    /// Whether there is any approval that can approve something. Until then nobody is told of findings.
    pub(in crate::cluster) fn has_inventory(&self, now: Timestamp) -> bool {
        self.inventory.iter().any(|approval| approval.usable(now))
    }

    /// Everything that has to be looked at once, after the first lists.
    pub(in crate::cluster) fn everything(&self) -> impl Iterator<Item = Concerned> {
        let workloads = self.workloads.keys().map(|key| WorkloadKey::clone(key));
        let recorded = self.findings.workloads().cloned();
        let required = self.inventory.iter().flat_map(|approval| approval.required());
        let approvals = self.inventory.iter().map(|approval| Concerned::Approval(approval.name.clone()));
        workloads.chain(recorded).chain(required).map(Concerned::Workload).chain(approvals)
    }

    /// Takes in a change and returns who is concerned by it: exactly those, and no others.
    pub(in crate::cluster) fn observe(&mut self, change: Change, now: Timestamp) -> Vec<Concerned> {
        match change {
            Change::Workload(event) => self.observe_workload(event),
            Change::Namespace(event) => self.observe_namespace(event),
            Change::Approval(event) => self.observe_approval(event, now),
            Change::Finding(event) => self.observe_finding(event, now),
        }
    }

    /// When something happens by itself: an approval or acknowledgement expires, a finding has been kept long enough.
    pub(in crate::cluster) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Who is concerned by the passing of time.
    pub(in crate::cluster) fn due(&mut self, now: Timestamp) -> Vec<Concerned> {
        let mut concerned = self.deadlines.due(now);
        let relying: Vec<Concerned> = concerned
            .iter()
            .filter_map(|due| match due {
                Concerned::Approval(name) => Some(self.relying_on(name)),
                Concerned::Workload(_) => None,
            })
            .flatten()
            .map(Concerned::Workload)
            .collect();
        concerned.extend(relying);
        concerned
    }

    /// Judges whatever is, or should be, under a key, and returns what has to be written and which approvals' statuses are concerned.
    pub(in crate::cluster) fn judge(&mut self, key: &WorkloadKey, now: Timestamp) -> (Vec<Write>, Vec<Concerned>) {
        let live = self.workloads.get(key).map(|(_, entry)| entry.clone());
        // The namespace of a new workload may be seen after it: then it is judged as soon as the namespace is seen.
        if live.is_some() && !self.namespaces.contains_key(&key.namespace) {
            return (Vec::new(), Vec::new());
        }
        self.metrics.judged();
        let mut writes = Vec::new();
        let mut concerned = Vec::new();
        if let Some(entry) = &live {
            let (workload, assessment) = self.assess(entry, key, now);
            concerned = self.selected_now(key, entry, &assessment);
            let reference = finding::reference(key, &entry.uid);
            let subject = Subject { reference: &reference, workload: workload.as_ref() };
            writes.extend(self.plan(subject, &assessment, now));
        }
        let absent = finding::reference(key, "");
        let missing = match live {
            Some(_) => Assessment::default(),
            None => assess::missing(key, &self.inventory.requiring(key, now)),
        };
        writes.extend(self.plan(Subject { reference: &absent, workload: None }, &missing, now));
        let uid = live.as_ref().map_or("", |entry| &entry.uid);
        let others =
            self.findings.about(key).filter(|record| record.workload.uid != uid && !record.workload.uid.is_empty());
        writes.extend(others.filter_map(|record| finding::closing(record, now)));
        writes.extend(self.findings.about(key).filter_map(|record| finding::expired(record, self.retention, now)));
        (writes, concerned)
    }

    fn assess(&self, entry: &Entry, key: &WorkloadKey, now: Timestamp) -> (Option<Workload>, Assessment) {
        match entry.object.clone().and_then(|packed| packed.unpack()) {
            Ok(workload) => {
                let none = Labels::new();
                let labels = self.namespaces.get(&key.namespace).unwrap_or(&none);
                let assessment = assess::assess(&workload, &self.inventory, labels, now);
                (Some(workload), assessment)
            }
            Err(reason) => (None, assess::unreadable(&reason)),
        }
    }

    fn plan(&self, subject: Subject<'_>, assessment: &Assessment, now: Timestamp) -> Option<Write> {
        let record = self.findings.get(&finding::name(subject.reference)).map(|known| &known.record);
        finding::plan(subject, assessment, record, now)
    }

    /// How much is held, for the metrics.
    pub(in crate::cluster) fn held(&self, pending: usize) -> Held {
        let states = [State::Open, State::Acknowledged, State::Resolved, State::Deleted];
        Held {
            workloads: self.workloads.len(),
            namespaces: self.namespaces.len(),
            approvals: self.inventory.len(),
            findings: states.map(|state| (state, self.findings.in_state(state))),
            pending,
        }
    }
}
