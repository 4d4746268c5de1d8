//! Histories by uid, in as many parts as there are pages, so that writing one page looks at no other.

use std::collections::HashMap;

use super::history::History;
use super::page::{self, PAGES};

/// Histories by uid.
#[derive(Debug)]
pub(super) struct Histories(Vec<HashMap<Box<str>, History>>);

impl Default for Histories {
    fn default() -> Self {
        Self((0..PAGES).map(|_| HashMap::new()).collect())
    }
}

impl Histories {
    pub(super) fn get(&self, uid: &str) -> Option<&History> {
        self.on_page(page::of(uid))?.get(uid)
    }

    /// The history of a uid, which begins now if there is none.
    pub(super) fn entry(&mut self, uid: &str, begin: impl FnOnce() -> History) -> Option<&mut History> {
        let part = self.0.get_mut(usize::from(page::of(uid)))?;
        if !part.contains_key(uid) {
            part.insert(uid.into(), begin());
        }
        part.get_mut(uid)
    }

    pub(super) fn remove(&mut self, uid: &str) -> Option<History> {
        self.0.get_mut(usize::from(page::of(uid)))?.remove(uid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &History)> {
        self.0.iter().flatten().map(|(uid, history)| (&**uid, history))
    }

    pub(super) fn uids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(HashMap::keys).map(|uid| &**uid)
    }

    /// Those of one page, by uid.
    pub(super) fn on_page(&self, number: u8) -> Option<&HashMap<Box<str>, History>> {
        self.0.get(usize::from(number))
    }
}
