//! The judgement: one workload against the inventory. Pure, and the only place where a verdict is made.
//!
//! Every approval that selects the workload is evaluated in full. Within an approval everything must hold; one satisfied
//! approval is enough. If none is satisfied, the deviations from the nearest one are the verdict's reasons. An explanation is the
//! same evaluation, of which more is kept.

mod approval;
mod explanation;
mod facts;
mod job;
mod judgement;
mod notes;
mod pod;
mod risk;
mod rule;
mod severity;
mod surroundings;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::api::code::{DeviationCode, Severity};
use crate::api::finding::{Campaign, ConsideredApproval, Deviation, Outcome, Risk};
use crate::identity::{Actor, Deed};
use crate::inventory::{Approval, Inventory};
use crate::workload::redact::printable;
use crate::workload::{Unreadable, Workload, WorkloadKey};

pub use crate::inventory::Mismatch;
pub use approval::approval;
pub use explanation::{Check, CheckOutcome, Explained, Explanation, explain, explain_job, untold};
pub use job::{Lineage, job};
use judgement::Judgement;
use notes::Detail;
pub use pod::{PodReport, PulledImage, stray};
pub use surroundings::{ConfigMaps, Identity, Recorded, Surroundings};

/// How many characters of the workload's own text one field of an assessment shows.
const SHOWN: usize = 256;

/// The result of judging one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Each field that differs from the nearest approval, or the one fact that there is none. Empty if the workload is approved.
    pub deviations: Vec<Deviation>,
    /// What makes the workload dangerous, approved or not.
    pub risks: Vec<Risk>,
    /// Every approval that selects the workload, nearest first.
    pub approvals: Vec<ConsideredApproval>,
    /// The approvals that select the workload and were written by the same hands, beside any deployment path.
    pub own_approvals: Vec<String>,
    /// What an approval expects and nothing here can tell. It is neither a deviation nor an approval.
    pub unknown: Vec<Unknown>,
    /// Where else the same template appeared, if nothing approves the workload.
    pub campaign: Option<Campaign>,
    /// How urgent a finding would be.
    pub severity: Severity,
    /// How the severity came about.
    pub severity_reasons: Vec<String>,
}

/// Something that an approval expects and that cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The code that it would have.
    pub code: DeviationCode,
    /// What is expected.
    pub expected: String,
    /// The approval that expects it.
    pub approval: String,
}

impl Assessment {
    /// Whether the workload is approved. A workload of which something is unknown is neither approved nor deviating.
    pub fn is_approved(&self) -> bool {
        self.deviations.is_empty() && self.unknown.is_empty()
    }

    /// Whether nothing that could approve the workload speaks for it, as opposed to an approval that it deviates from.
    pub fn is_unapproved(&self) -> bool {
        self.deviations.iter().any(judgement::is_unapproved)
    }

    /// The approval that the workload comes closest to, if any selects it.
    pub fn nearest(&self) -> Option<&str> {
        self.approvals.first().map(|approval| approval.name.as_str())
    }

    fn rated(mut self) -> Self {
        (self.severity, self.severity_reasons) = severity::rate(&self.deviations, &self.risks);
        self
    }
}

/// Judges a workload by what is known around it: the labels of its namespace, who put it there, and what the ConfigMaps hold that it
/// refers to. Where the labels are not known, it
/// is unknown whether an approval speaks for the workload that selects namespaces by label.
pub fn assess<'a>(
    workload: &'a Workload,
    inventory: &'a Inventory,
    surroundings: impl Into<Surroundings<'a>>,
    now: Timestamp,
) -> Assessment {
    Judgement::of(workload, inventory, surroundings.into(), now, Detail::Verdict).conclude()
}

/// A change that no event tells of, for people.
fn unaccounted(generation: i64) -> String {
    format!("no event tells who made it what it is (generation {generation})")
}

/// What was done and by whom, for people.
fn told(deed: &Deed) -> String {
    printable(&format!("{} by {} at {}", deed.verb.as_str(), who(&deed.actor), deed.at), SHOWN)
}

/// Who made a request, for people: in whose name, and who really was behind it.
pub fn who(actor: &Actor) -> String {
    match &actor.impersonated {
        Some(impersonated) => format!("{}, impersonated by {}", impersonated.username, actor.user.username),
        None => actor.user.username.clone(),
    }
}

/// The assessment of a workload that cannot be read: it cannot be judged, so it is not approved.
pub fn unreadable(reason: &Unreadable) -> Assessment {
    let deviation = Deviation {
        code: DeviationCode::Malformed,
        path: reason.path().to_owned(),
        expected: "a workload that can be read".to_owned(),
        observed: reason.reason().to_owned(),
        approval: None,
    };
    Assessment { deviations: vec![deviation], ..Assessment::default() }.rated()
}

/// The assessment of a workload that does not exist, although approvals require it. Clean if there is no such approval.
pub fn missing(key: &WorkloadKey, requiring: &[&std::sync::Arc<Approval>]) -> Assessment {
    let deviations = requiring.iter().map(|approval| Deviation {
        code: DeviationCode::Missing,
        path: String::new(),
        expected: format!("{key} exists"),
        observed: "it does not".to_owned(),
        approval: Some(approval.name.to_string()),
    });
    let approvals = requiring.iter().map(|approval| ConsideredApproval {
        name: approval.name.to_string(),
        outcome: Outcome::Deviates,
        deviations: 1,
    });
    Assessment { deviations: deviations.collect(), approvals: approvals.collect(), ..Assessment::default() }.rated()
}
