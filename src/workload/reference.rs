//! The Secrets and ConfigMaps that a workload refers to.

use super::pod::{EnvFrom, EnvSource, VolumeSource};
use super::redact::printable;
use super::{Container, Workload};

/// How many characters of the name of a volume's type a path shows.
const SHOWN_FIELD: usize = 64;

/// What a reference points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referent {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

impl Referent {
    /// The kind as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// One place of a workload that refers to a Secret or ConfigMap in its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What it points at.
    pub referent: Referent,
    /// Its name.
    pub name: &'a str,
    /// The field, as a path into the manifest. Safe to show.
    pub path: String,
}

/// Every reference, in the order of the manifest: the environment of the containers, then the volumes. Image pull secrets are not
/// among them, because no container can read them.
pub fn references(workload: &Workload) -> Vec<Reference<'_>> {
    let containers =
        workload.pod.containers.iter().flat_map(|container| environment(container, workload.container_path(container)));
    containers.chain(volumes(workload)).collect()
}

fn environment(container: &Container, path: String) -> impl Iterator<Item = Reference<'_>> {
    let variables = container.env.iter().enumerate().filter_map({
        let path = path.clone();
        move |(i, variable)| {
            let (referent, name, field) = match &variable.source {
                EnvSource::Secret(name, _) => (Referent::Secret, name, "secretKeyRef"),
                EnvSource::ConfigMap(name, _) => (Referent::ConfigMap, name, "configMapKeyRef"),
                EnvSource::Literal(_) | EnvSource::Field(_) | EnvSource::Other(_) => return None,
            };
            Some(Reference { referent, name, path: format!("{path}.env[{i}].valueFrom.{field}") })
        }
    });
    let whole = container.env_from.iter().enumerate().map(move |(i, source)| {
        let (referent, name, field) = match source {
            EnvFrom::Secret(name) => (Referent::Secret, name, "secretRef"),
            EnvFrom::ConfigMap(name) => (Referent::ConfigMap, name, "configMapRef"),
        };
        Reference { referent, name, path: format!("{path}.envFrom[{i}].{field}") }
    });
    variables.chain(whole)
}

fn volumes(workload: &Workload) -> impl Iterator<Item = Reference<'_>> {
    workload.pod.volumes.iter().enumerate().flat_map(|(i, volume)| {
        let path = |field: &str| format!("{}.volumes[{i}].{field}", workload.pod_path());
        let secret = |name, field: &str| Reference { referent: Referent::Secret, name, path: path(field) };
        let config_map = |name, field: &str| Reference { referent: Referent::ConfigMap, name, path: path(field) };
        match &volume.source {
            VolumeSource::Secret(name) => vec![secret(name, "secret")],
            VolumeSource::ConfigMap(name) => vec![config_map(name, "configMap")],
            VolumeSource::Projected { config_maps, secrets, token: _ } => secrets
                .iter()
                .map(|name| secret(name.as_str(), "projected"))
                .chain(config_maps.iter().map(|name| config_map(name.as_str(), "projected")))
                .collect(),
            VolumeSource::Csi { secret: Some(name), driver: _ } => vec![secret(name, "csi.nodePublishSecretRef")],
            VolumeSource::Other { field, secrets } => {
                // Any name can stand here in a manifest.
                secrets.iter().map(|name| secret(name.as_str(), &printable(field, SHOWN_FIELD))).collect()
            }
            VolumeSource::EmptyDir
            | VolumeSource::HostPath(_)
            | VolumeSource::DownwardApi
            | VolumeSource::PersistentVolumeClaim(_)
            | VolumeSource::Ephemeral
            | VolumeSource::Csi { secret: None, driver: _ }
            | VolumeSource::Image(_) => Vec::new(),
        }
    })
}
