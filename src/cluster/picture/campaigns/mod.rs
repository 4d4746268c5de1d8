//! What the picture knows of campaigns: who joins, who leaves, and what was known before a restart.

mod index;
#[cfg(test)]
mod quick;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::super::store::subject_of;
use super::{Concerned, Picture};
use crate::api::finding::State;
use crate::assess::{self, Assessment, Surroundings};
use crate::finding::{Record, campaign, is_group};
use crate::workload::Workload;
pub(super) use index::Campaigns;
use index::{Joining, REMEMBERED};

impl Picture {
    /// Takes in whether anything speaks for a workload. Says whether another campaign than before is to be told of it.
    pub(super) fn judged_in_campaign(
        &mut self,
        workload: &Workload,
        created: Option<Timestamp>,
        assessment: &Assessment,
        now: Timestamp,
    ) -> bool {
        let Workload { uid, key, .. } = workload;
        let before = self.campaigns.of(uid).cloned();
        match template(workload, assessment).zip(created) {
            Some((template, created)) => {
                self.campaigns.join(Joining { uid, key, template: &template, created }, now);
            }
            None => self.campaigns.leave(uid, now),
        }
        self.campaigns.is_told(key);
        before.as_ref() != self.campaigns.of(uid)
    }

    /// Those of whose campaign something else is to be said.
    pub(super) fn told_of_campaigns(&mut self) -> impl Iterator<Item = Concerned> + use<> {
        self.campaigns.take_concerned().into_iter().map(Concerned::Workload)
    }

    /// The first lists are complete: sees what campaigns there are, before anybody is judged by them.
    ///
    /// What was deleted lately is known from its finding. Its creation is not: when it was first seen stands for it. What is there still
    /// is what its finding says until it is judged, as it may be gone before that.
    pub(in crate::cluster) fn survey_campaigns(&mut self, now: Timestamp) {
        for (key, entry) in self.workloads.iter() {
            let Some(labels) = self.namespaces.get(&key.namespace) else { continue };
            let Some(workload) = entry.object.as_ref().ok().and_then(|packed| packed.unpack().ok()) else { continue };
            let assessment = assess::assess(&workload, &self.inventory, Surroundings::from(labels), now);
            if let Some((template, created)) = template(&workload, &assessment).zip(entry.seen.created) {
                self.campaigns.add(Joining { uid: &entry.uid, key, template: &template, created }, None, now);
            }
        }
        self.survey_jobs(now);
        for record in self.findings.iter() {
            let Concerned::Workload(key) = subject_of(record) else { continue };
            let (uid, is_active) = (&*record.workload.uid, record.state().is_some_and(State::is_active));
            let live = self.workloads.get(&key).map(|(_, entry)| (&entry.uid, &entry.seen));
            let live = live.or_else(|| self.jobs.get(&key).map(|job| (&job.uid, &job.seen)));
            let times = match live.filter(|(known, _)| ***known == *uid) {
                Some((_, seen)) => seen.created.filter(|_| is_active).map(|created| (created, None)),
                None => record.first_seen().zip(gone_at(record, now)).map(|(seen, gone)| (seen, Some(gone))),
            };
            if let (Some((created, gone)), Some(template), false) =
                (times, record.template(), self.campaigns.knows(uid))
            {
                self.campaigns.add(Joining { uid, key: &key, template, created }, gone, now);
            }
        }
        let active = self.findings.iter().filter(|record| record.state().is_some_and(State::is_active));
        for campaign in active.filter_map(Record::campaign) {
            self.campaigns.recall(campaign, now);
        }
        self.campaigns.begin(now);
    }

    /// The Jobs for which nothing but the inventory could speak.
    fn survey_jobs(&mut self, now: Timestamp) {
        for (key, job) in self.jobs.all.iter() {
            let Some(labels) = self.namespaces.get(&key.namespace) else { continue };
            let Ok(workload) = job.workload(key) else { continue };
            let makers = &self.standards.makers;
            if job.marks.cron_job().is_some() || makers.claimed_by(&job.marks, Some(&workload)).is_some() {
                continue;
            }
            let assessment = assess::assess(&workload, &self.inventory, Surroundings::from(labels), now);
            if let Some((template, created)) = template(&workload, &assessment).zip(job.seen.created) {
                self.campaigns.add(Joining { uid: &job.uid, key, template: &template, created }, None, now);
            }
        }
    }
}

impl Campaigns {
    /// The workload of a finding is gone, and what the finding says of it is said for good. It counts as that from now on, as it will
    /// after a restart: it may have been taken for something else meanwhile, or not have been seen at all.
    pub(in crate::cluster::picture) fn gone_as_recorded(&mut self, record: &Record, now: Timestamp) {
        // Of Jobs that are many each counts for itself. One that is not complete says nothing yet.
        let Some(state) = record.state().filter(|_| !is_group(&record.workload)) else { return };
        let uid = &*record.workload.uid;
        let counts = state != State::Resolved;
        let created = self.created(uid).or_else(|| record.first_seen());
        match (subject_of(record), record.template().filter(|_| counts).zip(created)) {
            (Concerned::Workload(key), Some((template, created))) => {
                self.gone_as(Joining { uid, key: &key, template, created }, now);
            }
            _ => self.leave(uid, now),
        }
    }
}

/// What identifies the template of a workload, if nothing approves it.
fn template(workload: &Workload, assessment: &Assessment) -> Option<String> {
    let hash = assessment.is_unapproved().then(|| workload.template_hash())?;
    campaign::fingerprint(&hash).map(str::to_owned)
}

/// When the workload of a finding was deleted, if that was lately.
fn gone_at(record: &Record, now: Timestamp) -> Option<Timestamp> {
    let gone = match record.state()? {
        // It went while nobody watched.
        State::Open | State::Acknowledged => now,
        State::Deleted => record.closed_at()?,
        State::Resolved => return None,
    };
    (now.duration_since(gone) < REMEMBERED).then_some(gone)
}
