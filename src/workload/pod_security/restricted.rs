//! What Restricted refuses beyond Baseline.

use super::{Pod, Sink, added, added_path, baseline, contexts, path, printable, with_unusual_proc};
use crate::workload::pod::VolumeSource;

pub(super) fn check(pod: &Pod, sink: &mut Sink) {
    volumes(pod, sink);
    // In a user namespace of its own, the pod's root is nobody on the node.
    if pod.own_user_namespace {
        // Baseline trusts that too, Restricted does not.
        for (container, mount) in with_unusual_proc(pod) {
            sink.refuse("procMount_restricted", path(container, "securityContext.procMount"), mount);
        }
    } else {
        root(pod, sink);
    }
    // These are settings of Linux, which the API server does not let a Windows pod have.
    if pod.os.as_deref() != Some("windows") {
        seccomp(pod, sink);
        privileges(pod, sink);
    }
}

fn volumes(pod: &Pod, sink: &mut Sink) {
    for (index, volume) in pod.volumes.iter().enumerate() {
        match &volume.source {
            VolumeSource::Other { field, .. } => {
                // In a manifest that no API server has seen, the field can be any text.
                let path = format!("volumes[{index}].{}", printable(field, 64));
                sink.refuse("restrictedVolumes", path, field);
            }
            // Baseline refuses host paths already.
            VolumeSource::HostPath(_)
            | VolumeSource::ConfigMap(_)
            | VolumeSource::Csi { .. }
            | VolumeSource::DownwardApi
            | VolumeSource::EmptyDir
            | VolumeSource::Ephemeral
            | VolumeSource::Image(_)
            | VolumeSource::PersistentVolumeClaim(_)
            | VolumeSource::Projected { .. }
            | VolumeSource::Secret(_) => {}
        }
    }
}

fn root(pod: &Pod, sink: &mut Sink) {
    for context in contexts(pod) {
        match context.run_as_non_root {
            Some(false) => sink.refuse("runAsNonRoot", context.path("runAsNonRoot"), "false"),
            // Without a setting, a container has that of the pod. If it is the wrong one, it is reported there.
            None if context.container.is_some() && pod.security.run_as_non_root.is_none() => {
                sink.refuse("runAsNonRoot", context.path("runAsNonRoot"), "not set");
            }
            Some(true) | None => {}
        }
        if context.run_as_user == Some(0) {
            sink.refuse("runAsUser", context.path("runAsUser"), "0");
        }
    }
}

/// Baseline refuses a wrong profile; here there must be one.
fn seccomp(pod: &Pod, sink: &mut Sink) {
    if pod.security.seccomp_profile.is_some() {
        return;
    }
    for container in pod.containers.iter().filter(|container| container.security.seccomp_profile.is_none()) {
        sink.refuse("seccompProfile_restricted", path(container, "securityContext.seccompProfile"), "not set");
    }
}

fn privileges(pod: &Pod, sink: &mut Sink) {
    for container in &pod.containers {
        let security = &container.security;
        if security.allow_privilege_escalation != Some(false) {
            let detail = if security.allow_privilege_escalation.is_some() { "true" } else { "not set" };
            sink.refuse(
                "allowPrivilegeEscalation",
                path(container, "securityContext.allowPrivilegeEscalation"),
                detail,
            );
        }
        let dropped = security.capabilities.as_ref().and_then(|capabilities| capabilities.drop.as_deref());
        if !dropped.unwrap_or_default().iter().any(|name| name == "ALL") {
            let detail = if dropped.is_some() { "without ALL" } else { "not set" };
            sink.refuse("capabilities_restricted", path(container, "securityContext.capabilities.drop"), detail);
        }
        for (index, name) in added(container) {
            if name != "NET_BIND_SERVICE" && baseline::tolerates_capability(name) {
                sink.refuse("capabilities_restricted", added_path(container, index), name);
            }
        }
    }
}
