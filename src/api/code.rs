//! The codes of deviations and risks: one table each, from which schemas, documentation and explanations follow.

mod help;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent a finding is.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Low,
    /// Look at it in the course of the day.
    Medium,
    /// Look at it now.
    High,
    /// Treat it as an incident.
    Critical,
}

impl Severity {
    /// The severity as findings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// The next severity up; the highest stays.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Defines an enum of codes together with its table, so that no code can lack its row.
macro_rules! codes {
    (
        $(#[$meta:meta])* $name:ident { $column:ident: $type:ty }
        $($code:ident => $value:expr, $meaning:literal;)+
    ) => {
        $(#[$meta])*
        #[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = $meaning] $code,)+
        }

        impl $name {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// The code as findings write it: stable, and safe to match on.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => stringify!($code),)+
                }
            }

            /// What the code means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => $meaning,)+
                }
            }

            #[doc = concat!("The `", stringify!($column), "` column of the table.")]
            pub fn $column(self) -> $type {
                match self {
                    $(Self::$code => $value,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

codes! {
    /// A way in which a workload differs from what was approved. The severity is the least that a finding with it has.
    DeviationCode { severity: Severity }
    Unapproved => Severity::Medium, "No usable approval speaks for the workload.";
    ApprovalExpired => Severity::Medium, "The approval that speaks for the workload has expired.";
    Schedule => Severity::Medium, "The schedule is none of those approved.";
    TimeZone => Severity::Low, "The time zone is none of those approved.";
    Interval => Severity::Medium, "The schedule can tick more often than approved.";
    Window => Severity::Medium, "The schedule ticks outside of the approved times of day.";
    Image => Severity::High, "An image comes from a repository, or has a tag, that is not approved.";
    ImageDigest => Severity::High, "An image is not pinned to an approved digest.";
    Command => Severity::High, "A container runs a command that is not approved.";
    ServiceAccount => Severity::High, "The workload runs as a service account that is not approved.";
    Labels => Severity::Low, "A label that the approval demands is absent or different.";
    Template => Severity::High, "The pod template is not the one that was pinned.";
    PodSecurity => Severity::High, "The pod needs more privileges than approved.";
    Reference => Severity::High, "The workload refers to a Secret or ConfigMap that is not approved, or to a ConfigMap whose content has changed.";
    DeploymentPath => Severity::High, "The workload was not deployed by an approved path.";
    UnattributedChange => Severity::Medium, "Nobody can account for a change of the workload.";
    Suspended => Severity::Medium, "The workload is suspended, though it is approved to run.";
    Resumed => Severity::Medium, "The workload runs, though it is approved only as suspended.";
    Missing => Severity::High, "A required workload does not exist.";
    ManualRun => Severity::Medium, "The workload was run by hand, which the approval does not allow.";
    ForgedOwner => Severity::Critical, "A Job claims an owner that did not create it.";
    TemplateDrift => Severity::High, "A Job does not have the template of its CronJob.";
    TickSquatting => Severity::Critical, "A Job took the name of a scheduled run before its time.";
    PodDrift => Severity::High, "A Pod does not have the template of its Job.";
    Malformed => Severity::Medium, "A part of the workload cannot be read, so it cannot be judged.";
}

codes! {
    /// A fact that makes a workload dangerous, approved or not. `raises` tells whether it raises the severity of a finding.
    RiskCode { raises: bool }
    PrivilegedContainer => true, "A container runs privileged, which is as good as root on the node.";
    HostNamespace => true, "The pod shares the node's process, network or IPC namespace.";
    HostPath => true, "The pod mounts a path of the node.";
    RuntimeSocket => true, "The pod can reach the socket of the container runtime, and so every container on the node.";
    DangerousCapability => true, "A container adds a capability that helps to break out of it.";
    SystemNamespace => true, "The workload lives in a namespace of the system, where few look and much is permitted.";
    LookalikeName => true, "The name imitates a system component.";
    PowerfulServiceAccount => true, "The service account can do much more than a scheduled task needs.";
    RecentPrivilegeChange => true, "The privileges of the service account were changed recently.";
    HumanActor => false, "A person made the change by hand.";
    AnonymousActor => true, "An unauthenticated client made the change.";
    Impersonation => false, "The change was made by impersonating someone.";
    SelfApproval => true, "Whoever made the workload also wrote the approval that speaks for it.";
    EvidenceTampering => true, "Somebody other than Cronwarden removed or changed the finding.";
    SuspiciousCommand => true, "A command does what attackers do: downloads and runs code, opens a reverse shell, hides its text.";
    MutableTag => false, "An image is named by a tag that can be pushed again, so what runs can change unseen.";
    FrequentSchedule => false, "The workload runs every few minutes.";
    NeverRuns => false, "The schedule never ticks: the workload can only be run by hand.";
    ControlPlaneToleration => true, "The pod can be placed on control-plane nodes.";
    EvidenceHiding => false, "Finished runs are removed at once, and their logs with them.";
    FanOut => true, "The same template appeared in several namespaces within a short time.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        let mut names: Vec<&str> = DeviationCode::ALL.iter().map(|c| c.as_str()).collect();
        names.extend(RiskCode::ALL.iter().map(|c| c.as_str()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a code is used twice");
        for code in DeviationCode::ALL {
            assert!(code.meaning().ends_with('.'), "{code} is not explained in a sentence");
        }
        for code in RiskCode::ALL {
            assert!(code.meaning().ends_with('.'), "{code} is not explained in a sentence");
        }
    }

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in DeviationCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
