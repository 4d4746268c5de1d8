//! Approvals drafted from workloads, for people to review.
//!
//! A draft approves a workload as it was observed and nothing beyond it: exact names, exact images and commands, exactly the
//! references and privileges that are used. Where the language of approvals cannot say something exactly, such as an argument
//! with a `*` in it or a list that is too long, the draft says it more loosely and pins `templateHash`, so that nothing gets
//! looser. What such a draft leaves out is found by judging the workload against it, by the one evaluator that there is.
//!
//! What a reviewer should look at twice is marked by a note. What is dangerous is also left out, so that the workload deviates,
//! until somebody accepts it by its code:
//!
//! | code | what is left out until it is accepted |
//! |---|---|
//! | `PrivilegedContainer`, `HostNamespace` | `allowed.podSecurity: Privileged` |
//! | `PodSecurity` | the same, for weaknesses that no risk names, such as host ports; capabilities that are not dangerous by name |
//! | `HostPath`, `RuntimeSocket` | the entry of `allowed.hostPaths`; a path to a runtime's socket needs both |
//! | `DangerousCapability` | the entry of `allowed.capabilities`, unless Baseline tolerates the capability anyway |
//! | `SuspiciousCommand` | the entry of `expected.commands`; a suspicious variable or template counts as absent in `templateHash` |
//! | all others | nothing: they have a note |
//!
//! A level is allowed as a whole: if one of the reasons for `Privileged` is not accepted, it is not allowed for any.
//!
//! Some workloads have no draft: those that cannot be parsed, because no approval is satisfied by them, and those without a
//! name. A manifest with `generateName` gets another name at each run, and a pattern for it is for people to choose: nothing
//! here makes up wildcards that speak for more workloads.

mod accepted;
mod build;
mod change;
mod command;
mod entry;
mod evidence;
mod group;
mod name;
mod remarks;
#[cfg(test)]
mod tests;
mod yaml;

use crate::api::ApprovedCronJob;
use crate::workload::WorkloadKey;

pub use accepted::{Accepted, Code, UnknownCode};
pub use build::approval;
pub use change::change;
pub use group::baseline;
pub use yaml::yaml;

/// What a reviewer has agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The dangers that a draft may allow.
    pub accepted: Accepted,
    /// Whether to pin all that can be pinned: the labels of the workload and the whole pod template.
    pub strict: bool,
}

/// An approval for people to review.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The approval.
    pub approval: ApprovedCronJob,
    /// What a reviewer should know, in the order of the findings.
    pub notes: Vec<Note>,
    /// What the workload does and the approval does not cover. If there is any, the workload deviates from the approval.
    pub left_out: Vec<LeftOut>,
}

/// A remark for the reviewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The field of the approval that it is about, such as `spec.allowed.hostPaths`; empty for the approval as a whole.
    pub field: String,
    /// The remark: one line, safe to show.
    pub text: String,
}

/// Something of a workload that an approval does not cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What would have to be accepted for it to be covered; absent if accepting does not help.
    pub code: Option<Code>,
    /// The field of the approval that would cover it.
    pub field: String,
    /// The field of the workload; empty for the workload as a whole.
    pub path: String,
    /// What is there, or what is to be done: one line, safe to show.
    pub detail: String,
}

/// A workload that no approval can be drafted for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undrafted {
    /// The workload.
    pub workload: WorkloadKey,
    /// Why, in one line that is safe to show.
    pub reason: String,
}

/// An inventory drafted from workloads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// The drafts, by the name of the approval.
    pub drafts: Vec<Draft>,
    /// The workloads that have no draft.
    pub undrafted: Vec<Undrafted>,
}

/// How much of a text of the workload one remark shows, in characters.
const SHOWN: usize = 256;
