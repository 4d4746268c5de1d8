//! Who adds to Pods, as people write it down.

use serde::Deserialize;

use super::injector::{ContainerRole, PodField, Preset, VolumeKind};

/// Something that adds to Pods while they are created. What it adds is its own only if all of it fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InjectorConfiguration {
    /// Its name: `istio`, `linkerd` and `vault-agent` take the place of those that are known.
    pub name: String,
    /// What stands for the fields below that are left out.
    pub preset: Option<Preset>,
    /// Annotations by which a template asks for it, one of which has to be there.
    pub requested_by: Option<Vec<String>>,
    /// The repositories of its images, with any tag or digest.
    pub images: Option<Vec<String>>,
    /// The containers that it adds. If it has any, the rest is its own only in a Pod with one of them.
    pub containers: Option<Vec<ContainerConfiguration>>,
    /// The volumes that it adds.
    pub volumes: Option<Vec<VolumeConfiguration>>,
    /// Patterns of the names of variables that it adds to the containers of the workload.
    pub env: Option<Vec<String>>,
    /// The fields of the pod that it sets.
    pub pod_fields: Option<Vec<PodField>>,
}

/// A container that an injector adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerConfiguration {
    /// Its name.
    pub name: String,
    /// What it can be; anything but ephemeral, if it is left out.
    pub roles: Option<Vec<ContainerRole>>,
    /// What it runs; the entrypoint of the image without arguments, if it is left out.
    #[serde(default)]
    pub commands: Vec<CommandConfiguration>,
    /// The commands that its probes and hooks run, as patterns.
    #[serde(default)]
    pub hooks: Vec<Vec<String>>,
    /// Patterns of the names of its variables. None of them can come from a Secret or a ConfigMap.
    #[serde(default)]
    pub env: Vec<String>,
    /// The capabilities that it may add.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Whether it may run as root, and gain privileges.
    #[serde(default)]
    pub run_as_root: bool,
    /// Whether it may be privileged.
    #[serde(default)]
    pub privileged: bool,
}

/// What a container runs. Patterns as in `expected.commands` of an approval, but what is left out has to be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandConfiguration {
    /// `command`; the entrypoint of the image, if it is left out.
    #[serde(default)]
    pub command: Vec<String>,
    /// `args`; none, if they are left out.
    #[serde(default)]
    pub args: Vec<String>,
}

/// A volume that an injector adds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeConfiguration {
    /// A pattern of its name.
    pub name: String,
    /// What is in it.
    pub kind: VolumeKind,
    /// Patterns of what it names: Secrets, ConfigMaps, a path of the node, a driver, a claim or an image.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Where the injector's own containers mount it.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Where the containers of the workload mount it.
    #[serde(default)]
    pub workload_paths: Vec<String>,
    /// Patterns of annotations of the template by which its author chooses what the volume names, or where it is mounted.
    #[serde(default)]
    pub annotations: Vec<String>,
}
