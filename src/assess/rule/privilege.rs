//! `allowed.podSecurity`, `hostPaths` and `capabilities`.

use super::super::facts::Facts;
use super::deviation;
use crate::api::approval::PodSecurityLevel;
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Rules;
use crate::workload::pod;
use crate::workload::pod_security::{Subject, violations};

/// Host paths and capabilities are judged by their own lists at every level, so that approving a privileged pod approves no
/// host path that nobody wrote down.
pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    let strictest_looked_at = rules.pod_security.min(PodSecurityLevel::Baseline);
    for violation in violations(&facts.workload.pod, strictest_looked_at) {
        let expected = match &violation.subject {
            // The shortest form, so that `/var/log/*` does not allow `/var/log/` itself.
            Subject::HostPath(path) if allows(rules, &pod::clean_path(path)) => continue,
            Subject::HostPath(_) => listed("host paths", &rules.host_paths),
            Subject::Capability(name) if rules.capabilities.contains(name) => continue,
            Subject::Capability(_) => listed("capabilities", &rules.capabilities),
            Subject::Other if violation.tolerated_at <= rules.pod_security => continue,
            Subject::Other => format!("Pod Security Standard {}", rules.pod_security.as_str()),
        };
        let path = format!("{}.{}", facts.workload.pod_path(), violation.path);
        found.push(deviation(DeviationCode::PodSecurity, path, expected, violation.detail));
    }
}

/// The root is allowed by name only: `/*` speaks for what is in it.
fn allows(rules: &Rules, host_path: &str) -> bool {
    rules.host_paths.iter().any(|allowed| allowed.matches(host_path) && (host_path != "/" || allowed.is_literal()))
}

fn listed<T: std::fmt::Display>(what: &str, allowed: &[T]) -> String {
    if allowed.is_empty() {
        return format!("no {what}");
    }
    format!("only the {what} {}", crate::inventory::join(allowed, ", "))
}
