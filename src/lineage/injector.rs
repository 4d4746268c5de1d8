//! What adds to Pods while they are created, told by all that it adds.
//!
//! A label or an annotation proves nothing, and neither does a name: whoever can create a Pod can call a container `istio-proxy`.
//! Something that was added is an injector's only if its image, its command, its variables, its mounts and its rights are those that the
//! injector gives it. What has an injector's name and differs in anything is told as an imitation, with what differs.

mod compile;
mod container;
mod preset;
#[cfg(test)]
mod tests;
mod volume;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::configuration::InjectorConfiguration;
use crate::identity::path::Problem;
use crate::inventory::CommandRule;
use crate::workload::image::RepositoryPattern;
use crate::workload::pattern::Pattern;
use crate::workload::pod::{Container, EnvSource, Role, Volume};

pub use preset::Preset;
pub(super) use volume::Mounting;

/// What a container is that an injector adds. Nothing adds ephemeral containers but people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerRole {
    /// A container of `containers`.
    Container,
    /// A container of `initContainers` that runs to its end.
    Init,
    /// A container of `initContainers` with `restartPolicy: Always`.
    Sidecar,
}

/// What is in a volume that an injector adds, as the field is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeKind {
    /// Nothing at first.
    EmptyDir,
    /// A path of the node.
    HostPath,
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
    /// Several sources; a token of the service account may be among them.
    Projected,
    /// Fields of the pod.
    #[serde(rename = "downwardAPI")]
    DownwardApi,
    /// A storage driver.
    Csi,
    /// A claim on storage.
    PersistentVolumeClaim,
    /// The files of an image.
    Image,
}

/// A field of the pod that an injector can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodField {
    /// `dnsConfig`.
    DnsConfig,
    /// `dnsPolicy`.
    DnsPolicy,
    /// `hostAliases`.
    HostAliases,
    /// `shareProcessNamespace`.
    ShareProcessNamespace,
}

/// All injectors that are known.
#[derive(Clone, Debug)]
pub struct Injectors {
    pub(super) all: Vec<Injector>,
}

/// Istio, Linkerd and the Vault agent, as they are installed.
impl Default for Injectors {
    fn default() -> Self {
        Self { all: preset::known(&[]) }
    }
}

impl Injectors {
    /// Compiles a configuration, and adds what is known without one. Fails with all that is wrong with it.
    pub fn compile(configuration: &[InjectorConfiguration]) -> Result<Self, Vec<Problem>> {
        let configured = compile::compile(configuration)?;
        let all = preset::known(configuration).into_iter().chain(configured).collect();
        Ok(Self { all })
    }
}

/// One injector, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Injector {
    pub(super) name: String,
    requested_by: Vec<String>,
    images: Vec<RepositoryPattern>,
    containers: Vec<ContainerRule>,
    volumes: Vec<VolumeRule>,
    env: Vec<Pattern>,
    pub(super) pod_fields: Vec<PodField>,
}

/// A container that an injector adds.
#[derive(Clone, Debug)]
struct ContainerRule {
    name: String,
    roles: Vec<ContainerRole>,
    commands: Vec<CommandRule>,
    hooks: Vec<CommandRule>,
    env: Vec<Pattern>,
    capabilities: Vec<String>,
    run_as_root: bool,
    privileged: bool,
}

/// A volume that an injector adds.
#[derive(Clone, Debug)]
struct VolumeRule {
    name: Pattern,
    kind: VolumeKind,
    objects: Vec<Pattern>,
    paths: Vec<Pattern>,
    workload_paths: Vec<Pattern>,
    annotations: Vec<Pattern>,
}

/// What was added to a Pod, and what its template asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The volumes that the template does not have.
    pub(super) added: &'a [Volume],
    /// The annotations of the template.
    pub(super) annotations: &'a BTreeMap<String, String>,
    /// All injectors: one adds to the containers of another as to those of the workload.
    pub(super) injectors: &'a [Injector],
}

/// What something with an injector's name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The injector's own.
    Same,
    /// An imitation, which differs in this.
    Imitation(String),
    /// Nothing of the injector's.
    None,
}

impl Likeness {
    /// The better of several: what fits one rule need not fit the others.
    fn best(all: impl Iterator<Item = Option<String>>) -> Self {
        let mut best = Self::None;
        for mismatch in all {
            match mismatch {
                None => return Self::Same,
                Some(reason) if best == Self::None => best = Self::Imitation(reason),
                Some(_) => {}
            }
        }
        best
    }
}

impl Injector {
    /// What a container that was added is to the injector.
    pub(super) fn container(&self, container: &Container, scene: Scene<'_>) -> Likeness {
        let unasked = || format!("the template does not ask for it by {}", self.requested_by.join(" or "));
        let unasked = (!self.is_requested(scene)).then(unasked);
        let rules = self.containers.iter().filter(|rule| rule.name == container.name);
        Likeness::best(rules.map(|rule| unasked.clone().or_else(|| rule.mismatch(self, container, scene))))
    }

    /// Whether the template asks for it, if it has to.
    pub(super) fn is_requested(&self, scene: Scene<'_>) -> bool {
        let asks =
            |key: &String| scene.annotations.get(key).is_some_and(|value| !matches!(value.as_str(), "" | "false"));
        self.requested_by.is_empty() || self.requested_by.iter().any(asks)
    }

    /// Whether it is told by its containers: what else it adds proves nothing then.
    pub(super) fn has_containers(&self) -> bool {
        !self.containers.is_empty()
    }

    /// Whether it adds this variable to the containers of the workload.
    pub(super) fn sets(&self, name: &str, source: &EnvSource) -> bool {
        self.env.iter().any(|pattern| pattern.matches(name)) && is_plain(source)
    }
}

/// Whether a variable holds no more than its template says and no Secret.
fn is_plain(source: &EnvSource) -> bool {
    match source {
        EnvSource::Literal(_) | EnvSource::Field(_) => true,
        EnvSource::Other(field) => field.starts_with("resourceFieldRef"),
        EnvSource::ConfigMap(..) | EnvSource::Secret(..) => false,
    }
}

impl ContainerRole {
    fn is(self, role: Role) -> bool {
        matches!(
            (self, role),
            (Self::Container, Role::Main) | (Self::Init, Role::Init) | (Self::Sidecar, Role::Sidecar)
        )
    }
}
