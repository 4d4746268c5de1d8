//! `allowed.podSecurity`, `hostPaths` and `capabilities`.

use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use crate::api::approval::PodSecurityLevel;
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::pod;
use crate::workload::pod_security::{Subject, Violation, violations};

/// Host paths and capabilities are judged by their own lists at every level, so that approving a privileged pod approves no
/// host path that nobody wrote down.
pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    let strictest_looked_at = rules.pod_security.min(PodSecurityLevel::Baseline);
    let violations = violations(&facts.workload.pod, strictest_looked_at);
    if !violations.iter().any(|violation| violation.subject == Subject::Other) {
        notes.compare(true, DeviationCode::PodSecurity, "spec.allowed.podSecurity", || {
            let observed = format!("nothing that {} refuses", strictest_looked_at.as_str());
            let lists = if violations.is_empty() { "" } else { ", but for host paths and capabilities" };
            Texts::new(facts.workload.pod_path(), level(rules), observed + lists)
        });
    }
    for violation in violations {
        let (holds, field) = allowed(&violation, rules);
        notes.compare(holds, DeviationCode::PodSecurity, field, || {
            let expected = match &violation.subject {
                Subject::HostPath(_) => listed("host paths", &rules.host_paths),
                Subject::Capability(_) => listed("capabilities", &rules.capabilities),
                Subject::Other => level(rules),
            };
            Texts::new(format!("{}.{}", facts.workload.pod_path(), violation.path), expected, violation.detail)
        });
    }
}

/// Whether the approval allows it, and the field that decides.
fn allowed(violation: &Violation, rules: &Rules) -> (bool, &'static str) {
    match &violation.subject {
        // The shortest form, so that `/var/log/*` does not allow `/var/log/` itself.
        Subject::HostPath(path) => (allows_path(rules, &pod::clean_path(path)), "spec.allowed.hostPaths"),
        Subject::Capability(name) => (rules.capabilities.contains(name), "spec.allowed.capabilities"),
        Subject::Other => (violation.tolerated_at <= rules.pod_security, "spec.allowed.podSecurity"),
    }
}

/// The root is allowed by name only: `/*` speaks for what is in it.
fn allows_path(rules: &Rules, host_path: &str) -> bool {
    rules.host_paths.iter().any(|allowed| allowed.matches(host_path) && (host_path != "/" || allowed.is_literal()))
}

fn level(rules: &Rules) -> String {
    format!("Pod Security Standard {}", rules.pod_security.as_str())
}

fn listed<T: std::fmt::Display>(what: &str, allowed: &[T]) -> String {
    if allowed.is_empty() {
        return format!("no {what}");
    }
    format!("only the {what} {}", crate::inventory::join(allowed, ", "))
}
