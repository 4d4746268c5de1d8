//! What Baseline refuses, and Restricted with it.

use std::collections::HashMap;

use super::{Pod, Sink, Subject, added, added_path, confines, contexts, path, with_unusual_proc};
use crate::workload::pod::VolumeSource;

/// The capabilities that containers may add: those that container runtimes give by default, but for `NET_RAW`.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The kernel parameters that concern nobody but the pod. The spelling with slashes, which the API server also accepts, is
/// refused like any other name.
const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

const SE_LINUX_TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// Whether containers may add a capability at this level.
pub(super) fn tolerates_capability(name: &str) -> bool {
    CAPABILITIES.contains(&name)
}

pub(super) fn check(pod: &Pod, sink: &mut Sink) {
    host_namespaces(pod, sink);
    volumes(pod, sink);
    sysctls(pod, sink);
    containers(pod, sink);
    security_contexts(pod, sink);
    app_armor_annotations(pod, sink);
    if !pod.own_user_namespace {
        for (container, mount) in with_unusual_proc(pod) {
            sink.refuse("procMount", path(container, "securityContext.procMount"), mount);
        }
    }
}

fn host_namespaces(pod: &Pod, sink: &mut Sink) {
    for (field, shared) in [("hostIPC", pod.host_ipc), ("hostNetwork", pod.host_network), ("hostPID", pod.host_pid)] {
        if shared {
            sink.refuse("hostNamespaces", field.to_owned(), "true");
        }
    }
}

fn volumes(pod: &Pod, sink: &mut Sink) {
    for (index, volume) in pod.volumes.iter().enumerate() {
        if let VolumeSource::HostPath(host_path) = &volume.source {
            let subject = Subject::HostPath(host_path.clone());
            sink.refuse_subject("hostPathVolumes", format!("volumes[{index}].hostPath"), host_path, subject);
        }
    }
}

fn sysctls(pod: &Pod, sink: &mut Sink) {
    for (index, sysctl) in pod.security.sysctls.iter().flatten().enumerate() {
        if !SYSCTLS.contains(&sysctl.name.as_str()) {
            sink.refuse("sysctls", format!("securityContext.sysctls[{index}].name"), &sysctl.name);
        }
    }
}

fn containers(pod: &Pod, sink: &mut Sink) {
    for container in &pod.containers {
        if container.security.privileged == Some(true) {
            sink.refuse("privileged", path(container, "securityContext.privileged"), "true");
        }
        for (index, name) in added(container).filter(|(_, name)| !tolerates_capability(name)) {
            let subject = Subject::Capability(name.to_owned());
            sink.refuse_subject("capabilities_baseline", added_path(container, index), name, subject);
        }
        let ports: Vec<_> = container.host_ports.iter().filter(|port| **port != 0).map(i64::to_string).collect();
        if !ports.is_empty() {
            // The normal form does not keep which entry of the list has which port.
            sink.refuse("hostPorts", path(container, "ports"), &format!("hostPort {}", ports.join(", ")));
        }
        for hook in &container.hooks {
            if let Some((handler, host)) = &hook.host {
                let path = path(container, &format!("{}.{handler}.host", hook.field));
                sink.refuse("hostProbesAndHostLifecycle", path, host);
            }
        }
    }
}

fn security_contexts(pod: &Pod, sink: &mut Sink) {
    for context in contexts(pod) {
        if let Some(profile) = context.app_armor.filter(|profile| !confines(profile)) {
            sink.refuse("appArmorProfile", context.path("appArmorProfile.type"), &profile.kind);
        }
        if let Some(profile) = context.seccomp.filter(|profile| !confines(profile)) {
            sink.refuse("seccompProfile_baseline", context.path("seccompProfile.type"), &profile.kind);
        }
        if context.windows.is_some_and(|windows| windows.host_process == Some(true)) {
            sink.refuse("windowsHostProcess", context.path("windowsOptions.hostProcess"), "true");
        }
        let Some(label) = context.se_linux else { continue };
        if let Some(kind) = label.kind.as_deref().filter(|kind| !SE_LINUX_TYPES.contains(kind)) {
            sink.refuse("seLinuxOptions", context.path("seLinuxOptions.type"), kind);
        }
        for (field, value) in [("seLinuxOptions.user", &label.user), ("seLinuxOptions.role", &label.role)] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                sink.refuse("seLinuxOptions", context.path(field), value);
            }
        }
    }
}

/// The annotations are how profiles were chosen before there was a field, and nodes may still heed them.
fn app_armor_annotations(pod: &Pod, sink: &mut Sink) {
    let mut refused = pod
        .app_armor_annotations
        .iter()
        .filter(|(_, profile)| {
            !matches!(profile.as_str(), "" | "runtime/default") && !profile.starts_with("localhost/")
        })
        .peekable();
    if refused.peek().is_none() {
        return;
    }
    let by_name: HashMap<_, _> = pod.containers.iter().map(|container| (&container.name, container)).collect();
    for (name, profile) in refused {
        // An annotation is outside of the pod spec: what it is about is shown as the field that took its place.
        let (path, detail) = match by_name.get(name) {
            Some(container) => (path(container, "securityContext.appArmorProfile"), format!("annotation {profile}")),
            None => ("securityContext.appArmorProfile".to_owned(), format!("annotation {profile} for {name}")),
        };
        sink.refuse("appArmorProfile", path, &detail);
    }
}
