//! Security contexts that only take rights away.
//!
//! Defaults of a namespace or a platform fill in what a template leaves open, such as the user id and the profiles of `OpenShift`'s
//! restricted constraint. A Pod that can do less than its template says is no drift; one that can do anything more is.

use super::counterpart;
use crate::workload::Pod;
use crate::workload::pod::{Capabilities, Container, ContainerSecurityContext, PodSecurityContext, Profile, SeLinux};

const RUNTIME_DEFAULT: &str = "RuntimeDefault";
const UNCONFINED: &str = "Unconfined";

/// Makes equal what is only stricter in the Pod.
pub(super) fn leave_aside(expected: &mut Pod, observed: &mut Pod) {
    app_armor(expected, |_| true);
    let expected = &*expected;
    // What was added is judged by itself, and not by what it inherits.
    app_armor(observed, |container| counterpart(expected, container).is_some());
    let of_pod = expected.security.clone();
    for container in &mut observed.containers {
        if let Some(known) = counterpart(expected, container) {
            of_container(&known.security, &mut container.security, &of_pod);
        }
    }
    of_whole_pod(&of_pod, &mut observed.security);
}

/// Writes the AppArmor profile of each container where newer servers keep it: they make fields of annotations.
fn app_armor(pod: &mut Pod, inherits: impl Fn(&Container) -> bool) {
    let annotations = std::mem::take(&mut pod.app_armor_annotations);
    let of_pod = pod.security.app_armor_profile.take();
    for container in &mut pod.containers {
        let annotated = || annotations.get(&container.name).map(|text| profile(text));
        let own = container.security.app_armor_profile.take().or_else(annotated);
        container.security.app_armor_profile = own.or_else(|| of_pod.clone().filter(|_| inherits(container)));
    }
}

fn profile(annotation: &str) -> Profile {
    let (kind, localhost_profile) = match annotation {
        "runtime/default" => (RUNTIME_DEFAULT, None),
        "unconfined" => (UNCONFINED, None),
        other => ("Localhost", Some(other.strip_prefix("localhost/").unwrap_or(other).to_owned())),
    };
    Profile { kind: kind.to_owned(), localhost_profile }
}

fn of_container(
    expected: &ContainerSecurityContext,
    observed: &mut ContainerSecurityContext,
    pod: &PodSecurityContext,
) {
    let ContainerSecurityContext {
        privileged,
        allow_privilege_escalation,
        read_only_root_filesystem,
        run_as_non_root,
        run_as_user,
        run_as_group,
        proc_mount,
        capabilities,
        seccomp_profile,
        app_armor_profile,
        se_linux_options,
        windows_options: _,
    } = observed;
    if *privileged != Some(true) {
        *privileged = expected.privileged;
    }
    if *allow_privilege_escalation == Some(false) || expected.allow_privilege_escalation != Some(false) {
        *allow_privilege_escalation = expected.allow_privilege_escalation;
    }
    if *read_only_root_filesystem == Some(true) || expected.read_only_root_filesystem != Some(true) {
        *read_only_root_filesystem = expected.read_only_root_filesystem;
    }
    if *run_as_non_root == Some(true) {
        *run_as_non_root = expected.run_as_non_root;
    }
    identity(expected.run_as_user, run_as_user, pod.run_as_user);
    identity(expected.run_as_group, run_as_group, pod.run_as_group);
    if proc_mount.is_none() {
        proc_mount.clone_from(&expected.proc_mount);
    }
    if has_less(expected.capabilities.as_ref(), capabilities.as_ref()) {
        capabilities.clone_from(&expected.capabilities);
    }
    confinement(expected.seccomp_profile.as_ref(), seccomp_profile, pod.seccomp_profile.as_ref());
    confinement(expected.app_armor_profile.as_ref(), app_armor_profile, None);
    label(expected.se_linux_options.as_ref(), se_linux_options, pod.se_linux_options.as_ref());
}

fn of_whole_pod(expected: &PodSecurityContext, observed: &mut PodSecurityContext) {
    let PodSecurityContext {
        run_as_non_root,
        run_as_user,
        run_as_group,
        fs_group,
        seccomp_profile,
        app_armor_profile: _,
        se_linux_options,
        windows_options: _,
        sysctls: _,
    } = observed;
    if *run_as_non_root == Some(true) || expected.run_as_non_root != Some(true) {
        *run_as_non_root = expected.run_as_non_root;
    }
    identity(expected.run_as_user, run_as_user, None);
    identity(expected.run_as_group, run_as_group, None);
    identity(expected.fs_group, fs_group, None);
    confinement(expected.seccomp_profile.as_ref(), seccomp_profile, None);
    label(expected.se_linux_options.as_ref(), se_linux_options, None);
}

/// An id that nobody chose can be filled in, but for that of root.
fn identity(expected: Option<i64>, observed: &mut Option<i64>, of_pod: Option<i64>) {
    if expected.or(of_pod).is_none() && *observed != Some(0) {
        *observed = expected;
    }
}

/// The profile of the runtime can be filled in where there is none.
fn confinement(expected: Option<&Profile>, observed: &mut Option<Profile>, of_pod: Option<&Profile>) {
    let is_open = expected.or(of_pod).is_none_or(|profile| profile.kind == UNCONFINED);
    if is_open && observed.as_ref().is_some_and(|profile| profile.kind == RUNTIME_DEFAULT) {
        *observed = expected.cloned();
    }
}

/// A level that separates the pod from others can be filled in where there is no label.
fn label(expected: Option<&SeLinux>, observed: &mut Option<SeLinux>, of_pod: Option<&SeLinux>) {
    let is_level = |label: &SeLinux| label.user.is_none() && label.role.is_none() && label.kind.is_none();
    if expected.or(of_pod).is_none() && observed.as_ref().is_some_and(is_level) {
        *observed = None;
    }
}

/// Whether no capability is added that was not, and all are dropped that were.
fn has_less(expected: Option<&Capabilities>, observed: Option<&Capabilities>) -> bool {
    let added = |capabilities: Option<&Capabilities>| capabilities.and_then(|c| c.add.clone()).unwrap_or_default();
    let dropped = |capabilities: Option<&Capabilities>| capabilities.and_then(|c| c.drop.clone()).unwrap_or_default();
    let (was_added, was_dropped) = (added(expected), dropped(expected));
    let drops = dropped(observed);
    added(observed).iter().all(|capability| was_added.contains(capability))
        && (drops.iter().any(|capability| capability == "ALL") || was_dropped.iter().all(|c| drops.contains(c)))
}
