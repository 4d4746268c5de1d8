//! The operator against a real API server with ten thousand CronJobs: how fast it starts, how soon a finding is there, and how
//! much memory it takes.
//!
//! `cargo bench --bench cluster -- [--count N] [--samples N] [--starts N] [--json]`
//!
//! Each figure is put beside one of the same server in the same run, so that a slow machine slows both: the start beside a
//! plain `kubectl get --raw` of all CronJobs, the latency beside a bare create-to-watch-event round trip, the memory beside the
//! same operator in an empty cluster.

mod latency;
mod report;

#[path = "../common/fleet.rs"]
mod fleet;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../common/operator.rs"]
mod operator;
#[path = "../common/process.rs"]
mod process;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;

use harness::{Binaries, ControlPlane};
use operator::{Operator, Start};
use process::Memory;
use report::Report;

/// One in so many CronJobs deviates.
const ONE_DEVIATES_IN: usize = 50;

/// Measures the operator against a real API server.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many `CronJob`s there are.
    #[arg(long, default_value_t = 10_000, env = "CRONWARDEN_BENCH_COUNT")]
    count: usize,
    /// How many findings are waited for.
    #[arg(long, default_value_t = 200, env = "CRONWARDEN_BENCH_SAMPLES")]
    samples: usize,
    /// How often the operator is started over what it has recorded.
    #[arg(long, default_value_t = 5, env = "CRONWARDEN_BENCH_STARTS")]
    starts: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let report = measure(&arguments).await?;
    let text = if arguments.json { report.json() } else { report.table() };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(())
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    progress("starting the control plane");
    let plane = ControlPlane::builder().start().await?;
    operator::install(&plane).await?;
    let client = plane.client().await?;

    progress("the operator in an empty cluster");
    let (_, empty) = run_once(&plane).await?;

    progress(&format!("creating {} CronJobs and what approves most of them", arguments.count));
    let fleet = fleet::create(&client, arguments.count, Some(ONE_DEVIATES_IN)).await?;

    let mut listing = Listing::new(&plane).await?;
    listing.measure().await?;
    progress("the first start of all: every finding and every status is written");
    let (first_start, _) = run_once(&plane).await?;

    let mut starts = Vec::new();
    let mut full = Vec::new();
    for number in 1..=arguments.starts {
        progress(&format!("start {number} of {} over what is recorded", arguments.starts));
        listing.measure().await?;
        let (start, memory) = run_once(&plane).await?;
        starts.push(start);
        full.push(memory);
    }
    listing.measure().await?;

    progress(&format!("{} findings, and as many bare round trips", arguments.samples));
    let operator = Operator::start(&plane).await?;
    operator.settled().await?;
    let latency = latency::measure(&client, arguments.samples).await?;
    operator.stop().await?;

    Ok(Report {
        fleet,
        listing: listing.times,
        listing_bytes: listing.bytes,
        first_start,
        starts,
        empty,
        full,
        latency,
    })
}

/// Starts the operator, waits until it has nothing left to do, and stops it.
async fn run_once(plane: &ControlPlane) -> anyhow::Result<(Start, Memory)> {
    let operator = Operator::start(plane).await?;
    operator.settled().await?;
    let start = operator.times()?;
    let memory = operator.memory().await?;
    operator.stop().await?;
    Ok((start, memory))
}

/// `kubectl get --raw` of all CronJobs, output thrown away.
struct Listing<'a> {
    plane: &'a ControlPlane,
    kubectl: std::path::PathBuf,
    times: Vec<Duration>,
    bytes: usize,
}

impl<'a> Listing<'a> {
    const PATH: &'static str = "/apis/batch/v1/cronjobs";

    async fn new(plane: &'a ControlPlane) -> anyhow::Result<Self> {
        let kubectl = Binaries::find_or_build().await?.kubectl;
        let bytes = plane.kubectl(["get", "--raw", Self::PATH]).run().await?.stdout.len();
        Ok(Self { plane, kubectl, times: Vec::new(), bytes })
    }

    async fn measure(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        let status = tokio::process::Command::new(&self.kubectl)
            .args(["get", "--raw", Self::PATH])
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("HOME", self.plane.scratch_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .await
            .context("cannot start kubectl")?;
        anyhow::ensure!(status.success(), "kubectl get --raw failed ({status})");
        self.times.push(start.elapsed());
        Ok(())
    }
}

fn progress(text: &str) {
    eprintln!("bench: {text}");
}
