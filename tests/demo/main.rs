//! The demo: a real cluster with an inventory and workloads in it, and what Cronwarden makes of them.
//!
//! It starts a control plane of its own, or uses a cluster that it is given, and leaves nothing behind in either.

mod check;
mod cluster;
mod marked;
mod operator;
mod screen;
mod show;

#[path = "../harness/mod.rs"]
mod harness;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};

use cluster::{Cluster, Refused};
use operator::Operator;
use screen::Screen;

/// Shows Cronwarden at work: a cluster, an inventory, honest and malicious CronJobs, and the findings about them.
#[derive(Debug, Parser)]
#[command(name = "demo", after_help = EXIT_CODES)]
struct Arguments {
    /// Check that exactly the expected findings are there, then end, instead of staying for a look around.
    #[arg(long)]
    once: bool,
    /// Use this cluster instead of a local one. Whatever the demo makes in it is removed at the end.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The binary of the operator. Without it: `cronwarden` in the build folder of this program.
    #[arg(long, value_name = "PATH")]
    operator: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    everything was shown and, with --once, exactly the expected findings were there
  1    with --once, the findings were not as expected; or something failed
  2    the arguments are unusable, or the cluster has objects by the names of the demo's already
  130  interrupted before everything was shown

Without --kubeconfig, the binaries of the control plane come from the folder KUBEBUILDER_ASSETS, or are built with Go the
first time, which takes some minutes.";

const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let screen = Screen::of_process();
    let outcome = tokio::runtime::Builder::new_multi_thread().enable_all().build().map(|runtime| {
        let code = runtime.block_on(run(&arguments, &screen));
        // A build of the control plane's binaries cannot be interrupted from within; it must not hold up the end.
        runtime.shutdown_background();
        code
    });
    outcome.unwrap_or_else(|error| {
        screen.problem(&format!("cannot start the runtime: {error}"));
        ExitCode::FAILURE
    })
}

async fn run(arguments: &Arguments, screen: &Screen) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            screen.problem(&format!("{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let mut demo = Demo::default();
    let shown = tokio::select! {
        shown = demo.show(arguments, screen) => Some(shown),
        () = signals.next() => None,
    };
    let code = match shown {
        Some(Ok(as_expected)) if arguments.once => ExitCode::from(u8::from(!as_expected)),
        Some(Ok(_)) => {
            demo.invite(screen);
            signals.next().await;
            ExitCode::SUCCESS
        }
        Some(Err(error)) => {
            screen.problem(&format!("{error:#}"));
            ExitCode::from(if error.is::<Refused>() { 2 } else { 1 })
        }
        None => ExitCode::from(INTERRUPTED),
    };
    tokio::select! {
        ended = demo.end(screen) => match ended {
            Ok(()) => code,
            Err(error) => {
                screen.problem(&format!("{error:#}"));
                ExitCode::FAILURE
            }
        },
        () = signals.next() => {
            screen.problem("interrupted while cleaning up: something of the demo may be left in the cluster");
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// What has been started so far.
#[derive(Default)]
struct Demo {
    operator: Option<Operator>,
    cluster: Option<Cluster>,
}

impl Demo {
    /// Everything up to the last table; returns whether the findings are the expected ones.
    async fn show(&mut self, arguments: &Arguments, screen: &Screen) -> anyhow::Result<bool> {
        let binary = Operator::find(arguments.operator.as_deref())?;
        let cluster = self.cluster.insert(Cluster::start(arguments.kubeconfig.as_deref(), screen).await?);
        cluster.install(screen).await?;
        let operator = self.operator.insert(Operator::start(&binary, cluster, screen).await?);
        operator.settled(screen).await?;
        show::findings(cluster, screen).await?;
        let as_expected = check::findings(cluster, screen).await?;
        Ok(as_expected)
    }

    /// How to go on by hand.
    fn invite(&self, screen: &Screen) {
        if let (Some(cluster), Some(operator)) = (&self.cluster, &self.operator) {
            show::how_to_go_on(cluster, operator, screen);
        }
    }

    /// Stops everything and removes whatever was made.
    async fn end(&mut self, screen: &Screen) -> anyhow::Result<()> {
        // The operator first: it would go on writing.
        if let Some(operator) = self.operator.take() {
            operator.stop().await;
        }
        match self.cluster.take() {
            Some(cluster) => cluster.remove(screen).await,
            None => Ok(()),
        }
    }
}

/// Ctrl-C, or a request to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for signals")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for signals")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
