//! Changes of Jobs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::job::{Job, ObservedJob, Shared};
use super::super::observed::Observed;
use super::super::store::Workloads;
use super::identity::object_of;
use super::{Concerned, Picture};
use crate::workload::{Unreadable, WorkloadKey, WorkloadKind};

/// The Jobs that are there.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) all: Workloads<Job>,
    /// Those that name a CronJob as their owner, by its uid.
    of_cron_job: HashMap<Box<str>, BTreeSet<Arc<WorkloadKey>>>,
    pub(super) shared: Shared,
}

impl Jobs {
    pub(super) fn get(&self, key: &WorkloadKey) -> Option<&Job> {
        self.all.get(key).map(|(_, job)| job)
    }

    /// Those that name the CronJob of this uid as their owner.
    pub(super) fn of_cron_job(&self, uid: &str) -> impl Iterator<Item = (&Arc<WorkloadKey>, &Job)> {
        let keys = self.of_cron_job.get(uid).into_iter().flatten();
        keys.filter_map(|key| Some((key, self.all.get(key)?.1)))
    }

    fn insert(&mut self, key: &WorkloadKey, job: Job) {
        let key = Arc::new(key.clone());
        if let Some(owner) = job.marks.cron_job() {
            self.of_cron_job.entry(owner.uid.clone()).or_default().insert(key.clone());
        }
        self.all.insert(key, job);
    }

    fn remove(&mut self, key: &WorkloadKey) -> Option<Job> {
        let job = self.all.remove(key)?;
        if let Some(owner) = job.marks.cron_job()
            && let Some(keys) = self.of_cron_job.get_mut(&owner.uid)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.of_cron_job.remove(&owner.uid);
            }
        }
        Some(job)
    }
}

impl Picture {
    pub(super) fn observe_job(&mut self, event: Event<Observed<ObservedJob>>, now: Timestamp) -> Vec<Concerned> {
        let live = matches!(event, Event::Apply(_));
        match event {
            Event::Init => {
                self.lists.jobs.begin(self.jobs.all.keys().map(|key| WorkloadKey::clone(key)));
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                let key = observed.key(WorkloadKind::Job);
                self.lists.jobs.mention(&key);
                self.put_job(&key, observed, live, now)
            }
            Event::Delete(observed) => {
                let key = observed.key(WorkloadKind::Job);
                // It may have been changed since it was seen last, or not have been seen at all.
                let is_known = self.jobs.get(&key).is_some_and(|job| *job.uid == *observed.uid());
                if !is_known {
                    self.put_job(&key, observed, true, now);
                }
                self.remove_job(&key, now)
            }
            Event::InitDone => {
                let gone = self.lists.jobs.end();
                gone.iter().flat_map(|key| self.remove_job(key, now)).collect()
            }
        }
    }

    /// The status of a Job changes more often than anything that is judged: then nobody is concerned.
    fn put_job(
        &mut self,
        key: &WorkloadKey,
        observed: Observed<ObservedJob>,
        live: bool,
        now: Timestamp,
    ) -> Vec<Concerned> {
        let uid: Box<str> = observed.uid().into();
        let known = self.jobs.get(key).filter(|job| job.uid == uid);
        let seen = observed.seen(known.map(|job| &job.seen), live, now);
        let (mut marks, content) = match observed.object {
            Ok(ObservedJob { marks, workload }) => (self.jobs.shared.marks(marks), self.jobs.shared.content(workload)),
            Err(reason) => {
                self.metrics.could_not_read("jobs");
                (crate::lineage::Marks::default(), Err(Unreadable::new(&reason)))
            }
        };
        if let Some(known) = self.jobs.get(key).filter(|job| job.uid == uid && job.content == content) {
            // Whose run it is was told when it was made. That it was orphaned since changes nothing, after a restart neither.
            if marks.owner.is_none() && known.marks.owner.is_some() {
                marks.owner.clone_from(&known.marks.owner);
                if let Some(maker) = &known.maker {
                    self.ledger.adopt(&uid, &object_of(key), maker);
                }
            }
            if known.marks == marks && known.seen.claim == seen.claim {
                return Vec::new();
            }
        }
        let before = self.jobs.remove(key);
        let maker = self.told.seen(key, &uid);
        let mut job = Job { maker, ..Job::new(uid, seen, marks, content) };
        match before {
            Some(before) if before.uid == job.uid => {
                job.maker = job.maker.or_else(|| before.maker.clone());
                (job.selected_by, job.counted) = (before.selected_by.clone(), before.counted);
                job.accounted = before.accounted && job.content == before.content;
                job.group.clone_from(&before.group);
                job.pods.clone_from(&before.pods);
            }
            Some(before) => self.depart(key, before, now),
            None => {}
        }
        self.jobs.insert(key, job);
        self.put_waiting_pods(key, now);
        vec![Concerned::Workload(key.clone())]
    }

    /// A Job that was judged and accounted for leaves nothing behind.
    fn remove_job(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Concerned> {
        let Some(job) = self.jobs.remove(key) else { return Vec::new() };
        let mut concerned = self.select(key, &job.selected_by, &[]);
        concerned.extend(self.own.set(key, &[]).into_iter().map(Concerned::Approval));
        concerned.extend(job.group.iter().map(|group| Concerned::Workload(group.key.clone())));
        let subject = Concerned::Workload(key.clone());
        if !job.judged || !job.accounted {
            concerned.push(subject);
        }
        self.depart(key, job, now);
        concerned
    }

    fn depart(&mut self, key: &WorkloadKey, job: Job, now: Timestamp) {
        self.ledger.gone(&job.uid, now);
        self.config_maps.forget_user(key);
        self.pods.bury(&job);
        self.campaigns.gone(&job.uid, now);
        if let Some(group) = &job.group {
            self.groups.leave(group, key);
        }
        if !job.judged {
            self.departed_jobs.add(key, job);
        }
    }
}
