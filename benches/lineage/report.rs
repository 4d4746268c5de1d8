//! The figures, as a table for people and as JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::beside::Taken;
use crate::harness::AuditEvent;
use crate::process::Memory;

/// Everything that was measured.
pub struct Report {
    pub cron_jobs: usize,
    pub runs: usize,
    pub rounds: Vec<Round>,
}

/// Jobs that came and went.
pub struct Round {
    pub follows_log: bool,
    pub with_pods: bool,
    pub jobs: usize,
    pub took: Duration,
    /// What the operator took of the processors.
    pub operator: Duration,
    pub beside: Taken,
    /// At rest; the peak of the second is that of the round.
    pub before: Memory,
    pub after: Memory,
    /// What the operator wrote, by what was written.
    pub writes: BTreeMap<String, usize>,
}

/// Counts requests by what they do.
pub fn count(writes: &[AuditEvent]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in writes {
        let resource = write.object.as_ref().map(|object| format!("{}/{}", object.resource, object.subresource));
        let resource = resource.unwrap_or_default();
        *counts.entry(format!("{} {}", write.verb, resource.trim_end_matches('/'))).or_default() += 1;
    }
    counts
}

impl Round {
    fn events(&self) -> usize {
        self.beside.events.iter().sum()
    }

    fn writes(&self) -> usize {
        self.writes.values().sum()
    }
}

impl Report {
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} CronJobs, all as approved, run {} times in each round; each run is removed once the next one is complete\n\n",
            self.cron_jobs, self.runs
        );
        let heads =
            ["events", "events/s", "µs/event", "kubectl json", "kubectl raw", "before", "peak", "after", "writes"];
        let _ = write!(text, "{:<30}", "");
        for head in heads {
            let _ = write!(text, "{head:>14}");
        }
        text.push('\n');
        for round in &self.rounds {
            let source = if round.follows_log { ", audit log followed" } else { "" };
            let objects = if round.with_pods { "Jobs and Pods" } else { "Jobs" };
            let _ = write!(text, "{:<30}", format!("{objects}{source}"));
            let each = |taken: Duration| microseconds(taken) / number(round.events());
            let ratio = |taken: Duration| format!("{:.2}x", microseconds(round.operator) / microseconds(taken));
            let mb = |bytes: usize| format!("{:.1} MB", number(bytes) / 1e6);
            let cells = [
                round.events().to_string(),
                format!("{:.0}", number(round.events()) / round.took.as_secs_f64()),
                format!("{:.0}", each(round.operator)),
                ratio(round.beside.printing),
                ratio(round.beside.receiving),
                mb(round.before.rss),
                mb(round.after.peak),
                mb(round.after.rss),
                round.writes().to_string(),
            ];
            for cell in cells {
                let _ = write!(text, "{cell:>14}");
            }
            text.push('\n');
            for (what, count) in &round.writes {
                let _ = writeln!(text, "  {count} × {what}");
            }
        }
        text.push_str("\nkubectl: the operator's processor time beside that of `kubectl get --watch -o json` and `kubectl get --raw` of the same\n");
        text
    }

    pub fn json(&self) -> String {
        let memory =
            |memory: &Memory| json!({ "rssBytes": memory.rss, "pssBytes": memory.pss, "peakBytes": memory.peak });
        let round = |round: &Round| -> Value {
            json!({
                "followsAuditLog": round.follows_log,
                "pods": round.with_pods,
                "jobs": round.jobs,
                "events": round.events(),
                "seconds": round.took.as_secs_f64(),
                "processorSeconds": {
                    "operator": round.operator.as_secs_f64(),
                    "kubectlJson": round.beside.printing.as_secs_f64(),
                    "kubectlRaw": round.beside.receiving.as_secs_f64(),
                },
                "microsecondsPerEvent": microseconds(round.operator) / number(round.events()),
                "memory": { "before": memory(&round.before), "after": memory(&round.after) },
                "writes": round.writes,
            })
        };
        let rounds: Vec<Value> = self.rounds.iter().map(round).collect();
        format!("{:#}\n", json!({ "cronJobs": self.cron_jobs, "runs": self.runs, "rounds": rounds }))
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Counts and sizes here are far below what a float holds exactly.
#[expect(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}
