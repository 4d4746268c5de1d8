//! An assessment together with everything that led to it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::job::{Lineage, job};
use super::judgement::{Judged, Judgement};
use super::notes::Detail;
use super::surroundings::Surroundings;
use super::{Assessment, SHOWN, Unknown};
use crate::api::code::DeviationCode;
use crate::api::finding::{Deviation, Outcome};
use crate::inventory::{Approval, Inventory, Mismatch};
use crate::lineage::Origin;
use crate::workload::Workload;
use crate::workload::redact::printable;

/// Why a workload is assessed as it is. Every text is fit to be shown: what comes from the workload is redacted, escaped and bounded
/// as in an assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What [`assess`](super::assess) gives for the same arguments, or [`job`](super::job) for a Job whose lineage is known.
    pub assessment: Assessment,
    /// Every approval of the inventory: those that select the workload, nearest first, then the others by name. None where the verdict does
    /// not hang on an approval of the workload, because something else accounts for it or contradicts it.
    pub approvals: Vec<Explained>,
}

/// What one approval says of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The name of the approval.
    pub name: String,
    /// How the workload compares with it; absent if it does not select the workload.
    pub outcome: Option<Outcome>,
    /// Why it does not select the workload; empty exactly if it does.
    pub mismatches: Vec<Mismatch>,
    /// Everything that was compared; empty if the approval does not select the workload or is invalid. What is malformed comes first.
    /// The checks of the nearest approval that deviate are the deviations of the assessment.
    pub checks: Vec<Check>,
    /// What makes the approval invalid, each with its field. An approval with problems approves nothing, whatever it selects.
    pub problems: Vec<String>,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The code of the deviation that it is, or would be.
    pub code: DeviationCode,
    /// The field of the approval, such as `spec.expected.images`; empty for what is malformed, which no approval can allow.
    pub field: &'static str,
    /// The field of the workload; empty where the whole of it is meant.
    pub path: String,
    /// What the approval expects.
    pub expected: String,
    /// What there is.
    pub observed: String,
    /// How it came out.
    pub outcome: CheckOutcome,
}

/// How a comparison came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckOutcome {
    /// What is expected is there.
    Held,
    /// Something else is there.
    Deviates,
    /// Nothing here can tell.
    Unknown,
}

impl Check {
    pub(super) fn into_deviation(self, approval: Option<String>) -> Deviation {
        let Self { code, field: _, path, expected, observed, outcome: _ } = self;
        Deviation { code, path, expected, observed, approval }
    }
}

/// Judges a workload as [`assess`](super::assess) does, and keeps all that was looked at. The cost grows with the size of the
/// inventory.
pub fn explain<'a>(
    workload: &'a Workload,
    inventory: &'a Inventory,
    surroundings: impl Into<Surroundings<'a>>,
    now: Timestamp,
) -> Explanation {
    let surroundings = surroundings.into();
    let judgement = Judgement::of(workload, inventory, surroundings, now, Detail::Everything);
    let mut approvals: Vec<Explained> =
        judgement.approvals.iter().map(|judged| selecting(judged, judgement.malformed.checks())).collect();

    let selecting: BTreeSet<&str> = judgement.approvals.iter().map(|judged| &*judged.approval.name).collect();
    let mut others: Vec<&Approval> =
        inventory.iter().map(|approval| &**approval).filter(|approval| !selecting.contains(&*approval.name)).collect();
    others.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    approvals.extend(others.into_iter().map(|approval| Explained {
        name: approval.name.to_string(),
        outcome: None,
        mismatches: approval.matcher.mismatches(workload, surroundings.namespace),
        checks: Vec::new(),
        problems: problems(approval),
    }));
    Explanation { assessment: judgement.conclude(), approvals }
}

/// Judges a Job as [`job`](super::job) does, and keeps all that was looked at.
pub fn explain_job<'a>(
    workload: &'a Workload,
    lineage: Lineage<'a>,
    inventory: &'a Inventory,
    surroundings: impl Into<Surroundings<'a>>,
    now: Timestamp,
) -> Explanation {
    let surroundings = surroundings.into();
    let assessment = job(workload, lineage, inventory, surroundings, now);
    let approvals = match lineage.traced.origin {
        Origin::Standalone { .. } => explain(workload, inventory, surroundings, now).approvals,
        _ => Vec::new(),
    };
    Explanation { assessment, approvals }
}

/// What there is to say of a Job that has the marks of the Jobs of a trusted controller, where no event tells who created it.
pub fn untold(maker: &str) -> Explanation {
    let expected = printable(&format!("an event that tells that {maker} made it"), SHOWN);
    let unknown = Unknown { code: DeviationCode::ForgedOwner, expected, approval: String::new() };
    let assessment = Assessment { unknown: vec![unknown], ..Assessment::default() };
    Explanation { assessment, approvals: Vec::new() }
}

fn selecting(judged: &Judged<'_>, malformed: &[Check]) -> Explained {
    let problems = problems(judged.approval);
    let checks = if problems.is_empty() { [malformed, judged.notes.checks()].concat() } else { Vec::new() };
    Explained {
        name: judged.approval.name.to_string(),
        outcome: Some(judged.outcome),
        mismatches: Vec::new(),
        checks,
        problems,
    }
}

fn problems(approval: &Approval) -> Vec<String> {
    approval.rules.as_ref().err().into_iter().flatten().map(ToString::to_string).collect()
}
