//! `allowed.secrets` and `allowed.configMaps`.

use std::collections::BTreeSet;

use super::super::SHOWN;
use super::super::facts::Facts;
use super::deviation;
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Rules;
use crate::workload::pattern::Pattern;
use crate::workload::redact::printable;
use crate::workload::reference::{Referent, references};

/// Each Secret and ConfigMap is reported once, at the first place that refers to it.
pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    let mut seen = BTreeSet::new();
    for reference in references(facts.workload) {
        let allowed = match reference.referent {
            Referent::Secret => &rules.secrets,
            Referent::ConfigMap => &rules.config_maps,
        };
        if allowed.iter().any(|pattern| pattern.matches(reference.name))
            || !seen.insert((reference.referent, reference.name))
        {
            continue;
        }
        let kind = reference.referent.as_str();
        let observed = format!("{kind} {}", printable(reference.name, SHOWN));
        found.push(deviation(DeviationCode::Reference, reference.path, expected(kind, allowed), observed));
    }
}

fn expected(kind: &str, allowed: &[Pattern]) -> String {
    match allowed {
        [] => format!("no {kind}"),
        allowed => format!("{kind} {}", crate::inventory::join(allowed, " or ")),
    }
}
