//! `expected.commands`: what every container runs, its probes and hooks included.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use super::one_of;
use crate::api::code::DeviationCode;
use crate::inventory::{CommandRule, Rules};
use crate::workload::{Container, redact};

const FIELD: &str = "spec.expected.commands";

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.commands.is_empty() {
        return;
    }
    for (path, container) in facts.containers() {
        let holds = rules.commands.iter().any(|rule| rule.fits(&container.command, &container.args));
        notes.compare(holds, DeviationCode::Command, FIELD, || {
            if holds {
                approved(&path, container, &rules.commands)
            } else {
                differing(&path, container, &rules.commands)
            }
        });
        for hook in container.hooks.iter().filter(|hook| !hook.command.is_empty()) {
            let holds = rules.commands.iter().any(|rule| rule.hook_fits(&hook.command));
            notes.compare(holds, DeviationCode::Command, FIELD, || {
                Texts::new(
                    format!("{path}.{}.exec.command", hook.field),
                    one_of(&commands(&rules.commands)),
                    shown(&redact::arguments(&hook.command, SHOWN)),
                )
            });
        }
    }
}

/// The entries by which the command is approved.
fn approved(path: &str, container: &Container, rules: &[CommandRule]) -> Texts {
    let fitting: Vec<&CommandRule> =
        rules.iter().filter(|rule| rule.fits(&container.command, &container.args)).collect();
    let (command, args) = redact::command_line(&container.command, &container.args, SHOWN);
    Texts::new(format!("{path}.command"), one_of(&fitting), line(&command, &args))
}

/// The arguments are to blame only if the command by itself would be approved.
fn differing(path: &str, container: &Container, rules: &[CommandRule]) -> Texts {
    let (command, args) = redact::command_line(&container.command, &container.args, SHOWN);
    let of_command: Vec<&CommandRule> = rules.iter().filter(|rule| rule.command_fits(&container.command)).collect();
    if of_command.is_empty() {
        // Without the arguments nobody could tell what a shell was told to do.
        Texts::new(format!("{path}.command"), one_of(&commands(rules)), line(&command, &args))
    } else {
        let expected: Vec<_> = of_command.iter().filter_map(|rule| rule.shown_args()).collect();
        Texts::new(format!("{path}.args"), one_of(&expected), shown(&args))
    }
}

fn commands(rules: &[CommandRule]) -> Vec<&str> {
    rules.iter().filter_map(CommandRule::shown_command).collect()
}

/// A command with its arguments, both fit to be shown already.
fn line(command: &[String], args: &[String]) -> String {
    if args.is_empty() { shown(command) } else { format!("{} with args {}", shown(command), shown(args)) }
}

/// A command line that is fit to be shown already.
fn shown(entries: &[String]) -> String {
    if entries.is_empty() {
        return "[] (that of the image)".to_owned();
    }
    let entries: Vec<String> = entries.iter().map(|entry| format!("\"{entry}\"")).collect();
    redact::printable(&format!("[{}]", entries.join(", ")), 2 * SHOWN)
}
