//! Where the workload lives, and whom its name imitates.

use super::super::facts::Facts;
use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;
use crate::workload::lookalike::{SYSTEM_COMPONENTS, lookalike};
use crate::workload::redact::printable;

/// Namespaces that Kubernetes and its distributions keep for themselves.
const SYSTEM_NAMESPACES: &[&str] = &[
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "calico-system",
    "calico-apiserver",
    "tigera-operator",
    "cilium-secrets",
    "gmp-system",
    "gke-managed-system",
    "gke-managed-cim",
    "gatekeeper-system",
    "amazon-cloudwatch",
    "aks-command",
];

const SYSTEM_NAMESPACE_PREFIXES: &[&str] = &["openshift-", "gke-managed-", "kube-"];

/// Labels by which the parts of the control plane and its add-ons are recognised. Charts use others for what they maintain.
const COMPONENT_LABELS: &[&str] = &["k8s-app", "component"];

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    let key = &facts.workload.key;
    if is_system_namespace(&key.namespace) {
        found.push(risk(RiskCode::SystemNamespace, "metadata.namespace", printable(&key.namespace, 64)));
    }
    if let Some(component) = imitates(&key.name) {
        let detail = format!("{} looks like {component}", printable(&key.name, 128));
        found.push(risk(RiskCode::LookalikeName, "metadata.name", detail));
    }
    for label in COMPONENT_LABELS {
        let Some(value) = facts.workload.labels.get(*label) else { continue };
        if let Some(component) = imitates(value) {
            let detail = format!("{} is how {component} is labelled", printable(value, 128));
            found.push(risk(RiskCode::LookalikeName, format!("metadata.labels[{label}]"), detail));
        }
    }
}

fn is_system_namespace(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace)
        || SYSTEM_NAMESPACE_PREFIXES.iter().any(|prefix| namespace.starts_with(prefix))
}

/// System components do not run as scheduled workloads, so their exact name is an imitation too.
fn imitates(name: &str) -> Option<&'static str> {
    SYSTEM_COMPONENTS
        .iter()
        .copied()
        .find(|component| *component == name)
        .or_else(|| lookalike(name, SYSTEM_COMPONENTS))
}
