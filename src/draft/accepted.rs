//! The dangers that a reviewer has accepted.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::api::code::RiskCode;
use crate::workload::redact::printable;

/// Something dangerous that can be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// What a risk names.
    Risk(RiskCode),
    /// A weakness of the pod that Baseline refuses and no risk names.
    PodSecurity,
}

impl Code {
    /// Every code.
    pub fn all() -> impl Iterator<Item = Self> {
        RiskCode::ALL.iter().copied().map(Self::Risk).chain([Self::PodSecurity])
    }

    /// The code as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risk(code) => code.as_str(),
            Self::PodSecurity => "PodSecurity",
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word for every code.
const ALL: &str = "all";

/// A set of codes. It is read from one code or `all`; several sets are collected into one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted(BTreeSet<Code>);

impl Accepted {
    /// Everything.
    pub fn all() -> Self {
        Self(Code::all().collect())
    }

    /// Whether a code is accepted.
    pub fn contains(&self, code: Code) -> bool {
        self.0.contains(&code)
    }
}

impl FromIterator<Code> for Accepted {
    fn from_iter<T: IntoIterator<Item = Code>>(codes: T) -> Self {
        Self(codes.into_iter().collect())
    }
}

impl FromIterator<Accepted> for Accepted {
    fn from_iter<T: IntoIterator<Item = Accepted>>(sets: T) -> Self {
        Self(sets.into_iter().flat_map(|set| set.0).collect())
    }
}

/// A text that is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is nothing that can be accepted: write one of {}, or {ALL}", list())]
pub struct UnknownCode {
    /// The text, safe to show.
    text: String,
}

fn list() -> String {
    Code::all().map(Code::as_str).collect::<Vec<_>>().join(", ")
}

impl FromStr for Accepted {
    type Err = UnknownCode;

    /// Reads one code, or `all`. Fails if there is no such code; the error lists what there is.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        if text == ALL {
            return Ok(Self::all());
        }
        let code = Code::all().find(|code| code.as_str() == text);
        code.map(|code| Self(BTreeSet::from([code]))).ok_or_else(|| UnknownCode { text: printable(text, 64) })
    }
}
