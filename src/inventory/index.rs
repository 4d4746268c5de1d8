//! Finds the approvals that can speak for a workload by its namespace and name.
//!
//! Every pattern of an approval is filed under its text if it is exact, or else under the text before its first wildcard. A
//! workload then looks under its exact name and under those of its prefixes that are in use at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Approval;
use crate::workload::WorkloadKey;
use crate::workload::pattern::Pattern;

type Bucket = BTreeMap<Arc<str>, Arc<Approval>>;

/// Approvals by namespace, then by name.
#[derive(Debug, Default)]
pub(super) struct Index(Level<Level<Bucket>>);

impl Index {
    pub(super) fn insert(&mut self, approval: &Arc<Approval>) {
        for namespace in slots(approval.matcher.namespaces()) {
            let names = self.0.entry(&namespace);
            for name in slots(approval.matcher.names()) {
                names.entry(&name).insert(approval.name.clone(), approval.clone());
            }
        }
    }

    pub(super) fn remove(&mut self, approval: &Arc<Approval>) {
        for namespace in slots(approval.matcher.namespaces()) {
            self.0.prune(&namespace, |names| {
                for name in slots(approval.matcher.names()) {
                    names.prune(&name, |bucket| {
                        bucket.remove(&approval.name);
                        bucket.is_empty()
                    });
                }
                names.is_empty()
            });
        }
    }

    /// The approvals of which one pattern each may fit; some may occur twice.
    pub(super) fn candidates<'a>(&'a self, key: &'a WorkloadKey) -> Vec<&'a Arc<Approval>> {
        self.0.under(&key.namespace).flat_map(|names| names.under(&key.name)).flat_map(BTreeMap::values).collect()
    }
}

/// Where a pattern is filed.
enum Slot<'a> {
    Exact(&'a str),
    Prefix(&'a str),
}

/// The places of a list of patterns; no pattern at all means that everything fits.
fn slots(patterns: &[Pattern]) -> Vec<Slot<'_>> {
    if patterns.is_empty() {
        return vec![Slot::Prefix("")];
    }
    patterns
        .iter()
        .map(|pattern| pattern.as_literal().map_or_else(|| Slot::Prefix(pattern.literal_prefix()), Slot::Exact))
        .collect()
}

/// One level of the index.
#[derive(Debug)]
struct Level<T> {
    exact: HashMap<Box<str>, T>,
    prefix: HashMap<Box<str>, T>,
    /// The lengths of the prefixes in use, with how many there are of each.
    lengths: BTreeMap<usize, usize>,
}

impl<T> Default for Level<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), prefix: HashMap::new(), lengths: BTreeMap::new() }
    }
}

impl<T: Default> Level<T> {
    fn entry(&mut self, slot: &Slot<'_>) -> &mut T {
        match slot {
            Slot::Exact(text) => self.exact.entry((*text).into()).or_default(),
            Slot::Prefix(text) => {
                let lengths = &mut self.lengths;
                self.prefix.entry((*text).into()).or_insert_with(|| {
                    *lengths.entry(text.len()).or_default() += 1;
                    T::default()
                })
            }
        }
    }

    /// Changes what is filed in a slot, and drops the slot if `change` says that nothing is left.
    fn prune(&mut self, slot: &Slot<'_>, change: impl FnOnce(&mut T) -> bool) {
        let (slots, text) = match slot {
            Slot::Exact(text) => (&mut self.exact, *text),
            Slot::Prefix(text) => (&mut self.prefix, *text),
        };
        if !slots.get_mut(text).is_some_and(change) {
            return;
        }
        slots.remove(text);
        if matches!(slot, Slot::Prefix(_))
            && let Some(count) = self.lengths.get_mut(&text.len())
        {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&text.len());
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefix.is_empty()
    }

    /// Everything filed under the text itself or under one of its prefixes.
    fn under<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a T> {
        // A length may fall within a character; longer prefixes can fit all the same.
        let lengths = self.lengths.keys().take_while(|length| **length <= text.len());
        let prefixes = lengths.filter_map(|length| text.get(..*length));
        self.exact.get(text).into_iter().chain(prefixes.filter_map(|prefix| self.prefix.get(prefix)))
    }
}
