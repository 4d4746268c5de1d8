//! A judgement in full, for people.

use annotate_snippets::renderer::{AnsiColor, Effects, Style as Ansi};

use super::super::words::{Code, expected, location, shown, workload};
use super::super::{Style, lines};
use super::recorded::{actors, many, phrase};
use super::{Subject, lineage};
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::{Deviation, Outcome};
use crate::assess::{Check, CheckOutcome, Explained, Explanation};

/// How many approvals that do not select the workload are told.
const MOST_OTHERS: usize = 20;

/// What the fields of Pods begin with.
const POD: &str = "pod.";

/// Renders a judgement in full: the chain of a Job, the verdict, how the severity came about, what each approval expects and what is
/// there, who made it as its finding says, which approvals do not select the workload and why, the last and the next runs, and the risks
/// with their meaning. It ends with a line break.
pub fn text(subject: &Subject<'_>, explanation: &Explanation, style: &Style) -> String {
    let mut page = Page { out: String::new(), colour: style.colour };
    page.title(subject);
    page.verdict(subject, explanation);
    page.reasons(explanation);
    let (selecting, others): (Vec<&Explained>, Vec<&Explained>) =
        explanation.approvals.iter().partition(|approval| approval.outcome.is_some());
    for (i, approval) in selecting.iter().enumerate() {
        page.approval(approval, i == 0 && selecting.len() > 1);
    }
    if let Some(finding) = subject.finding {
        page.finding(finding);
    }
    page.others(&others);
    page.list("Runs", &lineage::runs(subject.runs));
    page.list("Next runs", &subject.ticks.iter().map(|tick| shown(tick)).collect::<Vec<_>>());
    page.risks(explanation);
    page.out
}

/// Whether a deviation is among the checks of an approval that are shown. What ran in a Pod is none of them.
fn is_explained(deviation: &Deviation, explanation: &Explanation) -> bool {
    let Some(name) = &deviation.approval else { return false };
    !deviation.path.starts_with(POD) && explanation.approvals.iter().any(|approval| approval.name == *name)
}

struct Page {
    out: String,
    colour: bool,
}

const BOLD: Ansi = Ansi::new().effects(Effects::BOLD);
const GOOD: Ansi = AnsiColor::Green.on_default();
const BAD: Ansi = AnsiColor::Red.on_default();
const OPEN: Ansi = AnsiColor::Yellow.on_default();

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn heading(&mut self, text: &str) {
        let text = self.styled(text, BOLD);
        self.line("");
        self.line(&text);
    }

    fn styled(&self, text: &str, ansi: Ansi) -> String {
        if self.colour { format!("{}{text}{}", ansi.render(), ansi.render_reset()) } else { text.to_owned() }
    }

    /// What is explained, and the chain that it stands in: the verdict rests on that.
    fn title(&mut self, subject: &Subject<'_>) {
        let name = self.styled(&workload(subject.key), BOLD);
        let at = location(subject.source, subject.position);
        self.line(&format!("{name} ({at})"));
        if let Some(lineage) = &subject.lineage {
            self.list("Chain", &lineage::chain(lineage));
            self.line("");
        }
    }

    fn verdict(&mut self, subject: &Subject<'_>, explanation: &Explanation) {
        let assessment = &explanation.assessment;
        let nearest = assessment.nearest().map(shown).unwrap_or_default();
        let verdict = match (assessment.deviations.is_empty(), assessment.is_approved()) {
            (false, _) => self.styled(&format!("deviates, {}", assessment.severity), BAD),
            (true, true) => {
                let accounted = subject.lineage.and_then(|lineage| lineage::accounted(&lineage.traced.origin));
                let by = if nearest.is_empty() { "approved".to_owned() } else { format!("approved by {nearest}") };
                self.styled(&accounted.unwrap_or(by), GOOD)
            }
            (true, false) if nearest.is_empty() => {
                let expected: Vec<String> = assessment.unknown.iter().map(|unknown| shown(&unknown.expected)).collect();
                self.styled(&format!("unknown: it hangs on {}", expected.join(" and ")), OPEN)
            }
            (true, false) => self.styled(&format!("unknown: {nearest} expects what cannot be told here"), OPEN),
        };
        self.line(&format!("Verdict: {verdict}"));
        if let Some(cron_job) = subject.lineage.and_then(|lineage| lineage::cron_job(subject.key, &lineage)) {
            self.line(&format!("Its CronJob: {cron_job}"));
        }
        if !assessment.severity_reasons.is_empty() {
            self.line(&format!("Severity: {}", shown(&assessment.severity_reasons.join(" → "))));
        }
    }

    /// What deviates by itself, or from an approval that is not compared in full below.
    fn reasons(&mut self, explanation: &Explanation) {
        let all = explanation.assessment.deviations.iter();
        let own: Vec<&Deviation> = all.filter(|deviation| !is_explained(deviation, explanation)).collect();
        if own.is_empty() {
            return;
        }
        self.heading("Deviations");
        for deviation in own {
            let Deviation { code, path, expected: _, observed, approval: _ } = deviation;
            let mark = self.styled("✗", BAD);
            let at = if path.is_empty() { String::new() } else { format!(" at {}", shown(path)) };
            self.line(&format!("  {mark} {code}{at}: {}", code.meaning()));
            self.difference(&expected(deviation), observed);
        }
    }

    fn approval(&mut self, approval: &Explained, is_nearest: bool) {
        let differing = approval.checks.iter().filter(|check| check.outcome == CheckOutcome::Deviates).count();
        let checks = approval.checks.len();
        let outcome = match approval.outcome {
            Some(Outcome::Satisfied) => format!("satisfied, {checks} of {checks} checks hold"),
            Some(Outcome::Unknown) => "cannot be told".to_owned(),
            Some(Outcome::Expired) => format!("expired, {differing} of {checks} checks deviate"),
            Some(Outcome::Invalid) => "cannot be used".to_owned(),
            Some(Outcome::Deviates) | None => format!("{differing} of {checks} checks deviate"),
        };
        let nearest = if is_nearest { " (nearest)" } else { "" };
        self.heading(&format!("Approval {}{nearest}: {outcome}", shown(&approval.name)));
        for problem in &approval.problems {
            let mark = self.styled("!", BAD);
            self.line(&format!("  {mark} {}", shown(problem)));
        }
        for check in &approval.checks {
            self.check(check);
        }
    }

    fn check(&mut self, check: &Check) {
        let Check { code, field, path, expected, observed, outcome } = check;
        let at = if path.is_empty() { String::new() } else { format!(" at {}", shown(path)) };
        match outcome {
            CheckOutcome::Held => {
                let mark = self.styled("✓", GOOD);
                self.line(&format!("  {mark} {field}: {}{at}", shown(observed)));
            }
            CheckOutcome::Deviates => {
                let mark = self.styled("✗", BAD);
                self.line(&format!("  {mark} {field}: {code}{at}"));
                self.difference(expected, observed);
            }
            CheckOutcome::Unknown => {
                let mark = self.styled("?", OPEN);
                self.line(&format!("  {mark} {field}: cannot be told here"));
                self.line(&format!("      expected  {}", shown(expected)));
                if !observed.is_empty() {
                    self.line(&format!("      observed  {}", shown(observed)));
                }
            }
        }
    }

    /// Who made it, as the operator recorded it.
    fn finding(&mut self, finding: &ScheduledWorkloadFinding) {
        let Some(status) = &finding.status else { return };
        let name = finding.metadata.name.as_deref().unwrap_or_default();
        self.heading(&format!("Finding {}: {}", shown(name), status.state.as_str()));
        if let Some(about) = many(finding) {
            self.line(&format!("  {about}"));
            return;
        }
        for (role, actor) in actors(status) {
            self.line(&format!("  {role}: {}", phrase(actor)));
        }
    }

    fn difference(&mut self, expected: &str, observed: &str) {
        self.line(&format!("      expected  {}", shown(expected)));
        self.line(&format!("      observed  {}", shown(observed)));
    }

    fn others(&mut self, others: &[&Explained]) {
        if others.is_empty() {
            return;
        }
        self.heading("Approvals that do not select it");
        for approval in others.iter().take(MOST_OTHERS) {
            let name = shown(&approval.name);
            match approval.mismatches.as_slice() {
                [] => self.line(&format!("  {name}")),
                mismatches => {
                    let reasons: Vec<String> = mismatches
                        .iter()
                        .map(|m| format!("{} is {}, not {}", shown(&m.field), shown(&m.observed), shown(&m.expected)))
                        .collect();
                    self.line(&format!("  {name}: {}", reasons.join("; ")));
                }
            }
            for problem in &approval.problems {
                let mark = self.styled("!", BAD);
                self.line(&format!("      {mark} {}", shown(problem)));
            }
        }
        let more = others.len().saturating_sub(MOST_OTHERS);
        if more > 0 {
            self.line(&format!("  … and {more} more"));
        }
    }

    /// A section of lines that are fit to be shown; nothing if there are none.
    fn list(&mut self, heading: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.heading(heading);
        for line in lines {
            self.line(&format!("  {line}"));
        }
    }

    fn risks(&mut self, explanation: &Explanation) {
        if explanation.assessment.risks.is_empty() {
            return;
        }
        self.heading("Risks");
        for risk in &explanation.assessment.risks {
            let mark = self.styled(if risk.code.raises() { "▲" } else { "•" }, OPEN);
            self.line(&format!("  {mark} {}", lines::risk(risk)));
            self.line(&format!("      {}", Code::Risk(risk.code).meaning()));
        }
        if explanation.assessment.risks.iter().any(|risk| risk.code.raises()) {
            self.line("  ▲ raises the severity of what deviates");
        }
    }
}
