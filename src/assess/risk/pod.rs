//! The shape of the pod: what it shares with the node, and where it may be placed.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;
use crate::workload::pod::{Toleration, VolumeSource, Windows, clean_path};
use crate::workload::redact::printable;

/// Sockets through which a container runtime takes orders, and the folders that hold them.
const RUNTIME_SOCKETS: &[&str] = &[
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/run/k3s/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/var/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/var/run/cri-dockerd.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
    "/run/dockershim.sock",
    "/var/run/dockershim.sock",
];

/// Capabilities that are known to help out of a container or to read what others send.
const DANGEROUS_CAPABILITIES: &[&str] = &[
    "ALL",
    "SYS_ADMIN",
    "SYS_PTRACE",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "SYS_TIME",
    "DAC_READ_SEARCH",
    "DAC_OVERRIDE",
    "NET_ADMIN",
    "NET_RAW",
    "BPF",
    "PERFMON",
    "MKNOD",
    "SYSLOG",
    "CHECKPOINT_RESTORE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
];

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    namespaces(facts, found);
    host_paths(facts, found);
    placement(facts, found);
    // The containers inherit it, and the API server refuses any that differs.
    if is_host_process(facts.workload.pod.security.windows_options.as_ref()) {
        let field = format!("{}.securityContext.windowsOptions.hostProcess", facts.workload.pod_path());
        found.push(risk(RiskCode::PrivilegedContainer, field, "true"));
    }
    for (path, container) in facts.containers() {
        let security = &container.security;
        if security.privileged == Some(true) {
            found.push(risk(RiskCode::PrivilegedContainer, format!("{path}.securityContext.privileged"), "true"));
        }
        if is_host_process(security.windows_options.as_ref()) {
            let field = format!("{path}.securityContext.windowsOptions.hostProcess");
            found.push(risk(RiskCode::PrivilegedContainer, field, "true"));
        }
        let added = security.capabilities.iter().flat_map(|capabilities| capabilities.add.iter().flatten());
        for (i, name) in added.enumerate() {
            let normal = name.to_ascii_uppercase();
            let normal = normal.strip_prefix("CAP_").unwrap_or(&normal);
            if DANGEROUS_CAPABILITIES.contains(&normal) {
                let field = format!("{path}.securityContext.capabilities.add[{i}]");
                found.push(risk(RiskCode::DangerousCapability, field, printable(name, SHOWN)));
            }
        }
    }
}

fn is_host_process(options: Option<&Windows>) -> bool {
    options.and_then(|options| options.host_process) == Some(true)
}

fn namespaces(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    let pod = &facts.workload.pod;
    for (shared, field) in [(pod.host_pid, "hostPID"), (pod.host_ipc, "hostIPC"), (pod.host_network, "hostNetwork")] {
        if shared {
            found.push(risk(RiskCode::HostNamespace, format!("{}.{field}", facts.workload.pod_path()), "true"));
        }
    }
}

fn host_paths(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    for (i, volume) in facts.workload.pod.volumes.iter().enumerate() {
        let VolumeSource::HostPath(path) = &volume.source else { continue };
        let field = format!("{}.volumes[{i}].hostPath.path", facts.workload.pod_path());
        if reaches_runtime_socket(path) {
            found.push(risk(RiskCode::RuntimeSocket, field.clone(), printable(path, SHOWN)));
        }
        found.push(risk(RiskCode::HostPath, field, printable(path, SHOWN)));
    }
}

/// Whether the path is a socket or a folder above one.
fn reaches_runtime_socket(path: &str) -> bool {
    let path = clean_path(path);
    let folder = path.trim_end_matches('/');
    RUNTIME_SOCKETS
        .iter()
        .filter_map(|socket| socket.strip_prefix(folder))
        .any(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn placement(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    let pod = &facts.workload.pod;
    let pod_path = facts.workload.pod_path();
    for (i, toleration) in pod.tolerations.iter().enumerate() {
        if tolerates_control_plane(toleration) {
            let key = toleration.key.as_deref().unwrap_or("every taint");
            found.push(risk(
                RiskCode::ControlPlaneToleration,
                format!("{pod_path}.tolerations[{i}]"),
                printable(key, SHOWN),
            ));
        }
    }
    for key in pod.node_selector.keys().filter(|key| is_control_plane(key)) {
        found.push(risk(RiskCode::ControlPlaneToleration, format!("{pod_path}.nodeSelector"), printable(key, SHOWN)));
    }
    // The scheduler, and with it the taint NoSchedule, has no say where the node is named.
    if let Some(node) = &pod.node_name {
        let detail = format!("placed on {} past the scheduler", printable(node, SHOWN));
        found.push(risk(RiskCode::ControlPlaneToleration, format!("{pod_path}.nodeName"), detail));
    }
}

fn tolerates_control_plane(toleration: &Toleration) -> bool {
    let exists = toleration.operator.as_deref() == Some("Exists");
    match toleration.key.as_deref() {
        None => exists,
        Some(key) => is_control_plane(key),
    }
}

fn is_control_plane(key: &str) -> bool {
    matches!(
        key,
        "node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master" | "node-role.kubernetes.io/etcd"
    )
}
