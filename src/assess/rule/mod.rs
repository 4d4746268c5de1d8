//! What an approval expects and allows, compared with a workload: one file a family of rules.
//!
//! Each rule notes every comparison that it makes; none looks at what the others found.

mod command;
mod content;
mod deployment;
mod image;
mod metadata;
mod privilege;
mod reference;
mod schedule;
mod substitute;

use super::facts::Facts;
use super::notes::Notes;
use crate::inventory::Rules;

/// Everything that the approval of this name and with these rules expects of the workload, compared.
pub(super) fn all(facts: &Facts<'_>, approval: &str, rules: &Rules, notes: &mut Notes) {
    schedule::check(facts, rules, notes);
    image::check(facts, rules, notes);
    command::check(facts, rules, notes);
    substitute::check(facts, rules, notes);
    metadata::check(facts, rules, notes);
    privilege::check(facts, rules, notes);
    reference::check(facts, rules, notes);
    content::check(facts, approval, rules, notes);
    deployment::check(facts, rules, notes);
}

/// A list of alternatives, for people.
fn one_of<T: std::fmt::Display>(alternatives: &[T]) -> String {
    let texts: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [only] => only.clone(),
        texts => format!("one of: {}", texts.join(", ")),
    }
}
