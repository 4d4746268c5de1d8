//! `expected.configMapHashes`: the ConfigMaps that the workload refers to hold what was recorded of them.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use super::super::surroundings::Recorded;
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::ConfigMapHashes;
use crate::workload::redact::printable;
use crate::workload::reference::Reference;

const FIELD: &str = "spec.expected.configMapHashes";

/// How many keys are named.
const MOST_NAMED: usize = 8;

/// Each ConfigMap is noted once, at the first place that refers to it. One that the approval does not allow deviates for that.
pub(super) fn check(facts: &Facts<'_>, approval: &str, rules: &Rules, notes: &mut Notes) {
    let held = rules.held_config_maps(facts.workload);
    let Some(first) = held.first() else { return };
    let Some(config_maps) = facts.config_maps else {
        let why = "not known here: only an operator that runs with --watch-config-maps reads ConfigMaps";
        return unknown(first, "the ConfigMaps that it refers to as they were recorded", why, notes);
    };
    let namespace = &facts.workload.key.namespace;
    for reference in &held {
        let name = || format!("ConfigMap {}", printable(reference.name, SHOWN));
        let now = config_maps.now(namespace, reference.name);
        match (config_maps.recorded(approval, namespace, reference.name), now) {
            (Recorded::NoRoom, Some(_)) => {
                let why = "not known: the approval has no room to record any more";
                unknown(reference, &format!("{} as it was recorded", name()), why, notes);
            }
            (Recorded::NotYet | Recorded::NoRoom, now) => {
                let observed = if now.is_some() { "is recorded from now on" } else { "does not exist yet" };
                notes.compare(true, DeviationCode::Reference, FIELD, || {
                    Texts::new(
                        &reference.path,
                        format!("{} as it is recorded", name()),
                        format!("{} {observed}", name()),
                    )
                });
            }
            (Recorded::As(recorded), now) => {
                let holds = now.is_some_and(|now| now.is_same(recorded));
                notes.compare(holds, DeviationCode::Reference, FIELD, || {
                    let expected = format!("{} as it was recorded, {}", name(), content(recorded));
                    Texts::new(&reference.path, expected, format!("{}{}", name(), became(recorded, now)))
                });
            }
        }
    }
}

fn unknown(reference: &Reference<'_>, expected: &str, why: &str, notes: &mut Notes) {
    notes.unknown(DeviationCode::Reference, FIELD, Texts::new(&reference.path, expected, why));
}

/// What became of a ConfigMap. The hash of what is there now is part of it: whoever acknowledged one change has not looked at the next.
fn became(recorded: &ConfigMapHashes, now: Option<&ConfigMapHashes>) -> String {
    let Some(now) = now else { return " is gone".to_owned() };
    if now.is_same(recorded) {
        return format!(": {}", content(now));
    }
    let changes = recorded.changes(now);
    let mut parts: Vec<String> = changes.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    match changes.len() {
        0 => parts.push("its keys or values changed".to_owned()),
        count if count > MOST_NAMED => parts.push(format!("and {} more", count - MOST_NAMED)),
        _ => {}
    }
    format!(": {}; now {}", parts.join(", "), content(now))
}

fn content(hashes: &ConfigMapHashes) -> String {
    format!("content {}", hashes.short())
}

#[cfg(test)]
mod tests;
