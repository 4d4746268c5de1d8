//! The versions that deviate as SARIF, at their lines of the logs.

use super::super::{Judged, Report, Spot, sarif as scan};
use super::Replay;
use crate::manifest::{Place, Position};
use crate::timeline::{Entry, Subject, Verdict, What};

/// Renders the versions that deviate as SARIF 2.1.0, by this version of the tool. It ends with a line break.
pub fn sarif(replay: &Replay, version: &str) -> String {
    let entries = replay.history.entries.iter();
    let deviating = entries.filter(|entry| entry.verdict == Some(Verdict::Deviating) && entry.what != What::Deleted);
    let report = Report {
        judged: deviating.filter_map(|entry| judged(replay, entry)).collect(),
        problems: replay.problems.clone(),
        ..Report::default()
    };
    scan(&report, version)
}

fn judged(replay: &Replay, entry: &Entry) -> Option<Judged> {
    let Subject::Workload(key) = &entry.subject else { return None };
    let at = Position { line: entry.origin.line, column: 1 };
    Some(Judged {
        key: key.clone(),
        source: replay.source(entry),
        assessment: entry.assessment.clone(),
        fingerprint: entry.fingerprint.clone(),
        template_hash: entry.template_hash.clone(),
        workload: Some(Spot { place: Place { start: at, end: at, bytes: 0..0 }, excerpt: None }),
        deviations: Vec::new(),
        risks: Vec::new(),
    })
}
