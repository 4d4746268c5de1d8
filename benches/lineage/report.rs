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
    pub events: usize,
    pub took: Duration,
    /// What the operator took of the processors.
    pub operator: Duration,
    /// `kubectl get --watch -o json`, and `kubectl get --raw`.
    pub beside: [Taken; 2],
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
    /// The operator, `kubectl get --watch -o json`, and `kubectl get --raw`, in microseconds for an event.
    fn each(&self) -> [f64; 3] {
        let own = Taken { processor: self.operator, events: self.events };
        let [printing, receiving] = self.beside;
        [own, printing, receiving].map(|taken| taken.processor.as_secs_f64() * 1e6 / number(taken.events))
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
            let [own, printing, receiving] = round.each();
            let mb = |bytes: usize| format!("{:.1} MB", number(bytes) / 1e6);
            let cells = [
                round.events.to_string(),
                format!("{:.0}", number(round.events) / round.took.as_secs_f64()),
                format!("{own:.0}"),
                format!("{printing:.0} ({:.2}x)", own / printing),
                format!("{receiving:.0} ({:.2}x)", own / receiving),
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
        text.push_str("\nµs/event: processor time of the operator, of `kubectl get --watch -o json`, and of `kubectl get --raw` with a watch\n");
        text
    }

    pub fn json(&self) -> String {
        let memory =
            |memory: &Memory| json!({ "rssBytes": memory.rss, "pssBytes": memory.pss, "peakBytes": memory.peak });
        let round = |round: &Round| -> Value {
            let [own, printing, receiving] = round.each();
            json!({
                "followsAuditLog": round.follows_log,
                "pods": round.with_pods,
                "jobs": round.jobs,
                "events": round.events,
                "seconds": round.took.as_secs_f64(),
                "operatorProcessorSeconds": round.operator.as_secs_f64(),
                "microsecondsPerEvent": { "operator": own, "kubectlJson": printing, "kubectlRaw": receiving },
                "memory": { "before": memory(&round.before), "after": memory(&round.after) },
                "writes": round.writes,
            })
        };
        let rounds: Vec<Value> = self.rounds.iter().map(round).collect();
        format!("{:#}\n", json!({ "cronJobs": self.cron_jobs, "runs": self.runs, "rounds": rounds }))
    }
}

/// Counts and sizes here are far below what a float holds exactly.
#[expect(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}
