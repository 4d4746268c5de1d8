//! What the picture knows of campaigns: who joins, who leaves, and what was known before a restart.

mod index;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::super::store::{Entry, subject_of};
use super::{Concerned, Picture};
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
    /// What was deleted lately is known from its finding. Its creation is not: when it was first seen stands for it.
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
            let is_live = self.workloads.get(&key).is_some_and(|(_, entry)| *entry.uid == *record.workload.uid);
            if let Some(gone) = gone_at(record, is_live, now)
                && let (Some(template), Some(created)) = (record.template(), record.first_seen())
            {
                self.campaigns.add(
                    Joining { uid: &record.workload.uid, key: &key, template, created },
                    Some(gone),
                    now,
                );
            }
        }
        let active = |record: &&Record| record.state().is_some_and(|state| state.is_active());
        for campaign in self.findings.iter().filter(active).filter_map(Record::campaign) {
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
fn gone_at(record: &Record, is_live: bool, now: Timestamp) -> Option<Timestamp> {
    let is_active = record.state()?.is_active();
    let gone = match record.closed_at() {
        _ if is_live => return None,
        // It went while nobody watched.
        None if is_active => now,
        closed => closed.filter(|_| record.is_deleted())?,
    };
    (now.duration_since(gone) < REMEMBERED).then_some(gone)
}
