//! The names of drafted approvals.

use sha2::{Digest, Sha256};

use crate::workload::redact::hex;
use crate::workload::{WorkloadKey, WorkloadKind};

/// The longest name of an object, in bytes.
const LONGEST: usize = 253;

/// How many hexadecimal digits tell apart names that would be alike.
const DIGITS: usize = 10;

/// The ending of the names of approvals for Jobs.
const JOB: &str = "-job";

/// The name of the approval for one workload: `<namespace>-<name>`, with `-job` behind it for a Job.
///
/// A hash follows if another workload could come by the same text (`a-b`/`c` and `a`/`b-c`), or if the text is too long, whether
/// there is such a workload or not: the name of an approval does not change when others come or go.
pub(super) fn of(key: &WorkloadKey) -> String {
    let ending = match key.kind {
        WorkloadKind::CronJob => "",
        WorkloadKind::Job => JOB,
    };
    let text = format!("{}-{}{ending}", key.namespace, key.name);
    let is_plain = !key.namespace.contains('-')
        && (key.kind == WorkloadKind::Job || !key.name.ends_with(JOB))
        && !ends_with_digits(&text)
        && text.len() <= LONGEST;
    if is_plain { text } else { hashed(&text, &key.to_string()) }
}

/// The name of the approval for the same workload in several namespaces. `content` tells it from others of that name.
pub(super) fn of_group(kind: WorkloadKind, name: &str, content: &str) -> String {
    hashed(name, &format!("{kind} {content}"))
}

fn hashed(text: &str, content: &str) -> String {
    let digest = hex(&Sha256::digest(content.as_bytes()), DIGITS);
    let cut: String = text.chars().take(LONGEST - DIGITS - 1).collect();
    format!("{}-{digest}", cut.trim_end_matches(['-', '.']))
}

/// Whether a text looks as if [`hashed`] had made it.
fn ends_with_digits(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(_, last)| {
        last.len() == DIGITS && last.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Whether Kubernetes accepts the namespace and the name: what it refuses cannot be written in an approval either.
pub(super) fn is_valid(key: &WorkloadKey) -> bool {
    let is_label = |text: &str| {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.starts_with(letter) && text.ends_with(letter) && text.chars().all(|c| letter(c) || c == '-')
    };
    key.namespace.len() <= 63
        && is_label(&key.namespace)
        && key.name.len() <= LONGEST
        && key.name.split('.').all(is_label)
}
