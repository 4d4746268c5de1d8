//! The operator against a real API server where Jobs come and go: what it takes for each event, and what it keeps and writes.
//!
//! `cargo bench --bench lineage -- [--count N] [--runs N] [--json]`
//!
//! The benchmark plays the controllers, with their service accounts: each CronJob runs many times, each run as the CronJob controller
//! makes it, with the status that the Job controller gives it, removed once the next one is complete. `kubectl` watches the same
//! objects beside the operator, so that a slow machine slows both.

mod beside;
mod churn;
mod report;

#[path = "../common/fleet.rs"]
mod fleet;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../common/operator.rs"]
mod operator;
#[path = "../common/process.rs"]
mod process;

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;

use beside::{Beside, JOBS, PODS};
use churn::Controllers;
use harness::{AuditEvent, ControlPlane, try_eventually};
use operator::Operator;
use process::{Memory, processor_time};
use report::{Report, Round};

/// How many events there are of each Job: it is created, started, complete, and removed.
const EVENTS_OF_JOB: usize = 4;

/// How many there are of each Pod: it is created, running, succeeded, told to go, and gone.
const EVENTS_OF_POD: usize = 5;

/// How long the operator may still be at work once the last object is gone: what it writes after a pause it has written by then.
const AFTERMATH: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_mins(2);

/// Measures the operator where Jobs come and go.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many `CronJob`s there are.
    #[arg(long, default_value_t = 1_000)]
    count: usize,
    /// How often each of them runs in each round.
    #[arg(long, default_value_t = 10)]
    runs: usize,
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
    let mut rounds = Vec::new();
    for follows_log in [false, true] {
        let scene = Scene::start(arguments.count, follows_log).await?;
        for with_pods in [false, true] {
            rounds.push(scene.round(arguments.runs, with_pods).await?);
        }
        scene.operator.stop().await?;
    }
    let report = Report { cron_jobs: arguments.count, runs: arguments.runs, rounds };
    let text = if arguments.json { report.json() } else { report.table() };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(())
}

/// A cluster whose CronJobs are all as approved, and the operator at rest.
struct Scene {
    plane: ControlPlane,
    operator: Operator,
    controllers: Controllers,
    follows_log: bool,
}

impl Scene {
    async fn start(count: usize, follows_log: bool) -> anyhow::Result<Self> {
        let source = if follows_log { "following the audit log" } else { "without a source of events" };
        progress(&format!("starting the control plane; the operator runs {source}"));
        let plane = ControlPlane::builder().audit_policy(policy(follows_log)?).start().await?;
        operator::install(&plane).await?;
        let client = plane.client().await?;
        let mut more = Vec::new();
        if follows_log {
            more.extend(["--audit-log".into(), plane.audit_log().to_owned()]);
            more.extend(["--state-dir".into(), plane.scratch_dir().join("state")]);
        }
        let operator = Operator::start_with(&plane, more).await?;
        operator.settled().await?;
        progress(&format!("creating {count} CronJobs and what approves them"));
        fleet::create(&client, count, None).await?;
        let controllers = Controllers::of(&plane).await?;
        let scene = Self { plane, operator, controllers, follows_log };
        scene.at_rest().await?;
        Ok(scene)
    }

    /// Waits until the operator holds all CronJobs and no Jobs, and has nothing left to do.
    async fn at_rest(&self) -> anyhow::Result<()> {
        try_eventually("the operator is at rest", PATIENCE, async || {
            let metric = |name: &str| self.operator.metric(name).map_err(|error| format!("{error:#}"));
            let jobs = metric("cronwarden_objects{resource=\"jobs\"}")?;
            let pending = metric("cronwarden_pending")?;
            if jobs == 0.0 && pending == 0.0 { Ok(()) } else { Err(format!("{jobs} Jobs held, {pending} pending")) }
        })
        .await?;
        tokio::time::sleep(AFTERMATH).await;
        Ok(())
    }

    async fn round(&self, runs: usize, with_pods: bool) -> anyhow::Result<Round> {
        progress(&format!("{runs} runs of each CronJob, {} Pods", if with_pods { "with" } else { "without" }));
        let watched: &[_] = if with_pods { &[&JOBS, &PODS] } else { &[&JOBS] };
        let beside = Beside::start(&self.plane, watched).await?;
        let pid = self.operator.pid();
        Memory::forget_peak(pid)?;
        let (before, written) = (Memory::of(pid)?, self.writes()?.len());
        let (taken, start) = (processor_time(pid)?, Instant::now());

        let jobs = self.controllers.churn(runs, with_pods).await?;
        let took = start.elapsed();
        self.at_rest().await?;

        let events = jobs * EVENTS_OF_JOB + if with_pods { jobs * EVENTS_OF_POD } else { 0 };
        let beside = beside.end()?;
        // Those that a watch misses while it starts again do not matter, as each is compared by what it received.
        let received = beside.iter().map(|taken| taken.events).min().unwrap_or_default();
        anyhow::ensure!(
            received >= events / 2,
            "kubectl has received {received} of {events} events: too few to compare"
        );
        let operator = processor_time(pid)?.saturating_sub(taken);
        let writes: Vec<AuditEvent> = self.writes()?.split_off(written);
        let about =
            |event: &&AuditEvent| event.object.as_ref().is_some_and(|o| o.resource == "scheduledworkloadfindings");
        anyhow::ensure!(!writes.iter().any(|event| about(&event)), "findings were written: {writes:#?}");
        Ok(Round {
            follows_log: self.follows_log,
            with_pods,
            jobs,
            events,
            took,
            operator,
            beside,
            before,
            after: Memory::of(pid)?,
            writes: report::count(&writes),
        })
    }

    /// What the operator has written so far.
    fn writes(&self) -> anyhow::Result<Vec<AuditEvent>> {
        self.plane.writes_by(operator::USER)
    }
}

/// What `deploy/intake` asks an API server to audit, if that is followed, and whatever the operator writes.
fn policy(follows_log: bool) -> anyhow::Result<String> {
    let policy = include_str!("../../deploy/intake/audit-policy.yaml");
    let (head, rules) = policy.split_once("\nrules:\n").context("the policy has no rules")?;
    let rules = if follows_log { rules } else { "  - level: None\n" };
    Ok(format!("{head}\nrules:\n  - level: Metadata\n    users: ['{}']\n{rules}", operator::USER))
}

fn progress(text: &str) {
    eprintln!("bench: {text}");
}
