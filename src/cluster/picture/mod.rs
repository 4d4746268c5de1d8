//! All that is known of the cluster, and who is concerned by a change of it. No client in here: it is fed and asked.

mod absent;
mod approvals;
mod campaigns;
mod config_maps;
mod departed;
mod findings;
mod groups;
mod identity;
mod jobs;
mod lineage;
mod own;
mod parents;
mod pods;
mod record;
mod removed;
mod runs;
#[cfg(test)]
mod tests;
mod told;
mod workloads;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::job::Job;
use super::metrics::{Held, Metrics};
use super::store::{Deadlines, Entry, Findings, Relist, Workloads};
use super::watch::Change;
use crate::api::approval::ApprovedCronJobStatus;
use crate::api::finding::State;
use crate::assess::{self, Assessment, Identity, Surroundings};
use crate::finding::{self, Attribution, Count, Record, Subject, Write};
use crate::identity::ledger::Seen;
use crate::identity::path::Paths;
use crate::identity::{Ledger, Provenance};
use crate::inventory::{Inventory, Labels};
use crate::lineage::{Injectors, Makers};
use crate::workload::{Workload, WorkloadKey, WorkloadKind};
use absent::Absent;
use campaigns::Campaigns;
use config_maps::ConfigMaps;
use departed::Departed;
use groups::Groups;
use jobs::Jobs;
use own::OwnApprovals;
use parents::Parents;
use pods::Pods;
use removed::Removed;
use told::Told;

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
    workloads: Workloads<Entry>,
    /// Workloads that were gone before they could be judged.
    departed: Departed<Entry>,
    jobs: Jobs,
    /// Jobs that were gone before they could be judged.
    departed_jobs: Departed<Job>,
    /// Jobs that are many and deviate alike.
    groups: Groups,
    /// How often each CronJob ran that has a finding, by its uid.
    runs: HashMap<Box<str>, Count>,
    parents: Parents,
    pods: Pods,
    /// What events tell of workloads that no watch has seen.
    told: Told,
    /// When the first lists were complete: whoever made a Job before, and does so all the time, is not known any more.
    begun: Option<Timestamp>,
    /// Required workloads that are missing.
    absent: Absent,
    /// The workloads that nothing approves, by what they have in common.
    campaigns: Campaigns,
    namespaces: HashMap<String, Labels>,
    findings: Findings,
    /// Findings that somebody removed.
    removed: Removed,
    /// Findings that are being dropped after the retention time.
    dropping: HashSet<String>,
    /// Who made all of this what it is.
    ledger: Ledger,
    /// The approvals that were written by the same hands as a workload that they speak for.
    own: OwnApprovals,
    /// What ConfigMaps hold, and what was recorded of them.
    config_maps: ConfigMaps,
    lists: Lists,
    deadlines: Deadlines<Concerned>,
    standards: Standards,
    metrics: Metrics,
}

/// What the cluster is judged by, beside the inventory.
#[derive(Clone, Debug, Default)]
pub(in crate::cluster) struct Standards {
    /// How long findings that are over are kept.
    pub(in crate::cluster) retention: SignedDuration,
    /// How long the event is waited for that tells who made a change.
    pub(in crate::cluster) grace: SignedDuration,
    /// The known ways for changes to reach the cluster.
    pub(in crate::cluster) paths: Paths,
    /// Who makes Jobs.
    pub(in crate::cluster) makers: Makers,
    /// What is known to add to Pods.
    pub(in crate::cluster) injectors: Injectors,
    /// The user name of this operator.
    pub(in crate::cluster) own: String,
    /// Whether ConfigMaps are watched.
    pub(in crate::cluster) config_maps: bool,
}

/// Which lists are being read, and which have been.
#[derive(Debug, Default)]
struct Lists {
    workloads: Relist<WorkloadKey>,
    jobs: Relist<WorkloadKey>,
    pods: Relist<(WorkloadKey, Box<str>)>,
    namespaces: Relist<String>,
    approvals: Relist<Arc<str>>,
    findings: Relist<String>,
}

/// What is recorded of an approval.
#[derive(Clone, Debug)]
struct RecordedApproval {
    uid: Box<str>,
    version: u64,
    seen: Seen,
    status: Option<ApprovedCronJobStatus>,
}

impl Picture {
    pub(in crate::cluster) fn new(standards: Standards, ledger: Ledger, metrics: Metrics) -> Self {
        Self {
            inventory: Inventory::default(),
            recorded: HashMap::new(),
            selected: HashMap::new(),
            workloads: Workloads::default(),
            departed: Departed::default(),
            jobs: Jobs::default(),
            departed_jobs: Departed::default(),
            groups: Groups::default(),
            runs: HashMap::new(),
            parents: Parents::default(),
            pods: Pods::default(),
            told: Told::default(),
            begun: None,
            absent: Absent::default(),
            campaigns: Campaigns::default(),
            namespaces: HashMap::new(),
            findings: Findings::default(),
            removed: Removed::default(),
            dropping: HashSet::new(),
            ledger,
            own: OwnApprovals::default(),
            config_maps: ConfigMaps::new(standards.config_maps),
            lists: Lists::default(),
            deadlines: Deadlines::default(),
            standards,
            metrics,
        }
    }

    /// Whether every list that a verdict needs has been read completely at least once.
    pub(in crate::cluster) fn synced(&self) -> bool {
        let Lists { workloads, jobs, pods, namespaces, approvals, findings } = &self.lists;
        workloads.is_complete()
            && jobs.is_complete()
            && pods.is_complete()
            && namespaces.is_complete()
            && approvals.is_complete()
            && findings.is_complete()
            && self.config_maps.is_complete()
    }

    /// Whether there is any approval that can approve something. Until then nobody is told of findings.
    pub(in crate::cluster) fn has_inventory(&self, now: Timestamp) -> bool {
        self.inventory.iter().any(|approval| approval.usable(now))
    }

    /// Everything that has to be looked at once, after the first lists.
    pub(in crate::cluster) fn everything(&self) -> impl Iterator<Item = Concerned> {
        let workloads = self.workloads.keys().map(|key| WorkloadKey::clone(key));
        let jobs = self.jobs.all.keys().map(|key| WorkloadKey::clone(key));
        let workloads = workloads.chain(jobs).chain(self.departed.keys().chain(self.departed_jobs.keys()).cloned());
        let recorded = self.findings.subjects().cloned();
        let required = self.inventory.iter().flat_map(|approval| approval.required());
        let approvals = self.inventory.iter().map(|approval| Concerned::Approval(approval.name.clone()));
        workloads.chain(required).map(Concerned::Workload).chain(recorded).chain(approvals)
    }

    /// Takes in a change and returns who is concerned by it: exactly those, and no others.
    pub(in crate::cluster) fn observe(&mut self, change: Change, now: Timestamp) -> Vec<Concerned> {
        match change {
            Change::Workload(event) => self.observe_workload(event, now),
            Change::Job(event) => self.observe_job(event, now),
            Change::Pod(event) => self.observe_pod(event, now),
            Change::Namespace(event) => self.observe_namespace(event),
            Change::Approval(event) => self.observe_approval(event, now),
            Change::Finding(event) => self.observe_finding(event, now),
            Change::ConfigMap(event) => self.observe_config_map(event),
        }
    }

    /// When something happens by itself: an approval or acknowledgement expires, a finding has been kept long enough, a campaign has
    /// grown.
    pub(in crate::cluster) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next().into_iter().chain(self.campaigns.next_deadline()).min()
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
        self.campaigns.pass(now);
        concerned.extend(self.told_of_campaigns());
        concerned
    }

    /// Judges whatever is, or should be, under a key, and returns what has to be written and which approvals' statuses are concerned.
    pub(in crate::cluster) fn judge(&mut self, key: &WorkloadKey, now: Timestamp) -> (Vec<Write>, Vec<Concerned>) {
        if key.kind == WorkloadKind::Job {
            return self.judge_job(key, now);
        }
        self.recall(key, now);
        let live = self.workloads.get(key).map(|(_, entry)| entry.clone());
        // The namespace of a new workload may be seen after it: then it is judged as soon as the namespace is seen.
        if live.is_some() && !self.namespaces.contains_key(&key.namespace) {
            return (Vec::new(), Vec::new());
        }
        self.metrics.judged();
        let subject = Concerned::Workload(key.clone());
        let mut writes = self.bring_back(&subject);
        writes.extend(self.judge_departed(key, now));
        // What is brought back, or over already, is looked at again once it is there.
        let mut concerned: Vec<Concerned> = if writes.is_empty() { Vec::new() } else { vec![subject.clone()] };
        if let Some(entry) = &live {
            let reference = finding::reference(key, &entry.uid);
            let name = finding::name(&reference);
            concerned.extend(self.record_config_maps(key, || entry.object.clone()?.unpack(), now));
            let (workload, provenance, assessment) = self.assess(entry, key, &name, now);
            concerned.extend(self.selected_now(key, &entry.selected_by, &assessment));
            concerned.extend(self.by_hand(&entry.uid));
            concerned.extend(self.own.set(key, &assessment.own_approvals).into_iter().map(Concerned::Approval));
            let waits = self.wait_for_evidence(&subject, &provenance, &assessment);
            if let Some(entry) = self.workloads.get_mut(key) {
                entry.judged = !waits;
            }
            let runs = self.count_runs(&subject, entry, &name, !assessment.deviations.is_empty());
            let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
            let about = Subject {
                workload: workload.as_ref(),
                attribution: Some(attribution),
                runs: runs.as_ref(),
                ..Subject::of(&reference)
            };
            writes.extend(self.plan(about, &assessment, now));
        }
        let absent = finding::reference(key, "");
        let missing = match live {
            Some(_) => Assessment::default(),
            None => assess::missing(key, &self.inventory.requiring(key, now)),
        };
        let provenance = self.absence(key, !missing.deviations.is_empty(), now);
        let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
        writes.extend(self.plan(Subject { attribution: Some(attribution), ..Subject::of(&absent) }, &missing, now));
        let uid = live.as_ref().map_or("", |entry| &entry.uid);
        writes.extend(self.over(&subject, |record| *record.workload.uid == *uid, now));
        concerned.extend(self.told_of_campaigns());
        (writes, concerned)
    }

    fn assess(
        &mut self,
        entry: &Entry,
        key: &WorkloadKey,
        finding: &str,
        now: Timestamp,
    ) -> (Option<Workload>, Provenance, Assessment) {
        let unpacked = entry.object.clone().and_then(|packed| packed.unpack());
        let provenance = self.provenance(entry, key, unpacked.as_ref().ok(), finding, now);
        match unpacked {
            Ok(workload) => {
                let mut assessment = self.verdict(&workload, &entry.uid, &provenance, now);
                // Whether it joins a campaign or leaves one hangs on the verdict, which then says so.
                if self.judged_in_campaign(&workload, entry.seen.created, &assessment, now) {
                    assessment = self.verdict(&workload, &entry.uid, &provenance, now);
                }
                (Some(workload), provenance, assessment)
            }
            Err(reason) => {
                self.campaigns.leave(&entry.uid, now);
                (None, provenance, assess::unreadable(&reason))
            }
        }
    }

    fn verdict(&self, workload: &Workload, uid: &str, provenance: &Provenance, now: Timestamp) -> Assessment {
        let labels = self.namespaces.get(&workload.key.namespace);
        let approvers = |name: &str| self.approvers(name, now);
        let identity = Identity { provenance, paths: &self.standards.paths, approvers: &approvers };
        let config_maps = self.config_maps.known();
        let surroundings = Surroundings { config_maps, ..Surroundings::from(labels).with(identity) };
        let surroundings = surroundings.in_campaign(self.campaigns.of(uid));
        assess::assess(workload, &self.inventory, surroundings, now)
    }

    /// Plans what to write about a subject. A finding that is being brought back is written as it was first.
    fn plan(&self, subject: Subject<'_>, assessment: &Assessment, now: Timestamp) -> Option<Write> {
        let name = finding::name(subject.reference);
        if self.removed.is_waiting(&name) {
            return None;
        }
        let record = self.findings.get(&name).map(|known| &known.record);
        finding::plan(subject, assessment, record, now)
    }

    fn bring_back(&self, subject: &Concerned) -> Vec<Write> {
        self.removed.about(subject).iter().cloned().filter_map(finding::restored).collect()
    }

    /// What to write about the findings whose object is gone.
    fn over(&mut self, subject: &Concerned, is_there: impl Fn(&Record) -> bool, now: Timestamp) -> Vec<Write> {
        let mut writes = Vec::new();
        let about = || self.findings.about(subject);
        for record in about().filter(|record| !record.workload.uid.is_empty() && !is_there(record)) {
            let mut provenance = self.ledger.farewell(&record.workload.uid);
            provenance.tampering = self.ledger.attempts().on(&record.name).to_vec();
            let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
            let closing = finding::closing(record, now);
            if closing.is_some() {
                self.campaigns.gone_as_recorded(record, now);
            }
            writes.extend(closing.or_else(|| finding::attributed(record, attribution)));
        }
        let expired: Vec<Write> =
            about().filter_map(|record| finding::expired(record, self.standards.retention, now)).collect();
        self.dropping.extend(expired.iter().map(|write| write.name().to_owned()));
        writes.retain(|write| !expired.iter().any(|dropped| dropped.name() == write.name()));
        writes.extend(expired);
        writes
    }

    /// How much is held, for the metrics.
    pub(in crate::cluster) fn held(&self, pending: usize) -> Held {
        let states = [State::Open, State::Acknowledged, State::Resolved, State::Deleted];
        Held {
            workloads: self.workloads.len(),
            jobs: self.jobs.all.len(),
            namespaces: self.namespaces.len(),
            approvals: self.inventory.len(),
            config_maps: self.config_maps.len(),
            findings: states.map(|state| (state, self.findings.in_state(state))),
            self_approved: self.own.len(),
            pending,
        }
    }
}
