//! Working directories that lead a relative command to other programs.

use super::super::super::SHOWN;
use super::super::super::facts::Facts;
use super::place::unapproved_programs;
use crate::inventory::Rules;
use crate::workload::Container;
use crate::workload::redact::printable;

/// Programs that are given commands as a text.
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash", "ksh", "zsh"];

/// Other programs whose first argument is the program that they run. Their names may end in a version.
const INTERPRETERS: &[&str] =
    &["python", "node", "deno", "bun", "ruby", "perl", "php", "java", "pwsh", "lua", "Rscript", "torchrun"];

/// Words of a shell that a command follows.
const LEADING_WORDS: &[&str] =
    &["exec", "if", "then", "else", "while", "until", "do", "time", "nohup", "env", "source", ".", "!"];

/// What the working directory substitutes, if something that the container runs is found by it.
pub(super) fn substitution(facts: &Facts<'_>, rules: &Rules, container: &Container) -> Option<String> {
    let directory = container.working_dir.as_ref()?;
    let line: Vec<&str> = container.command.iter().chain(&container.args).map(String::as_str).collect();
    let hooks = container.hooks.iter().map(|hook| hook.command.iter().map(String::as_str).collect::<Vec<_>>());
    if !std::iter::once(line).chain(hooks).any(|line| runs_relative(&line)) {
        return None;
    }
    let content = unapproved_programs(facts, rules, container, directory)?;
    Some(format!("a relative command in {}, which is {content}", printable(directory, SHOWN)))
}

/// Whether a command line runs a file by a relative path: as the program, as the script of an interpreter, or by the text that a
/// shell is given.
fn runs_relative(line: &[&str]) -> bool {
    let Some((program, arguments)) = line.split_first() else { return false };
    runs_relative_file(program, arguments)
        || SHELLS.contains(&base_name(program))
            && text_of(arguments)
                .is_some_and(|text| text.split(['\n', ';', '&', '|', '(', '{']).any(is_relative_command))
}

fn runs_relative_file(program: &str, arguments: &[&str]) -> bool {
    if program.contains('/') && is_relative(program) {
        return true;
    }
    let name = base_name(program);
    let script =
        arguments.iter().take_while(|argument| !takes_text(argument)).find(|argument| !argument.starts_with('-'));
    (SHELLS.contains(&name) || INTERPRETERS.contains(&name)) && script.is_some_and(|script| is_relative(script))
}

/// Whether a simple command of a shell runs a file by a relative path.
fn is_relative_command(command: &str) -> bool {
    let words: Vec<&str> = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .skip_while(|word| LEADING_WORDS.contains(word) || word.contains('=') && !word.starts_with('-'))
        .collect();
    words.split_first().is_some_and(|(program, arguments)| runs_relative_file(program, arguments))
}

/// Paths that begin with a variable or a home lead elsewhere, and a comment leads nowhere.
fn is_relative(path: &str) -> bool {
    !path.starts_with(['/', '$', '~', '#'])
}

/// The name of a program without its folder and its version.
fn base_name(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or_default();
    name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default()
}

/// Whether an option is followed by a text instead of a file: `-c` or `-e`, alone or behind a few other letters.
fn takes_text(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|letters| {
        letters.len() <= 4 && letters.ends_with(['c', 'e', 'E']) && letters.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

fn text_of<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let option = arguments.iter().position(|argument| takes_text(argument))?;
    arguments.get(option.saturating_add(1)).copied()
}
