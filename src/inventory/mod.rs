//! The inventory: approvals compiled once, and found by index.
//!
//! Compiling turns the text of an approval into values that can be compared; whatever cannot be compiled is kept with the
//! approval as a [`Problem`], so that it approves nothing and says why. The index finds the approvals that can speak for a
//! workload without looking at the others.

mod compile;
mod index;
mod matcher;
mod rules;
mod status;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::workload::{Workload, WorkloadKey};
use index::Index;
pub use matcher::{Matcher, Mismatch, NAME_LABEL};
pub use rules::{CommandRule, ImageRule, Rules, ZoneRule, join};
pub use status::{Known, PathEvidence, RecordedConfigMaps, SAMPLES, status};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// An approval, compiled.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Its name.
    pub name: Arc<str>,
    /// The generation of the spec that was compiled.
    pub generation: Option<i64>,
    /// Which workloads it speaks for.
    pub matcher: Matcher,
    /// From when on it approves nothing.
    pub expires_at: Option<Timestamp>,
    /// What it expects and allows, or why it cannot be used.
    pub rules: Result<Rules, Vec<Problem>>,
}

/// A part of an approval that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, such as `spec.match.names[0]`.
    pub field: String,
    /// What is wrong with it and how to mend it.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl Approval {
    /// Whether its time has passed.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether it can approve anything at all.
    pub fn usable(&self, now: Timestamp) -> bool {
        self.rules.is_ok() && !self.expired(now)
    }

    /// The workloads that must exist because of it: none unless `expected.required` is set.
    pub fn required(&self) -> Vec<WorkloadKey> {
        match &self.rules {
            Ok(rules) if rules.required => self.matcher.exact_keys(),
            _ => Vec::new(),
        }
    }
}

/// All approvals.
#[derive(Debug, Default)]
pub struct Inventory {
    approvals: HashMap<Arc<str>, Arc<Approval>>,
    index: Index,
    /// The approvals that require a workload, by the workload.
    required: HashMap<WorkloadKey, Vec<Arc<Approval>>>,
}

impl Inventory {
    /// Adds an approval, or puts it in the place of the one of the same name, which is returned.
    pub fn insert(&mut self, approval: Approval) -> Option<Arc<Approval>> {
        let previous = self.remove(&approval.name);
        let approval = Arc::new(approval);
        self.index.insert(&approval);
        for key in approval.required() {
            self.required.entry(key).or_default().push(approval.clone());
        }
        self.approvals.insert(approval.name.clone(), approval);
        previous
    }

    /// Removes an approval and returns it.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Approval>> {
        let approval = self.approvals.remove(name)?;
        self.index.remove(&approval);
        for key in approval.required() {
            if let Some(others) = self.required.get_mut(&key) {
                others.retain(|other| other.name != approval.name);
                if others.is_empty() {
                    self.required.remove(&key);
                }
            }
        }
        Some(approval)
    }

    /// The approval of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Approval>> {
        self.approvals.get(name)
    }

    /// Every approval, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Approval>> {
        self.approvals.values()
    }

    /// How many approvals there are, usable or not.
    pub fn len(&self) -> usize {
        self.approvals.len()
    }

    /// Whether there is no approval at all.
    pub fn is_empty(&self) -> bool {
        self.approvals.is_empty()
    }

    /// The approvals that select a workload, by name, usable or not. The cost does not grow with the size of the inventory, but
    /// only with the number of approvals whose exact names or literal prefixes fit.
    pub fn selecting<'a, 'l>(
        &'a self,
        workload: &'a Workload,
        namespace: impl Into<Option<&'l Labels>>,
    ) -> Vec<&'a Arc<Approval>> {
        let namespace = namespace.into();
        let mut found = self.index.candidates(&workload.key);
        found.retain(|approval| approval.matcher.selects(workload, namespace));
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|a, b| a.name == b.name);
        found
    }

    /// The usable approvals that require a workload to exist, by name.
    pub fn requiring(&self, key: &WorkloadKey, now: Timestamp) -> Vec<&Arc<Approval>> {
        let mut found: Vec<_> =
            self.required.get(key).into_iter().flatten().filter(|approval| approval.usable(now)).collect();
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        // An approval may name a workload twice.
        found.dedup_by(|a, b| a.name == b.name);
        found
    }
}
