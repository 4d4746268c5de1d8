//! What an approval expects and allows, compared with a workload: one file a family of rules.
//!
//! Each rule adds every deviation that it finds; none looks at what the others found.

mod command;
mod image;
mod metadata;
mod privilege;
mod reference;
mod schedule;
mod substitute;

use super::facts::Facts;
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Rules;

/// Every way in which the workload differs from the approval with these rules. Who is named as the approval is filled in later.
pub(super) fn all(facts: &Facts<'_>, rules: &Rules) -> Vec<Deviation> {
    let mut found = Vec::new();
    schedule::check(facts, rules, &mut found);
    image::check(facts, rules, &mut found);
    command::check(facts, rules, &mut found);
    substitute::check(facts, rules, &mut found);
    metadata::check(facts, rules, &mut found);
    privilege::check(facts, rules, &mut found);
    reference::check(facts, rules, &mut found);
    found
}

fn deviation(
    code: DeviationCode,
    path: impl Into<String>,
    expected: impl Into<String>,
    observed: impl Into<String>,
) -> Deviation {
    Deviation { code, path: path.into(), expected: expected.into(), observed: observed.into(), approval: None }
}

/// A list of alternatives, for people.
fn one_of<T: std::fmt::Display>(alternatives: &[T]) -> String {
    let texts: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [only] => only.clone(),
        texts => format!("one of: {}", texts.join(", ")),
    }
}
