//! What was judged, rendered for people and machines.
//!
//! A [`Report`] is what a scan found, and an [`explain::Subject`] with its [`Explanation`](crate::assess::Explanation) is one
//! judgement in full. Everything here turns them into text and looks at nothing else. All text that comes from manifests is
//! made harmless once more on its way out, names of files and approvals included.

mod document;
mod excerpt;
pub mod explain;
mod lines;
pub mod replay;
mod sarif;
mod table;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::assess::Assessment;
pub use crate::manifest::Level;
use crate::manifest::{Place, Position};
use crate::workload::WorkloadKey;

pub use document::{json, yaml};
pub use sarif::sarif;
pub use table::table;

/// Everything that a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every workload, in source order, clean ones included.
    pub judged: Vec<Judged>,
    /// What could not be read or used: paths, then contents, then approvals.
    pub problems: Vec<Problem>,
    /// The figures.
    pub summary: Summary,
}

/// A workload and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its kind, namespace and name.
    pub key: WorkloadKey,
    /// Where it comes from; for a workload that is missing, where the approval that requires it does.
    pub source: Source,
    /// The verdict.
    pub assessment: Assessment,
    /// Identifies the evidence, as in `status.fingerprint` of a finding.
    pub fingerprint: String,
    /// The hash of the pod template, as in `status.templateHash`; absent if the workload could not be read or does not exist.
    pub template_hash: Option<String>,
    /// Where the workload stands in its source; absent for objects from a cluster.
    pub workload: Option<Spot>,
    /// Where each deviation of the assessment stands, in the same order; empty for objects from a cluster.
    pub deviations: Vec<Spot>,
    /// Where each risk of the assessment stands, in the same order; empty for objects from a cluster.
    pub risks: Vec<Spot>,
}

/// Where something stands in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its place in the file.
    pub place: Place,
    /// Its text, for people.
    pub excerpt: Option<Excerpt>,
}

/// Lines of a source, as they are written. It may hold credentials: it is shown only by way of what the excerpts of this room
/// let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The number of the first line, from 1.
    pub first_line: u64,
    /// The text of the lines.
    pub text: String,
    /// The bytes of `text` that are meant.
    pub highlight: Range<usize>,
}

/// Where something was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A file: its path with `/` between the parts, relative to the working folder where possible.
    File(String),
    /// The standard input.
    Stdin,
    /// A cluster.
    Cluster,
}

impl Source {
    /// What a path on the command line stands for: `-` is the standard input.
    pub fn of(path: &str) -> Self {
        if path == "-" { Self::Stdin } else { Self::File(path.to_owned()) }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&words::source(self))
    }
}

/// Something that could not be read or used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was met.
    pub source: Source,
    /// Where in the source, if it is about a place in it.
    pub position: Option<Position>,
    /// How bad it is.
    pub level: Level,
    /// What is wrong, and how to mend it. It holds no credentials: excerpts show what it shows.
    pub message: String,
    /// The text that it is about.
    pub excerpt: Option<Excerpt>,
}

impl std::fmt::Display for Problem {
    /// One line, safe to show: where, and what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.source)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", words::shown(&self.message))
    }
}

/// The figures of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many files were read.
    pub files: u64,
    /// How many documents they hold.
    pub documents: u64,
    /// How many workloads were judged.
    pub workloads: u64,
    /// How many of them are approved.
    pub approved: u64,
    /// How many of them deviate.
    pub deviating: u64,
    /// How many of them cannot be told.
    pub unknown: u64,
    /// How many approvals the inventory has.
    pub approvals: u64,
    /// How many namespaces are known with their labels.
    pub namespaces: u64,
    /// How many objects were passed over, by `apiVersion/Kind`.
    pub skipped: BTreeMap<String, u64>,
}

/// How a report is shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// How many columns there are. Without it, lines are as long as they need to be.
    pub width: Option<u16>,
    /// Whether to show the lines that deviate.
    pub excerpts: bool,
    /// Whether to leave out everything but findings and errors: warnings, unknown verdicts, hints and figures.
    pub quiet: bool,
}
