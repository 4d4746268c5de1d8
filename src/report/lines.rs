//! One deviation, problem or verdict as compilers show theirs: what, where, the line, and notes.

use annotate_snippets::renderer::{DEFAULT_TERM_WIDTH, DecorStyle};
use annotate_snippets::{AnnotationKind, Group, Level, Message, Origin, Renderer, Snippet};

use super::excerpt::{self, Lines};
use super::words::{expected, observed, shown, source, workload};
use super::{Excerpt, Judged, Problem, Source, Style};
use crate::api::code::Severity;
use crate::api::finding::{Deviation, Risk};
use crate::manifest::Position;

/// The narrowest output, in columns: with less, nothing could be read.
const NARROWEST: u16 = 60;
/// How many risks are told with the lines of a finding.
const MOST_RISKS: usize = 20;

/// A renderer of the style.
pub(super) fn renderer(style: Style) -> Renderer {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let width = style.width.map_or(DEFAULT_TERM_WIDTH, |width| width.max(NARROWEST).into());
    renderer.decor_style(DecorStyle::Ascii).term_width(width)
}

/// Every deviation of a workload, and its risks with the first of them.
pub(super) fn finding(judged: &Judged, renderer: &Renderer, out: &mut String) {
    let name = workload(&judged.key);
    for (i, deviation) in judged.assessment.deviations.iter().enumerate() {
        let spot = judged.deviations.get(i).or(judged.workload.as_ref());
        let mut notes = vec![format!("expected {}", expected(deviation))];
        if i == 0 {
            notes.extend(judged.assessment.severity_reasons.iter().skip(1).map(|reason| format!("severity {reason}")));
            notes.extend(risks(judged));
        }
        let known = known(judged, deviation);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let block = Block {
            level: severity(deviation.code.severity()),
            code: Some(deviation.code.as_str()),
            title: format!("{name}: {}", observed(deviation)),
            source: &judged.source,
            position: spot.map(|spot| spot.place.start),
            lines: spot.and_then(|spot| spot.excerpt.as_ref()).and_then(|excerpt| excerpt::lines(excerpt, &known)),
            notes,
        };
        block.render(renderer, out);
    }
}

/// A problem and the text that it is about.
pub(super) fn problem(problem: &Problem, renderer: &Renderer, excerpts: bool, out: &mut String) {
    let message = shown(&problem.message);
    let lines = |excerpt: &Excerpt| excerpt::lines(excerpt, &[&message]);
    let block = Block {
        level: match problem.level {
            super::Level::Error => Level::ERROR,
            super::Level::Warning => Level::WARNING,
        },
        code: None,
        lines: problem.excerpt.as_ref().filter(|_| excerpts).and_then(lines),
        title: message.clone(),
        source: &problem.source,
        position: problem.position,
        notes: Vec::new(),
    };
    block.render(renderer, out);
}

/// The texts of which it is settled that they can be shown.
fn known(judged: &Judged, deviation: &Deviation) -> [String; 6] {
    let key = &judged.key;
    [
        shown(&deviation.observed),
        shown(&deviation.path),
        shown(&key.name),
        shown(&key.namespace),
        key.kind.as_str().to_owned(),
        "batch/v1".to_owned(),
    ]
}

fn severity(severity: Severity) -> Level<'static> {
    let level = match severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low => Level::NOTE,
    };
    level.with_name(severity.as_str())
}

fn risks(judged: &Judged) -> Vec<String> {
    let all = &judged.assessment.risks;
    let told = all.iter().take(MOST_RISKS).enumerate().map(|(i, risk)| {
        let line = judged.risks.get(i).map(|spot| format!(" (line {})", spot.place.start.line)).unwrap_or_default();
        format!("risk {}{line}", self::risk(risk))
    });
    let more = all.len().saturating_sub(MOST_RISKS);
    told.chain((more > 0).then(|| format!("{more} more risks"))).collect()
}

/// A risk as a phrase.
pub(super) fn risk(risk: &Risk) -> String {
    match risk.path.as_str() {
        "" => format!("{}: {}", risk.code, shown(&risk.detail)),
        path => format!("{}: {} at {}", risk.code, shown(&risk.detail), shown(path)),
    }
}

struct Block<'a> {
    level: Level<'static>,
    code: Option<&'static str>,
    title: String,
    source: &'a Source,
    position: Option<Position>,
    lines: Option<Lines>,
    notes: Vec<String>,
}

impl Block<'_> {
    fn render(self, renderer: &Renderer, out: &mut String) {
        let title = self.level.primary_title(self.title);
        let title = match self.code {
            Some(code) => title.id(code),
            None => title,
        };
        let group = Group::with_title(title);
        let group = match (self.lines, self.position) {
            (Some(Lines { first_line, text, highlight }), _) => {
                let mark = AnnotationKind::Primary.span(highlight);
                let snippet = Snippet::source(text).path(source(self.source)).line_start(first_line).annotation(mark);
                group.element(snippet)
            }
            (None, Some(Position { line, column })) => group.element(
                Origin::path(source(self.source))
                    .line(usize::try_from(line).unwrap_or(usize::MAX))
                    .char_column(usize::try_from(column).unwrap_or(usize::MAX)),
            ),
            (None, None) => group.element(Origin::path(source(self.source))),
        };
        let notes: Vec<Message<'_>> = self.notes.into_iter().map(|note| Level::NOTE.message(note)).collect();
        let group = group.elements(notes);
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
}
