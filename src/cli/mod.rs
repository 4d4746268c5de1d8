//! The command line: arguments become validated settings, and settings become a run of one of the other rooms.

mod approve;
mod baseline;
mod certificates;
mod configuration;
mod connect;
mod crd;
mod declared;
mod examples;
mod explain;
mod input;
mod intake;
mod judge;
mod lineage;
mod manual;
mod question;
mod replay;
mod run;
mod scan;
mod target;
mod terminal;

use std::path::Path;
use std::process::ExitCode;

use clap::{Command as Definition, CommandFactory, FromArgMatches, Parser, Subcommand};

use terminal::tell;

/// Judges the scheduled workloads of a Kubernetes cluster against a declared inventory.
#[derive(Debug, Parser)]
#[command(name = "cronwarden", version, about, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge manifests before they reach a cluster.
    ///
    /// Exit codes: 0 nothing deviates, 1 something deviates that is at least as severe as --fail-on says, 2 the command failed, or a
    /// part of the input could not be used.
    #[command(after_help = examples::SCAN)]
    Scan(scan::Arguments),
    /// Draft a first inventory from what a cluster runs or manifests declare.
    ///
    /// What is drafted is for review: whatever already hides among the workloads is in it, too. Nothing is written to the cluster.
    ///
    /// Exit codes: 0 complete, 2 the command failed, or a part of the input could not be used.
    #[command(after_help = examples::BASELINE)]
    Baseline(baseline::Arguments),
    /// Draft the approval, or the change of one, that a workload needs.
    ///
    /// Nothing is written to the cluster. If somebody has to decide something first, nothing is drafted.
    ///
    /// Exit codes: 0 drafted, 1 somebody has to decide something first, 2 the command failed, or a part of the input could not be used.
    #[command(after_help = examples::APPROVE)]
    Approve(approve::Arguments),
    /// Show why a workload is approved or not, or what a code means.
    ///
    /// Exit codes: 0 explained, whatever the verdict is; 2 the command failed, or a part of the input could not be used.
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::Arguments),
    /// Tell from audit logs what was planted, when and by whom, and what is gone.
    ///
    /// The history of every CronJob and Job, each version judged with the engine of the operator as of its time.
    ///
    /// Exit codes: 0 nothing deviates, 1 something deviates that is at least as severe as --fail-on says, 2 the command failed, or a
    /// part of the input could not be used.
    #[command(after_help = examples::REPLAY)]
    Replay(replay::Arguments),
    /// Run the operator: watch the cluster, judge its CronJobs, record findings.
    #[command(after_help = examples::RUN)]
    Run(run::Arguments),
    /// Print the custom resource definitions, as `kubectl apply -f -` takes them.
    #[command(after_help = examples::CRD)]
    Crd(crd::Arguments),
    /// Make the certificates and files that connect API servers to the operator.
    ///
    /// For clusters without cert-manager or another authority. What is made is written into a folder; nothing is written to the cluster.
    /// Run it again with --force before the certificates expire: facts that cannot be sent are lost.
    #[command(after_help = examples::CERTIFICATES)]
    Certificates(certificates::Arguments),
    /// Print the completions of a shell.
    #[command(after_help = examples::COMPLETION)]
    Completion(manual::CompletionArguments),
    /// Print the manual page, or write all of them.
    #[command(after_help = examples::MAN)]
    Man(manual::ManArguments),
}

/// Exit code: something deviates, or has to be decided first.
const FOUND: u8 = 1;

/// Exit code: the command failed, or a part of its input could not be used.
const UNUSABLE: u8 = 2;

/// The prefix by which kubectl finds its plugins.
const PLUGIN: &str = "kubectl-";

/// The command line by the name that it was called by: kubectl finds it as a plugin if it is linked as `kubectl-cronwarden`.
fn definition() -> Definition {
    let called = std::env::args_os().next();
    let called = called.as_deref().and_then(|path| Path::new(path).file_name()?.to_str());
    match called {
        Some(name) if name.starts_with(PLUGIN) => Arguments::command().bin_name("kubectl cronwarden"),
        _ => Arguments::command(),
    }
}

/// Runs the command that the arguments of the process name. Exit codes: 0 all went well, 1 something was
/// found, 2 the command failed, or its arguments or a part of its input are unusable.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_arg_matches(&definition().get_matches()).unwrap_or_else(|error| error.exit());
    let result = match arguments.command {
        Command::Scan(arguments) => scan::main(&arguments),
        Command::Baseline(arguments) => baseline::main(&arguments),
        Command::Approve(arguments) => approve::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
        Command::Replay(arguments) => replay::main(&arguments),
        Command::Run(arguments) => done(run::main(arguments)),
        Command::Crd(arguments) => done(crd::main(&arguments)),
        Command::Certificates(arguments) => done(certificates::main(&arguments)),
        Command::Completion(arguments) => done(manual::completion(&arguments, definition())),
        Command::Man(arguments) => done(manual::man(&arguments, definition())),
    };
    result.unwrap_or_else(|error| {
        tell(format_args!("error: {error:#}"));
        ExitCode::from(UNUSABLE)
    })
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}
