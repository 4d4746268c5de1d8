//! `expected.deploymentPaths`: the spec as it is now was brought there by one of them.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use super::super::surroundings::Identity;
use super::super::{told, unaccounted};
use crate::api::code::DeviationCode;
use crate::identity::{Account, Deed};
use crate::inventory::{Rules, join};
use crate::workload::redact::printable;

const FIELD: &str = "spec.expected.deploymentPaths";

/// Why it is unknown wherever nobody was told who did it, such as on the command line.
const ASK_THE_OPERATOR: &str = "not known here: only the operator is told who deploys; its finding and the condition FullyChecked of the approval say more";

/// Only what the API server told of the request counts. Labels, annotations and field managers are chosen by whoever makes it.
pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.deployment_paths.is_empty() {
        return;
    }
    let expected = format!("deployed by {}", rules.deployment_paths.join(" or "));
    let unknown = |notes: &mut Notes, why: &str| {
        notes.unknown(DeviationCode::DeploymentPath, FIELD, Texts::new("", expected.as_str(), why));
    };
    let Some(identity) = facts.identity else {
        return unknown(notes, ASK_THE_OPERATOR);
    };
    let provenance = identity.provenance;
    match (provenance.account, &provenance.changer) {
        (Account::Known, Some(changer)) => by(changer, facts, identity, rules, notes),
        (Account::NoSource | Account::Known, _) => {
            unknown(notes, "not known: no audit or admission events have been received");
        }
        (Account::BeforeSource, _) => {
            unknown(notes, "not known: it became what it is before the first event was received");
        }
        (Account::Awaited { until }, _) => {
            unknown(notes, &format!("not known yet: the event that tells is waited for until {until}"));
        }
        (Account::Unaccounted { generation }, _) => {
            notes.compare(false, DeviationCode::UnattributedChange, FIELD, || {
                Texts::new("", expected.as_str(), unaccounted(generation))
            });
        }
    }
}

/// Compares the one who made the spec with the paths. One that fits is enough.
fn by(changer: &Deed, facts: &Facts<'_>, identity: Identity<'_>, rules: &Rules, notes: &mut Notes) {
    let expected = || format!("deployed by {}", rules.deployment_paths.join(" or "));
    let (markers, key) = (facts.workload.markers(), &facts.workload.key);
    let mut mismatches = Vec::new();
    for path in rules.deployment_paths.iter().filter(|path| identity.paths.is_configured(path)) {
        match identity.paths.check(path, &changer.actor, changer.source, &markers, key) {
            Ok(()) => {
                notes.compare(true, DeviationCode::DeploymentPath, FIELD, || {
                    Texts::new("", expected(), format!("deployed by {path}: {}", told(changer)))
                });
                return;
            }
            Err(mismatch) => mismatches.push(mismatch),
        }
    }
    if mismatches.is_empty() {
        let why = "not known: no deployment path of that name is configured";
        notes.unknown(DeviationCode::DeploymentPath, FIELD, Texts::new("", expected(), why));
        return;
    }
    if let Some(unknown) = mismatches.iter().find(|mismatch| mismatch.is_unknown()) {
        let why = printable(&format!("not known: {}: {unknown}", told(changer)), SHOWN * 2);
        notes.unknown(DeviationCode::DeploymentPath, FIELD, Texts::new("", expected(), why));
        return;
    }
    notes.compare(false, DeviationCode::DeploymentPath, FIELD, || {
        let observed = format!("{}: {}", told(changer), join(&mismatches, "; "));
        Texts::new("", expected(), printable(&observed, SHOWN * 2))
    });
}
