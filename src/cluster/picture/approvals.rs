//! Changes of approvals: whom they concern, whom they select, and what their status says.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::Observed;
use super::{Concerned, Picture, RecordedApproval};
use crate::api::ApprovedCronJob;
use crate::api::approval::ApprovedCronJobStatus;
use crate::assess::Assessment;
use crate::inventory::{Approval, Known, Labels, SAMPLES, status};
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

impl Picture {
    pub(super) fn observe_approval(
        &mut self,
        event: Event<Observed<Box<ApprovedCronJob>>>,
        now: Timestamp,
    ) -> Vec<Concerned> {
        let live = matches!(event, Event::Apply(_));
        match event {
            Event::Init => {
                self.lists.approvals.begin(self.recorded.keys().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                self.lists.approvals.mention(&Arc::from(observed.name()));
                self.put_approval(observed, live, now)
            }
            Event::Delete(observed) => self.remove_approval(observed.name(), now),
            Event::InitDone => {
                let gone = self.lists.approvals.end();
                gone.iter().flat_map(|name| self.remove_approval(name, now)).collect()
            }
        }
    }

    fn put_approval(&mut self, observed: Observed<Box<ApprovedCronJob>>, live: bool, now: Timestamp) -> Vec<Concerned> {
        let name: Arc<str> = observed.name().into();
        let uid: Box<str> = observed.uid().into();
        let (version, generation) = (observed.version(), observed.metadata.generation);
        let known = self.recorded.get(&name).filter(|known| known.uid == uid);
        let seen = observed.seen(known.map(|known| &known.seen), live, now);
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
        self.recorded.insert(name.clone(), RecordedApproval { uid, version, seen, status });
        self.know_approval(&name);
        let mut concerned = approval.map(|approval| self.replace_approval(approval, now)).unwrap_or_default();
        self.keep_record(&name);
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
        // Before everything is known nobody is judged, so it does not matter yet whom the approval selects.
        let selected = if self.synced() { self.selected_by(&approval) } else { Vec::new() };
        let mut concerned = self.relying_on(&name);
        concerned.extend(selected.iter().map(|key| WorkloadKey::clone(key)));
        let required = approval.required();
        concerned.extend(required.iter().cloned());
        self.inventory.insert(approval);
        if self.synced() {
            self.find_absent(required, now);
        }
        concerned.into_iter().map(Concerned::Workload).collect()
    }

    /// The workloads that an approval selects, whether they were judged by it or not.
    fn selected_by(&self, approval: &Approval) -> Vec<Arc<WorkloadKey>> {
        let none = Labels::new();
        let mut covered = self.workloads.covered_by(&approval.matcher);
        if approval.matcher.speaks_for(WorkloadKind::Job) {
            covered.extend(self.jobs.all.covered_by(&approval.matcher));
        }
        covered.retain(|key| {
            let labels = self.namespaces.get(&key.namespace).unwrap_or(&none);
            self.unpacked(key).is_some_and(|workload| approval.matcher.selects(&workload, labels))
        });
        covered
    }

    /// The finding about it, if there is one, is over.
    fn remove_approval(&mut self, name: &str, now: Timestamp) -> Vec<Concerned> {
        if let Some(known) = self.recorded.remove(name) {
            self.ledger.gone(&known.uid, now);
        }
        self.config_maps.forget_record(name);
        let concerned = self.relying_on(name);
        self.inventory.remove(name);
        concerned.into_iter().map(Concerned::Workload).chain([Concerned::Approval(name.into())]).collect()
    }

    /// The workloads that an approval selects or requires.
    pub(super) fn relying_on(&self, name: &str) -> BTreeSet<WorkloadKey> {
        let selected = self.selected.get(name).into_iter().flatten().map(|key| WorkloadKey::clone(key));
        selected.chain(self.inventory.get(name).into_iter().flat_map(|approval| approval.required())).collect()
    }

    /// Notes which approvals select a workload now, and returns those for which that is news.
    pub(super) fn selected_now(
        &mut self,
        key: &WorkloadKey,
        before: &[Arc<str>],
        assessment: &Assessment,
    ) -> Vec<Concerned> {
        let mut names: Vec<&str> = assessment.approvals.iter().map(|approval| approval.name.as_str()).collect();
        names.sort_unstable();
        if before.iter().map(|name| &**name).eq(names.iter().copied()) {
            return Vec::new();
        }
        let now: Vec<Arc<str>> =
            names.into_iter().filter_map(|name| Some(self.inventory.get(name)?.name.clone())).collect();
        let concerned = self.select(key, before, &now);
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.selected_by = now.into();
        } else if let Some(job) = self.jobs.all.get_mut(key) {
            job.selected_by = now.into();
        }
        concerned
    }

    /// Moves a workload from the approvals that selected it to those that do now.
    pub(super) fn select(&mut self, key: &WorkloadKey, before: &[Arc<str>], now: &[Arc<str>]) -> Vec<Concerned> {
        let shared = self.workloads.get(key).map(|(shared, _)| shared);
        let shared = shared.or_else(|| self.jobs.all.get(key).map(|(shared, _)| shared));
        let shared = shared.map_or_else(|| Arc::new(key.clone()), Arc::clone);
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
    pub(in crate::cluster) fn approval_status(&self, name: &str, now: Timestamp) -> Option<ApprovedCronJobStatus> {
        let approval = self.inventory.get(name)?;
        let recorded = self.recorded.get(name)?.status.as_ref();
        let selected = self.selected.get(name);
        let expected = approval.rules.as_ref().map_or(&[][..], |rules| &rules.deployment_paths);
        let known = Known {
            count: selected.map_or(0, BTreeSet::len),
            samples: selected.into_iter().flatten().take(SAMPLES).map(ToString::to_string).collect(),
            evidence: self.path_evidence(expected),
            config_maps: self.config_maps.recorded_for(name),
            own: self.own.of(name),
        };
        let status = status(approval, known, recorded, now);
        (recorded != Some(&status)).then_some(status)
    }

    /// Notes that a status was written.
    pub(in crate::cluster) fn put_approval_status(
        &mut self,
        name: &str,
        version: u64,
        status: Option<ApprovedCronJobStatus>,
    ) {
        if let Some(recorded) = self.recorded.get_mut(name)
            && recorded.version <= version
        {
            recorded.version = version;
            recorded.status = status;
        }
    }

    fn unpacked(&self, key: &WorkloadKey) -> Option<Workload> {
        match key.kind {
            WorkloadKind::CronJob => self.workloads.get(key)?.1.object.as_ref().ok()?.unpack().ok(),
            WorkloadKind::Job => self.jobs.get(key)?.workload(key).ok(),
        }
    }
}
