//! `ApprovedCronJob`: one entry of the inventory.

mod allowed;
mod expected;
mod read;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::IS_TIME;
pub use allowed::{Allowed, PodSecurityLevel};
pub use expected::{Expected, ExpectedCommand, ExpectedImage};
pub use read::{ReadError, from_value};

/// One entry of the inventory: which scheduled workloads it speaks for, what it expects of them and what it tolerates.
///
/// A workload is approved when at least one approval that selects it is satisfied in full: everything under `expected`
/// holds, and nothing is present that `allowed` does not name. The resource is cluster-scoped, so that whoever
/// administers a namespace cannot approve their own workloads.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cronwarden.dev",
    version = "v1alpha1",
    kind = "ApprovedCronJob",
    shortname = "acj",
    status = "ApprovedCronJobStatus",
    derive = "PartialEq",
    doc = "An approved scheduled workload: which CronJobs it speaks for, what is expected of them and what they may use.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the approval can be used; if not, see its conditions",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Matched",
        type_ = "integer",
        description = "How many workloads the approval selects",
        json_path = ".status.matchedWorkloads"
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        description = "From when on the approval approves nothing",
        json_path = ".spec.expiresAt"
    ),
    printcolumn(
        name = "Owner",
        type_ = "string",
        description = "The team that answers for the workload",
        json_path = ".spec.owner.team"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Ticket",
        type_ = "string",
        description = "The change record behind the approval",
        json_path = ".spec.change.ticket",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why the approval is, or is not, ready",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.expected) || !has(self.expected.required) || !self.expected.required || (has(self.match.names) && has(self.match.namespaces) && self.match.names.all(n, !n.contains('*') && !n.contains('?')) && self.match.namespaces.all(n, !n.contains('*') && !n.contains('?')) && !has(self.match.selector) && !has(self.match.namespaceSelector))",
        "expected.required needs to know which workloads must exist: list match.namespaces and match.names without wildcards, and use no selectors"),
    validation = ("!has(self.expected) || !has(self.expected.required) || !self.expected.required || !has(self.match.kinds) || self.match.kinds == ['CronJob']",
        "expected.required is for CronJobs only: a Job ends by itself, so remove Job from match.kinds or make a second approval")
)]
pub struct ApprovedCronJobSpec {
    /// Which workloads this approval speaks for. All the parts that are given must agree.
    #[serde(rename = "match")]
    pub matches: Match,
    /// Who answers for the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The change record behind the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// From this time on the approval approves nothing: the workloads that relied on it get a finding `ApprovalExpired`.
    /// Without it the approval does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 35))]
    #[x_kube(validation = (IS_TIME, "expiresAt must be a time with its zone, such as 2027-06-30T00:00:00Z; leave it out for an approval that does not expire"))]
    pub expires_at: Option<Time>,
    /// What must hold. Each field that is left out is not constrained.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expected: Expected,
    /// What may be present. Whatever is left out must be absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allowed: Allowed,
}

/// Which workloads an approval speaks for. Every part that is given must agree (AND); within a list one entry is enough.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.namespaces) || has(self.namespaceSelector) || has(self.names) || has(self.selector)",
        "match must say what it is for: give at least one of namespaces, namespaceSelector, names or selector (names: [\"*\"] with namespaces: [\"*\"] approves every name everywhere)")
)]
pub struct Match {
    /// The kinds of workload: `CronJob` (the default) or `Job` (one that no CronJob accounts for).
    #[serde(default = "default_kinds", skip_serializing_if = "is_default_kinds")]
    #[schemars(length(max = 2))]
    #[x_kube(
        validation = ("self.size() > 0", "kinds must name CronJob, Job or both: leave it out for CronJob"),
        validation = ("self.all(k, self.exists_one(o, o == k))", "kinds must name each kind once: remove the repeated entry")
    )]
    pub kinds: Vec<WorkloadKind>,
    /// Names of namespaces, exact or with the wildcards `*` (any characters) and `?` (one character).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    #[x_kube(
        validation = ("self.size() > 0", "namespaces must list at least one namespace: leave it out for every namespace"),
        validation = ("self.all(n, n.matches('^[a-z0-9*?-]+$'))",
            "namespaces must be names of namespaces (lower-case letters, digits and '-'), optionally with the wildcards '*' and '?'")
    )]
    pub namespaces: Vec<String>,
    /// Labels of the namespace. An empty selector covers every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = list_operators)]
    pub namespace_selector: Option<LabelSelector>,
    /// Names of workloads, exact or with the wildcards `*` (any characters) and `?` (one character).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(
        validation = ("self.size() > 0", "names must list at least one name: leave it out for every name"),
        validation = ("self.all(n, n.matches('^[a-z0-9.*?-]+$'))",
            "names must be names of workloads (lower-case letters, digits, '-' and '.'), optionally with the wildcards '*' and '?'")
    )]
    pub names: Vec<String>,
    /// Labels of the workload itself. Whoever writes the workload chooses them, so they narrow an approval but prove nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = list_operators)]
    pub selector: Option<LabelSelector>,
}

/// A kind of scheduled workload.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// A `batch/v1` CronJob.
    #[default]
    CronJob,
    /// A `batch/v1` Job that no CronJob accounts for.
    Job,
}

impl WorkloadKind {
    /// The kind as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::Job => "Job",
        }
    }
}

impl std::fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who answers for an approved workload.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The team, as the organisation names it.
    #[schemars(length(min = 1, max = 128))]
    pub team: String,
    /// How to reach them: a channel, an address, a rota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub contact: Option<String>,
}

/// The change record behind an approval: free text for people, never evaluated.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The ticket or pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub ticket: Option<String>,
    /// Why the workload is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub reason: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub approved_by: Option<String>,
}

/// What Cronwarden made of an approval.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedCronJobStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: the spec is valid and the approval is used. `Matched`: it selects at least one workload. `Expired`: its time
    /// has passed. `Broad`: it approves more than a reviewer could mean. `FullyChecked`: everything that it expects can
    /// be checked here. `SelfApproved`: whoever wrote it also wrote a workload that it speaks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// How many workloads the approval selects.
    #[serde(default)]
    pub matched_workloads: i32,
    /// Up to ten of them, as `Kind/namespace/name`, in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
    /// What the ConfigMaps held when they were recorded for `expected.configMapHashes`: never their content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_maps: Vec<RecordedConfigMap>,
}

/// What a ConfigMap held, as hashes.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedConfigMap {
    /// The namespace of the ConfigMap.
    pub namespace: String,
    /// The name of the ConfigMap.
    pub name: String,
    /// The hash of each key's value, and of the key itself: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// The hash of all keys and values: `sha256:` and 64 hexadecimal digits. Of a ConfigMap with more than 64 keys it stands alone.
    pub hash: String,
}

/// Has the API server refuse a selector with another operator, and name those that there are.
fn list_operators(selector: &mut Schema) {
    if let Some(operator) = selector.pointer_mut("/properties/matchExpressions/items/properties/operator") {
        operator["enum"] = json!(["In", "NotIn", "Exists", "DoesNotExist"]);
    }
}

fn default_kinds() -> Vec<WorkloadKind> {
    vec![WorkloadKind::CronJob]
}

fn is_default_kinds(kinds: &Vec<WorkloadKind>) -> bool {
    *kinds == default_kinds()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
