//! Who made workloads and approvals what they are.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::store::Entry;
use super::{Concerned, Picture};
use crate::assess::{self, Assessment};
use crate::finding::{self, Attribution, Subject, Write};
use crate::identity::ledger::{self, Page, Seen};
use crate::identity::{Account, Deed, Fact, Object, ObjectKind, Provenance};
use crate::inventory::PathEvidence;
use crate::workload::{Workload, WorkloadKey};

impl Picture {
    /// Takes in what somebody did, and returns who is concerned by it.
    pub(in crate::cluster) fn take_facts(&mut self, facts: &[Fact], now: Timestamp) -> Vec<Concerned> {
        let mut concerned = self.begin_ledger(now);
        for fact in facts {
            if self.is_invented(&fact.object) {
                continue;
            }
            concerned.extend(self.take_creation(fact, now));
            if !self.is_kept(fact) {
                continue;
            }
            let Some(news) = self.ledger.record(fact, &self.standards.own, now) else { continue };
            // Those who are judged by what it says look at the approval itself, and not at its name.
            if news.object.kind == ObjectKind::Approval {
                self.know_approval(&news.object.name);
            }
            match &news.uid {
                Some(uid) => self.note_deletion(fact, uid, now),
                // What only a name ties to its object is tied now, so that it is kept with the rest.
                None => self.know_workload(&news.object),
            }
            concerned.extend(self.concerned_by(&news.object));
        }
        concerned
    }

    /// Whether a fact is about a finding that nobody knows: whoever may write findings could make up any number of them.
    fn is_invented(&self, object: &Object) -> bool {
        matches!(object.kind, ObjectKind::Finding | ObjectKind::FindingStatus)
            && self.findings.get(&object.name).is_none()
            && self.ledger.attempts().on(&object.name).is_empty()
    }

    fn know_workload(&mut self, object: &Object) {
        let Some(key) = object.workload() else { return };
        if let Some((_, entry)) = self.workloads.get(&key) {
            self.ledger.observe(&entry.uid, object, &entry.seen);
        }
    }

    /// With the first event there is a source. What was there before nobody can account for.
    fn begin_ledger(&mut self, now: Timestamp) -> Vec<Concerned> {
        if self.ledger.has_source() {
            return Vec::new();
        }
        let workloads = self.workloads.iter().map(|(key, entry)| (&*entry.uid, object_of(key), &entry.seen));
        let approvals = self.recorded.iter().map(|(name, known)| (&*known.uid, approval_object(name), &known.seen));
        let live = workloads.chain(approvals).map(|(uid, object, seen)| (uid, object, seen.sighting.generation));
        self.ledger.begin(live, now);
        self.everything().collect()
    }

    /// The first lists are complete: whatever the ledger knows beside what is there is gone.
    pub(in crate::cluster) fn settle_ledger(&mut self, now: Timestamp) {
        self.begun = Some(now);
        let workloads = self.workloads.iter().map(|(_, entry)| &*entry.uid);
        let jobs = self.jobs.all.iter().map(|(_, job)| &*job.uid);
        let approvals = self.recorded.values().map(|known| &*known.uid);
        self.ledger.settle(workloads.chain(jobs).chain(approvals), now);
        let required: Vec<WorkloadKey> = self.inventory.iter().flat_map(|approval| approval.required()).collect();
        self.find_absent(required, now);
    }

    fn concerned_by(&self, object: &Object) -> Vec<Concerned> {
        match object.kind {
            ObjectKind::CronJob | ObjectKind::Job => object.workload().map(Concerned::Workload).into_iter().collect(),
            ObjectKind::Approval => {
                let relying = self.relying_on(&object.name).into_iter().map(Concerned::Workload);
                relying.chain([Concerned::Approval(object.name.as_str().into())]).collect()
            }
            ObjectKind::Finding | ObjectKind::FindingStatus => {
                let known = self.findings.get(&object.name);
                known.map(|known| super::super::store::subject_of(&known.record)).into_iter().collect()
            }
        }
    }

    /// What is known of who made a workload what it is.
    pub(super) fn provenance(
        &mut self,
        entry: &Entry,
        key: &WorkloadKey,
        workload: Option<&Workload>,
        finding: &str,
        now: Timestamp,
    ) -> Provenance {
        let mut seen = entry.seen.clone();
        if self.ledger.needs_content(&entry.uid, seen.sighting.generation) {
            seen.sighting.content = workload.map(ledger::content_of);
        }
        self.ledger.observe(&entry.uid, &object_of(key), &seen);
        let mut provenance = self.ledger.provenance(&entry.uid, &seen, self.standards.grace, now);
        provenance.tampering = self.ledger.attempts().on(finding).to_vec();
        provenance
    }

    /// Ties what is known of an approval of that name to the one that is there.
    pub(super) fn know_approval(&mut self, name: &str) {
        if let Some(known) = self.recorded.get(name) {
            self.ledger.observe(&known.uid, &approval_object(name), &known.seen);
        }
    }

    /// Who made an approval what it is.
    pub(super) fn approvers(&self, name: &str, now: Timestamp) -> Vec<Deed> {
        let Some(known) = self.recorded.get(name) else { return Vec::new() };
        self.ledger.provenance(&known.uid, &known.seen, self.standards.grace, now).makers().cloned().collect()
    }

    /// An event that is waited for no longer changes the verdict by itself. Says whether one is waited for that matters.
    pub(super) fn wait_for_evidence(
        &mut self,
        subject: &Concerned,
        known: &Provenance,
        assessment: &Assessment,
    ) -> bool {
        if let Account::Awaited { until } = known.account
            && !assessment.unknown.is_empty()
        {
            self.deadlines.add(until, subject.clone());
            return true;
        }
        false
    }

    /// Judges who wrote an approval, and returns what has to be written about that.
    pub(in crate::cluster) fn judge_approval(&mut self, name: &Arc<str>, now: Timestamp) -> Vec<Write> {
        let subject = Concerned::Approval(name.clone());
        let mut writes = self.bring_back(&subject);
        let known = self.recorded.get(name).map(|known| (known.uid.clone(), known.seen.clone()));
        if let Some((uid, seen)) = &known {
            let reference = finding::approval_reference(name, uid);
            let provenance = self.approval_provenance(name, uid, seen, &finding::name(&reference), now);
            let assessment = assess::approval(name, &provenance, &self.standards.paths, self.own.of(name));
            self.wait_for_evidence(&subject, &provenance, &assessment);
            let attribution = Attribution { provenance: &provenance, paths: &self.standards.paths };
            let about = Subject { attribution: Some(attribution), ..Subject::of(&reference) };
            writes.extend(self.plan(about, &assessment, now));
        }
        let uid = known.as_ref().map_or("", |(uid, _)| uid);
        writes.extend(self.over(&subject, |record| *record.workload.uid == *uid, now));
        writes
    }

    fn approval_provenance(&mut self, name: &str, uid: &str, seen: &Seen, finding: &str, now: Timestamp) -> Provenance {
        self.know_approval(name);
        let mut provenance = self.ledger.provenance(uid, seen, self.standards.grace, now);
        provenance.tampering = self.ledger.attempts().on(finding).to_vec();
        provenance
    }

    /// Whether it can be told by which of the paths that an approval expects a workload came.
    pub(super) fn path_evidence(&self, expected: &[String]) -> PathEvidence {
        let paths = &self.standards.paths;
        let missing: Vec<String> = expected.iter().filter(|path| !paths.is_configured(path)).cloned().collect();
        if !self.ledger.has_source() {
            PathEvidence::None
        } else if missing.is_empty() {
            PathEvidence::Complete
        } else {
            PathEvidence::Without(missing)
        }
    }

    /// Forgets what is known of objects that have been gone for long.
    pub(in crate::cluster) fn tidy(&mut self, now: Timestamp) {
        self.ledger.tidy(now);
        self.jobs.shared.sweep();
    }

    /// The pages of the ledger that have to be kept, which count as kept from now on.
    pub(in crate::cluster) fn changed_pages(&mut self) -> Vec<(u8, Page)> {
        self.ledger.take_changed()
    }

    /// Whether anything has to be kept.
    pub(in crate::cluster) fn is_ledger_changed(&self) -> bool {
        self.ledger.is_changed()
    }

    /// Notes that a page could not be kept.
    pub(in crate::cluster) fn page_not_kept(&mut self, number: u8) {
        self.ledger.not_kept(number);
    }
}

pub(super) fn object_of(key: &WorkloadKey) -> Object {
    let kind = match key.kind {
        crate::workload::WorkloadKind::CronJob => ObjectKind::CronJob,
        crate::workload::WorkloadKind::Job => ObjectKind::Job,
    };
    Object { kind, namespace: key.namespace.clone(), name: key.name.clone() }
}

fn approval_object(name: &str) -> Object {
    Object { kind: ObjectKind::Approval, namespace: String::new(), name: name.to_owned() }
}
