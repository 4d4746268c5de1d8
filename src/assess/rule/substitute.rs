//! What runs in the place of an approved image's own program: volumes mounted over programs, variables that make a program load
//! other code, and a working directory that leads a relative command elsewhere.
//!
//! Where an approval says what may run, but does not pin the whole template by `expected.templateHash`, such a substitution would
//! let other code run under an approved image and command.

mod directory;
mod place;
#[cfg(test)]
mod tests;
mod variable;

use place::{is_under, unapproved_content};

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::Container;
use crate::workload::pod::clean_path;
use crate::workload::redact::printable;

/// Folders in which images keep their programs and what programs load.
const PROGRAMS: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
];

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.constrain_nothing() || rules.template_hash.is_some() {
        return;
    }
    // Either list stands for what may run.
    let field = if rules.commands.is_empty() { "spec.expected.images" } else { "spec.expected.commands" };
    for (path, container) in facts.containers() {
        let mut found = false;
        for (i, mount) in container.mounts.iter().enumerate() {
            let Some(content) = unapproved_content(facts, mount) else { continue };
            if covers_program(&mount.path, container) {
                found = true;
                notes.compare(false, DeviationCode::Command, field, || {
                    let observed = format!("{content} mounted over {}", printable(&mount.path, SHOWN));
                    Texts::new(format!("{path}.volumeMounts[{i}].mountPath"), "the programs of the image", observed)
                });
            }
        }
        for (i, deed) in variable::substitutions(facts, rules, container) {
            found = true;
            notes.compare(false, DeviationCode::Command, field, || {
                Texts::new(format!("{path}.env[{i}]"), "no code but the program's", deed)
            });
        }
        // Without a list of commands, any program is approved, wherever it lies.
        if !rules.commands.is_empty()
            && let Some(observed) = directory::substitution(facts, rules, container)
        {
            found = true;
            notes.compare(false, DeviationCode::Command, field, || {
                Texts::new(format!("{path}.workingDir"), "the programs of the image", observed)
            });
        }
        if !found {
            notes.compare(true, DeviationCode::Command, field, || {
                Texts::new(path, "the programs of the image", "nothing is mounted over them or loaded before them")
            });
        }
    }
}

/// Whether a mount replaces the container's own program, or a folder of programs or a part of it.
fn covers_program(mount: &str, container: &Container) -> bool {
    let mount = clean_path(mount);
    let own = container.command.first().filter(|program| program.starts_with('/'));
    own.is_some_and(|program| is_under(&clean_path(program), &mount))
        || PROGRAMS.iter().any(|folder| is_under(folder, &mount) || is_under(&mount, folder))
}
