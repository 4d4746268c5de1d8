//! Collecting what is kept of facts, in any order.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use super::job::Run;
use super::record::{Change, Content, Kept};
use super::replay::Walk;
use super::{History, Known, Record, Window};
use crate::identity::Actor;
use crate::workload::{Packed, WorkloadKey};

/// Collects records, and makes a history of them.
#[derive(Debug, Default)]
pub struct Collector {
    changes: Vec<Change>,
    runs: Vec<Run>,
    ended: Vec<Run>,
    actors: Shared<Actor>,
    contents: Shared<Packed>,
    cron_jobs: Shared<WorkloadKey>,
}

impl Collector {
    /// Takes in a record. The same one may come more than once.
    pub fn add(&mut self, record: Record) {
        match record.0 {
            Kept::Change(mut change) => {
                self.actors.share(&mut change.actor);
                if let Content::Workload(packed) = &mut change.content {
                    self.contents.share(packed);
                }
                self.changes.push(*change);
            }
            Kept::Run(mut run) => {
                self.share(&mut run);
                self.runs.push(run);
            }
            Kept::Ended(mut run) => {
                self.share(&mut run);
                // Nobody asks what was in it.
                run.content = None;
                self.ended.push(run);
            }
        }
    }

    fn share(&mut self, run: &mut Run) {
        self.actors.share(&mut run.actor);
        self.cron_jobs.share(&mut run.cron_job);
        if let Some(packed) = &mut run.content {
            self.contents.share(packed);
        }
    }

    /// Puts everything in order of time, and judges each version of each workload at its time.
    pub fn replay(mut self, known: Known<'_>, window: &Window) -> History {
        self.changes.sort_by(|a, b| identity(a).cmp(&identity(b)));
        self.changes.dedup_by(|later, first| is_same(first, later));
        self.changes.sort_by(|a, b| order(a).cmp(&order(b)));
        for runs in [&mut self.runs, &mut self.ended] {
            runs.sort_by(|a, b| run_order(a).cmp(&run_order(b)));
            runs.dedup_by(|later, first| {
                (later.at, &later.cron_job, later.number) == (first.at, &first.cron_job, first.number)
            });
        }
        Walk::new(known, window, &self.changes).through(self.changes, self.runs, self.ended)
    }
}

/// Brings the records of one event together, the one that tells more first.
fn identity(change: &Change) -> impl Ord + '_ {
    let Change { at, id, verb, subject, actor, uid: _, resource_version: _, content, marks: _, origin } = change;
    (*at, *verb, subject, id, actor, matches!(content, Content::NotRecorded), *origin)
}

/// Whether two records are of one event. A client may choose the audit ID, so it does not suffice.
fn is_same(first: &Change, later: &Change) -> bool {
    (first.at, first.verb, &first.subject, &first.id, &first.actor)
        == (later.at, later.verb, &later.subject, &later.id, &later.actor)
}

/// The order of changes: that of time, then of versions.
fn order(change: &Change) -> impl Ord + '_ {
    (change.at, change.resource_version.unwrap_or(u64::MAX), change.verb, &change.subject, &change.id, &change.actor)
}

fn run_order(run: &Run) -> impl Ord + '_ {
    (run.at, &run.cron_job, run.number, run.content.is_none(), run.origin)
}

/// Keeps equal values once.
#[derive(Debug)]
struct Shared<T> {
    all: HashSet<Arc<T>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { all: HashSet::new() }
    }
}

impl<T: Eq + Hash> Shared<T> {
    fn share(&mut self, value: &mut Arc<T>) {
        match self.all.get(&*value) {
            Some(same) => *value = same.clone(),
            None => {
                self.all.insert(value.clone());
            }
        }
    }
}
