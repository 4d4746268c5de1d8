//! The Pod Security Standards on the normal form of a pod.
//!
//! The rules are those that the Pod Security admission plugin of Kubernetes 1.36 applies for the version `latest`; the names
//! of the checks are its own. A pod that it refuses at a level has a violation of that level here and the other way round,
//! with two differences that the API server makes invisible:
//!
//! * For Windows pods, Restricted skips some checks whose Baseline counterparts stay in force. Here Restricted always refuses
//!   what Baseline refuses. The API server accepts no Windows pod that has such a setting at all.
//! * A volume, probe or hook of more than one kind is judged by one of them. The API server accepts none.
//!
//! Judging takes time in proportion to the size of the pod, but for sorting what is found.

mod baseline;
mod restricted;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::pod::{Container, Pod, Profile, SeLinux, Windows};
use super::redact::printable;
use crate::api::approval::PodSecurityLevel;

/// The longest text from a pod that a violation shows, in characters.
const LONGEST_DETAIL: usize = 128;

/// Something about a pod that a level of the Pod Security Standards refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The check that refuses it, as the admission plugin calls it, such as `capabilities_baseline`.
    pub check: &'static str,
    /// Where it is, relative to the pod spec, such as `containers[0].securityContext.privileged`. Safe to show.
    pub path: String,
    /// What is there, in a few words. Safe to show.
    pub detail: String,
    /// The strictest level that tolerates it: Baseline if only Restricted refuses it, else Privileged.
    pub tolerated_at: PodSecurityLevel,
    /// What it is about, for callers that excuse some of it by lists of their own.
    pub subject: Subject,
}

/// What a violation is about. The text is as the pod has it: to be compared, not to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A volume with this path of the node.
    HostPath(String),
    /// This added capability, which Baseline refuses.
    Capability(String),
    /// Anything else. Capabilities that only Restricted refuses are among it.
    Other,
}

/// Everything about the pod that the level refuses, sorted by path. Privileged refuses nothing.
///
/// What Baseline refuses is found in the same form at Restricted: a setting that both refuse is reported once, under the
/// name of the check of Baseline.
pub fn violations(pod: &Pod, level: PodSecurityLevel) -> Vec<Violation> {
    let mut found = Vec::new();
    if level < PodSecurityLevel::Privileged {
        baseline::check(pod, &mut Sink { found: &mut found, tolerated_at: PodSecurityLevel::Privileged });
    }
    if level < PodSecurityLevel::Baseline {
        restricted::check(pod, &mut Sink { found: &mut found, tolerated_at: PodSecurityLevel::Baseline });
    }
    found.sort_by(|a, b| (&a.path, a.check).cmp(&(&b.path, b.check)));
    found
}

/// The strictest level that the pod meets.
pub fn level(pod: &Pod) -> PodSecurityLevel {
    let needed = violations(pod, PodSecurityLevel::Restricted).into_iter().map(|violation| violation.tolerated_at);
    needed.max().unwrap_or(PodSecurityLevel::Restricted)
}

/// Where the checks of one level put what they refuse.
struct Sink<'a> {
    found: &'a mut Vec<Violation>,
    tolerated_at: PodSecurityLevel,
}

impl Sink<'_> {
    fn refuse(&mut self, check: &'static str, path: String, detail: &str) {
        self.refuse_subject(check, path, detail, Subject::Other);
    }

    fn refuse_subject(&mut self, check: &'static str, path: String, detail: &str, subject: Subject) {
        let detail = if detail.is_empty() { "(empty)".to_owned() } else { printable(detail, LONGEST_DETAIL) };
        self.found.push(Violation { check, path, detail, tolerated_at: self.tolerated_at, subject });
    }
}

/// What the security contexts of a pod and of its containers have in common.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// The container whose it is; none for the pod's own.
    container: Option<&'a Container>,
    run_as_non_root: Option<bool>,
    run_as_user: Option<i64>,
    seccomp: Option<&'a Profile>,
    app_armor: Option<&'a Profile>,
    se_linux: Option<&'a SeLinux>,
    windows: Option<&'a Windows>,
}

impl Context<'_> {
    fn path(&self, field: &str) -> String {
        match self.container {
            Some(container) => path(container, &format!("securityContext.{field}")),
            None => format!("securityContext.{field}"),
        }
    }
}

/// The pod's own security context, then those of its containers.
fn contexts(pod: &Pod) -> impl Iterator<Item = Context<'_>> {
    let security = &pod.security;
    let own = Context {
        container: None,
        run_as_non_root: security.run_as_non_root,
        run_as_user: security.run_as_user,
        seccomp: security.seccomp_profile.as_ref(),
        app_armor: security.app_armor_profile.as_ref(),
        se_linux: security.se_linux_options.as_ref(),
        windows: security.windows_options.as_ref(),
    };
    std::iter::once(own).chain(pod.containers.iter().map(|container| Context {
        container: Some(container),
        run_as_non_root: container.security.run_as_non_root,
        run_as_user: container.security.run_as_user,
        seccomp: container.security.seccomp_profile.as_ref(),
        app_armor: container.security.app_armor_profile.as_ref(),
        se_linux: container.security.se_linux_options.as_ref(),
        windows: container.security.windows_options.as_ref(),
    }))
}

fn path(container: &Container, field: &str) -> String {
    format!("{}[{}].{field}", container.role.list(), container.index)
}

/// Of seccomp profiles and the like: one may be chosen, but not none.
fn confines(profile: &Profile) -> bool {
    matches!(profile.kind.as_str(), "RuntimeDefault" | "Localhost")
}

/// The containers that see parts of `/proc` which are usually masked, and the setting that says so.
fn with_unusual_proc(pod: &Pod) -> impl Iterator<Item = (&Container, &str)> {
    pod.containers
        .iter()
        .filter_map(|container| Some((container, container.security.proc_mount.as_deref()?)))
        .filter(|(_, mount)| *mount != "Default")
}

/// The capabilities that a container adds, each once, with its place in the list.
fn added(container: &Container) -> impl Iterator<Item = (usize, &str)> {
    let list = container.security.capabilities.as_ref().and_then(|capabilities| capabilities.add.as_deref());
    let mut seen = HashSet::new();
    list.unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(index, name)| (index, name.as_str()))
        .filter(move |(_, name)| seen.insert(*name))
}

fn added_path(container: &Container, index: usize) -> String {
    path(container, &format!("securityContext.capabilities.add[{index}]"))
}
