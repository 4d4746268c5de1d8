//! Where rules note what they compared, and how it came out.

use super::explanation::{Check, CheckOutcome};
use crate::api::code::DeviationCode;

/// What is noted of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// What the verdict hangs on: what deviates, and what is unknown.
    Verdict,
    /// What holds as well.
    Everything,
}

/// The texts of a comparison, fit to be shown.
pub(super) struct Texts {
    path: String,
    expected: String,
    observed: String,
}

impl Texts {
    /// The field of the workload, what the approval expects there, and what is there.
    pub(super) fn new(path: impl Into<String>, expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { path: path.into(), expected: expected.into(), observed: observed.into() }
    }
}

/// The comparisons of one approval. Texts are made only of what is kept, and what holds is kept only for an explanation.
pub(super) struct Notes {
    detail: Detail,
    checks: Vec<Check>,
}

impl Notes {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, checks: Vec::new() }
    }

    /// Notes one comparison: by which code it would deviate, the field of the approval, and whether it holds.
    pub(super) fn compare(
        &mut self,
        holds: bool,
        code: DeviationCode,
        field: &'static str,
        texts: impl FnOnce() -> Texts,
    ) {
        if self.keeps(holds) {
            self.push(if holds { CheckOutcome::Held } else { CheckOutcome::Deviates }, code, field, texts());
        }
    }

    /// Notes what is expected and nothing here can tell.
    pub(super) fn unknown(&mut self, code: DeviationCode, field: &'static str, texts: Texts) {
        self.push(CheckOutcome::Unknown, code, field, texts);
    }

    /// Whether a comparison that came out like this is kept, for rules that have more to work out than texts.
    pub(super) fn keeps(&self, holds: bool) -> bool {
        !holds || self.detail == Detail::Everything
    }

    /// How many comparisons came out like this.
    pub(super) fn count(&self, outcome: CheckOutcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// The comparisons, in the order in which they were made.
    pub(super) fn checks(&self) -> &[Check] {
        &self.checks
    }

    pub(super) fn into_checks(self) -> Vec<Check> {
        self.checks
    }

    fn push(&mut self, outcome: CheckOutcome, code: DeviationCode, field: &'static str, texts: Texts) {
        let Texts { path, expected, observed } = texts;
        self.checks.push(Check { code, field, path, expected, observed, outcome });
    }
}
