//! `expected.commands`: what every container runs, its probes and hooks included.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::{deviation, one_of};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::{CommandRule, Rules};
use crate::workload::{Container, redact};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    if rules.commands.is_empty() {
        return;
    }
    for (path, container) in facts.containers() {
        found.extend(main(&path, container, &rules.commands));
        for hook in container.hooks.iter().filter(|hook| !hook.command.is_empty()) {
            if !rules.commands.iter().any(|rule| rule.hook_fits(&hook.command)) {
                found.push(deviation(
                    DeviationCode::Command,
                    format!("{path}.{}.exec.command", hook.field),
                    one_of(&rules.commands.iter().filter_map(|rule| rule.command.as_ref()).collect::<Vec<_>>()),
                    shown(&redact::arguments(&hook.command, SHOWN)),
                ));
            }
        }
    }
}

/// The arguments are to blame only if the command by itself would be approved.
fn main(path: &str, container: &Container, rules: &[CommandRule]) -> Option<Deviation> {
    if rules.iter().any(|rule| rule.fits(&container.command, &container.args)) {
        return None;
    }
    let (command, args) = redact::command_line(&container.command, &container.args, SHOWN);
    let of_command: Vec<&CommandRule> = rules.iter().filter(|rule| rule.command_fits(&container.command)).collect();
    let (field, expected, observed) = if of_command.is_empty() {
        let expected: Vec<_> = rules.iter().filter_map(|rule| rule.command.as_ref()).collect();
        // Without the arguments nobody could tell what a shell was told to do.
        let line =
            if args.is_empty() { shown(&command) } else { format!("{} with args {}", shown(&command), shown(&args)) };
        ("command", one_of(&expected), line)
    } else {
        let expected: Vec<_> = of_command.iter().filter_map(|rule| rule.args.as_ref()).collect();
        ("args", one_of(&expected), shown(&args))
    };
    Some(deviation(DeviationCode::Command, format!("{path}.{field}"), expected, observed))
}

/// A command line that is fit to be shown already.
fn shown(entries: &[String]) -> String {
    if entries.is_empty() {
        return "[] (that of the image)".to_owned();
    }
    let entries: Vec<String> = entries.iter().map(|entry| format!("\"{entry}\"")).collect();
    redact::printable(&format!("[{}]", entries.join(", ")), 2 * SHOWN)
}
