//! The fields of a manifest that are judged, as Kubernetes names them. Everything else is skipped while reading.
//!
//! Every field is optional: a manifest may leave it out or set it to `null`, which mean the same to the API server.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::pod::{ContainerSecurityContext, PodSecurityContext, Toleration};

/// A CronJob or Job.
#[derive(Deserialize)]
pub(super) struct Object {
    pub metadata: Option<Metadata>,
    pub spec: Option<Spec>,
}

#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub uid: Option<String>,
    pub labels: Option<BTreeMap<String, Option<String>>>,
    pub annotations: Option<BTreeMap<String, Option<String>>>,
}

/// The spec of a CronJob or of a Job: what they have in common counts for both, and the kind says which of the rest does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub schedule: Option<String>,
    pub time_zone: Option<String>,
    pub suspend: Option<bool>,
    pub concurrency_policy: Option<String>,
    pub successful_jobs_history_limit: Option<i64>,
    pub failed_jobs_history_limit: Option<i64>,
    pub starting_deadline_seconds: Option<i64>,
    pub job_template: Option<JobTemplate>,
    pub ttl_seconds_after_finished: Option<i64>,
    pub active_deadline_seconds: Option<i64>,
    pub parallelism: Option<i64>,
    pub completions: Option<i64>,
    pub manual_selector: Option<bool>,
    pub template: Option<PodTemplate>,
}

#[derive(Deserialize)]
pub(super) struct JobTemplate {
    pub spec: Option<Box<Spec>>,
}

#[derive(Default, Deserialize)]
pub(super) struct PodTemplate {
    pub metadata: Option<Metadata>,
    pub spec: Option<PodSpec>,
}

/// A Pod, which has what a template of Pods has.
pub(super) type PodObject = PodTemplate;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub init_containers: Option<Vec<Container>>,
    pub containers: Option<Vec<Container>>,
    pub ephemeral_containers: Option<Vec<Container>>,
    /// A volume is its name and one field more, which says what is in it.
    pub volumes: Option<Vec<BTreeMap<String, Value>>>,
    pub service_account_name: Option<String>,
    /// The deprecated name of the same field, which the API server still accepts.
    pub service_account: Option<String>,
    pub automount_service_account_token: Option<bool>,
    #[serde(rename = "hostPID")]
    pub host_pid: Option<bool>,
    #[serde(rename = "hostIPC")]
    pub host_ipc: Option<bool>,
    pub host_network: Option<bool>,
    pub host_users: Option<bool>,
    pub share_process_namespace: Option<bool>,
    pub security_context: Option<PodSecurityContext>,
    pub tolerations: Option<Vec<Toleration>>,
    pub node_selector: Option<BTreeMap<String, Option<String>>>,
    pub node_name: Option<String>,
    pub os: Option<Named>,
    pub priority_class_name: Option<String>,
    pub runtime_class_name: Option<String>,
    pub restart_policy: Option<String>,
    pub image_pull_secrets: Option<Vec<Named>>,
    pub affinity: Option<Value>,
    pub dns_config: Option<Value>,
    pub dns_policy: Option<String>,
    pub host_aliases: Option<Value>,
    pub hostname: Option<String>,
    pub scheduler_name: Option<String>,
    pub subdomain: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Named {
    pub name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub name: Option<String>,
    pub image: Option<String>,
    pub image_pull_policy: Option<String>,
    pub restart_policy: Option<String>,
    pub command: Option<Vec<Option<String>>>,
    pub args: Option<Vec<Option<String>>>,
    pub working_dir: Option<String>,
    pub env: Option<Vec<EnvVar>>,
    pub env_from: Option<Vec<EnvFrom>>,
    pub volume_mounts: Option<Vec<Mount>>,
    pub volume_devices: Option<Vec<Device>>,
    pub security_context: Option<ContainerSecurityContext>,
    pub ports: Option<Vec<Port>>,
    pub liveness_probe: Option<Handler>,
    pub readiness_probe: Option<Handler>,
    pub startup_probe: Option<Handler>,
    pub lifecycle: Option<Lifecycle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvVar {
    pub name: Option<String>,
    pub value: Option<String>,
    pub value_from: Option<BTreeMap<String, Option<KeySelector>>>,
}

/// The union of what the fields of `valueFrom` hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeySelector {
    pub name: Option<String>,
    pub key: Option<String>,
    pub field_path: Option<String>,
    pub resource: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvFrom {
    pub config_map_ref: Option<Named>,
    pub secret_ref: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are those of Kubernetes")]
pub(super) struct Mount {
    pub name: Option<String>,
    pub mount_path: Option<String>,
    pub sub_path: Option<String>,
    pub sub_path_expr: Option<String>,
    pub read_only: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    pub name: Option<String>,
    pub device_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Port {
    pub host_port: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lifecycle {
    pub post_start: Option<Handler>,
    pub pre_stop: Option<Handler>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Handler {
    pub exec: Option<Exec>,
    pub http_get: Option<Hosted>,
    pub tcp_socket: Option<Hosted>,
}

#[derive(Deserialize)]
pub(super) struct Exec {
    pub command: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
pub(super) struct Hosted {
    pub host: Option<String>,
}
