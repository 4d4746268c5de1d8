//! The entries of `expected.commands`: what containers, probes and hooks run, without the credentials in it.

use super::entry::most;
use super::evidence::Evidence;
use super::remarks::Remarks;
use crate::api::approval::ExpectedCommand;
use crate::workload::Container;
use crate::workload::pattern::Pattern;
use crate::workload::pod::Hook;
use crate::workload::redact;

const FIELD: &str = "spec.expected.commands";

/// The longest entries of `command` and of `args`, in bytes. The API server counts characters; a text of more bytes than the latter
/// was cut when it was read.
const LONGEST_COMMAND: usize = 1024;
const LONGEST_ARGUMENT: usize = 4096;

/// One command line of a pod: that of a container, or of one of its probes and hooks.
pub(super) struct Line<'a> {
    pub(super) container: &'a Container,
    pub(super) hook: Option<&'a Hook>,
}

/// Every command line of the pod.
pub(super) fn lines<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = Line<'a>> {
    evidence.workload.pod.containers.iter().flat_map(|container| {
        let hooks = container.hooks.iter().filter(|hook| !hook.command.is_empty());
        std::iter::once(Line { container, hook: None })
            .chain(hooks.map(move |hook| Line { container, hook: Some(hook) }))
    })
}

impl Line<'_> {
    /// Whether nobody accepted what it does.
    pub(super) fn is_suspicious(&self, evidence: &Evidence<'_>) -> bool {
        match self.hook {
            Some(hook) => evidence.suspicious_hook(self.container, &hook.field),
            None => evidence.suspicious_command(self.container),
        }
    }

    /// The entry for this command line and, as far as patterns can say it, no other.
    pub(super) fn entry(&self, evidence: &Evidence<'_>, remarks: &mut Remarks) -> ExpectedCommand {
        let path = evidence.workload.container_path(self.container);
        let nothing = Vec::new();
        let (path, command, args) = match self.hook {
            // An entry for a probe must not let a container run the same program with arguments.
            Some(hook) => (format!("{path}.{}.exec", hook.field), &hook.command, &nothing),
            None => (path, &self.container.command, &self.container.args),
        };
        let (shown_command, shown_args) = redact::command_line(command, args, usize::MAX);
        ExpectedCommand {
            command: Some(patterns(command, &shown_command, LONGEST_COMMAND, &format!("{path}.command"), remarks)),
            args: Some(patterns(args, &shown_args, LONGEST_ARGUMENT, &format!("{path}.args"), remarks)),
        }
    }
}

/// The entry that nothing satisfies but a container that runs what its image says.
pub(super) fn none() -> ExpectedCommand {
    ExpectedCommand { command: Some(Vec::new()), args: Some(Vec::new()) }
}

fn patterns(texts: &[String], shown: &[String], longest: usize, path: &str, remarks: &mut Remarks) -> Vec<String> {
    let mut patterns: Vec<String> = texts
        .iter()
        .zip(shown)
        .enumerate()
        .map(|(i, (text, shown))| pattern(text, shown, longest, &format!("{path}[{i}]"), remarks))
        .collect();
    if patterns.len() > most::ARGUMENTS {
        patterns.truncate(most::ARGUMENTS - 1);
        patterns.push("**".to_owned());
        remarks.pin(FIELD, &format!("{path} has more entries than an approval can list, so `**` stands for the rest"));
    }
    patterns
}

fn pattern(text: &str, shown: &str, longest: usize, path: &str, remarks: &mut Remarks) -> String {
    let is_harmless = redact::printable(text, usize::MAX) == shown;
    if !is_harmless {
        remarks
            .pin(FIELD, &format!("{path} looks like a credential, so a `*` stands in its place: move it to a Secret"));
        return without_credentials(text, shown).filter(|p| fits(p, text, longest)).unwrap_or_else(|| "*".to_owned());
    }
    if text.len() > longest {
        remarks.pin(FIELD, &format!("{path} is longer than an approval can hold, so a `*` stands in its place"));
        return "*".to_owned();
    }
    if text.contains(['*', '?']) {
        remarks.pin(FIELD, &format!("{path} has a `*` or `?`, which is a wildcard in an approval"));
    }
    // As an entry of its own it stands for any number of further arguments.
    if text == "**" { "*".to_owned() } else { text.to_owned() }
}

fn fits(pattern: &str, text: &str, longest: usize) -> bool {
    pattern != "**" && pattern.len() <= longest && Pattern::argument(pattern).matches(text)
}

/// The text with a wildcard in the place of each credential. `shown` is how it may be shown, with control characters escaped;
/// where only the text itself was looked at, and not what stands before it, the same can be had without the escapes.
fn without_credentials(text: &str, shown: &str) -> Option<String> {
    let readable = redact::credentials(text);
    let redacted = if redact::printable(&readable, usize::MAX) == shown { readable.as_str() } else { shown };
    let mut pattern = String::new();
    let mut rest = redacted;
    while let Some((before, marker)) = rest.split_once("[redacted") {
        pattern.push_str(before);
        pattern.push('*');
        rest = marker.split_once(']')?.1;
    }
    pattern.push_str(rest);
    Some(pattern)
}
