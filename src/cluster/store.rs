//! The caches: plain structures that are fed with what the watches see and answer questions about it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

use super::picture::Concerned;
use crate::api::finding::{State, WorkloadReference};
use crate::finding::Record;
use crate::identity::ledger::Seen;
use crate::inventory::Matcher;
use crate::lineage::Templates;
use crate::workload::pattern::Pattern;
use crate::workload::{Packed, Unreadable, WorkloadKey};

/// Follows a list that is read anew: whatever it does not mention is gone.
#[derive(Debug)]
pub(super) struct Relist<K> {
    unmentioned: Option<HashSet<K>>,
    complete: bool,
}

impl<K> Default for Relist<K> {
    fn default() -> Self {
        Self { unmentioned: None, complete: false }
    }
}

impl<K: Eq + Hash> Relist<K> {
    /// A list begins; these are the objects known so far.
    pub(super) fn begin(&mut self, known: impl Iterator<Item = K>) {
        self.unmentioned = Some(known.collect());
    }

    /// An object is in the list.
    pub(super) fn mention(&mut self, key: &K) {
        if let Some(unmentioned) = &mut self.unmentioned {
            unmentioned.remove(key);
        }
    }

    /// The list is complete; returned are the objects that are gone.
    pub(super) fn end(&mut self) -> HashSet<K> {
        self.complete = true;
        self.unmentioned.take().unwrap_or_default()
    }

    /// Whether a list was ever complete.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}

/// A workload as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) uid: Box<str>,
    /// What its watch knows of how it became what it is.
    pub(super) seen: Seen,
    /// What is judged, or why it cannot be.
    pub(super) object: Result<Packed, Unreadable>,
    /// The approvals that selected it when it was last judged.
    pub(super) selected_by: Box<[Arc<str>]>,
    /// Whether it was judged as it is, with all the evidence that was to be waited for.
    pub(super) judged: bool,
    /// The templates that its Jobs have had.
    pub(super) templates: Templates,
}

/// Workloads of one kind, by namespace and then by name.
#[derive(Debug)]
pub(super) struct Workloads<E> {
    namespaces: BTreeMap<String, BTreeMap<Arc<WorkloadKey>, E>>,
    count: usize,
}

impl<E> Default for Workloads<E> {
    fn default() -> Self {
        Self { namespaces: BTreeMap::new(), count: 0 }
    }
}

impl<E> Workloads<E> {
    pub(super) fn get(&self, key: &WorkloadKey) -> Option<(&Arc<WorkloadKey>, &E)> {
        self.namespaces.get(&key.namespace)?.get_key_value(key)
    }

    pub(super) fn get_mut(&mut self, key: &WorkloadKey) -> Option<&mut E> {
        self.namespaces.get_mut(&key.namespace)?.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: Arc<WorkloadKey>, entry: E) {
        let workloads = self.namespaces.entry(key.namespace.clone()).or_default();
        self.count += usize::from(workloads.insert(key, entry).is_none());
    }

    pub(super) fn remove(&mut self, key: &WorkloadKey) -> Option<E> {
        let workloads = self.namespaces.get_mut(&key.namespace)?;
        let entry = workloads.remove(key)?;
        if workloads.is_empty() {
            self.namespaces.remove(&key.namespace);
        }
        self.count -= 1;
        Some(entry)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<WorkloadKey>, &E)> {
        self.namespaces.values().flatten()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<WorkloadKey>> {
        self.namespaces.values().flat_map(BTreeMap::keys)
    }

    /// Those of one namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Arc<WorkloadKey>> {
        self.namespaces.get(namespace).into_iter().flat_map(BTreeMap::keys)
    }

    /// Those whose kind, namespace and name fit, looking only into namespaces that fit.
    pub(super) fn covered_by(&self, matcher: &Matcher) -> Vec<Arc<WorkloadKey>> {
        let exact: Option<Vec<&str>> = match matcher.namespaces() {
            [] => None,
            patterns => patterns.iter().map(Pattern::as_literal).collect(),
        };
        let covered = |key: &&Arc<WorkloadKey>| matcher.covers(key);
        match exact {
            Some(names) => {
                names.into_iter().flat_map(|name| self.in_namespace(name)).filter(covered).cloned().collect()
            }
            None => self.keys().filter(covered).cloned().collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

/// A finding as it is recorded, at some version.
#[derive(Clone, Debug)]
pub(super) struct Versioned {
    pub(super) version: u64,
    pub(super) record: Record,
}

/// The findings, by name and by the workload that they are about.
#[derive(Debug, Default)]
pub(super) struct Findings {
    by_name: HashMap<String, Versioned>,
    by_subject: HashMap<Concerned, BTreeSet<String>>,
    states: BTreeMap<State, usize>,
    /// At which version some were deleted lately: the answer to a write may arrive after that.
    gone: HashMap<String, u64>,
    /// Those, in the order of their deletion.
    latest_gone: VecDeque<String>,
}

/// How many deleted findings are remembered, by name.
const MOST_GONE: usize = 10_000;

impl Findings {
    /// Whether one was deleted after it was like this.
    pub(super) fn is_gone(&self, finding: &Versioned) -> bool {
        self.gone.get(&finding.record.name).is_some_and(|at| finding.version < *at)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Versioned> {
        self.by_name.get(name)
    }

    /// Every finding about a workload or an approval of this name, whatever its uid.
    pub(super) fn about<'a>(&'a self, subject: &Concerned) -> impl Iterator<Item = &'a Record> {
        self.by_subject.get(subject).into_iter().flatten().filter_map(|name| Some(&self.by_name.get(name)?.record))
    }

    /// Takes in a finding. What is older than what is known is left aside.
    pub(super) fn insert(&mut self, new: Versioned) -> Insertion {
        let old = self.by_name.get(&new.record.name);
        if old.is_some_and(|old| new.version < old.version) {
            return Insertion::Stale;
        }
        if let Some(old) = old
            && old.record == new.record
        {
            self.by_name.insert(new.record.name.clone(), new);
            return Insertion::Same;
        }
        self.remove(&new.record.name.clone(), u64::MAX);
        let subject = subject_of(&new.record);
        *self.states.entry(new.record.state().unwrap_or_default()).or_default() += 1;
        self.by_subject.entry(subject).or_default().insert(new.record.name.clone());
        self.by_name.insert(new.record.name.clone(), new);
        Insertion::Changed
    }

    /// Forgets a finding that was deleted at some version, unless a newer one of the same name is known.
    pub(super) fn remove(&mut self, name: &str, version: u64) -> Option<Record> {
        if self.by_name.get(name).is_some_and(|known| version < known.version) {
            return None;
        }
        if version < u64::MAX && self.gone.insert(name.to_owned(), version).is_none() {
            self.latest_gone.push_back(name.to_owned());
            if self.latest_gone.len() > MOST_GONE
                && let Some(oldest) = self.latest_gone.pop_front()
            {
                self.gone.remove(&oldest);
            }
        }
        let Versioned { record, version: _ } = self.by_name.remove(name)?;
        if let Some(count) = self.states.get_mut(&record.state().unwrap_or_default()) {
            *count -= 1;
        }
        let subject = subject_of(&record);
        if let Some(names) = self.by_subject.get_mut(&subject) {
            names.remove(name);
            if names.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
        Some(record)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_name.keys()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_name.values().map(|known| &known.record)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Concerned> {
        self.by_subject.keys()
    }

    pub(super) fn in_state(&self, state: State) -> usize {
        self.states.get(&state).copied().unwrap_or_default()
    }
}

/// What became of a finding that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insertion {
    /// It says something new.
    Changed,
    /// It says what was known.
    Same,
    /// Something newer is known.
    Stale,
}

/// What a finding is about.
pub(super) fn subject_of(record: &Record) -> Concerned {
    let WorkloadReference { kind, namespace, name, uid: _ } = &record.workload;
    match kind.workload() {
        Some(kind) => Concerned::Workload(WorkloadKey { namespace: namespace.clone(), name: name.clone(), kind }),
        None => Concerned::Approval(name.as_str().into()),
    }
}

/// What happens at a known time.
#[derive(Debug)]
pub(super) struct Deadlines<T>(BTreeMap<Timestamp, Vec<T>>);

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: PartialEq> Deadlines<T> {
    pub(super) fn add(&mut self, at: Timestamp, subject: T) {
        let subjects = self.0.entry(at).or_default();
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.keys().next().copied()
    }

    /// Removes and returns what is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<T> {
        let mut due = Vec::new();
        while let Some(first) = self.0.first_entry()
            && *first.key() <= now
        {
            due.extend(first.remove());
        }
        due
    }
}
