//! A report for people: in a terminal, and in the log of a pipeline.

use std::cmp::Reverse;
use std::fmt::Write;

use annotate_snippets::renderer::{AnsiColor, Effects, Style as Ansi};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::words::{self, Verdict, codes, count, shown};
use super::{Judged, Level, Problem, Report, Style, Summary, lines};
use crate::api::code::Severity;

/// The narrowest table, in columns.
const NARROWEST: u16 = 60;
/// How many kinds of objects that were passed over are told apart.
const MOST_SKIPPED: usize = 8;

/// Renders a report as text: the findings, most severe first; their lines, if the style asks for them; the problems; the
/// figures. It ends with a line break.
pub fn table(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let mut findings: Vec<&Judged> = report.judged.iter().filter(|judged| is_listed(judged, *style)).collect();
    findings.sort_by_key(|judged| {
        let known = judged.verdict() == Verdict::Deviating;
        (!known, Reverse(judged.assessment.severity))
    });
    list(&findings, *style, &mut out);
    let renderer = lines::renderer(*style);
    if style.excerpts {
        for judged in &findings {
            lines::finding(judged, &renderer, &mut out);
        }
    }
    let told = |problem: &&Problem| !style.quiet || problem.level == Level::Error;
    for problem in report.problems.iter().filter(told) {
        lines::problem(problem, &renderer, style.excerpts, &mut out);
    }
    if !style.quiet {
        summary(report, &mut out);
    }
    out
}

fn is_listed(judged: &Judged, style: Style) -> bool {
    match judged.verdict() {
        Verdict::Approved => false,
        Verdict::Deviating => true,
        Verdict::Unknown => !style.quiet,
    }
}

fn list(findings: &[&Judged], style: Style, out: &mut String) {
    if findings.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["SEVERITY", "WORKLOAD", "REASONS", "WHERE"]);
    match style.width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(NARROWEST));
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    for judged in findings {
        table.add_row(row(judged));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(severity) = table.column_mut(0) {
        severity.set_constraint(ColumnConstraint::ContentWidth);
    }
    for line in table.lines() {
        let line = line.trim_end();
        // The severity is the first word of the first line of a row, and nothing else stands in its column.
        let word = line.split(' ').next().unwrap_or_default();
        match colour(word).filter(|_| style.colour) {
            Some(colour) => {
                let rest = line.get(word.len()..).unwrap_or_default();
                push(out, format_args!("{}{word}{}{rest}", colour.render(), colour.render_reset()));
            }
            None => push(out, format_args!("{line}")),
        }
    }
    out.push('\n');
}

fn row(judged: &Judged) -> [String; 4] {
    let assessment = &judged.assessment;
    let place = judged.workload.as_ref().or(judged.deviations.first()).map(|spot| spot.place.start);
    let (severity, reasons) = match judged.verdict() {
        Verdict::Unknown => ("Unknown", codes(assessment.unknown.iter().map(|unknown| unknown.code.as_str()))),
        _ => (assessment.severity.as_str(), codes(assessment.deviations.iter().map(|d| d.code.as_str()))),
    };
    [
        severity.to_owned(),
        words::workload(&judged.key),
        // A space after each comma is where a narrow column may break.
        reasons.replace(',', ", "),
        match place {
            Some(position) => format!("{}:{}", words::source(&judged.source), position.line),
            None => words::source(&judged.source),
        },
    ]
}

/// The colour of a severity, if the word is one.
pub(super) fn colour(word: &str) -> Option<Ansi> {
    let of = |severity: Severity| severity.as_str();
    let colour = match word {
        word if word == of(Severity::Critical) => AnsiColor::BrightRed.on_default() | Effects::BOLD,
        word if word == of(Severity::High) => AnsiColor::Red.on_default(),
        word if word == of(Severity::Medium) => AnsiColor::Yellow.on_default(),
        word if word == of(Severity::Low) => AnsiColor::Cyan.on_default(),
        "Unknown" => AnsiColor::Magenta.on_default(),
        _ => return None,
    };
    Some(colour)
}

fn summary(report: &Report, out: &mut String) {
    let Summary { files: _, documents: _, workloads, approved, deviating, unknown, approvals, namespaces: _, skipped } =
        &report.summary;
    let mut line = format!(
        "{}: {approved} approved, {deviating} deviating, {unknown} unknown; {}",
        count(*workloads, "workload"),
        count(*approvals, "approval")
    );
    let all: u64 = skipped.values().sum();
    if all > 0 {
        let mut kinds: Vec<(&String, &u64)> = skipped.iter().collect();
        kinds.sort_by_key(|(kind, number)| (Reverse(**number), *kind));
        let mut told: Vec<String> =
            kinds.iter().take(MOST_SKIPPED).map(|(kind, number)| format!("{} {number}", shown(kind))).collect();
        if kinds.len() > MOST_SKIPPED {
            told.push("…".to_owned());
        }
        line = format!("{line}; skipped {} ({})", count(all, "object"), told.join(", "));
    }
    push(out, format_args!("{line}"));
    if *approvals == 0 && *workloads > 0 {
        push(
            out,
            format_args!(
                "There is no inventory yet. `cronwarden baseline` drafts approvals for the workloads as they are now, for review."
            ),
        );
    }
}

/// Adds a line.
fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(line);
    out.push('\n');
}
