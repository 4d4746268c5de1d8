//! The history as a time line for people.

use std::fmt::Write;

use super::super::lines;
use super::super::table::colour;
use super::super::words::{self, codes, count, expected, observed};
use super::super::{Level, Problem, Style};
use super::Replay;
use super::phrase::{difference, duration, evidence, named, remark, subject, time, verdict, who, wrapped};
use crate::api::code::DeviationCode;
use crate::timeline::{ActorSummary, Entry, History, Inventories, Life, Verdict, What};

/// How wide lines are that can be broken, where the width of the output is not known.
const WIDTH: usize = 120;
/// The widest columns, in characters. What is longer is shown in full, and moves what stands behind it.
const WIDEST_SUBJECT: usize = 44;
const WIDEST_VERDICT: usize = 24;
/// The most deviations that are told of one version.
const MOST_DEVIATIONS: usize = 8;
/// The most workloads that are told with the change of one approval.
const MOST_EFFECTS: usize = 10;
/// The most entries of a list at the end.
const MOST_LISTED: usize = 20;
/// The narrowest output, in columns.
const NARROWEST: usize = 60;
const INDENT: &str = "    ";

/// Renders a history for people: everything in order of time, and the figures at the end.
pub fn table(replay: &Replay, style: &Style) -> String {
    let mut out = String::new();
    let History { entries, lives, inventories, summary } = &replay.history;
    timeline(entries, *style, &mut out);
    let renderer = lines::renderer(*style);
    let told = |problem: &&Problem| !style.quiet || problem.level == Level::Error;
    for problem in replay.problems.iter().filter(told) {
        lines::problem(problem, &renderer, false, &mut out);
    }
    gone(lives, &mut out);
    actors(&summary.actors, &mut out);
    inventory(*inventories, entries, &mut out);
    figures(replay, &mut out);
    out
}

fn timeline(entries: &[Entry], style: Style, out: &mut String) {
    if entries.is_empty() {
        return;
    }
    let width = |of: fn(&Entry) -> String, header: &str, widest: usize| {
        let widths = entries.iter().map(|entry| of(entry).chars().count());
        widths.max().unwrap_or_default().clamp(header.len(), widest)
    };
    let subjects = width(|entry| subject(&entry.subject), "WORKLOAD", WIDEST_SUBJECT);
    let verdicts = width(verdict, "VERDICT", WIDEST_VERDICT);
    // The width of what is coloured is counted without the colours.
    let line = |time: &str, what: &str, subject: &str, verdict: &str, who: &str| {
        let padding = " ".repeat(verdicts.saturating_sub(verdict.chars().count()));
        let verdict = coloured(verdict, style);
        format!("{time:<20}  {what:<9}  {subject:<subjects$}  {verdict}{padding}  {who}")
    };
    push(out, &line("TIME", "WHAT", "WORKLOAD", "VERDICT", "WHO"));
    let width = style.width.map_or(WIDTH, usize::from).max(NARROWEST) - INDENT.len();
    for entry in entries {
        let (subject, verdict) = (subject(&entry.subject), verdict(entry));
        push(out, &line(&time(entry.at), entry.what.as_str(), &subject, &verdict, &who(&entry.actor)));
        for detail in details(entry, width).iter().flat_map(|detail| wrapped(detail, width)) {
            push(out, &format!("{INDENT}{detail}"));
        }
    }
    out.push('\n');
}

/// A verdict with its severity in colour.
fn coloured(verdict: &str, style: Style) -> String {
    let word = verdict.split(':').next().unwrap_or_default();
    let Some(colour) = colour(word).filter(|_| style.colour) else { return verdict.to_owned() };
    let rest = verdict.strip_prefix(word).unwrap_or_default();
    format!("{}{word}{}{rest}", colour.render(), colour.render_reset())
}

fn details(entry: &Entry, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let is_news = entry.what != What::Deleted;
    if entry.verdict != Some(Verdict::Approved) || !entry.remarks.is_empty() {
        lines.extend(evidence(entry));
    }
    lines.extend(entry.remarks.iter().filter_map(|one| remark(one, entry.what)));
    for one in &entry.differences.all {
        lines.extend(difference(one, width));
    }
    if entry.differences.more > 0 {
        lines.push(format!("{} more fields differ", entry.differences.more));
    }
    if is_news {
        // The verdict says all there is to say of a workload that nobody approved.
        let deviations = entry.assessment.deviations.iter().filter(|one| one.code != DeviationCode::Unapproved);
        let deviations: Vec<_> = deviations.collect();
        for deviation in deviations.iter().take(MOST_DEVIATIONS) {
            let (observed, expected) = (observed(deviation), expected(deviation));
            lines.push(format!("{}: {observed}; expected {expected}", deviation.code));
        }
        if deviations.len() > MOST_DEVIATIONS {
            lines.push(format!("{} more deviations", deviations.len() - MOST_DEVIATIONS));
        }
        let risks = codes(entry.assessment.risks.iter().map(|risk| risk.code.as_str()));
        if !risks.is_empty() && entry.verdict != Some(Verdict::Approved) {
            lines.push(format!("risks: {}", risks.replace(',', ", ")));
        }
    }
    for effect in entry.effects.iter().take(MOST_EFFECTS) {
        let (before, after) = (effect.before.as_str(), effect.after.as_str());
        lines.push(format!("{}: {before} → {after}", words::workload(&effect.key)));
    }
    if entry.effects.len() > MOST_EFFECTS {
        lines.push(format!("{} more workloads are judged otherwise", entry.effects.len() - MOST_EFFECTS));
    }
    lines
}

/// The workloads that were created and deleted within the log and never approved.
fn gone(lives: &[Life], out: &mut String) {
    let gone: Vec<&Life> = lives.iter().filter(|life| life.is_planted_and_gone()).collect();
    if gone.is_empty() {
        return;
    }
    push(out, "Planted and gone:");
    for life in gone.iter().take(MOST_LISTED) {
        let (Some((created, creator)), Some((deleted, deleter))) = (&life.created, &life.deleted) else { continue };
        let runs = if life.runs > 0 { format!(", {}", count(life.runs, "run")) } else { String::new() };
        push(
            out,
            &format!(
                "{INDENT}{}  created {} by {}, deleted by {} after {}{runs}",
                words::workload(&life.key),
                time(*created),
                who(creator),
                who(deleter),
                duration(*created, *deleted),
            ),
        );
    }
    more(gone.len(), out);
    out.push('\n');
}

fn actors(actors: &[ActorSummary], out: &mut String) {
    if actors.is_empty() {
        return;
    }
    push(out, "Who did it:");
    for actor in actors.iter().take(MOST_LISTED) {
        let ActorSummary { username, impersonator, created, changed, deleted, deviating } = actor;
        let name = named(username, impersonator.as_deref());
        let counts = [(created, "created"), (changed, "changed"), (deleted, "deleted"), (deviating, "deviating")];
        let counts = counts.iter().filter(|(number, _)| **number > 0).map(|(number, what)| format!("{number} {what}"));
        push(out, &format!("{INDENT}{name}: {}", counts.collect::<Vec<_>>().join(", ")));
    }
    more(actors.len(), out);
    out.push('\n');
}

fn more(all: usize, out: &mut String) {
    if all > MOST_LISTED {
        push(out, &format!("{INDENT}… and {} more", all - MOST_LISTED));
    }
}

fn inventory(inventories: Inventories, entries: &[Entry], out: &mut String) {
    match inventories {
        Inventories::Given => {}
        Inventories::None if entries.is_empty() => {}
        Inventories::None => note(
            out,
            "There is no inventory, so nothing could be approved or deviate: --inventory PATH|cluster names one. Risks are shown \
             all the same.",
        ),
        Inventories::Recorded => note(
            out,
            "Judged by the approvals that the log tells of, as they were at each moment. Approvals that nobody touched in that \
             time are not among them: --inventory PATH|cluster judges by those that you name.",
        ),
    }
}

fn figures(replay: &Replay, out: &mut String) {
    let summary = &replay.history.summary;
    let span = match summary.span {
        Some((from, to)) => format!(" from {} to {}", time(from), time(to)),
        None => String::new(),
    };
    let versions = if summary.deviating == 1 { "version deviates" } else { "versions deviate" };
    let mut line = format!(
        "{}{span}: {} {versions}, {} planted and gone; {}",
        count(summary.workloads, "workload"),
        summary.deviating,
        summary.planted_and_gone,
        count(summary.runs, "run"),
    );
    if summary.unchanged > 0 {
        let _ = write!(line, "; {} changed nothing", count(summary.unchanged, "request"));
    }
    push(out, &line);
    if replay.history.entries.is_empty() && summary.runs == 0 && replay.records > 0 {
        push(
            out,
            "The audit policy has to record create, update, patch and delete of cronjobs and jobs in the group batch, better with \
             their bodies (RequestResponse).",
        );
    }
}

fn note(out: &mut String, text: &str) {
    for line in wrapped(text, WIDTH) {
        push(out, line.trim_start());
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
