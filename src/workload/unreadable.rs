//! Why a workload cannot be read.

use super::redact;

/// A workload that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    path: String,
    reason: String,
}

impl Unreadable {
    /// An error with this reason, which may quote the object and is therefore made harmless.
    pub fn new(reason: &str) -> Self {
        Self::at("", reason)
    }

    /// An error at a field.
    pub fn at(path: &str, reason: &str) -> Self {
        Self { path: redact::printable(path, 256), reason: redact::printable(reason, 256) }
    }

    /// The field that cannot be read; empty if it is the object as a whole, or not known.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl std::error::Error for Unreadable {}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.path, self.reason)
    }
}
