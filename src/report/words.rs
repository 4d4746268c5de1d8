//! Words that all forms of a report share.

use serde::Serialize;

use super::{Judged, Source};
use crate::api::code::{DeviationCode, RiskCode, Severity};
use crate::api::finding::Deviation;
use crate::manifest::Position;
use crate::workload::WorkloadKey;
use crate::workload::redact::printable;

/// The longest text of one field, in characters. A list of alternatives in an approval can be as long as its author likes.
const LONGEST_TEXT: usize = 1024;

/// Text that is harmless wherever it is shown.
pub(super) fn shown(text: &str) -> String {
    printable(text, LONGEST_TEXT)
}

/// What came of judging a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Verdict {
    Approved,
    Deviating,
    Unknown,
}

impl Judged {
    pub(super) fn verdict(&self) -> Verdict {
        if !self.assessment.deviations.is_empty() {
            Verdict::Deviating
        } else if self.assessment.is_approved() {
            Verdict::Approved
        } else {
            Verdict::Unknown
        }
    }
}

/// A source as it is shown.
pub(super) fn source(source: &Source) -> String {
    match source {
        Source::File(path) => shown(path),
        Source::Stdin => "<stdin>".to_owned(),
        Source::Cluster => "<cluster>".to_owned(),
    }
}

/// A place as editors and terminals understand it.
pub(super) fn location(at: &Source, position: Option<Position>) -> String {
    match position {
        Some(Position { line, column }) => format!("{}:{line}:{column}", source(at)),
        None => source(at),
    }
}

/// A workload as it is shown.
pub(super) fn workload(key: &WorkloadKey) -> String {
    shown(&key.to_string())
}

/// Each code once, in the order of their first appearance.
pub(super) fn codes<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for code in all {
        if !unique.contains(&code) {
            unique.push(code);
        }
    }
    unique.join(",")
}

/// What a deviation is about and what is there, as a phrase.
pub(super) fn observed(deviation: &Deviation) -> String {
    let Deviation { code, path, expected: _, observed, approval } = deviation;
    let meaning = code.meaning().trim_end_matches('.');
    match (code, approval, path.as_str()) {
        // What was observed is what the code says.
        (DeviationCode::Missing, ..) | (DeviationCode::Unapproved, None, _) => meaning.to_owned(),
        (.., "") => format!("{meaning}: {}", shown(observed)),
        (.., path) => format!("{} is {}", shown(path), shown(observed)),
    }
}

/// What is expected and by whom, as a phrase.
pub(super) fn expected(deviation: &Deviation) -> String {
    match &deviation.approval {
        Some(approval) => format!("{} (approval {})", shown(&deviation.expected), shown(approval)),
        None => shown(&deviation.expected),
    }
}

/// A code of either table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Deviation(DeviationCode),
    Risk(RiskCode),
}

impl Code {
    /// Every code: the deviations first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let deviations = DeviationCode::ALL.iter().copied().map(Self::Deviation);
        deviations.chain(RiskCode::ALL.iter().copied().map(Self::Risk))
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Deviation(code) => code.as_str(),
            Self::Risk(code) => code.as_str(),
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Deviation(code) => code.meaning(),
            Self::Risk(code) => code.meaning(),
        }
    }

    /// What the code means, what it is a sign of and what to do.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Deviation(code) => code.help(),
            Self::Risk(code) => code.help(),
        }
    }

    /// The least severity of a finding with it. A risk alone makes no finding.
    pub(super) fn severity(self) -> Option<Severity> {
        match self {
            Self::Deviation(code) => Some(code.severity()),
            Self::Risk(_) => None,
        }
    }

    /// What the code does to the severity of a finding, as a sentence.
    pub(super) fn effect(self) -> String {
        match self {
            Self::Deviation(code) => format!("A finding with it is at least {}.", code.severity()),
            Self::Risk(code) if code.raises() => "It raises the severity of a finding by one step.".to_owned(),
            Self::Risk(_) => "It leaves the severity of a finding as it is.".to_owned(),
        }
    }
}

/// A number of things.
pub(super) fn count(number: u64, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}
