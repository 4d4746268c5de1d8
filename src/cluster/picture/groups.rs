//! Jobs that are many and deviate alike: one finding speaks of all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::super::job::{Job, Membership};
use super::lineage::membership;
use super::{Concerned, Picture};
use crate::api::finding::State;
use crate::assess::Assessment;
use crate::finding::{self, Count, Subject, Write};
use crate::workload::WorkloadKey;

/// How long after the last of its Jobs such a finding stays open: the next one would only open it again.
const REST: SignedDuration = SignedDuration::from_hours(1);

/// Jobs that are many and deviate alike, by namespace and beginning of their names, and by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<WorkloadKey, BTreeMap<Box<str>, Group>>);

/// Jobs that deviate alike.
#[derive(Clone, Debug)]
struct Group {
    /// Those that are there.
    live: BTreeSet<WorkloadKey>,
    count: Count,
    /// The last one: they are all alike.
    last: (WorkloadKey, Job),
    /// When the last of them was seen.
    seen: Timestamp,
    /// When it is looked at again, whatever happens.
    again: Option<Timestamp>,
    /// Whether those that are there were judged otherwise since.
    is_forsaken: bool,
}

/// What is looked at of a group.
struct View {
    alike: Box<str>,
    count: Count,
    last: (WorkloadKey, Job),
    is_forsaken: bool,
    /// When it is over, if none of its Jobs is there.
    is_over: Option<Timestamp>,
}

impl Groups {
    /// Takes in a Job. `base` is what is recorded of the group, if it is new.
    pub(super) fn join(
        &mut self,
        group: &Membership,
        key: &WorkloadKey,
        job: &Job,
        base: impl FnOnce() -> Count,
        now: Timestamp,
    ) {
        let all = self.0.entry(group.key.clone()).or_default();
        let new = || Group {
            live: BTreeSet::new(),
            count: base(),
            last: (key.clone(), job.clone()),
            seen: now,
            again: None,
            is_forsaken: false,
        };
        let group = all.entry(group.alike.clone()).or_insert_with(new);
        if group.live.insert(key.clone()) {
            group.seen = now;
            if let Some(created) = job.seen.created.filter(|created| !group.count.has(*created)) {
                group.count.note(&key.name, created);
            }
        }
        group.last = (key.clone(), job.clone());
        group.is_forsaken = false;
    }

    /// A Job is gone.
    pub(super) fn leave(&mut self, group: &Membership, key: &WorkloadKey) {
        if let Some(group) = self.0.get_mut(&group.key).and_then(|all| all.get_mut(&group.alike)) {
            group.live.remove(key);
        }
    }

    /// A Job was judged otherwise.
    pub(super) fn forsake(&mut self, group: &Membership, key: &WorkloadKey) {
        if let Some(group) = self.0.get_mut(&group.key).and_then(|all| all.get_mut(&group.alike)) {
            group.live.remove(key);
            group.is_forsaken = group.live.is_empty();
        }
    }

    fn of(&self, key: &WorkloadKey) -> Vec<View> {
        let of_key = self.0.get(key).into_iter().flatten();
        let views = of_key.map(|(alike, group)| View {
            alike: alike.clone(),
            count: group.count.clone(),
            last: group.last.clone(),
            is_forsaken: group.is_forsaken,
            is_over: group.live.is_empty().then(|| group.seen.saturating_add(REST).unwrap_or(Timestamp::MAX)),
        });
        views.collect()
    }

    /// When a group is to be looked at again, if that is not settled yet.
    fn settle(&mut self, key: &WorkloadKey, alike: &str, now: Timestamp) -> Option<Timestamp> {
        let group = self.0.get_mut(key)?.get_mut(alike)?;
        let is_settled = group.again.is_some_and(|again| again > now);
        let again = now.saturating_add(REST).ok().filter(|_| !is_settled)?;
        group.again = Some(again);
        Some(again)
    }

    fn has(&self, key: &WorkloadKey, alike: &str) -> bool {
        self.0.get(key).is_some_and(|all| all.contains_key(alike))
    }

    fn remove(&mut self, key: &WorkloadKey, alike: &str) {
        if let Some(all) = self.0.get_mut(key) {
            all.remove(alike);
            if all.is_empty() {
                self.0.remove(key);
            }
        }
    }
}

impl Picture {
    /// Judges the Jobs of one beginning that deviate, each kind of them by its last one.
    pub(super) fn judge_group(&mut self, key: &WorkloadKey, now: Timestamp) -> (Vec<Write>, Vec<Concerned>) {
        self.metrics.judged();
        let subject = Concerned::Workload(key.clone());
        let mut writes = self.bring_back(&subject);
        let concerned = if writes.is_empty() { Vec::new() } else { vec![subject.clone()] };
        for group in self.groups.of(key) {
            let View { alike, is_forsaken, is_over, .. } = &group;
            let reference = finding::group_reference(&key.namespace, key.name.trim_end_matches('*'), alike);
            if *is_forsaken {
                writes.extend(self.plan(Subject::of(&reference), &Assessment::default(), now));
                self.groups.remove(key, alike);
            } else if is_over.is_some_and(|end| end <= now) {
                self.groups.remove(key, alike);
            } else {
                if let Some(again) = self.groups.settle(key, alike, now) {
                    self.deadlines.add(again, subject.clone());
                }
                writes.extend(self.plan_group(&subject, &reference, &group, now));
            }
        }
        let mut there = BTreeSet::new();
        for record in self.findings.about(&subject).filter(|record| record.state().is_some_and(State::is_active)) {
            let end = record.runs().and_then(Count::last).and_then(|last| last.checked_add(REST).ok());
            let is_live = |name: &str| {
                let job = WorkloadKey { name: name.to_owned(), ..key.clone() };
                self.jobs.get(&job).is_some()
            };
            // What they deviated by may be forgotten since: then they go on deviating until they are gone.
            let is_live = record.runs().is_some_and(|runs| runs.latest().any(is_live));
            let is_known = self.groups.has(key, &record.workload.uid);
            if is_known || is_live || end.is_some_and(|end| end > now) {
                there.insert(record.name.clone());
                let again = end.filter(|end| *end > now).or_else(|| now.saturating_add(REST).ok());
                if let Some(again) = again.filter(|_| !is_known) {
                    self.deadlines.add(again, subject.clone());
                }
            }
        }
        writes.extend(self.over(&subject, |record| there.contains(&record.name), now));
        (writes, concerned)
    }

    fn plan_group(
        &mut self,
        subject: &Concerned,
        reference: &crate::api::finding::WorkloadReference,
        group: &View,
        now: Timestamp,
    ) -> Option<Write> {
        let (key, job) = &group.last;
        let mut verdict = self.assess_job(key, job, now);
        // What the last one was judged by may be forgotten since. Those that are there are judged for themselves.
        let is_alike = membership(key, job, &verdict).is_some_and(|now| *now.alike == *reference.uid);
        if verdict.is_early || !verdict.assessment.deviations.is_empty() && !is_alike {
            return None;
        }
        let name = finding::name(reference);
        verdict.provenance.tampering = self.ledger.attempts().on(&name).to_vec();
        let recorded = self.findings.get(&name).and_then(|known| known.record.runs());
        if let Some(due) = recorded.filter(|recorded| recorded.is_behind(&group.count)).and_then(Count::due) {
            self.deadlines.add(due, subject.clone());
        }
        let about = Subject { runs: Some(&group.count), ..Subject::of(reference) };
        self.plan_by_verdict(about, (key, job), &verdict, now)
    }
}
