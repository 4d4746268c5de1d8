//! What an approval's status says of it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::Approval;
use crate::api::approval::ApprovedCronJobStatus;
use crate::workload::WorkloadKey;
use crate::workload::redact::printable;

/// How many of the selected workloads are named.
pub const SAMPLES: usize = 10;

/// The status of an approval. `previous` is what its status said before: a condition that has not changed keeps its time.
pub fn status(
    approval: &Approval,
    known: Known<'_>,
    previous: Option<&ApprovedCronJobStatus>,
    now: Timestamp,
) -> ApprovedCronJobStatus {
    let Known { count, samples, evidence, own } = known;
    let conditions = [
        ready(approval),
        matched(count),
        expired(approval, now),
        broad(approval),
        fully_checked(approval, &evidence),
        self_approved(&evidence, own),
    ];
    let conditions = conditions.into_iter().map(|Verdict { kind, holds, reason, message }| {
        let status = if holds { "True" } else { "False" };
        let same = previous.iter().flat_map(|p| &p.conditions).find(|c| c.type_ == kind && c.status == status);
        let since = same.map_or(now, |condition| condition.last_transition_time.0);
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: printable(&message, 1024),
            last_transition_time: Time(since),
            observed_generation: approval.generation,
        }
    });
    ApprovedCronJobStatus {
        observed_generation: approval.generation,
        conditions: conditions.collect(),
        matched_workloads: i32::try_from(count).unwrap_or(i32::MAX),
        samples,
        config_maps: Vec::new(),
    }
}

/// What is known of the workloads that an approval speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known<'a> {
    /// How many there are.
    pub count: usize,
    /// The first of them, at most [`SAMPLES`].
    pub samples: Vec<String>,
    /// Whether it can be told by which path they came.
    pub evidence: PathEvidence,
    /// One that was written by the same hands as the approval.
    pub own: Option<&'a WorkloadKey>,
}

/// Whether it can be told here by which deployment path a workload came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PathEvidence {
    /// Nothing tells who deploys.
    #[default]
    None,
    /// Events tell, and these paths that the approval expects are not configured.
    Without(Vec<String>),
    /// Events tell, and every path is configured.
    Complete,
}

struct Verdict {
    kind: &'static str,
    holds: bool,
    reason: &'static str,
    message: String,
}

fn ready(approval: &Approval) -> Verdict {
    let (holds, reason, message) = match &approval.rules {
        Ok(_) => (true, "Valid", "The spec is valid.".to_owned()),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            (false, "Invalid", format!("The approval approves nothing until this is mended: {}", problems.join("; ")))
        }
    };
    Verdict { kind: "Ready", holds, reason, message }
}

fn matched(count: usize) -> Verdict {
    let (reason, message) = match count {
        0 => ("NoWorkload", "The approval selects no workload.".to_owned()),
        1 => ("Selects", "The approval selects 1 workload.".to_owned()),
        count => ("Selects", format!("The approval selects {count} workloads.")),
    };
    Verdict { kind: "Matched", holds: count > 0, reason, message }
}

fn expired(approval: &Approval, now: Timestamp) -> Verdict {
    let holds = approval.expired(now);
    let (reason, message) = match approval.expires_at {
        None => ("NoExpiry", "The approval does not expire.".to_owned()),
        Some(at) if holds => ("Expired", format!("The approval has approved nothing since {at}.")),
        Some(at) => ("NotYet", format!("The approval will approve nothing from {at} on.")),
    };
    Verdict { kind: "Expired", holds, reason, message }
}

fn broad(approval: &Approval) -> Verdict {
    let Ok(rules) = &approval.rules else { return invalid("Broad") };
    let everything = approval.matcher.is_everything();
    let unconstrained = rules.constrain_nothing();
    let (holds, reason, message) = match (everything, unconstrained) {
        (true, true) => (
            true,
            "ApprovesEverything",
            "Every workload in every namespace is approved, whatever it runs: name namespaces and names, and expect images or commands.",
        ),
        (true, false) => (
            false,
            "MatchesEverything",
            "The approval speaks for every workload in every namespace, but constrains what they run.",
        ),
        (false, true) => {
            (false, "NameOnly", "The approval does not constrain what the workloads run: expect images or commands.")
        }
        (false, false) => (false, "Specific", "The approval names workloads and constrains what they run."),
    };
    Verdict { kind: "Broad", holds, reason, message: message.to_owned() }
}

fn fully_checked(approval: &Approval, evidence: &PathEvidence) -> Verdict {
    let Ok(rules) = &approval.rules else { return invalid("FullyChecked") };
    let (holds, reason, message) = match evidence {
        _ if rules.deployment_paths.is_empty() => {
            (true, "AllRulesApply", "Everything that the approval expects is checked.".to_owned())
        }
        PathEvidence::None => (
            false,
            "NoIdentityEvidence",
            "expected.deploymentPaths cannot be checked, because no audit or admission events have been received. Everything else is judged."
                .to_owned(),
        ),
        PathEvidence::Without(missing) if missing.len() == rules.deployment_paths.len() => (
            false,
            "UnknownDeploymentPath",
            format!(
                "expected.deploymentPaths cannot be checked, because the operator's configuration has no path of the name {}. Everything else is judged.",
                missing.join(" or ")
            ),
        ),
        PathEvidence::Without(missing) => (
            true,
            "UnknownDeploymentPath",
            format!("The operator's configuration has no path of the name {}: nothing comes by it.", missing.join(" or ")),
        ),
        PathEvidence::Complete => {
            (true, "AllRulesApply", "Everything that the approval expects is checked.".to_owned())
        }
    };
    Verdict { kind: "FullyChecked", holds, reason, message }
}

fn self_approved(evidence: &PathEvidence, own: Option<&WorkloadKey>) -> Verdict {
    let (reason, message) = match own {
        Some(own) => {
            ("SameActor", format!("Whoever wrote this approval also wrote {own}: have somebody else review it."))
        }
        None if *evidence == PathEvidence::None => {
            ("NoIdentityEvidence", "Nobody can tell: no audit or admission events have been received.".to_owned())
        }
        None => ("NoneKnown", "No workload of the approval is known to be written by its author.".to_owned()),
    };
    Verdict { kind: "SelfApproved", holds: own.is_some(), reason, message }
}

/// An approval that approves nothing is neither too broad nor checked.
fn invalid(kind: &'static str) -> Verdict {
    Verdict { kind, holds: false, reason: "Invalid", message: "The approval is not valid: see Ready.".to_owned() }
}
