//! The judgement of an approval: whether it came by a way by which approvals may come.

use super::{Assessment, SHOWN, Unknown, risk, told, unaccounted};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::identity::path::Paths;
use crate::identity::{Account, Provenance};
use crate::workload::WorkloadKey;
use crate::workload::redact::printable;

/// Judges who wrote an approval. `own` is a workload that it speaks for and that was written by the same hands, beside any deployment
/// path: a risk, and no deviation by itself.
///
/// Clean as long as the configuration does not say by which paths approvals come.
pub fn approval(name: &str, provenance: &Provenance, paths: &Paths, own: Option<&WorkloadKey>) -> Assessment {
    let mut assessment = Assessment::default();
    if let Some(allowed) = paths.approval_paths() {
        by_path(name, provenance, paths, allowed, &mut assessment);
    }
    if !assessment.deviations.is_empty() {
        assessment.risks = risk::of_approval(provenance, paths, own);
    }
    assessment.rated()
}

fn by_path(name: &str, provenance: &Provenance, paths: &Paths, allowed: &[String], assessment: &mut Assessment) {
    let expected = format!("written by {}", allowed.join(" or "));
    let unknown = |assessment: &mut Assessment, expected| {
        let approval = name.to_owned();
        assessment.unknown.push(Unknown { code: DeviationCode::DeploymentPath, expected, approval });
    };
    match (provenance.account, &provenance.changer) {
        (Account::Known, Some(changer)) => match paths.check_approval(&changer.actor, changer.source) {
            Ok(()) => {}
            Err(mismatch) if mismatch.is_unknown() => unknown(assessment, expected),
            Err(mismatch) => {
                let observed = format!("{}: {mismatch}", told(changer));
                assessment.deviations.push(deviation(DeviationCode::DeploymentPath, expected, &observed));
            }
        },
        (Account::Unaccounted { generation }, _) => {
            let observed = unaccounted(generation);
            assessment.deviations.push(deviation(DeviationCode::UnattributedChange, expected, &observed));
        }
        (Account::Known | Account::NoSource | Account::BeforeSource | Account::Awaited { .. }, _) => {
            unknown(assessment, expected);
        }
    }
}

fn deviation(code: DeviationCode, expected: String, observed: &str) -> Deviation {
    Deviation { code, path: String::new(), expected, observed: printable(observed, SHOWN * 2), approval: None }
}
