//! The CronJobs that Jobs name as their owners, those that are gone for a short time included: their runs outlive them.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::super::store::Entry;
use crate::lineage::Templates;
use crate::workload::{Packed, WorkloadKey};

/// How long a CronJob that is gone is remembered.
const MEMORY: SignedDuration = SignedDuration::from_mins(30);

/// How many are.
const MOST: usize = 2_000;

/// A CronJob that is gone.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) key: WorkloadKey,
    pub(super) templates: Templates,
    pub(super) object: Option<Packed>,
}

/// CronJobs that are gone, by their uids.
#[derive(Debug, Default)]
pub(super) struct Parents {
    gone: HashMap<Box<str>, Gone>,
    in_order: VecDeque<(Timestamp, Box<str>)>,
}

impl Parents {
    /// Remembers a CronJob that goes now.
    pub(super) fn bury(&mut self, key: &WorkloadKey, entry: &Entry, now: Timestamp) {
        let gone =
            Gone { key: key.clone(), templates: entry.templates.clone(), object: entry.object.as_ref().ok().cloned() };
        self.gone.insert(entry.uid.clone(), gone);
        self.in_order.push_back((now, entry.uid.clone()));
        let is_old = |at: Timestamp| now.duration_since(at) > MEMORY;
        while self.in_order.len() > MOST || self.in_order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((_, uid)) = self.in_order.pop_front() else { break };
            self.gone.remove(&uid);
        }
    }

    pub(super) fn get(&self, uid: &str) -> Option<&Gone> {
        self.gone.get(uid)
    }
}
