//! What makes a workload dangerous, approved or not: one file a family.

mod actor;
mod campaign;
mod command;
mod name;
mod pod;
mod run;

use super::facts::Facts;
use crate::api::code::RiskCode;
use crate::api::finding::{Campaign, Risk};
use crate::identity::path::Paths;
use crate::identity::{Deed, Provenance};
use crate::workload::WorkloadKey;
pub(super) use actor::{Own, own_approvals};

/// Every risk of the workload, of who made it and of where else it is, in the order of the codes. `own` are the approvals of those who
/// made it.
pub(super) fn all(facts: &Facts<'_>, own: &[Own<'_>], campaign: Option<&Campaign>) -> Vec<Risk> {
    let mut found = Vec::new();
    pod::check(facts, &mut found);
    name::check(facts, &mut found);
    command::check(facts, &mut found);
    run::check(facts, &mut found);
    actor::check(facts, own, &mut found);
    found.extend(campaign.map(campaign::part_of));
    found.sort_by_key(|risk| risk.code);
    found
}

/// Every risk of an approval, in the order of the codes. `own` is a workload that was written by the same hands.
pub(super) fn of_approval(provenance: &Provenance, paths: &Paths, own: Option<&WorkloadKey>) -> Vec<Risk> {
    let is_no_path =
        |deed: &&Deed| paths.approval_paths().is_none() || paths.check_approval(&deed.actor, deed.source).is_err();
    let makers: Vec<&Deed> = provenance.makers().filter(is_no_path).collect();
    let mut found = Vec::new();
    actor::made_by(&makers, &mut found);
    found.extend(own.map(|own| risk(RiskCode::SelfApproval, "", format!("the same hands wrote {own}"))));
    actor::tampering(&provenance.tampering, &mut found);
    found.sort_by_key(|risk| risk.code);
    found
}

fn risk(code: RiskCode, path: impl Into<String>, detail: impl Into<String>) -> Risk {
    Risk { code, path: path.into(), detail: detail.into() }
}
