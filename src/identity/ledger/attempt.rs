//! Attempts to remove or change the record.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::{Deed, Verb};

/// How many attempts are kept of one finding: the first ones, which count, and the last.
const MOST: usize = 10;

/// How many findings are remembered.
const MOST_FINDINGS: usize = 10_000;

/// How long before a watch told of it an attempt may have been made.
const APART: SignedDuration = SignedDuration::from_mins(2);

/// Somebody other than Cronwarden removed or changed a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub verb: Verb,
    /// Who did it; absent as long as only a watch has told of it.
    pub deed: Option<Deed>,
}

impl Attempt {
    /// An attempt by somebody.
    pub fn by(deed: Deed) -> Self {
        Self { at: deed.at, verb: deed.verb, deed: Some(deed) }
    }

    /// An attempt that a watch saw, some time around `at`: kept in whole seconds, as findings tell it.
    pub fn seen(verb: Verb, at: Timestamp) -> Self {
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        Self { at, verb, deed: None }
    }

    /// Whether two that were told in different ways are the same.
    fn is(&self, other: &Self) -> bool {
        match (&self.deed, &other.deed) {
            (Some(ours), Some(theirs)) => ours.id == theirs.id,
            (None, None) => self == other,
            _ => self.verb.deletes() == other.verb.deletes() && self.at.duration_since(other.at).abs() <= APART,
        }
    }
}

/// Attempts by the name of the finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(BTreeMap<Box<str>, Vec<Attempt>>);

impl Attempts {
    /// Notes an attempt. Says whether that is news.
    pub(super) fn note(&mut self, finding: &str, attempt: Attempt) -> bool {
        if !self.0.contains_key(finding) && self.0.len() >= MOST_FINDINGS {
            return false;
        }
        let attempts = self.0.entry(finding.into()).or_default();
        if let Some(known) = attempts.iter_mut().find(|known| known.is(&attempt)) {
            let says_more = known.deed.is_none() && attempt.deed.is_some();
            if says_more {
                *known = attempt;
            }
            attempts.sort_unstable();
            return says_more;
        }
        attempts.push(attempt.clone());
        attempts.sort_unstable();
        if attempts.len() > MOST {
            attempts.remove(MOST - 1);
        }
        attempts.contains(&attempt)
    }

    /// Those on one finding, oldest first.
    pub fn on(&self, finding: &str) -> &[Attempt] {
        self.0.get(finding).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn forget(&mut self, finding: &str) -> bool {
        self.0.remove(finding).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[Attempt])> {
        self.0.iter().map(|(finding, attempts)| (&**finding, attempts.as_slice()))
    }
}
