//! What is known of each workload at one moment of a replay.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::record::{Change, Content};
use super::{Life, Verdict};
use crate::identity::{Account, Actor, Provenance, Verb};
use crate::lineage::{Match, Template, Traced};
use crate::workload::{Packed, Workload, WorkloadKey};

/// One workload at one moment.
#[derive(Debug)]
pub(super) struct State {
    pub(super) uid: Box<str>,
    /// Who made it what it is.
    pub(super) provenance: Provenance,
    pub(super) content: Content,
    /// The version before.
    pub(super) previous: Option<Arc<Packed>>,
    pub(super) is_alive: bool,
    /// What accounts for it, if it is a Job.
    pub(super) traced: Option<Traced>,
    /// Other templates with which its controller has run it.
    pub(super) drifted: Vec<Arc<Packed>>,
    /// The index of its life.
    life: usize,
}

/// All workloads at one moment, and their lives until then.
#[derive(Debug, Default)]
pub(super) struct States {
    current: HashMap<WorkloadKey, State>,
    pub(super) lives: Vec<Life>,
}

impl States {
    pub(super) fn get(&self, key: &WorkloadKey) -> Option<&State> {
        self.current.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &WorkloadKey) -> Option<&mut State> {
        self.current.get_mut(key)
    }

    /// Every workload that is there, in order.
    pub(super) fn alive(&self) -> Vec<(&WorkloadKey, &State)> {
        let mut alive: Vec<_> = self.current.iter().filter(|(_, state)| state.is_alive).collect();
        alive.sort_unstable_by_key(|(key, _)| *key);
        alive
    }

    /// A workload comes into being, or is met for the first time.
    pub(super) fn begin(&mut self, key: &WorkloadKey, uid: &str, author: &Arc<Actor>, created: Option<Timestamp>) {
        self.lives.push(Life {
            key: key.clone(),
            uid: uid.into(),
            created: created.map(|at| (at, author.clone())),
            deleted: None,
            entries: 0,
            runs: 0,
            verdict: None,
            was_approved: false,
            was_deviating: false,
        });
        let state = State {
            uid: uid.into(),
            provenance: Provenance { account: Account::BeforeSource, ..Provenance::default() },
            content: Content::NotRecorded,
            previous: None,
            is_alive: true,
            traced: None,
            drifted: Vec::new(),
            life: self.lives.len() - 1,
        };
        self.current.insert(key.clone(), state);
    }

    /// The life that a workload has now.
    pub(super) fn life(&mut self, key: &WorkloadKey) -> Option<&mut Life> {
        let life = self.current.get(key)?.life;
        self.lives.get_mut(life)
    }

    /// Notes a verdict on a workload.
    pub(super) fn judged(&mut self, key: &WorkloadKey, verdict: Option<Verdict>) {
        let Some(life) = self.life(key) else { return };
        life.verdict = verdict;
        life.was_approved |= verdict == Some(Verdict::Approved);
        life.was_deviating |= verdict == Some(Verdict::Deviating);
    }
}

impl State {
    /// Whether a change is of the object that this is, as far as it tells.
    pub(super) fn is_of(&self, change: &Change) -> bool {
        change.uid.as_ref().is_none_or(|uid| self.uid.is_empty() || *uid == self.uid)
    }

    /// Takes in a new version.
    pub(super) fn renew(&mut self, change: &Change) {
        if let Some(uid) = change.uid.as_ref().filter(|_| self.uid.is_empty()) {
            self.uid.clone_from(uid);
        }
        let before = std::mem::replace(&mut self.content, change.content.clone());
        if let Content::Workload(packed) = before {
            self.previous = Some(packed);
        }
        let deed = change.deed();
        if change.verb == Verb::Create {
            self.provenance.creator = Some(deed.clone());
        }
        self.provenance.changer = Some(deed);
        self.provenance.account = Account::Known;
    }

    /// Whether a Job has the template of this CronJob as it is, or as it was before its last change: its controller may not have seen
    /// that yet.
    pub(super) fn compare(&self, job: &Content) -> Match {
        let (Content::Workload(own), Content::Workload(job)) = (&self.content, job) else { return Match::Unknown };
        let template = |packed: &Packed| packed.unpack().ok().map(|workload| Template::of(&workload));
        let Some(job) = template(job) else { return Match::Unknown };
        let is_same = |packed: &Arc<Packed>| template(packed) == Some(job);
        if is_same(own) || self.previous.as_ref().is_some_and(is_same) { Match::Same } else { Match::Other }
    }

    /// The workload, if it is known and can be read.
    pub(super) fn workload(&self) -> Option<Workload> {
        match &self.content {
            Content::Workload(packed) => packed.unpack().ok(),
            _ => None,
        }
    }
}
