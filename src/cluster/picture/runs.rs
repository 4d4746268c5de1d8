//! Counting the runs of CronJobs that have a finding.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::job::Job;
use super::super::store::Entry;
use super::{Concerned, Picture};
use crate::finding::Count;
use crate::workload::WorkloadKey;

impl Picture {
    /// Counts a run of a CronJob that has a finding. The CronJob is concerned by it.
    pub(super) fn count_run(&mut self, key: &WorkloadKey, job: &Job, owner: &str, name: &str) -> Option<Concerned> {
        let count = self.runs.get_mut(owner)?;
        let created = job.seen.created.filter(|created| !count.has(*created))?;
        count.note(&key.name, created);
        Some(Concerned::Workload(key.cron_job(name)))
    }

    /// How often a CronJob ran that deviates. From now on its runs are counted.
    pub(super) fn count_runs(
        &mut self,
        subject: &Concerned,
        entry: &Entry,
        finding: &str,
        deviates: bool,
    ) -> Option<Count> {
        if !deviates {
            self.runs.remove(&entry.uid);
            return None;
        }
        let recorded = || self.findings.get(finding).and_then(|known| known.record.runs().cloned());
        if !self.runs.contains_key(&entry.uid) {
            let mut count = recorded().unwrap_or_default();
            let mut live: Vec<(Timestamp, Arc<WorkloadKey>)> = self
                .jobs
                .of_cron_job(&entry.uid)
                .filter(|(_, job)| job.counted)
                .filter_map(|(key, job)| Some((job.seen.created?, key.clone())))
                .filter(|(created, _)| !count.has(*created))
                .collect();
            live.sort_unstable();
            for (created, key) in live {
                count.note(&key.name, created);
            }
            self.runs.insert(entry.uid.clone(), count);
        }
        let count = self.runs.get(&entry.uid).filter(|count| count.last().is_some()).cloned()?;
        if let Some(due) = recorded().filter(|recorded| recorded.is_behind(&count)).and_then(|recorded| recorded.due())
        {
            self.deadlines.add(due, subject.clone());
        }
        Some(count)
    }

    /// The Jobs of a CronJob that hang on what is judged of it: those that somebody ran by hand, and runs that were made while it
    /// deviated.
    pub(super) fn by_hand(&self, uid: &str) -> Vec<Concerned> {
        let of_cron_job = self.jobs.of_cron_job(uid);
        let others = of_cron_job.filter(|(_, job)| !job.accounted || job.group.is_some() || !job.pods.is_empty());
        others.map(|(key, _)| Concerned::Workload(WorkloadKey::clone(key))).collect()
    }
}
