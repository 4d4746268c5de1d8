//! The figures, as a table for people and as JSON for machines.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::latency::Latency;
use crate::operator::Start;
use crate::process::Memory;

/// What is aimed at.
const COLD_START: f64 = 2.0;
const LATENCY: f64 = 3.0;
const BYTES: f64 = 2_000.0;

/// Everything that was measured.
pub struct Report {
    pub fleet: Fleet,
    pub listing: Vec<Duration>,
    pub listing_bytes: usize,
    pub first_start: Start,
    pub starts: Vec<Start>,
    pub empty: Memory,
    pub full: Vec<Memory>,
    pub latency: Latency,
}

/// What is compared with the aims.
struct Figures {
    listing: f64,
    synced: f64,
    judged: f64,
    metric: f64,
    first: f64,
    round_trip: [f64; 2],
    finding: [f64; 2],
    rss: f64,
    pss: f64,
    peak: f64,
    empty: [f64; 3],
}

impl Report {
    fn per_cron_job(&self, full: f64, empty: f64) -> f64 {
        (full - empty) / number(self.fleet.cron_jobs)
    }

    fn figures(&self) -> Figures {
        let of_starts = |part: fn(&Start) -> Duration| median(self.starts.iter().map(part).map(seconds).collect());
        let of_memory = |part: fn(&Memory) -> usize| median(self.full.iter().map(part).map(number).collect());
        let percentiles = |samples: &[Duration]| [percentile(samples, 50), percentile(samples, 99)];
        Figures {
            listing: median(self.listing.iter().copied().map(seconds).collect()),
            synced: of_starts(|start| start.synced),
            judged: of_starts(|start| start.judged),
            metric: of_starts(|start| start.metric),
            first: seconds(self.first_start.judged),
            round_trip: percentiles(&self.latency.round_trips),
            finding: percentiles(&self.latency.findings),
            rss: of_memory(|memory| memory.rss),
            pss: of_memory(|memory| memory.pss),
            peak: of_memory(|memory| memory.peak),
            empty: [self.empty.rss, self.empty.pss, self.empty.peak].map(number),
        }
    }

    pub fn table(&self) -> String {
        let figures = self.figures();
        let Fleet { cron_jobs, approvals, deviating, took } = self.fleet;
        let mut text = format!(
            "{cron_jobs} CronJobs of {:.1} kB as the API server sends them, {approvals} approvals, {deviating} deviating; \
             created in {:.0} s\n\n",
            number(self.listing_bytes) / number(cron_jobs.max(1)) / 1e3,
            took.as_secs_f64(),
        );
        let mut row = |what: &str, value: &str, ratio: &str, aim: &str| {
            let _ = writeln!(text, "{what:<66}  {value:>10}  {ratio:>8}  {aim}");
        };
        let s = |value: f64| format!("{value:.2} s");
        let ms = |value: f64| format!("{:.1} ms", value * 1e3);
        let mb = |value: f64| format!("{:.1} MB", value / 1e6);
        let ratio = |value: f64, base: f64| format!("{:.2}x", value / base);

        row("COLD START", "", "ratio", "aim");
        row("kubectl get --raw of all CronJobs, median", &s(figures.listing), &ratio(1.0, 1.0), "");
        row("start to every list read, median", &s(figures.synced), &ratio(figures.synced, figures.listing), "");
        row(
            "start to every verdict made, findings recorded before, median",
            &s(figures.judged),
            &ratio(figures.judged, figures.listing),
            &aim(figures.judged / figures.listing, COLD_START, "2x"),
        );
        row("  of which the metric cronwarden_first_pass_seconds says", &s(figures.metric), "", "");
        row(
            "start to every verdict made and written, nothing recorded",
            &s(figures.first),
            &ratio(figures.first, figures.listing),
            "",
        );

        row("\nLATENCY", "", "", "");
        for (i, name) in ["p50", "p99"].into_iter().enumerate() {
            let (base, finding) = (figures.round_trip[i], figures.finding[i]);
            row(&format!("create to watch event, {name}"), &ms(base), &ratio(1.0, 1.0), "");
            let aim = if i == 0 { aim(finding / base, LATENCY, "3x") } else { String::new() };
            row(&format!("create to complete finding, {name}"), &ms(finding), &ratio(finding, base), &aim);
        }

        row("\nMEMORY", "", "each", "");
        let each = |full, empty| format!("{:.0} B", self.per_cron_job(full, empty));
        let [rss, pss, peak] = figures.empty;
        row("resident, empty cluster", &mb(rss), "", "");
        let per = self.per_cron_job(figures.rss, rss);
        row("resident, median", &mb(figures.rss), &each(figures.rss, rss), &aim(per, BYTES, "2 kB"));
        row("proportional set size, median", &mb(figures.pss), &each(figures.pss, pss), "");
        row("highest resident, median", &mb(figures.peak), &each(figures.peak, peak), "");
        text
    }

    pub fn json(&self) -> String {
        let figures = self.figures();
        let start = |start: &Start| -> Value {
            json!({
                "syncedSeconds": seconds(start.synced),
                "judgedSeconds": seconds(start.judged),
                "firstPassSeconds": seconds(start.metric),
            })
        };
        let memory =
            |memory: &Memory| json!({ "rssBytes": memory.rss, "pssBytes": memory.pss, "peakBytes": memory.peak });
        let percentiles = |[p50, p99]: [f64; 2]| json!({ "p50Seconds": p50, "p99Seconds": p99 });
        let report = json!({
            "cronJobs": self.fleet.cron_jobs,
            "approvals": self.fleet.approvals,
            "deviating": self.fleet.deviating,
            "listBytes": self.listing_bytes,
            "coldStart": {
                "listSeconds": self.listing.iter().copied().map(seconds).collect::<Vec<_>>(),
                "first": start(&self.first_start),
                "recorded": self.starts.iter().map(start).collect::<Vec<_>>(),
                "ratio": figures.judged / figures.listing,
                "aim": COLD_START,
            },
            "latency": {
                "samples": self.latency.findings.len(),
                "roundTrip": percentiles(figures.round_trip),
                "finding": percentiles(figures.finding),
                "ratio": figures.finding[0] / figures.round_trip[0],
                "aim": LATENCY,
            },
            "memory": {
                "empty": memory(&self.empty),
                "full": self.full.iter().map(memory).collect::<Vec<_>>(),
                "bytesPerCronJob": self.per_cron_job(figures.rss, figures.empty[0]),
                "aim": BYTES,
            },
        });
        format!("{report:#}\n")
    }
}

fn aim(value: f64, limit: f64, text: &str) -> String {
    format!("at most {text}: {}", if value <= limit { "met" } else { "MISSED" })
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Counts and sizes here are far below what a float holds exactly.
#[expect(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().map_or(f64::NAN, seconds)
}
