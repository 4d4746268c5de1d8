//! What the picture knows of campaigns: who joins, who leaves, and what was known before a restart.

mod index;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::super::store::{Entry, subject_of};
use super::{Concerned, Picture};
use crate::api::finding::State;
use crate::assess::{self, Assessment, Surroundings};
use crate::finding::{Record, campaign};
use crate::workload::{Workload, WorkloadKey};
pub(super) use index::Campaigns;
use index::{Joining, REMEMBERED};

impl Picture {
    /// Takes in whether anything speaks for a workload. Says whether another campaign than before is to be told of it.
    pub(super) fn judged_in_campaign(
        &mut self,
        key: &WorkloadKey,
        entry: &Entry,
        workload: &Workload,
        assessment: &Assessment,
        now: Timestamp,
    ) -> bool {
        let before = self.campaigns.of(&entry.uid).cloned();
        match template(workload, assessment).zip(entry.seen.created) {
            Some((template, created)) => {
                self.campaigns.join(Joining { uid: &entry.uid, key, template: &template, created }, now);
            }
            None => self.campaigns.leave(&entry.uid, now),
        }
        self.campaigns.is_told(key);
        before.as_ref() != self.campaigns.of(&entry.uid)
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
        for record in self.findings.iter() {
            let Concerned::Workload(key) = subject_of(record) else { continue };
            let (uid, is_active) = (&*record.workload.uid, record.state().is_some_and(State::is_active));
            let live = self.workloads.get(&key).map(|(_, entry)| entry).filter(|entry| *entry.uid == *uid);
            let times = match live {
                Some(entry) => entry.seen.created.filter(|_| is_active).map(|created| (created, None)),
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
