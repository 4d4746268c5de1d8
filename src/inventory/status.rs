//! What an approval's status says of it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Approval, Rules};
use crate::api::approval::{ApprovedCronJobStatus, RecordedConfigMap};
use crate::workload::WorkloadKey;
use crate::workload::redact::printable;

/// How many of the selected workloads are named.
pub const SAMPLES: usize = 10;

/// What is said after whatever cannot be checked.
const THE_REST: &str = "Everything else is judged.";

/// The status of an approval. `previous` is what its status said before: a condition that has not changed keeps its time.
pub fn status(
    approval: &Approval,
    known: Known<'_>,
    previous: Option<&ApprovedCronJobStatus>,
    now: Timestamp,
) -> ApprovedCronJobStatus {
    let Known { count, samples, evidence, config_maps, own } = known;
    let conditions = [
        ready(approval),
        matched(count),
        expired(approval, now),
        broad(approval),
        fully_checked(approval, &evidence, &config_maps),
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
        config_maps: config_maps.recorded,
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
    /// What is recorded of the ConfigMaps that they refer to.
    pub config_maps: RecordedConfigMaps,
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

/// What is recorded of ConfigMaps for an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedConfigMaps {
    /// Whether ConfigMaps are read here.
    pub are_read: bool,
    /// What each held, by namespace and name.
    pub recorded: Vec<RecordedConfigMap>,
    /// Whether some could not be recorded, because there are too many.
    pub is_full: bool,
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

fn fully_checked(approval: &Approval, evidence: &PathEvidence, config_maps: &RecordedConfigMaps) -> Verdict {
    const KIND: &str = "FullyChecked";
    let Ok(rules) = &approval.rules else { return invalid(KIND) };
    let verdict = |holds, reason, message| Verdict { kind: KIND, holds, reason, message };
    let paths = paths_checked(rules, evidence).map(|(holds, reason, message)| verdict(holds, reason, message));
    let contents = contents_checked(rules, config_maps).map(|(reason, message)| verdict(false, reason, message));
    match (paths, contents) {
        (None, None) => verdict(true, "AllRulesApply", "Everything that the approval expects is checked.".to_owned()),
        (Some(paths), None) => paths,
        (None, Some(contents)) => verdict(false, contents.reason, format!("{} {THE_REST}", contents.message)),
        // A condition has one reason, that of something that is not checked; its message has both.
        (Some(paths), Some(contents)) if paths.holds => {
            verdict(false, contents.reason, format!("{} {} {THE_REST}", paths.message, contents.message))
        }
        (Some(paths), Some(contents)) => {
            verdict(false, paths.reason, format!("{} {}", contents.message, paths.message))
        }
    }
}

/// What is to be said of `expected.deploymentPaths`, if anything, and whether it is checked all the same.
fn paths_checked(rules: &Rules, evidence: &PathEvidence) -> Option<(bool, &'static str, String)> {
    match evidence {
        _ if rules.deployment_paths.is_empty() => None,
        PathEvidence::None => Some((
            false,
            "NoIdentityEvidence",
            format!(
                "expected.deploymentPaths cannot be checked, because no audit or admission events have been received. {THE_REST}"
            ),
        )),
        PathEvidence::Without(missing) if missing.len() == rules.deployment_paths.len() => Some((
            false,
            "UnknownDeploymentPath",
            format!(
                "expected.deploymentPaths cannot be checked, because the operator's configuration has no path of the name {}. {THE_REST}",
                missing.join(" or ")
            ),
        )),
        PathEvidence::Without(missing) => Some((
            true,
            "UnknownDeploymentPath",
            format!(
                "The operator's configuration has no path of the name {}: nothing comes by it.",
                missing.join(" or ")
            ),
        )),
        PathEvidence::Complete => None,
    }
}

/// Why `expected.configMapHashes` cannot be checked, if it cannot.
fn contents_checked(rules: &Rules, config_maps: &RecordedConfigMaps) -> Option<(&'static str, String)> {
    if !rules.config_map_hashes {
        None
    } else if !config_maps.are_read {
        let message = "expected.configMapHashes cannot be checked, because the operator does not read ConfigMaps: it needs \
                       --watch-config-maps, and the permission to list and watch them (deploy/config-maps).";
        Some(("ConfigMapsNotWatched", message.to_owned()))
    } else if config_maps.is_full {
        let count = config_maps.recorded.len();
        let message = format!(
            "expected.configMapHashes cannot be checked of all ConfigMaps, because the workloads refer to more than the {count} that \
             are recorded: split the approval up."
        );
        Some(("TooManyConfigMaps", message))
    } else {
        None
    }
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
