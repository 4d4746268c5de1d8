//! What makes a workload dangerous, approved or not: one file a family.

mod command;
mod name;
mod pod;
mod run;

use super::facts::Facts;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;

/// Every risk that follows from the workload alone, in the order of the codes.
pub(super) fn all(facts: &Facts<'_>) -> Vec<Risk> {
    let mut found = Vec::new();
    pod::check(facts, &mut found);
    name::check(facts, &mut found);
    command::check(facts, &mut found);
    run::check(facts, &mut found);
    found.sort_by_key(|risk| risk.code);
    found
}

fn risk(code: RiskCode, path: impl Into<String>, detail: impl Into<String>) -> Risk {
    Risk { code, path: path.into(), detail: detail.into() }
}
