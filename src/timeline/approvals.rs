//! The approvals of a log, as they were at each moment.

use std::collections::HashMap;
use std::sync::Arc;

use super::Subject;
use super::record::{Change, Content, Declared};
use crate::identity::{Deed, Verb};
use crate::inventory::Inventory;

/// The approvals at one moment.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    pub(super) inventory: Inventory,
    /// Whether the log tells what is in any approval at all.
    pub(super) is_known: bool,
    current: HashMap<String, Current>,
}

#[derive(Debug)]
struct Current {
    declared: Arc<Declared>,
    /// Who made it what it is: who created it, and who last changed it. None if that was before the log begins.
    writers: Vec<Deed>,
}

/// What a change made of an approval.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) before: Option<Arc<Declared>>,
    pub(super) after: Option<Arc<Declared>>,
}

impl Approvals {
    /// The approvals when the log begins: those that are deleted before anything else is told of them were there, as they were then.
    pub(super) fn at_start(changes: &[Change]) -> Self {
        let mut approvals = Self::default();
        let mut met = std::collections::HashSet::new();
        for change in changes {
            let Subject::Approval(name) = &change.subject else { continue };
            let Content::Approval(declared) = &change.content else { continue };
            approvals.is_known = true;
            if met.insert(name) && change.verb.deletes() {
                approvals.put(name, declared.clone(), Vec::new());
            }
        }
        approvals
    }

    /// Takes in a change of an approval. One of which nothing is told but that it changed keeps its content.
    pub(super) fn apply(&mut self, name: &str, change: &Change) -> Replaced {
        let before = self.current.get(name).map(|current| current.declared.clone());
        if change.verb.deletes() {
            self.current.remove(name);
            self.inventory.remove(name);
            return Replaced { before, after: None };
        }
        let Content::Approval(declared) = &change.content else {
            return Replaced { before: before.clone(), after: before };
        };
        // Whoever applies the same again has not written it.
        if before.as_ref() != Some(declared) {
            let deed = change.deed();
            let creator = self.current.get(name).and_then(|current| current.writers.first()).cloned();
            let creator = creator.filter(|_| change.verb != Verb::Create);
            self.put(name, declared.clone(), creator.into_iter().chain([deed]).collect());
        }
        Replaced { before, after: Some(declared.clone()) }
    }

    /// Who made an approval what it is, as far as the log tells.
    pub(super) fn writers(&self, name: &str) -> Vec<Deed> {
        self.current.get(name).map(|current| current.writers.clone()).unwrap_or_default()
    }

    fn put(&mut self, name: &str, declared: Arc<Declared>, writers: Vec<Deed>) {
        self.inventory.insert(declared.approval.clone());
        self.current.insert(name.to_owned(), Current { declared, writers });
    }
}
