//! The parts of an entry as phrases.

use jiff::Timestamp;

use super::super::words::{codes, count, shown};
use crate::assess::Assessment;
use crate::identity::Actor;
use crate::timeline::{Entry, Remark, Subject, Verdict, What};
use crate::workload::WorkloadKind;
use crate::workload::difference::Difference;
use crate::workload::redact::printable;

/// How many characters are shown of what a client called itself: it can be anything, and proves nothing.
const LONGEST_AGENT: usize = 100;

/// A time to the second.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What an entry is about.
pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Workload(key) => shown(&key.to_string()),
        Subject::Approval(name) => shown(&format!("ApprovedCronJob/{name}")),
        Subject::Unnamed(kind, namespace) => {
            let all = match kind {
                WorkloadKind::CronJob => "CronJobs",
                WorkloadKind::Job => "Jobs",
            };
            match namespace.as_str() {
                "" => format!("{all} of all namespaces"),
                namespace => shown(&format!("{all} of {namespace}")),
            }
        }
    }
}

/// Who did it, and in whose name if it was another's.
pub(super) fn who(actor: &Actor) -> String {
    let impersonator = actor.impersonated.is_some().then_some(actor.user.username.as_str());
    named(&actor.effective().username, impersonator)
}

/// A user, and who acted as that user.
pub(super) fn named(username: &str, impersonator: Option<&str>) -> String {
    let name = |name: &str| if name.is_empty() { "unknown".to_owned() } else { shown(name) };
    match impersonator {
        Some(impersonator) => format!("{} as {}", name(impersonator), name(username)),
        None => name(username),
    }
}

/// The verdict with its reasons in short.
pub(super) fn verdict(entry: &Entry) -> String {
    let Assessment { deviations, unknown, severity, .. } = &entry.assessment;
    match entry.verdict {
        None => String::new(),
        Some(Verdict::Deviating) => {
            format!("{severity}: {}", codes(deviations.iter().map(|deviation| deviation.code.as_str())))
        }
        Some(Verdict::Unknown) => format!("unknown: {}", codes(unknown.iter().map(|unknown| unknown.code.as_str()))),
        Some(Verdict::Approved) => "approved".to_owned(),
        Some(Verdict::NotJudged) => "not judged".to_owned(),
        Some(Verdict::NotRecorded) => "content not recorded".to_owned(),
    }
}

/// How the request came: the evidence behind the name.
pub(super) fn evidence(entry: &Entry) -> Vec<String> {
    let actor = &*entry.actor;
    let mut lines = Vec::new();
    let mut parts = Vec::new();
    if !actor.source_ips.is_empty() {
        parts.push(format!("from {}", shown(&actor.source_ips.join(", "))));
    }
    if !actor.user_agent.is_empty() {
        parts.push(format!("with {}", printable(&actor.user_agent, LONGEST_AGENT)));
    }
    if let Some(pod) = &actor.pod {
        parts.push(format!("with the token of pod {}", shown(&pod.name)));
    }
    if !entry.audit_id.is_empty() {
        parts.push(format!("audit ID {}", shown(&entry.audit_id)));
    }
    if !parts.is_empty() {
        lines.push(parts.join(", "));
    }
    if !actor.authorization.is_empty() {
        lines.push(shown(&actor.authorization));
    }
    lines
}

/// A remark as a sentence.
pub(super) fn remark(remark: &Remark, what: What) -> Option<String> {
    Some(match remark {
        Remark::BeforeLog => "was there before the log begins".to_owned(),
        // The verdict says it.
        Remark::ContentNotRecorded if what != What::Deleted => return None,
        Remark::ContentNotRecorded => "what was in it is not recorded".to_owned(),
        Remark::Unreadable(reason) => format!("cannot be read: {}", shown(&reason.to_string())),
        Remark::NamesNotRecorded => "deleted at once: the log does not tell which".to_owned(),
        Remark::ManualRun(cron_job) => format!("started by hand from CronJob {}", shown(cron_job)),
        Remark::ClaimsOwner(cron_job) => format!(
            "says that it belongs to CronJob {}, whose controller did not create it; the template cannot be compared",
            shown(cron_job)
        ),
        Remark::Child(kind, name) => format!("belongs to {} {}", shown(kind), shown(name)),
        Remark::OwnApproval(approval) => format!("the same user wrote the approval {}", shown(approval)),
        Remark::AfterDeletion => "changed after it was deleted".to_owned(),
    })
}

/// A difference on one line, or on three if it is long.
pub(super) fn difference(difference: &Difference, width: usize) -> Vec<String> {
    let Difference { path, old, new } = difference;
    let (path, old, new) = (shown(path), old.as_deref().map(shown), new.as_deref().map(shown));
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "(absent)".to_owned());
    if old == new {
        return vec![format!("{path}: {} → another value", side(&old))];
    }
    let line = format!("{path}: {} → {}", side(&old), side(&new));
    if line.chars().count() <= width {
        return vec![line];
    }
    let sides = [("- ", old), ("+ ", new)];
    let lines = sides.into_iter().filter_map(|(sign, text)| text.map(|text| format!("  {sign}{text}")));
    std::iter::once(format!("{path}:")).chain(lines).collect()
}

/// A text on lines of this width, broken at spaces. Later lines are indented.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        let is_first = lines.last().is_none_or(|line| line.trim_start().is_empty());
        if !is_first && length + 1 + long > width {
            lines.push("  ".to_owned());
            length = 2;
        } else if length > 0 && !is_first {
            length += 1;
            lines.last_mut().iter_mut().for_each(|line| line.push(' '));
        }
        length += long;
        lines.last_mut().iter_mut().for_each(|line| line.push_str(word));
    }
    lines
}

/// How long something was there.
pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0).unsigned_abs();
    let (number, unit) = match seconds {
        0 => return "less than a second".to_owned(),
        1..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    count(number, unit)
}
