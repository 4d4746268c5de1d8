//! The judgement: one workload against the inventory. Pure, and the only place where a verdict is made.
//!
//! Every approval that selects the workload is evaluated in full. Within an approval everything must hold; one satisfied
//! approval is enough. If none is satisfied, the deviations from the nearest one are the verdict's reasons.

mod facts;
mod risk;
mod rule;
mod severity;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::api::code::{DeviationCode, Severity};
use crate::api::finding::{ConsideredApproval, Deviation, Outcome, Risk};
use crate::inventory::{Approval, Inventory, Labels};
use crate::workload::{Unreadable, Workload, WorkloadKey, redact};

use facts::Facts;

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
    /// What an approval expects and nothing here can tell. It is neither a deviation nor an approval.
    pub unknown: Vec<Unknown>,
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

    /// The approval that the workload comes closest to, if any selects it.
    pub fn nearest(&self) -> Option<&str> {
        self.approvals.first().map(|approval| approval.name.as_str())
    }

    fn rated(mut self) -> Self {
        (self.severity, self.severity_reasons) = severity::rate(&self.deviations, &self.risks);
        self
    }
}

/// Judges a workload that lives in a namespace with the given labels.
pub fn assess(workload: &Workload, inventory: &Inventory, namespace: &Labels, now: Timestamp) -> Assessment {
    let facts = Facts::of(workload, now);
    let malformed = facts.malformed();
    let mut judged: Vec<Judged> = inventory
        .selecting(workload, namespace)
        .into_iter()
        .map(|approval| judge(approval, &facts, &malformed, now))
        .collect();
    judged.sort_by_key(Judged::distance);

    // Before the nearest one is taken apart, because what it deviates by counts here too.
    let approvals = judged.iter().map(Judged::considered).collect();
    let (deviations, unknown) = match judged.into_iter().next() {
        None => (malformed.into_iter().chain([unapproved()]).collect(), Vec::new()),
        Some(Judged { outcome: Outcome::Unknown, deviations, unknown, .. }) => (deviations, unknown),
        Some(nearest) => (nearest.deviations, Vec::new()),
    };
    Assessment { deviations, risks: risk::all(&facts), approvals, unknown, ..Assessment::default() }.rated()
}

/// The assessment of a workload that cannot be read: it cannot be judged, so it is not approved.
pub fn unreadable(reason: &Unreadable) -> Assessment {
    let deviation = Deviation {
        code: DeviationCode::Malformed,
        path: String::new(),
        expected: "a workload that can be read".to_owned(),
        observed: reason.to_string(),
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

/// One approval, compared with the workload.
struct Judged {
    name: String,
    outcome: Outcome,
    deviations: Vec<Deviation>,
    unknown: Vec<Unknown>,
}

impl Judged {
    /// Nearest is what satisfies, then what has the fewest deviations; an approval that cannot be used is the farthest. The sort is
    /// stable and the approvals come by name, so the name decides between equals.
    fn distance(&self) -> (u8, usize) {
        let rank = match self.outcome {
            Outcome::Satisfied => 0,
            Outcome::Unknown => 1,
            Outcome::Deviates | Outcome::Expired => 2,
            Outcome::Invalid => 3,
        };
        (rank, self.deviations.len())
    }

    fn considered(&self) -> ConsideredApproval {
        let deviations = i32::try_from(self.deviations.len()).unwrap_or(i32::MAX);
        ConsideredApproval { name: self.name.clone(), outcome: self.outcome, deviations }
    }
}

/// What is malformed deviates from every approval, and comes first.
fn judge(approval: &Approval, facts: &Facts<'_>, malformed: &[Deviation], now: Timestamp) -> Judged {
    let name = approval.name.to_string();
    let rules = match &approval.rules {
        Ok(rules) => rules,
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let deviation = Deviation {
                code: DeviationCode::Unapproved,
                path: String::new(),
                expected: "a valid approval".to_owned(),
                observed: redact::printable(&format!("the approval approves nothing: {}", problems.join("; ")), SHOWN),
                approval: Some(name.clone()),
            };
            let deviations = malformed.iter().cloned().chain([deviation]).collect();
            return Judged { name, outcome: Outcome::Invalid, deviations, unknown: Vec::new() };
        }
    };
    let mut deviations = rule::all(facts, rules);
    let expired = approval.expires_at.filter(|_| approval.expired(now));
    if let Some(at) = expired {
        deviations.insert(
            0,
            Deviation {
                code: DeviationCode::ApprovalExpired,
                path: String::new(),
                expected: "an approval that is still valid".to_owned(),
                observed: format!("it expired at {at}"),
                approval: None,
            },
        );
    }
    for deviation in &mut deviations {
        deviation.approval = Some(name.clone());
    }
    deviations.splice(..0, malformed.iter().cloned());
    let unknown = match rules.deployment_paths.as_slice() {
        [] => Vec::new(),
        paths => vec![Unknown {
            code: DeviationCode::DeploymentPath,
            expected: format!("deployed by {}", paths.join(" or ")),
            approval: name.clone(),
        }],
    };
    let outcome = match (deviations.is_empty(), unknown.is_empty()) {
        _ if expired.is_some() => Outcome::Expired,
        (false, _) => Outcome::Deviates,
        (true, false) => Outcome::Unknown,
        (true, true) => Outcome::Satisfied,
    };
    Judged { name, outcome, deviations, unknown }
}

fn unapproved() -> Deviation {
    Deviation {
        code: DeviationCode::Unapproved,
        path: String::new(),
        expected: "an ApprovedCronJob that selects it".to_owned(),
        observed: "none does".to_owned(),
        approval: None,
    }
}
