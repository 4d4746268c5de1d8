//! `ScheduledWorkloadFinding`: the durable record of a workload that nobody approved as it is.

mod actor;
mod evidence;
mod lineage;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IS_TIME;
use super::approval::WorkloadKind;
use super::code::{DeviationCode, RiskCode, Severity};
pub use actor::{Actor, Attempt, Evidence};
pub use evidence::{Attack, Snapshot, SnapshotContainer};
pub use lineage::{Campaign, Link, LinkKind, Runs};

/// A scheduled workload that deviates from the inventory. Cronwarden writes `spec.workload` and `status`; people write
/// `spec.triage`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cronwarden.dev",
    version = "v1alpha1",
    kind = "ScheduledWorkloadFinding",
    shortname = "swf",
    shortname = "finding",
    shortname = "findings",
    status = "ScheduledWorkloadFindingStatus",
    derive = "PartialEq",
    doc = "A scheduled workload that deviates from the inventory of ApprovedCronJobs: what, where, since when, and what to do.",
    selectable = ".spec.workload.namespace",
    selectable = ".status.severity",
    selectable = ".status.state",
    printcolumn(
        name = "Severity",
        type_ = "string",
        description = "How urgent the finding is",
        json_path = ".status.severity"
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        description = "Open, Acknowledged, Resolved or Deleted",
        json_path = ".status.state"
    ),
    printcolumn(
        name = "Namespace",
        type_ = "string",
        description = "The namespace of the workload",
        json_path = ".spec.workload.namespace"
    ),
    printcolumn(
        name = "Workload",
        type_ = "string",
        description = "The name of the workload",
        json_path = ".spec.workload.name"
    ),
    printcolumn(
        name = "Reasons",
        type_ = "string",
        description = "The codes of the deviations",
        json_path = ".status.reasons"
    ),
    printcolumn(
        name = "Actor",
        type_ = "string",
        description = "Who created or last changed the workload, if known",
        json_path = ".status.actor.shown"
    ),
    printcolumn(
        name = "Last-Seen",
        type_ = "date",
        description = "When the evidence last changed",
        json_path = ".status.lastSeen"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Kind",
        type_ = "string",
        description = "The kind of the workload",
        json_path = ".spec.workload.kind",
        priority = 1
    ),
    printcolumn(
        name = "Nearest",
        type_ = "string",
        description = "The approval that the workload comes closest to",
        json_path = ".status.nearestApproval",
        priority = 1
    ),
    printcolumn(
        name = "Risks",
        type_ = "string",
        description = "The codes of the risks",
        json_path = ".status.riskReasons",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkloadFindingSpec {
    /// The workload that the finding is about.
    #[x_kube(validation = ("self == oldSelf", "workload is set by Cronwarden and does not change: a finding stays about one workload"))]
    pub workload: WorkloadReference,
    /// What people decided about the finding. Cronwarden reads it and never writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triage: Option<Triage>,
}

/// Names a workload.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadReference {
    /// The kind of the workload, or `ApprovedCronJob` where the finding is about an approval.
    pub kind: SubjectKind,
    /// The namespace of the workload; empty for an approval.
    #[schemars(length(max = 253))]
    pub namespace: String,
    /// The name of the workload.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The uid of the workload: one that is deleted and created again is another one. Empty for a required workload that is
    /// missing. Of Jobs that are many and deviate alike, whose name ends in `*`, the hash of what they have in common.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub uid: String,
}

/// What a finding can be about.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A `batch/v1` CronJob.
    #[default]
    CronJob,
    /// A `batch/v1` Job that no CronJob accounts for.
    Job,
    /// An approval: somebody wrote it who should not have.
    ApprovedCronJob,
}

impl SubjectKind {
    /// The kind as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::Job => "Job",
            Self::ApprovedCronJob => "ApprovedCronJob",
        }
    }

    /// The kind of workload, if it is one.
    pub fn workload(self) -> Option<WorkloadKind> {
        match self {
            Self::CronJob => Some(WorkloadKind::CronJob),
            Self::Job => Some(WorkloadKind::Job),
            Self::ApprovedCronJob => None,
        }
    }
}

impl From<WorkloadKind> for SubjectKind {
    fn from(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::CronJob => Self::CronJob,
            WorkloadKind::Job => Self::Job,
        }
    }
}

/// What people decided about a finding.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.fingerprint) && self.fingerprint.size() > 0",
    "triage needs the fingerprint that was reviewed: copy it from status.fingerprint, so that any later change reopens the finding"))]
pub struct Triage {
    /// The decision: `Acknowledged` means seen and accepted for now.
    pub state: TriageState,
    /// Who took the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub by: Option<String>,
    /// Why it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Until when the acknowledgement holds; without it, until the finding changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 35))]
    #[x_kube(validation = (IS_TIME, "until must be a time with its zone, such as 2027-06-30T00:00:00Z; leave it out to acknowledge until the finding changes"))]
    pub until: Option<Time>,
    /// The `status.fingerprint` that was reviewed. The acknowledgement holds only as long as it is the current one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 128))]
    pub fingerprint: String,
}

/// A decision about a finding.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriageState {
    /// Seen and accepted for now: the finding stays, without being open.
    #[default]
    Acknowledged,
}

/// Where a finding stands.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// The workload deviates and nobody has acknowledged it as it is.
    #[default]
    Open,
    /// The workload deviates, and someone acknowledged it as it is.
    Acknowledged,
    /// The workload no longer deviates.
    Resolved,
    /// The workload disappeared while it deviated.
    Deleted,
}

impl State {
    /// The state as findings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Acknowledged => "Acknowledged",
            Self::Resolved => "Resolved",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether the workload still deviates.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged)
    }
}

/// All that Cronwarden observed.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkloadFindingStatus {
    /// Where the finding stands.
    pub state: State,
    /// How urgent the finding is.
    pub severity: Severity,
    /// How the severity came about: the base, then each step up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity_reasons: Vec<String>,
    /// The codes of the deviations, each once, for reading in a list.
    #[serde(default)]
    pub reasons: String,
    /// The codes of the risks, each once, for reading in a list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub risk_reasons: String,
    /// The approval that the workload comes closest to, if any selects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_approval: Option<String>,
    /// Each field that differs from the nearest approval. At most 50; a last one says how many more there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
    /// What makes the workload dangerous, approved or not. At most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<Risk>,
    /// The approvals that select the workload, nearest first. At most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ConsideredApproval>,
    /// Who last changed the spec of the workload, or created it, and how that is known.
    #[serde(default)]
    pub actor: Actor,
    /// Who created the workload, if it was somebody else or at another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<Box<Actor>>,
    /// Who deleted the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleter: Option<Box<Actor>>,
    /// Who removed or changed this finding beside Cronwarden, oldest first. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tampering: Vec<Attempt>,
    /// The chain from the CronJob to what ran in the end, with what ties each link to the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Link>,
    /// The Jobs that the finding speaks of, where it speaks of more than one: the runs of a CronJob, or Jobs of the same make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// Where else the same template appeared that nobody approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// When the workload was first seen deviating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Time>,
    /// When the evidence last changed while the workload deviated. It does not move as long as nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
    /// When the finding was resolved, or its workload deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
    /// Identifies the evidence: it changes with any change of the deviations, the risks or what runs.
    #[serde(default)]
    pub fingerprint: String,
    /// The hash of the whole normalised pod template, for `expected.templateHash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_hash: Option<String>,
    /// What the workload looked like, redacted and at most 8 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
    /// Where this belongs in MITRE ATT&CK.
    #[serde(default)]
    pub attack: Attack,
    /// What to do now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<String>,
    /// `Deviating`: whether the workload deviates, with the worst deviation as the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// One field that differs from what was approved.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deviation {
    /// What kind of difference.
    pub code: DeviationCode,
    /// The field of the workload, as a path into its manifest; empty if it is about the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What the approval expects.
    pub expected: String,
    /// What is there, redacted and made harmless for a terminal.
    pub observed: String,
    /// The approval that expects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// A fact that makes a workload dangerous, approved or not.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// What kind of danger.
    pub code: RiskCode,
    /// The field of the workload, as a path into its manifest; empty if it is about the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is there, redacted and made harmless for a terminal.
    pub detail: String,
}

/// An approval that selects the workload, and what came of it.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsideredApproval {
    /// The name of the approval.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How many fields deviate from it.
    pub deviations: i32,
}

/// What came of comparing a workload with an approval.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Everything holds.
    Satisfied,
    /// Everything that can be checked here holds, and something cannot be checked.
    Unknown,
    /// Something differs.
    Deviates,
    /// The approval has expired.
    Expired,
    /// The approval cannot be used: see its condition `Ready`.
    Invalid,
}
