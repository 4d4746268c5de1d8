//! What a finding keeps of the workload, and where it belongs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The references that a SOC files the finding under.
#[derive(JsonSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attack {
    /// The technique: Container Orchestration Job.
    pub technique: String,
    /// The detection strategy.
    pub detection_strategy: String,
    /// The analytic.
    pub analytic: String,
}

impl Default for Attack {
    fn default() -> Self {
        Self {
            technique: "T1053.007".to_owned(),
            detection_strategy: "DET0206".to_owned(),
            analytic: "AN0582".to_owned(),
        }
    }
}

/// What a workload looked like when its evidence last changed. Literal values of environment variables and whatever looks
/// like a credential are left out.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// When it runs; absent for a Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The time zone of the schedule; absent if the workload names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether it is suspended.
    #[serde(default)]
    pub suspend: bool,
    /// The service account that it runs as.
    pub service_account: String,
    /// The Pod Security Standard that the pod meets.
    pub pod_security: String,
    /// The labels of the workload, as text so that no label is ever adopted from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Every container, init container and sidecar.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<SnapshotContainer>,
    /// The volumes, each as `name: what it is`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// What was left out because of the size limit; absent if the snapshot is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// A container in a snapshot.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotContainer {
    /// The name of the container.
    pub name: String,
    /// `container`, `init` or `sidecar`.
    pub role: String,
    /// The image as the workload writes it.
    pub image: String,
    /// The command, redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The arguments, redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The names of the environment variables and where they come from, never a literal value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}
