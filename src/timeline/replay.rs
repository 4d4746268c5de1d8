//! The walk through all that happened, in order of time.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use jiff::Timestamp;

use super::approvals::{Approvals, Replaced};
use super::job::Run;
use super::judge::{self, Judgement, judge};
use super::record::{Change, Content};
use super::state::{State, States};
use super::window::Window;
use super::{Effect, Entry, History, Inventories, Known, Remark, Subject, Summary, Verdict, What};
use crate::assess::Lineage;
use crate::identity::Verb;
use crate::inventory::Inventory;
use crate::lineage::{Basis, Case, Match, Origin, Parent, Traced, run_name, trace};
use crate::workload::difference::{Differences, between, between_specs};
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

/// The most workloads that are told with the change of one approval.
const MOST_EFFECTS: usize = 100;
/// The most other templates that are kept of one CronJob.
const MOST_TEMPLATES: usize = 16;

/// The walk, at one moment.
pub(super) struct Walk<'a> {
    known: Known<'a>,
    window: &'a Window,
    approvals: Approvals,
    states: States,
    entries: Vec<Entry>,
    span: Option<(Timestamp, Timestamp)>,
    unchanged: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(known: Known<'a>, window: &'a Window, changes: &[Change]) -> Self {
        Self {
            known,
            window,
            approvals: Approvals::at_start(changes),
            states: States::default(),
            entries: Vec::new(),
            span: None,
            unchanged: 0,
        }
    }

    /// Goes through everything. All lists are in order of time; of the same time, changes come before runs.
    pub(super) fn through(mut self, changes: Vec<Change>, runs: Vec<Run>, ended: Vec<Run>) -> History {
        let mut runs = runs.into_iter().peekable();
        let mut ended = ended.into_iter().peekable();
        for change in changes {
            self.catch_up(&mut runs, &mut ended, Some(change.at));
            self.meet(change.at);
            match change.subject.clone() {
                Subject::Workload(key) => self.workload(&key, &change),
                Subject::Approval(name) => self.approval(&name, &change),
                Subject::Unnamed(..) => {
                    let mut entry = entry(&change, What::Deleted);
                    entry.remarks.push(Remark::NamesNotRecorded);
                    self.show(entry);
                }
            }
        }
        self.catch_up(&mut runs, &mut ended, None);
        self.finish()
    }

    fn catch_up(
        &mut self,
        runs: &mut Peekable<IntoIter<Run>>,
        ended: &mut Peekable<IntoIter<Run>>,
        until: Option<Timestamp>,
    ) {
        let is_due = |run: &Run| until.is_none_or(|until| run.at < until);
        while let Some(run) = runs.next_if(is_due) {
            self.meet(run.at);
            self.run(&run);
        }
        // The end of a Job only matters where its beginning does, and that of runs does not.
        while let Some(run) = ended.next_if(is_due) {
            self.meet(run.at);
            let key = run.job();
            if self.states.get(&key).is_some_and(|state| state.is_alive) {
                self.workload(&key, &Change::of_run(&run, Verb::Delete));
            }
        }
    }

    fn meet(&mut self, at: Timestamp) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }

    fn workload(&mut self, key: &WorkloadKey, change: &Change) {
        match change.verb {
            Verb::Create => self.create(key, change),
            Verb::Update | Verb::Patch => self.update(key, change),
            Verb::Delete | Verb::DeleteCollection => self.delete(key, change),
        }
    }

    fn create(&mut self, key: &WorkloadKey, change: &Change) {
        self.states.begin(key, change.uid.as_deref().unwrap_or_default(), &change.actor, Some(change.at));
        let mut entry = entry(change, What::Created);
        let (traced, remark) = self.origin(key, change);
        entry.remarks.extend(remark);
        if let Some(state) = self.states.get_mut(key) {
            state.renew(change);
            state.traced = traced;
        }
        self.conclude(key, entry);
    }

    fn update(&mut self, key: &WorkloadKey, change: &Change) {
        let mut entry = entry(change, What::Changed);
        let is_known = self.states.get(key).is_some_and(|state| state.is_of(change));
        if !is_known {
            self.states.begin(key, change.uid.as_deref().unwrap_or_default(), &change.actor, None);
            entry.remarks.push(Remark::BeforeLog);
        }
        let Some(state) = self.states.get_mut(key) else { return };
        let is_same = change.content != Content::NotRecorded && state.content == change.content;
        let is_housekeeping = change.content == Content::NotRecorded && self.known.makers.is_cleaner(&change.actor);
        if is_same || is_housekeeping {
            self.unchanged += 1;
            return;
        }
        if !state.is_alive {
            entry.remarks.push(Remark::AfterDeletion);
        }
        let before = match &state.content {
            Content::Workload(packed) => packed.unpack().ok(),
            _ => None,
        };
        state.renew(change);
        if let (Some(before), Content::Workload(packed)) = (before, &change.content)
            && let Ok(now) = packed.unpack()
        {
            entry.differences = between(&before, &now);
            entry.what = match (before.suspended(), now.suspended()) {
                (false, true) => What::Suspended,
                (true, false) => What::Resumed,
                _ => What::Changed,
            };
        }
        self.conclude(key, entry);
    }

    fn delete(&mut self, key: &WorkloadKey, change: &Change) {
        let mut entry = entry(change, What::Deleted);
        let is_known = self.states.get(key).is_some_and(|state| state.is_of(change));
        if !is_known {
            self.states.begin(key, change.uid.as_deref().unwrap_or_default(), &change.actor, None);
            entry.remarks.push(Remark::BeforeLog);
        }
        let Some(state) = self.states.get_mut(key) else { return };
        if !std::mem::replace(&mut state.is_alive, false) {
            return;
        }
        if state.content == Content::NotRecorded && change.content != Content::NotRecorded {
            state.content = change.content.clone();
        }
        if let Some(life) = self.states.life(key) {
            life.deleted = Some((change.at, change.actor.clone()));
        }
        self.conclude(key, entry);
    }

    /// Judges what the workload is now, and shows the entry.
    fn conclude(&mut self, key: &WorkloadKey, mut entry: Entry) {
        let judgement = self.judged(key, entry.at);
        self.states.judged(key, judgement.verdict);
        let Some(state) = self.states.get(key) else { return };
        entry.uid.clone_from(&state.uid);
        match &state.content {
            Content::NotRecorded => entry.remarks.push(Remark::ContentNotRecorded),
            Content::Unreadable(reason) => entry.remarks.push(Remark::Unreadable(reason.clone())),
            Content::Workload(_) | Content::Approval(_) => {}
        }
        // Whatever deploys both an approval and its workload, such as Argo CD, has not approved itself.
        if state.provenance.makers().any(|deed| deed.actor.effective().is_person()) {
            let own = judgement.assessment.own_approvals.iter();
            entry.remarks.extend(own.map(|approval| Remark::OwnApproval(approval.clone())));
        }
        let Judgement { verdict, assessment, fingerprint, template_hash } = judgement;
        let entry = Entry { verdict, assessment, fingerprint, template_hash, ..entry };
        if self.show(entry)
            && let Some(life) = self.states.life(key)
        {
            life.entries += 1;
        }
    }

    fn judged(&self, key: &WorkloadKey, at: Timestamp) -> Judgement {
        let Some(state) = self.states.get(key) else { return Judgement::default() };
        let State { uid, provenance, content, traced, .. } = state;
        let cron_job = traced.as_ref().and_then(|traced| self.cron_job(key, traced)).and_then(State::workload);
        let lineage = traced.as_ref().map(|traced| Lineage {
            traced,
            cron_job: cron_job.as_ref(),
            is_outdated: false,
            pods: &[],
        });
        let case = judge::Case { key, uid, content, provenance, paths: self.known.paths, at, lineage };
        // Nobody is known to have written an inventory that was given.
        let approvers = |name: &str| match self.known.inventory {
            Some(_) => Vec::new(),
            None => self.approvals.writers(name),
        };
        judge(&case, self.inventory(), self.known.namespaces.get(&key.namespace), &approvers)
    }

    fn inventory(&self) -> Option<&Inventory> {
        self.known.inventory.or_else(|| self.approvals.is_known.then_some(&self.approvals.inventory))
    }

    /// The CronJob that a Job belongs to.
    fn cron_job(&self, job: &WorkloadKey, traced: &Traced) -> Option<&State> {
        let (Origin::Run { cron_job: name, .. } | Origin::Manual { cron_job: name, .. }) = &traced.origin else {
            return None;
        };
        self.states.get(&job.cron_job(name))
    }

    /// What accounts for a Job that the CronJob controller did not create under the name of a run.
    fn origin(&self, key: &WorkloadKey, change: &Change) -> (Option<Traced>, Option<Remark>) {
        let (WorkloadKind::Job, Some(marks), Content::Workload(packed)) = (key.kind, &change.marks, &change.content)
        else {
            return (None, None);
        };
        let Ok(workload) = packed.unpack() else { return (None, None) };
        let workload = Workload { key: key.clone(), ..workload };
        let parent = marks.cron_job().and_then(|owner| self.states.get(&key.cron_job(&owner.name)));
        let named = run_name::parts(&key.name).and_then(|(name, _)| self.states.get(&key.cron_job(name)));
        let namesake = named.and_then(State::workload).and_then(|workload| workload.cron);
        let creator = change.deed();
        let case = Case {
            workload: &workload,
            created: Some(change.at),
            marks,
            creator: Some(&creator),
            // What was there before the log begins may have been deleted before it, or not.
            parent: marks.cron_job().map(|_| Parent {
                template: parent.map(|state| state.compare(&change.content)).unwrap_or_default(),
                cron: None,
            }),
            namesake: namesake.as_ref(),
        };
        let traced = trace(&case, self.known.makers);
        let remark = match &traced.origin {
            Origin::Manual { cron_job, template: Match::Same, .. } => Some(Remark::ManualRun(cron_job.clone())),
            Origin::Manual { cron_job, .. } => Some(Remark::ClaimsOwner(cron_job.clone())),
            Origin::Child { .. } | Origin::Standalone { .. } => {
                marks.owner.as_ref().map(|owner| Remark::Child(owner.kind.to_string(), owner.name.to_string()))
            }
            Origin::Run { .. } | Origin::Forged { .. } | Origin::Squatting { .. } => None,
        };
        (Some(traced), remark)
    }

    /// A Job that the CronJob controller created: counted, unless it is not what the CronJob says.
    fn run(&mut self, run: &Run) {
        let key = &*run.cron_job;
        if self.states.get(key).is_none() {
            self.states.begin(key, "", &run.actor, None);
        }
        if self.window.has(run.at)
            && let Some(life) = self.states.life(key)
        {
            life.runs += 1;
        }
        let (Some(packed), Some(state)) = (&run.content, self.states.get_mut(key)) else { return };
        let content = Content::Workload(packed.clone());
        let is_new = state.drifted.len() < MOST_TEMPLATES && !state.drifted.contains(packed);
        if is_new && state.compare(&content) == Match::Other {
            state.drifted.push(packed.clone());
            let change = Change::of_run(run, Verb::Create);
            let job = run.job();
            self.states.begin(&job, "", &run.actor, Some(run.at));
            if let Some(state) = self.states.get_mut(&job) {
                state.renew(&change);
                let tick = run_name::tick(run.number);
                let origin = Origin::Run { cron_job: key.name.clone(), tick, template: Match::Other };
                state.traced = Some(Traced { origin, basis: Basis::Audit });
            }
            self.conclude(&job, entry(&change, What::Created));
        }
    }

    fn approval(&mut self, name: &str, change: &Change) {
        let declared = match &change.content {
            Content::Approval(declared) => Some(declared.clone()),
            _ => None,
        };
        let before = self.verdicts(declared.as_ref().map(|declared| &declared.approval), name, change.at);
        let Replaced { before: old, after: new } = self.approvals.apply(name, change);
        let mut entry = match (&old, change.verb) {
            (_, Verb::Create) => entry(change, What::Created),
            (_, Verb::Delete | Verb::DeleteCollection) => entry(change, What::Deleted),
            _ => entry(change, What::Changed),
        };
        entry.uid = change.uid.clone().unwrap_or_default();
        if entry.what == What::Changed {
            match (&old, &new) {
                (Some(old), Some(new)) if declared.is_some() => {
                    if old == new {
                        self.unchanged += 1;
                        return;
                    }
                    entry.differences = between_specs(&old.spec, &new.spec);
                }
                (None, _) => entry.remarks.push(Remark::BeforeLog),
                _ => {}
            }
        }
        if declared.is_none() && entry.what != What::Deleted {
            entry.remarks.push(Remark::ContentNotRecorded);
        }
        for (key, verdict) in before {
            let after = self.judged(&key, change.at).verdict;
            if let (Some(before), Some(after)) = (verdict, after)
                && before != after
            {
                self.states.judged(&key, Some(after));
                if entry.effects.len() < MOST_EFFECTS && self.window.has_namespace(&key.namespace) {
                    entry.effects.push(Effect { key, before, after });
                }
            }
        }
        self.show(entry);
    }

    /// The verdicts on all workloads that an approval speaks for, as it was or as it becomes. None if another inventory counts.
    fn verdicts(
        &self,
        new: Option<&crate::inventory::Approval>,
        name: &str,
        at: Timestamp,
    ) -> Vec<(WorkloadKey, Option<Verdict>)> {
        if self.known.inventory.is_some() {
            return Vec::new();
        }
        let old = self.approvals.inventory.get(name).map(Arc::as_ref);
        let matchers: Vec<_> = [old, new].into_iter().flatten().map(|approval| &approval.matcher).collect();
        let alive = self.states.alive().into_iter();
        let covered = alive.filter(|(key, _)| matchers.iter().any(|matcher| matcher.covers(key)));
        covered.map(|(key, _)| (key.clone(), self.judged(key, at).verdict)).collect()
    }

    /// Keeps an entry if it is wanted, and says so.
    fn show(&mut self, entry: Entry) -> bool {
        let is_shown = self.window.shows(&entry);
        if is_shown {
            self.entries.push(entry);
        }
        is_shown
    }

    fn finish(self) -> History {
        let Self { known, window, approvals, states, mut entries, span, unchanged } = self;
        let mut lives = states.lives;
        lives.retain(|life| window.has_namespace(&life.key.namespace) && (life.entries > 0 || life.runs > 0));
        lives.sort_by(|a, b| a.key.cmp(&b.key));
        entries.shrink_to_fit();
        let inventories = match (known.inventory, approvals.is_known) {
            (Some(_), _) => Inventories::Given,
            (None, true) => Inventories::Recorded,
            (None, false) => Inventories::None,
        };
        let summary = Summary::of(&entries, &lives, span, unchanged);
        History { entries, lives, inventories, summary }
    }
}

fn entry(change: &Change, what: What) -> Entry {
    Entry {
        at: change.at,
        what,
        subject: change.subject.clone(),
        uid: Box::default(),
        actor: change.actor.clone(),
        audit_id: change.id.clone(),
        origin: change.origin,
        differences: Differences::default(),
        verdict: None,
        assessment: crate::assess::Assessment::default(),
        fingerprint: String::new(),
        template_hash: None,
        remarks: Vec::new(),
        effects: Vec::new(),
    }
}
