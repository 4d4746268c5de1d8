//! Creations of which only the name is known, as audit events without bodies tell them.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::super::{Deed, Object};

/// How long after an object was made its request may have ended. One API server gives both times: they are never the other way round.
const APART: SignedDuration = SignedDuration::from_secs(3);

/// How many are remembered.
const MOST: usize = 10_000;

/// Creations of which only the name is known, the latest ones.
#[derive(Debug, Default)]
pub(super) struct Unbound {
    by_object: HashMap<Object, Vec<Deed>>,
    /// In the order of their arrival.
    arrivals: VecDeque<Object>,
}

/// What tells who created an object that has a name and a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Creation<'a> {
    /// Nothing.
    Unknown,
    /// One event does.
    By(&'a Deed),
    /// Several events could: an object of that name was created, deleted and created again within moments.
    Ambiguous,
}

impl Unbound {
    /// Notes that an object of that name was created. Says whether that is news.
    pub(super) fn note(&mut self, object: &Object, deed: Deed) -> bool {
        let deeds = self.by_object.entry(object.clone()).or_default();
        if deeds.iter().any(|known| known.id == deed.id) {
            return false;
        }
        deeds.push(deed);
        self.arrivals.push_back(object.clone());
        if self.arrivals.len() > MOST {
            self.forget_oldest();
        }
        true
    }

    /// Who created the object of that name that was made at that time.
    pub(super) fn creation(&self, object: &Object, created: Timestamp) -> Creation<'_> {
        let deeds = self.by_object.get(object).map(Vec::as_slice).unwrap_or_default();
        // The time of an object has whole seconds.
        let latest = created.saturating_add(APART).unwrap_or(Timestamp::MAX);
        let mut fitting = deeds.iter().filter(|deed| (created..=latest).contains(&deed.at));
        match (fitting.next(), fitting.next()) {
            (None, _) => Creation::Unknown,
            (Some(only), None) => Creation::By(only),
            (Some(_), Some(_)) => Creation::Ambiguous,
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.arrivals.pop_front() else { return };
        if let Some(deeds) = self.by_object.get_mut(&oldest) {
            deeds.remove(0);
            if deeds.is_empty() {
                self.by_object.remove(&oldest);
            }
        }
    }
}
