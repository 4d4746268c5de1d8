//! The figures, as a table for people and as JSON for machines.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::contest::Contestant;
use crate::log::Log;
use crate::process::Run;

/// What is aimed at: the time of `jq` over that of a replay.
const FASTER: f64 = 20.0;

/// Everything that was measured.
pub struct Report {
    pub threads: usize,
    pub log: Log,
    pub contestants: Vec<Contestant>,
}

impl Report {
    /// Whether everybody who takes part was measured.
    pub fn is_complete(&self) -> bool {
        self.contestants.iter().all(|contestant| contestant.outcome.is_ok())
    }

    /// The time of `jq` over that of a replay, if both were measured.
    fn ratio(&self) -> Option<f64> {
        let medians: Vec<Option<f64>> =
            self.contestants.iter().map(|contestant| median(contestant.outcome.as_deref().ok()?)).collect();
        match medians[..] {
            [Some(replay), Some(jq)] => Some(jq / replay),
            _ => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.ratio() {
            None => "not measured",
            Some(ratio) if ratio >= FASTER => "met",
            Some(_) => "missed",
        }
    }

    pub fn table(&self) -> String {
        let Log { bytes, events, relevant, changes, runs, .. } = &self.log;
        let mut text = format!(
            "{} cores; {:.0} MB, {events} events, {relevant} about CronJobs or Jobs: {changes} changes and {runs} runs\n\n",
            self.threads,
            megabytes(*bytes as u64)
        );
        for Contestant { label, outcome } in &self.contestants {
            let line = match outcome {
                Ok(runs) => {
                    let peak = runs.iter().filter_map(|run| run.peak).max();
                    let peak = peak.map_or_else(|| "-".to_owned(), |peak| format!("{:.1} MB", megabytes(peak)));
                    let median = median(runs).unwrap_or_default();
                    let speed = megabytes(*bytes as u64) / median;
                    format!("{label:<28}  {median:>8.3} s  {speed:>7.0} MB/s  {peak:>10}")
                }
                Err(error) => format!("{label:<28}  not measured: {error}"),
            };
            let _ = writeln!(text, "{line}");
        }
        let ratio = self.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}x"));
        let _ = writeln!(text, "\ntime of jq over a replay: {ratio}, at least {FASTER}: {}", self.verdict());
        text
    }

    pub fn json(&self) -> String {
        let contestants = self.contestants.iter().map(|contestant| match &contestant.outcome {
            Ok(runs) => json!({
                "name": contestant.label,
                "wallSeconds": runs.iter().map(|run| run.wall.as_secs_f64()).collect::<Vec<_>>(),
                "peakBytes": runs.iter().map(|run| run.peak).collect::<Vec<_>>(),
            }),
            Err(error) => json!({ "name": contestant.label, "notMeasured": error }),
        });
        let report = json!({
            "cores": self.threads,
            "bytes": self.log.bytes,
            "events": self.log.events,
            "relevant": self.log.relevant,
            "contestants": contestants.collect::<Vec<Value>>(),
            "ratio": self.ratio(),
            "atLeast": FASTER,
            "verdict": self.verdict(),
        });
        format!("{report:#}\n")
    }
}

fn median(runs: &[Run]) -> Option<f64> {
    let mut walls: Vec<_> = runs.iter().map(|run| run.wall).collect();
    walls.sort();
    Some(walls.get(walls.len() / 2)?.as_secs_f64())
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
