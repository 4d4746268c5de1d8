//! The figures, as a table for people and as JSON for machines.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::contest::{Contestant, Key};
use crate::fleet::Fleet;
use crate::process::Run;

/// What is aimed at: the time of a scan over that of the bare events on as many threads.
const OVER_EVENTS: f64 = 1.5;
/// The time of each other tool over that of a scan.
const FASTER: f64 = 20.0;
/// The memory of each other tool over that of a scan.
const SMALLER: f64 = 10.0;
/// The time of a scan of JSON over that of `serde_json`.
const OVER_SERDE_JSON: f64 = 2.0;

/// Everything that was measured.
pub struct Report {
    pub fleet: Fleet,
    pub threads: usize,
    pub yaml_bytes: usize,
    pub contestants: Vec<Contestant>,
}

/// Of all runs of one contestant.
#[derive(Clone, Copy)]
struct Figures {
    runs: usize,
    fastest: f64,
    median: f64,
    slowest: f64,
    /// The largest of all runs.
    peak: Option<f64>,
}

impl Figures {
    fn of(runs: &[Run]) -> Option<Self> {
        let mut walls: Vec<Duration> = runs.iter().map(|run| run.wall).collect();
        walls.sort();
        let peak = runs.iter().filter_map(|run| run.peak).max();
        Some(Self {
            runs: walls.len(),
            fastest: walls.first()?.as_secs_f64(),
            median: walls.get(walls.len() / 2)?.as_secs_f64(),
            slowest: walls.last()?.as_secs_f64(),
            #[allow(clippy::cast_precision_loss)]
            peak: peak.map(|bytes| bytes as f64),
        })
    }
}

/// A ratio and what it should be.
struct Aim {
    what: String,
    /// `None` if either side was not measured.
    ratio: Option<f64>,
    bound: f64,
    /// Whether the ratio should be at least the aim, rather than at most.
    at_least: bool,
}

impl Aim {
    fn verdict(&self) -> &'static str {
        match self.ratio {
            None => "not measured",
            Some(ratio) if (ratio >= self.bound) == self.at_least || ratio.total_cmp(&self.bound).is_eq() => "met",
            Some(_) => "missed",
        }
    }
}

impl Report {
    /// Whether everybody who takes part was measured.
    pub fn is_complete(&self) -> bool {
        self.contestants.iter().all(|contestant| contestant.outcome.is_ok())
    }

    fn figures(&self, key: Key) -> Option<Figures> {
        let contestant = self.contestants.iter().find(|contestant| contestant.key == key)?;
        Figures::of(contestant.outcome.as_deref().ok()?)
    }

    fn aims(&self) -> Vec<Aim> {
        let time = |over: Key, under: Key| Some(self.figures(over)?.median / self.figures(under)?.median);
        let memory = |over: Key, under: Key| Some(self.figures(over)?.peak? / self.figures(under)?.peak?);
        let threads = self.threads;
        let mut aims = vec![
            Aim {
                what: format!("time of a scan over bare events on {threads} threads"),
                ratio: time(Key::Scan, Key::EventsAllThreads),
                bound: OVER_EVENTS,
                at_least: false,
            },
            Aim {
                what: "time of a scan of JSON over serde_json".to_owned(),
                ratio: time(Key::ScanJson, Key::SerdeJson),
                bound: OVER_SERDE_JSON,
                at_least: false,
            },
        ];
        for (name, key) in [("gator", Key::Gator), ("conftest", Key::Conftest)] {
            let (time, memory) = (time(key, Key::Scan), memory(key, Key::Scan));
            aims.push(Aim { what: format!("time of {name} over a scan"), ratio: time, bound: FASTER, at_least: true });
            aims.push(Aim {
                what: format!("memory of {name} over a scan"),
                ratio: memory,
                bound: SMALLER,
                at_least: true,
            });
        }
        aims
    }

    pub fn table(&self) -> String {
        let mut text = format!(
            "{} cores; {} CronJobs in {:.1} MB of YAML, {} approvals, {} workloads deviate\n\n",
            self.threads,
            self.fleet.cron_jobs,
            bytes(self.yaml_bytes) / 1e6,
            self.fleet.approvals(),
            self.fleet.deviating().len(),
        );
        let line = |cells: [&str; 8]| {
            let [what, runs, fastest, median, slowest, time, peak, memory] = cells;
            format!(
                "{what:<34}  {runs:>4}  {fastest:>9}  {median:>9}  {slowest:>9}  {time:>8}  {peak:>10}  {memory:>8}\n"
            )
        };
        text.push_str(&line(["", "runs", "min", "median", "max", "to scan", "peak RSS", "to scan"]));
        let scan = self.figures(Key::Scan);
        let ratio = |own: Option<f64>, scan: Option<f64>| match (own, scan) {
            (Some(own), Some(scan)) => format!("{:.2}x", own / scan),
            _ => "-".to_owned(),
        };
        for Contestant { label, outcome, .. } in &self.contestants {
            let figures = match outcome {
                Ok(runs) => Figures::of(runs),
                Err(error) => {
                    let _ = writeln!(text, "{label:<34}  not measured: {error}");
                    continue;
                }
            };
            let Some(figures) = figures else { continue };
            let seconds = |value: f64| format!("{value:.3} s");
            text.push_str(&line([
                label,
                &figures.runs.to_string(),
                &seconds(figures.fastest),
                &seconds(figures.median),
                &seconds(figures.slowest),
                &ratio(Some(figures.median), scan.map(|scan| scan.median)),
                &figures.peak.map_or_else(|| "-".to_owned(), |peak| format!("{:.1} MB", peak / 1e6)),
                &ratio(figures.peak, scan.and_then(|scan| scan.peak)),
            ]));
        }
        text.push('\n');
        for aim in self.aims() {
            let ratio = aim.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x"));
            let bound = format!("{} {}", if aim.at_least { "at least" } else { "at most" }, aim.bound);
            let _ = writeln!(text, "{:<48}  {ratio:>8}  {bound:<12}  {}", aim.what, aim.verdict());
        }
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
        let aims = self.aims().into_iter().map(|aim| {
            let bound = if aim.at_least { "atLeast" } else { "atMost" };
            json!({ "name": aim.what, "ratio": aim.ratio, bound: aim.bound, "verdict": aim.verdict() })
        });
        let report = json!({
            "cores": self.threads,
            "cronJobs": self.fleet.cron_jobs,
            "approvals": self.fleet.approvals(),
            "deviating": self.fleet.deviating().len(),
            "yamlBytes": self.yaml_bytes,
            "contestants": contestants.collect::<Vec<Value>>(),
            "aims": aims.collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }
}

#[allow(clippy::cast_precision_loss)]
fn bytes(count: usize) -> f64 {
    count as f64
}
