//! All that is known of the cluster, and who is concerned by a change of it. No client in here: it is fed and asked.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher::Event;

use super::metrics::{Held, Metrics};
use super::observed::{LabelsOnly, Observed};
use super::store::{Deadlines, Entry, Findings, Insertion, Relist, Versioned, Workloads, key_of};
use super::watch::Change;
use crate::api::approval::ApprovedCronJobStatus;
use crate::api::finding::State;
use crate::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use crate::assess::{self, Assessment};
use crate::finding::{self, Record, Subject, Write};
use crate::inventory::{Approval, Inventory, Labels, SAMPLES, status};
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// Something that has to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Concerned {
    /// A workload, or the place where one should be.
    Workload(WorkloadKey),
    /// The status of an approval.
    Approval(Arc<str>),
}

/// All that is known of the cluster.
#[derive(Debug)]
pub(super) struct Picture {
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
    pub(super) fn new(retention: SignedDuration, metrics: Metrics) -> Self {
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
    pub(super) fn synced(&self) -> bool {
        let Lists { workloads, namespaces, approvals, findings } = &self.lists;
        workloads.is_complete() && namespaces.is_complete() && approvals.is_complete() && findings.is_complete()
    }

    /// Whether there is any approval that can approve something. Until then nobody is told of findings.
    pub(super) fn has_inventory(&self, now: Timestamp) -> bool {
        self.inventory.iter().any(|approval| approval.usable(now))
    }

    /// Everything that has to be looked at once, after the first lists.
    pub(super) fn everything(&self) -> impl Iterator<Item = Concerned> {
        let workloads = self.workloads.keys().map(|key| WorkloadKey::clone(key));
        let recorded = self.findings.workloads().cloned();
        let required = self.inventory.iter().flat_map(|approval| approval.required());
        let approvals = self.inventory.iter().map(|approval| Concerned::Approval(approval.name.clone()));
        workloads.chain(recorded).chain(required).map(Concerned::Workload).chain(approvals)
    }

    /// Takes in a change and returns who is concerned by it: exactly those, and no others.
    pub(super) fn observe(&mut self, change: Change, now: Timestamp) -> Vec<Concerned> {
        match change {
            Change::Workload(event) => self.observe_workload(event),
            Change::Namespace(event) => self.observe_namespace(event),
            Change::Approval(event) => self.observe_approval(event, now),
            Change::Finding(event) => self.observe_finding(event, now),
        }
    }

    fn observe_workload(&mut self, event: Event<Observed<Packed>>) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.workloads.begin(self.workloads.keys().map(|key| WorkloadKey::clone(key)));
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                let key = workload_key(&observed);
                self.lists.workloads.mention(&key);
                self.put_workload(key, observed)
            }
            Event::Delete(observed) => self.remove_workload(&workload_key(&observed)),
            Event::InitDone => {
                let gone = self.lists.workloads.end();
                gone.iter().flat_map(|key| self.remove_workload(key)).collect()
            }
        }
    }

    /// A change that touches nothing that is judged, such as that of a CronJob's status at every tick, concerns nobody.
    fn put_workload(&mut self, key: WorkloadKey, observed: Observed<Packed>) -> Vec<Concerned> {
        let uid = observed.uid().into();
        if observed.object.is_err() {
            self.metrics.could_not_read("cronjobs");
        }
        let object = observed.object.map_err(|reason| Unreadable::new(&reason));
        if let Some(known) = self.workloads.get_mut(&key) {
            if known.uid == uid && known.object == object {
                return Vec::new();
            }
            known.uid = uid;
            known.object = object;
        } else {
            self.workloads.insert(Arc::new(key.clone()), Entry { uid, object, selected_by: Box::default() });
        }
        vec![Concerned::Workload(key)]
    }

    fn remove_workload(&mut self, key: &WorkloadKey) -> Vec<Concerned> {
        let Some(entry) = self.workloads.remove(key) else { return Vec::new() };
        let mut concerned = self.select(key, &entry.selected_by, &[]);
        concerned.push(Concerned::Workload(key.clone()));
        concerned
    }

    fn observe_namespace(&mut self, event: Event<Observed<LabelsOnly>>) -> Vec<Concerned> {
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

    fn observe_approval(&mut self, event: Event<Observed<ApprovedCronJob>>, now: Timestamp) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.approvals.begin(self.recorded.keys().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                self.lists.approvals.mention(&Arc::from(observed.name()));
                self.put_approval(observed, now)
            }
            Event::Delete(observed) => self.remove_approval(observed.name()),
            Event::InitDone => {
                let gone = self.lists.approvals.end();
                gone.iter().flat_map(|name| self.remove_approval(name)).collect()
            }
        }
    }

    fn put_approval(&mut self, observed: Observed<ApprovedCronJob>, now: Timestamp) -> Vec<Concerned> {
        let name: Arc<str> = observed.name().into();
        let (uid, version, generation) = (observed.uid().to_owned(), observed.version(), observed.metadata.generation);
        let known = self.recorded.get(&name).filter(|known| known.uid == uid);
        if known.is_some_and(|known| version < known.version) {
            return Vec::new();
        }
        let same_spec = known.is_some() && self.inventory.get(&name).is_some_and(|a| a.generation == generation);
        let (status, approval) = match observed.object {
            Ok(object) => {
                let approval = (!same_spec).then(|| Approval::compile(&object));
                (object.status, approval)
            }
            Err(reason) => {
                self.metrics.could_not_read("approvedcronjobs");
                (None, Some(Approval::unreadable(&name, generation, &reason)))
            }
        };
        let same_status = known.is_some_and(|known| known.status == status);
        self.recorded.insert(name.clone(), RecordedApproval { uid, version, status });
        let mut concerned = approval.map(|approval| self.replace_approval(approval, now)).unwrap_or_default();
        if !concerned.is_empty() || !same_status || !same_spec {
            concerned.push(Concerned::Approval(name));
        }
        concerned
    }

    /// Concerned are the workloads that the old approval selected and those that the new one does.
    fn replace_approval(&mut self, approval: Approval, now: Timestamp) -> Vec<Concerned> {
        let name = approval.name.clone();
        if let Some(at) = approval.expires_at.filter(|at| *at > now) {
            self.deadlines.add(at, Concerned::Approval(name.clone()));
        }
        let mut concerned = self.relying_on(&name);
        concerned.extend(
            self.workloads
                .covered_by(&approval.matcher)
                .into_iter()
                .filter(|key| {
                    self.unpacked(key).is_some_and(|workload| {
                        approval
                            .matcher
                            .selects(&workload, self.namespaces.get(&key.namespace).unwrap_or(&Labels::new()))
                    })
                })
                .map(|key| WorkloadKey::clone(&key)),
        );
        concerned.extend(approval.required());
        self.inventory.insert(approval);
        concerned.into_iter().map(Concerned::Workload).collect()
    }

    fn remove_approval(&mut self, name: &str) -> Vec<Concerned> {
        self.recorded.remove(name);
        let concerned = self.relying_on(name);
        self.inventory.remove(name);
        concerned.into_iter().map(Concerned::Workload).collect()
    }

    /// The workloads that an approval selects or requires.
    fn relying_on(&self, name: &str) -> BTreeSet<WorkloadKey> {
        let selected = self.selected.get(name).into_iter().flatten().map(|key| WorkloadKey::clone(key));
        selected.chain(self.inventory.get(name).into_iter().flat_map(|approval| approval.required())).collect()
    }

    fn observe_finding(&mut self, event: Event<Observed<ScheduledWorkloadFinding>>, now: Timestamp) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.findings.begin(self.findings.names().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                self.lists.findings.mention(&observed.name().to_owned());
                let version = observed.version();
                if let Ok(finding) = observed.object {
                    self.put_finding(Versioned { version, record: Record::of(&finding) }, now)
                } else {
                    self.metrics.could_not_read("scheduledworkloadfindings");
                    Vec::new()
                }
            }
            Event::Delete(observed) => self.remove_finding(observed.name(), observed.version()),
            Event::InitDone => {
                let gone = self.lists.findings.end();
                gone.iter().flat_map(|name| self.remove_finding(name, u64::MAX)).collect()
            }
        }
    }

    /// Takes in a finding as it is recorded now: as a watch shows it, or as the API server answered a write.
    pub(super) fn put_finding(&mut self, finding: Versioned, now: Timestamp) -> Vec<Concerned> {
        let concerned = Concerned::Workload(key_of(&finding.record));
        let until = finding.record.acknowledged_until().filter(|until| *until > now);
        let dropped = finding.record.closed_at().and_then(|closed| closed.checked_add(self.retention).ok());
        let insertion = self.findings.insert(finding);
        if insertion != Insertion::Changed {
            return Vec::new();
        }
        for at in until.into_iter().chain(dropped) {
            self.deadlines.add(at, concerned.clone());
        }
        vec![concerned]
    }

    /// Forgets a finding. Were it still needed, looking at its workload makes it anew.
    pub(super) fn remove_finding(&mut self, name: &str, version: u64) -> Vec<Concerned> {
        self.findings.remove(name, version).map(|record| Concerned::Workload(key_of(&record))).into_iter().collect()
    }

    /// When something happens by itself: an approval or acknowledgement expires, a finding has been kept long enough.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Who is concerned by the passing of time.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Concerned> {
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
    pub(super) fn judge(&mut self, key: &WorkloadKey, now: Timestamp) -> (Vec<Write>, Vec<Concerned>) {
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

    /// Notes which approvals select a workload now, and returns those for which that is news.
    fn selected_now(&mut self, key: &WorkloadKey, entry: &Entry, assessment: &Assessment) -> Vec<Concerned> {
        let mut names: Vec<&str> = assessment.approvals.iter().map(|approval| approval.name.as_str()).collect();
        names.sort_unstable();
        if entry.selected_by.iter().map(|name| &**name).eq(names.iter().copied()) {
            return Vec::new();
        }
        let now: Vec<Arc<str>> =
            names.into_iter().filter_map(|name| Some(self.inventory.get(name)?.name.clone())).collect();
        let concerned = self.select(key, &entry.selected_by, &now);
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.selected_by = now.into();
        }
        concerned
    }

    /// Moves a workload from the approvals that selected it to those that do now.
    fn select(&mut self, key: &WorkloadKey, before: &[Arc<str>], now: &[Arc<str>]) -> Vec<Concerned> {
        let shared = self.workloads.get(key).map_or_else(|| Arc::new(key.clone()), |(shared, _)| shared.clone());
        for name in before.iter().filter(|name| !now.contains(name)) {
            if let Some(selected) = self.selected.get_mut(name) {
                selected.remove(&shared);
                if selected.is_empty() {
                    self.selected.remove(name);
                }
            }
        }
        for name in now.iter().filter(|name| !before.contains(name)) {
            self.selected.entry(name.clone()).or_default().insert(shared.clone());
        }
        let changed = before.iter().filter(|n| !now.contains(n)).chain(now.iter().filter(|n| !before.contains(n)));
        changed.map(|name| Concerned::Approval(name.clone())).collect()
    }

    /// The status that an approval should have, if it has another one.
    pub(super) fn approval_status(&self, name: &str, now: Timestamp) -> Option<ApprovedCronJobStatus> {
        let approval = self.inventory.get(name)?;
        let recorded = self.recorded.get(name)?.status.as_ref();
        let selected = self.selected.get(name);
        let samples = selected.into_iter().flatten().take(SAMPLES).map(ToString::to_string).collect();
        let status = status(approval, selected.map_or(0, BTreeSet::len), samples, recorded, now);
        (recorded != Some(&status)).then_some(status)
    }

    /// Notes that a status was written.
    pub(super) fn put_approval_status(&mut self, name: &str, version: u64, status: Option<ApprovedCronJobStatus>) {
        if let Some(recorded) = self.recorded.get_mut(name)
            && recorded.version <= version
        {
            recorded.version = version;
            recorded.status = status;
        }
    }

    fn unpacked(&self, key: &WorkloadKey) -> Option<Workload> {
        self.workloads.get(key)?.1.object.as_ref().ok()?.unpack().ok()
    }

    /// How much is held, for the metrics.
    pub(super) fn held(&self, pending: usize) -> Held {
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

fn workload_key(observed: &Observed<Packed>) -> WorkloadKey {
    WorkloadKey {
        namespace: observed.metadata.namespace.clone().unwrap_or_default(),
        name: observed.name().to_owned(),
        kind: WorkloadKind::CronJob,
    }
}
