//! `allowed.secrets` and `allowed.configMaps`.

use std::collections::BTreeSet;

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::pattern::Pattern;
use crate::workload::redact::printable;
use crate::workload::reference::{Referent, references};

/// Each Secret and ConfigMap is noted once, at the first place that refers to it.
pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    for reference in references(facts.workload) {
        let (allowed, field) = match reference.referent {
            Referent::Secret => (&rules.secrets, "spec.allowed.secrets"),
            Referent::ConfigMap => (&rules.config_maps, "spec.allowed.configMaps"),
        };
        let holds = allowed.iter().any(|pattern| pattern.matches(reference.name));
        if !notes.keeps(holds) || !seen.insert((reference.referent, reference.name)) {
            continue;
        }
        let kind = reference.referent.as_str();
        notes.compare(holds, DeviationCode::Reference, field, || {
            let observed = format!("{kind} {}", printable(reference.name, SHOWN));
            Texts::new(reference.path, expected(kind, allowed), observed)
        });
    }
}

fn expected(kind: &str, allowed: &[Pattern]) -> String {
    match allowed {
        [] => format!("no {kind}"),
        allowed => format!("{kind} {}", crate::inventory::join(allowed, " or ")),
    }
}
