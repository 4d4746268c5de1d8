//! The normal form of a pod template: what is judged, with the defaults of the API server filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "they are independent fields of Kubernetes")]
pub struct Pod {
    /// Every container of every list, in the order init containers, containers, ephemeral containers.
    pub containers: Vec<Container>,
    /// The volumes.
    pub volumes: Vec<Volume>,
    /// The service account: `default` if the manifest names none.
    pub service_account: String,
    /// Whether a token of the service account is mounted, if the manifest says so.
    pub automount_token: Option<bool>,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostUsers`: absent and `true` both mean the node's user namespace, so only `false` is kept.
    pub own_user_namespace: bool,
    /// `shareProcessNamespace`.
    pub share_process_namespace: bool,
    /// The security context that containers inherit from.
    pub security: PodSecurityContext,
    /// The labels of the template: they decide which network policies and Services apply.
    pub labels: BTreeMap<String, String>,
    /// The annotations of the template, which injectors and node agents act upon.
    pub annotations: BTreeMap<String, String>,
    /// Further fields that decide where the pod runs and whom it talks to, such as `affinity` and `hostAliases`, as JSON.
    pub settings: BTreeMap<String, String>,
    /// AppArmor annotations of the template, by the key's last part (the container's name).
    pub app_armor_annotations: BTreeMap<String, String>,
    /// The tolerations.
    pub tolerations: Vec<Toleration>,
    /// `nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
    /// `nodeName`: the pod bypasses the scheduler.
    pub node_name: Option<String>,
    /// `os.name`.
    pub os: Option<String>,
    /// `priorityClassName`.
    pub priority_class: Option<String>,
    /// `runtimeClassName`.
    pub runtime_class: Option<String>,
    /// `restartPolicy`.
    pub restart_policy: String,
    /// The Secrets with which the node pulls the images.
    pub image_pull_secrets: Vec<String>,
}

/// Which list of the pod a container stands in, and what that makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// A container of `containers`.
    #[default]
    Main,
    /// A container of `initContainers` that runs to its end before the others.
    Init,
    /// A container of `initContainers` with `restartPolicy: Always`, which runs beside the others.
    Sidecar,
    /// A container of `ephemeralContainers`, added to a running pod for debugging.
    Ephemeral,
}

impl Role {
    /// The list of the pod spec that holds containers of this role.
    pub fn list(self) -> &'static str {
        match self {
            Self::Main => "containers",
            Self::Init | Self::Sidecar => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    /// The role in a word, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "container",
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Which list it stands in.
    pub role: Role,
    /// Its place in that list.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The image as the manifest writes it.
    pub image: String,
    /// `imagePullPolicy`, with the default that follows from the tag.
    pub pull_policy: String,
    /// `command`: replaces the entrypoint of the image.
    pub command: Vec<String>,
    /// `args`: replaces the arguments of the image.
    pub args: Vec<String>,
    /// `workingDir`.
    pub working_dir: Option<String>,
    /// `env`.
    pub env: Vec<EnvVar>,
    /// `envFrom`.
    pub env_from: Vec<EnvFrom>,
    /// `volumeMounts` and `volumeDevices`.
    pub mounts: Vec<Mount>,
    /// `securityContext`.
    pub security: ContainerSecurityContext,
    /// The ports that the container takes on the node.
    pub host_ports: Vec<i64>,
    /// The probes and lifecycle hooks that run a command or connect to a host.
    pub hooks: Vec<Hook>,
}

/// An environment variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub source: EnvSource,
}

/// Where the value of an environment variable comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvSource {
    /// The manifest itself.
    Literal(Literal),
    /// A key of a ConfigMap: its name and the key.
    ConfigMap(String, String),
    /// A key of a Secret: its name and the key.
    Secret(String, String),
    /// A field of the pod.
    Field(String),
    /// Anything else, named by the field that holds it.
    Other(String),
}

impl Default for EnvSource {
    fn default() -> Self {
        Self::Literal(Literal::default())
    }
}

/// A literal value of an environment variable. It may be a secret, so it has no `Display`, and `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Literal(pub(super) String);

impl Literal {
    /// The value, for judging only: it must never be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A whole ConfigMap or Secret as environment variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvFrom {
    /// The ConfigMap of this name.
    ConfigMap(String),
    /// The Secret of this name.
    Secret(String),
}

/// A volume mounted into a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// The name of the volume.
    pub volume: String,
    /// Where it is mounted.
    pub path: String,
    /// Which part of it is mounted.
    pub sub_path: Option<String>,
    /// Whether the container can only read it.
    pub read_only: bool,
}

/// A probe or lifecycle hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// The field that declares it, such as `lifecycle.postStart`.
    pub field: String,
    /// The command that it runs in the container.
    pub command: Vec<String>,
    /// The field that says so, such as `httpGet`, and the host that it connects to instead of the pod.
    pub host: Option<(String, String)>,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub source: VolumeSource,
}

/// What is in a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeSource {
    /// Nothing at first. The API server fills this in where a manifest names no source.
    #[default]
    EmptyDir,
    /// A path of the node.
    HostPath(String),
    /// A ConfigMap.
    ConfigMap(String),
    /// A Secret.
    Secret(String),
    /// Several sources.
    Projected {
        /// The ConfigMaps among them.
        config_maps: Vec<String>,
        /// The Secrets among them.
        secrets: Vec<String>,
        /// Whether a token of the service account is among them.
        token: bool,
    },
    /// Fields of the pod.
    DownwardApi,
    /// A claim on storage.
    PersistentVolumeClaim(String),
    /// A claim that lives and dies with the pod.
    Ephemeral,
    /// A storage driver given in the template itself.
    Csi {
        /// The name of the driver.
        driver: String,
        /// The Secret that the driver is given.
        secret: Option<String>,
    },
    /// The files of an image.
    Image(String),
    /// Any other source, such as `nfs`.
    Other {
        /// The field that holds it.
        field: String,
        /// The Secrets that it names.
        secrets: Vec<String>,
    },
}

/// An absolute path in its shortest form: without empty steps, `.` and `..`, and without a slash at the end.
pub fn clean_path(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    format!("/{}", steps.join("/"))
}

/// A toleration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Toleration {
    /// The key of the taint; empty with `Exists` tolerates every taint.
    pub key: Option<String>,
    /// `Equal` (the default) or `Exists`.
    pub operator: Option<String>,
    /// The value of the taint.
    pub value: Option<String>,
    /// The effect; absent means every effect.
    pub effect: Option<String>,
}

/// The security context of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSecurityContext {
    /// Whether images that run as root are refused.
    pub run_as_non_root: Option<bool>,
    /// The user id.
    pub run_as_user: Option<i64>,
    /// The group id.
    pub run_as_group: Option<i64>,
    /// The group that owns the volumes.
    pub fs_group: Option<i64>,
    /// The seccomp profile.
    pub seccomp_profile: Option<Profile>,
    /// The AppArmor profile.
    pub app_armor_profile: Option<Profile>,
    /// The SELinux label.
    pub se_linux_options: Option<SeLinux>,
    /// The Windows options.
    pub windows_options: Option<Windows>,
    /// The kernel parameters.
    pub sysctls: Option<Vec<Sysctl>>,
}

/// The security context of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerSecurityContext {
    /// Whether the container is as good as root on the node.
    pub privileged: Option<bool>,
    /// Whether a process may gain more privileges than its parent.
    pub allow_privilege_escalation: Option<bool>,
    /// Whether the root file system is read-only.
    pub read_only_root_filesystem: Option<bool>,
    /// Whether images that run as root are refused.
    pub run_as_non_root: Option<bool>,
    /// The user id.
    pub run_as_user: Option<i64>,
    /// The group id.
    pub run_as_group: Option<i64>,
    /// `Default` or `Unmasked`.
    pub proc_mount: Option<String>,
    /// The Linux capabilities.
    pub capabilities: Option<Capabilities>,
    /// The seccomp profile.
    pub seccomp_profile: Option<Profile>,
    /// The AppArmor profile.
    pub app_armor_profile: Option<Profile>,
    /// The SELinux label.
    pub se_linux_options: Option<SeLinux>,
    /// The Windows options.
    pub windows_options: Option<Windows>,
}

/// Linux capabilities added to and dropped from the runtime's default set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Those added.
    pub add: Option<Vec<String>>,
    /// Those dropped.
    pub drop: Option<Vec<String>>,
}

/// A seccomp or AppArmor profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Profile {
    /// `RuntimeDefault`, `Localhost` or `Unconfined`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The profile on the node.
    pub localhost_profile: Option<String>,
}

/// An SELinux label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeLinux {
    /// Its user.
    pub user: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its level.
    pub level: Option<String>,
}

/// Windows options of a security context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Windows {
    /// Whether the container runs as a process of the host.
    pub host_process: Option<bool>,
    /// The user.
    pub run_as_user_name: Option<String>,
}

/// A kernel parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sysctl {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}
