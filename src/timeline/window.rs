//! Which part of a history is wanted.

use jiff::Timestamp;

use super::{Entry, Verdict};

/// Which part of a history is wanted. Everything before it counts all the same.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// From when on.
    pub since: Option<Timestamp>,
    /// Until when, not included.
    pub until: Option<Timestamp>,
    /// Only workloads of this namespace.
    pub namespace: Option<String>,
    /// Only versions that deviate.
    pub only_deviating: bool,
}

impl Window {
    pub(super) fn has(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }

    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }

    pub(super) fn shows(&self, entry: &Entry) -> bool {
        let is_meant = match entry.subject.namespace() {
            Some(namespace) => self.has_namespace(namespace),
            // With a namespace, an approval counts by what it did there.
            None => self.namespace.is_none() || !entry.effects.is_empty(),
        };
        is_meant && self.has(entry.at) && (!self.only_deviating || entry.verdict == Some(Verdict::Deviating))
    }
}
