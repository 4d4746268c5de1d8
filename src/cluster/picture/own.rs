//! Which approvals were written by the same hands as a workload that they speak for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::workload::WorkloadKey;

/// Approvals and workloads that were written by the same hands.
#[derive(Debug, Default)]
pub(super) struct OwnApprovals {
    by_approval: HashMap<Arc<str>, BTreeSet<WorkloadKey>>,
    by_workload: HashMap<WorkloadKey, Vec<Arc<str>>>,
}

impl OwnApprovals {
    /// Notes which approvals share their hands with a workload now, and returns those for which that is news.
    pub(super) fn set(&mut self, key: &WorkloadKey, names: &[String]) -> Vec<Arc<str>> {
        if names.is_empty() && !self.by_workload.contains_key(key) {
            return Vec::new();
        }
        let names: Vec<Arc<str>> = names.iter().map(|name| name.as_str().into()).collect();
        let before = self.by_workload.remove(key).unwrap_or_default();
        for name in &before {
            if let Some(keys) = self.by_approval.get_mut(name) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_approval.remove(name);
                }
            }
        }
        for name in &names {
            self.by_approval.entry(name.clone()).or_default().insert(key.clone());
        }
        let new = names.iter().filter(|name| !before.contains(name));
        let news = before.iter().filter(|name| !names.contains(name)).chain(new).cloned().collect();
        if !names.is_empty() {
            self.by_workload.insert(key.clone(), names);
        }
        news
    }

    /// The first workload that was written by the same hands as an approval.
    pub(super) fn of(&self, approval: &str) -> Option<&WorkloadKey> {
        self.by_approval.get(approval)?.first()
    }

    /// How many approvals speak for a workload of their own author.
    pub(super) fn len(&self) -> usize {
        self.by_approval.len()
    }
}
