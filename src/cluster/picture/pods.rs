//! Changes of the Pods of Jobs. Little is kept of them: nothing at all of one that is what its Job is.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::job::Job;
use super::super::observed::Observed;
use super::lineage::LATE;
use super::{Concerned, Picture};
use crate::assess::{self, PodReport};
use crate::finding::{self, Subject, Write};
use crate::lineage::{Change, Digests, Drift, Injectors, Owner, RunningPod, drift};
use crate::workload::{Packed, Workload, WorkloadKey, WorkloadKind};

/// How many Pods are remembered of one Job.
const MOST_OF_JOB: usize = 8;

/// How many Jobs that are gone are remembered.
const MOST_GONE: usize = 4_000;

/// How many Pods wait for their Jobs to be seen, and how many stray ones are remembered.
const MOST: usize = 2_000;

/// What is known of Pods beside what their Jobs hold.
#[derive(Debug, Default)]
pub(super) struct Pods {
    /// What ran so far under the images of each CronJob, by its uid.
    pub(super) digests: HashMap<Box<str>, Digests>,
    /// Pods whose Job was not seen yet, by its key.
    waiting: HashMap<WorkloadKey, Vec<Waiting>>,
    waiting_count: usize,
    /// Pods whose Job is not there, by its key and by what they say of its uid.
    strays: HashMap<WorkloadKey, BTreeMap<Box<str>, Stray>>,
    /// Jobs that are gone, by their uids, with what they ran: their Pods may outlive them.
    gone: HashMap<Box<str>, Option<Arc<Packed>>>,
    latest_gone: VecDeque<Box<str>>,
}

/// A Pod whose Job is not there.
#[derive(Clone, Debug)]
pub(super) struct Stray {
    pub(super) pod: RunningPod,
    /// Whether nothing new is said of it: it was there before this process began, when its Job may have been there, too.
    is_old: bool,
}

#[derive(Debug)]
struct Waiting {
    at: Timestamp,
    pod: RunningPod,
    /// Whether it was there before the first lists were complete: then nobody knows whether its Job was.
    is_old: bool,
}

impl Pods {
    /// Those that waited for a Job that is there now.
    pub(super) fn of(&mut self, key: &WorkloadKey) -> Vec<RunningPod> {
        let waiting = self.waiting.remove(key).unwrap_or_default();
        self.waiting_count -= waiting.len();
        let strays = self.strays.remove(key).into_iter().flat_map(BTreeMap::into_values).map(|stray| stray.pod);
        waiting.into_iter().map(|waiting| waiting.pod).chain(strays).collect()
    }

    /// A Job is gone, and its Pods may still be told of.
    pub(super) fn bury(&mut self, job: &Job) {
        let content = job.content.as_ref().ok().map(|content| content.packed.clone());
        if self.gone.insert(job.uid.clone(), content).is_none() {
            self.latest_gone.push_back(job.uid.clone());
        }
        if self.latest_gone.len() > MOST_GONE
            && let Some(oldest) = self.latest_gone.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }

    /// Whether a Job was here, and is gone.
    pub(super) fn is_of_gone_job(&self, uid: &str) -> bool {
        self.gone.contains_key(uid)
    }

    /// Whether the Job of a Pod is gone, and the Pod runs what it was to run, as far as that is known.
    fn outlives(&self, pod: &RunningPod, injectors: &Injectors) -> bool {
        let Some(content) = pod.job_uid.as_deref().and_then(|uid| self.gone.get(uid)) else { return false };
        let workload = content.as_ref().and_then(|packed| packed.unpack().ok());
        workload.is_none_or(|job| drift(&job.pod, &pod.pod, injectors).is_none())
    }

    fn wait(&mut self, key: &WorkloadKey, pod: RunningPod, at: Timestamp, is_old: bool) {
        let is_stray = |strays: &BTreeMap<Box<str>, Stray>| strays.values().any(|stray| stray.pod.uid == pod.uid);
        if self.strays.get(key).is_some_and(is_stray) {
            return;
        }
        let waiting = self.waiting.entry(key.clone()).or_default();
        if let Some(known) = waiting.iter_mut().find(|waiting| waiting.pod.uid == pod.uid) {
            known.pod = pod;
        } else if self.waiting_count < MOST {
            self.waiting_count += 1;
            waiting.push(Waiting { at, pod, is_old });
        }
    }

    /// Those that waited for long enough: their Job is not there.
    pub(super) fn stray(&mut self, key: &WorkloadKey, now: Timestamp) {
        let Some(waiting) = self.waiting.get_mut(key) else { return };
        let is_late = |waiting: &mut Waiting| waiting.at.saturating_add(LATE).is_ok_and(|until| until <= now);
        let strays: Vec<Waiting> = waiting.extract_if(.., is_late).collect();
        self.waiting_count -= strays.len();
        if waiting.is_empty() {
            self.waiting.remove(key);
        }
        let count: usize = self.strays.values().map(BTreeMap::len).sum();
        for Waiting { pod, is_old, .. } in strays.into_iter().take(MOST.saturating_sub(count)) {
            self.strays.entry(key.clone()).or_default().insert(uid_of(&pod), Stray { pod, is_old });
        }
    }

    /// A Pod is gone. Says whether it was a stray one.
    fn forget(&mut self, key: &WorkloadKey, uid: &str) -> bool {
        if let Some(waiting) = self.waiting.get_mut(key) {
            let before = waiting.len();
            waiting.retain(|waiting| waiting.pod.uid != uid);
            self.waiting_count -= before - waiting.len();
            if waiting.is_empty() {
                self.waiting.remove(key);
            }
        }
        let Some(strays) = self.strays.get_mut(key) else { return false };
        let before = strays.len();
        strays.retain(|_, stray| stray.pod.uid != uid);
        let is_news = strays.len() < before;
        if strays.is_empty() {
            self.strays.remove(key);
        }
        is_news
    }

    /// The stray Pods and those that wait, by their Jobs and uids.
    fn all(&self) -> impl Iterator<Item = (WorkloadKey, Box<str>)> {
        let waiting = self.waiting.iter().flat_map(|(key, all)| all.iter().map(move |one| (key, &one.pod.uid)));
        let strays = self.strays.iter().flat_map(|(key, all)| all.values().map(move |one| (key, &one.pod.uid)));
        waiting.chain(strays).map(|(key, uid)| (key.clone(), uid.as_str().into()))
    }

    /// What the Pods of a Job that is not there say of its uid, those included that still wait for it.
    pub(super) fn uids(&self, key: &WorkloadKey) -> Vec<Box<str>> {
        let waiting = self.waiting.get(key).into_iter().flatten().map(|waiting| uid_of(&waiting.pod));
        waiting.chain(self.strays(key).map(|(uid, _)| uid.clone())).collect()
    }

    /// The Pods whose Job of that name is not there, by what they say of its uid.
    fn strays(&self, key: &WorkloadKey) -> impl Iterator<Item = (&Box<str>, &Stray)> {
        self.strays.get(key).into_iter().flatten()
    }
}

impl Picture {
    pub(super) fn observe_pod(&mut self, event: Event<Observed<RunningPod>>, now: Timestamp) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.pods.begin(self.pods.all());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                if let Ok(pod) = observed.object {
                    if let Some(key) = job_of(&pod) {
                        self.lists.pods.mention(&(key, pod.uid.as_str().into()));
                    }
                    self.put_pod(pod, now)
                } else {
                    self.metrics.could_not_read("pods");
                    Vec::new()
                }
            }
            Event::Delete(observed) => {
                let is_told_to_go = observed.metadata.deletion_timestamp.is_some();
                let Ok(pod) = observed.object else { return Vec::new() };
                let Some(key) = job_of(&pod) else { return Vec::new() };
                // What it ran until it went counts. It may not have been seen before.
                let mut concerned = self.put_pod(pod.clone(), now);
                // The watch tells so of a Pod without the label, too.
                if !is_told_to_go && pod.is_tracked && !pod.finished {
                    concerned.extend(self.hide_pod(&key, &pod));
                }
                if self.pods.forget(&key, &pod.uid) {
                    concerned.push(Concerned::Workload(key));
                }
                concerned
            }
            Event::InitDone => {
                let gone = self.lists.pods.end().into_iter();
                let gone: Vec<_> = gone.filter(|(key, uid)| self.pods.forget(key, uid)).collect();
                gone.into_iter().map(|(key, _)| Concerned::Workload(key)).collect()
            }
        }
    }

    fn put_pod(&mut self, pod: RunningPod, now: Timestamp) -> Vec<Concerned> {
        let Some(key) = job_of(&pod) else { return Vec::new() };
        let is_of = |job: &&mut Job| pod.job_uid.as_deref().is_none_or(|uid| *job.uid == *uid);
        let live = self.jobs.all.get_mut(&key).into_iter();
        let Some(job) = live.chain(self.departed_jobs.get_mut(&key)).find(is_of) else {
            // That Jobs go before their Pods is no news, as long as these run what they were to run.
            if self.pods.outlives(&pod, &self.standards.injectors) {
                return Vec::new();
            }
            let is_old = self.begun.is_none();
            self.pods.wait(&key, pod, now, is_old);
            if let Ok(late) = now.saturating_add(LATE) {
                self.deadlines.add(late, Concerned::Workload(key));
            }
            return Vec::new();
        };
        let Ok(workload) = job.workload(&key) else { return Vec::new() };
        let known = job.pods.iter().find(|known| known.name == pod.name);
        let mut report = PodReport::of(&pod, &drift(&workload.pod, &pod.pod, &self.standards.injectors));
        // What it ran before it was changed back it ran all the same.
        if let Some(known) = known {
            report.remember(known);
        }
        // What a forged Job ran is no measure for others.
        let is_run = |owner: &&Owner| {
            self.workloads.get(&key.cron_job(&owner.name)).is_some_and(|(_, entry)| entry.uid == owner.uid)
        };
        if let Some(owner) = job.marks.cron_job().filter(|_| job.accounted).filter(is_run) {
            let digests = self.pods.digests.entry(owner.uid.clone()).or_default();
            for image in &report.images {
                if let Change::Another { before } = digests.check(&image.image, &image.digest)
                    // At the start nobody knows in which order they ran.
                    && self.begun.is_some()
                {
                    report.changed.push((image.clone(), before));
                }
            }
        }
        if known == Some(&report) {
            return Vec::new();
        }
        job.pods.retain(|known| known.name != report.name);
        if job.pods.len() >= MOST_OF_JOB {
            // One that is as it should be, if there is one.
            let place = job.pods.iter().position(PodReport::is_clean).unwrap_or_default();
            job.pods.remove(place);
        }
        job.pods.push(report);
        job.judged = false;
        vec![Concerned::Workload(key)]
    }

    /// Takes in that a Pod is no longer seen, though it is there.
    fn hide_pod(&mut self, key: &WorkloadKey, pod: &RunningPod) -> Vec<Concerned> {
        let live = self.jobs.all.get_mut(key).into_iter().chain(self.departed_jobs.get_mut(key));
        let Some(job) = live.into_iter().find(|job| pod.job_uid.as_deref().is_none_or(|uid| *job.uid == *uid)) else {
            return Vec::new();
        };
        let hidden = PodReport { is_hidden: true, ..PodReport::of(pod, &Drift::default()) };
        match job.pods.iter_mut().find(|known| known.name == hidden.name) {
            Some(known) => known.is_hidden = true,
            None => job.pods.push(hidden),
        }
        job.judged = false;
        vec![Concerned::Workload(key.clone())]
    }

    /// What to write about Pods that have the labels of a Job which is not there.
    pub(super) fn judge_strays(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Write> {
        self.pods.stray(key, now);
        let news = self.pods.strays(key).filter(|(_, stray)| !stray.is_old);
        let strays: Vec<(Box<str>, RunningPod)> = news.map(|(uid, stray)| (uid.clone(), stray.pod.clone())).collect();
        let planned = strays.into_iter().filter_map(|(uid, pod)| {
            let workload = Workload { key: key.clone(), uid: uid.to_string(), pod: pod.pod, ..Workload::default() };
            let reference = finding::reference(key, &uid);
            let about = Subject { workload: Some(&workload), ..Subject::of(&reference) };
            self.plan(about, &assess::stray(&workload, &pod.name, now), now)
        });
        planned.collect()
    }

    /// Takes in the Pods that were seen before their Job.
    pub(super) fn put_waiting_pods(&mut self, key: &WorkloadKey, now: Timestamp) {
        for pod in self.pods.of(key) {
            self.put_pod(pod, now);
        }
    }
}

/// The Job whose labels a Pod has.
fn job_of(pod: &RunningPod) -> Option<WorkloadKey> {
    let name = pod.job_name.clone()?;
    Some(WorkloadKey { namespace: pod.namespace.clone(), name, kind: WorkloadKind::Job })
}

/// What a Pod says of the uid of its Job; its own, if it says nothing.
fn uid_of(pod: &RunningPod) -> Box<str> {
    pod.job_uid.as_deref().unwrap_or(&pod.uid).into()
}
