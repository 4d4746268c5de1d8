//! What the API server, the scheduler and the Job controller fill in.
//!
//! Read in the sources of Kubernetes 1.36: `plugin/pkg/admission`, `pkg/controller/job`, `pkg/apis/core/v1/defaults.go` and
//! `pkg/registry/core/pod/strategy.go`.

use super::counterpart;
use crate::workload::Pod;
use crate::workload::pod::{EnvSource, Mount, Role, Toleration, Volume, VolumeSource};

/// Where the token of the service account is mounted: `plugin/pkg/admission/serviceaccount/admission.go`.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the name of the volume with the token begins.
const TOKEN_VOLUME: &str = "kube-api-access-";
/// The ConfigMaps that the volume with the token holds; `OpenShift` adds the second one.
const TOKEN_CONFIG_MAPS: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// The variable by which Pods of indexed Jobs know their index: `pkg/controller/job/indexed_job_utils.go`.
const INDEX: &str = "JOB_COMPLETION_INDEX";
/// What it is set from; releases before 1.28 take the annotation.
const INDEX_FIELDS: [&str; 2] = [
    "metadata.labels['batch.kubernetes.io/job-completion-index']",
    "metadata.annotations['batch.kubernetes.io/job-completion-index']",
];

/// The taints that keep pods from the nodes of the control plane.
const CONTROL_PLANE: [&str; 3] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/etcd"];

/// Settings that say where and under which name the pod runs, not what runs. The Job controller names Pods of indexed Jobs.
const PLACEMENT: [&str; 3] = ["affinity", "hostname", "schedulerName"];

/// Makes equal what the cluster fills in.
pub(super) fn leave_aside(expected: &mut Pod, observed: &mut Pod) {
    placement(expected, observed);
    metadata(expected, observed);
    token(expected, observed);
    containers(expected, observed);
}

/// The scheduler, classes of priority and of runtimes, and defaults of namespaces decide where a pod runs. Only a way to the
/// nodes of the control plane that the template does not have is worth showing.
fn placement(expected: &mut Pod, observed: &mut Pod) {
    observed.node_name.clone_from(&expected.node_name);
    observed.node_selector.clone_from(&expected.node_selector);
    observed.priority_class.clone_from(&expected.priority_class);
    // The node pulls with them. What it pulled is judged by itself.
    observed.image_pull_secrets.clone_from(&expected.image_pull_secrets);
    for field in PLACEMENT {
        observed.settings.remove(field);
        expected.settings.remove(field);
    }
    let known = std::mem::take(&mut expected.tolerations);
    observed.tolerations.retain(|toleration| reaches_control_plane(toleration) && !known.contains(toleration));
}

fn reaches_control_plane(toleration: &Toleration) -> bool {
    toleration.key.as_deref().is_none_or(|key| CONTROL_PLANE.contains(&key))
}

/// Annotations say nothing of what runs, and neither do labels that are added. Those of the template decide which network policies
/// and Services apply.
fn metadata(expected: &Pod, observed: &mut Pod) {
    observed.annotations.clone_from(&expected.annotations);
    observed.labels.retain(|key, _| expected.labels.contains_key(key));
}

/// The volume with the token of the service account, and its mounts, unless the template refuses them.
fn token(expected: &Pod, observed: &mut Pod) {
    if expected.automount_token == Some(false) {
        return;
    }
    if observed.automount_token == Some(false) {
        // It can do less than it was to.
        observed.automount_token = expected.automount_token;
    }
    observed.volumes.retain(|volume| !is_token(volume) || expected.volumes.contains(volume));
    for container in observed.containers.iter_mut().filter(|container| container.role != Role::Ephemeral) {
        let known = counterpart(expected, container).map_or(&[][..], |container| &container.mounts);
        container.mounts.retain(|mount| !is_token_mount(mount) || known.contains(mount));
    }
}

fn is_token(volume: &Volume) -> bool {
    let is_source = match &volume.source {
        VolumeSource::Projected { config_maps, secrets, token } => {
            *token && secrets.is_empty() && config_maps.iter().all(|name| TOKEN_CONFIG_MAPS.contains(&name.as_str()))
        }
        _ => false,
    };
    is_source && volume.name.starts_with(TOKEN_VOLUME)
}

/// A volume of this name that the template has is mounted instead of a new one.
fn is_token_mount(mount: &Mount) -> bool {
    let Mount { volume, path, sub_path, read_only } = mount;
    volume.starts_with(TOKEN_VOLUME) && path == TOKEN_PATH && sub_path.is_none() && *read_only
}

fn containers(expected: &mut Pod, observed: &mut Pod) {
    let on_node = expected.host_network && observed.host_network;
    for container in &mut observed.containers {
        let Some(known) = counterpart(expected, container) else { continue };
        // `AlwaysPullImages` sets it, and nothing is gained by it.
        if container.pull_policy == "Always" {
            container.pull_policy.clone_from(&known.pull_policy);
        }
        if on_node {
            // The ports of the container become those of the node, and it can listen on all others as well.
            container.host_ports.clone_from(&known.host_ports);
        }
        if !known.env.iter().any(|variable| variable.name == INDEX) {
            container.env.retain(|variable| !(variable.name == INDEX && is_index(&variable.source)));
        }
    }
}

fn is_index(source: &EnvSource) -> bool {
    matches!(source, EnvSource::Field(field) if INDEX_FIELDS.contains(&field.as_str()))
}
