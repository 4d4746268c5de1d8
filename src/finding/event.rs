//! What people are told of a finding, as a Kubernetes Event.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::fingerprint::hex;
use super::status::sentence;
use crate::api::finding::ScheduledWorkloadFindingStatus as Status;
use crate::workload::redact::printable;

/// The longest note of an Event that the API server accepts, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Why an Event is sent: stable, and safe to match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A workload deviates.
    FindingOpened,
    /// A workload deviates in another way than before.
    FindingChanged,
    /// A workload deviates again, or its acknowledgement no longer holds.
    FindingReopened,
    /// A workload no longer deviates.
    FindingResolved,
    /// A workload disappeared while it deviated.
    WorkloadDeleted,
}

impl Reason {
    /// The reason as Events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FindingOpened => "FindingOpened",
            Self::FindingChanged => "FindingChanged",
            Self::FindingReopened => "FindingReopened",
            Self::FindingResolved => "FindingResolved",
            Self::WorkloadDeleted => "WorkloadDeleted",
        }
    }

    /// Whether the Event is a warning.
    pub fn is_warning(self) -> bool {
        self != Self::FindingResolved
    }
}

/// What people are told of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Why.
    pub reason: Reason,
    /// The text, within the limits of an Event.
    pub note: String,
    /// Identifies the transition: the same one has the same identity after a restart, so that it is told once.
    pub identity: String,
}

impl Notice {
    /// The name of the finding is part of the note: `kubectl describe` does not show what an Event is related to.
    pub(super) fn about(reason: Reason, finding: &str, status: &Status) -> Self {
        let sentences: Vec<String> = status.deviations.iter().take(3).map(sentence).collect();
        let more = status.deviations.len().saturating_sub(sentences.len());
        let mut note = format!("{} finding. {}", status.severity, sentences.join(" "));
        if more > 0 {
            note = format!("{note} And {more} more.");
        }
        let see = format!(" See finding {finding}.");
        let note = fit(&note, LONGEST_NOTE.saturating_sub(see.len())) + &see;
        let last_seen = status.last_seen.as_ref().map(|time| time.0);
        Self { reason, note, identity: identity(reason, &status.fingerprint, last_seen) }
    }

    pub(super) fn closing(reason: Reason, finding: &str, why: &str, at: Timestamp) -> Self {
        Self { reason, note: fit(why, LONGEST_NOTE), identity: identity(reason, finding, Some(at)) }
    }
}

fn identity(reason: Reason, evidence: &str, at: Option<Timestamp>) -> String {
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    hex(&Sha256::digest(format!("{} {evidence} {at}", reason.as_str()).as_bytes()), 16)
}

/// Text that is made harmless and takes at most so many bytes.
pub(super) fn fit(text: &str, limit: usize) -> String {
    let mut text = printable(text, limit);
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}
