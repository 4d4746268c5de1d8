//! The command line: arguments become validated settings, and settings become a run of one of the other rooms.

mod approve;
mod baseline;
mod connect;
mod crd;
mod declared;
mod explain;
mod input;
mod judge;
mod manual;
mod question;
mod run;
mod scan;
mod target;
mod terminal;

use std::path::Path;
use std::process::ExitCode;

use clap::{Command as Definition, CommandFactory, FromArgMatches, Parser, Subcommand};

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
    /// Exit codes: 0 nothing deviates, 1 something deviates that is at least as severe as --fail-on says, 2 a part of the input could
    /// not be used.
    Scan(scan::Arguments),
    /// Write a first inventory from what a cluster runs or manifests declare, for review.
    ///
    /// Exit codes: 0 complete, 2 a part of the input could not be used.
    Baseline(baseline::Arguments),
    /// Draft the approval, or the change of one, that a workload needs. Nothing is written to the cluster.
    ///
    /// Exit codes: 0 drafted, 1 a risk has to be accepted first or the command failed.
    Approve(approve::Arguments),
    /// Show why a workload is approved or not, or what a code means.
    Explain(explain::Arguments),
    /// Run the operator: watch the cluster, judge its CronJobs, record findings.
    Run(run::Arguments),
    /// Print the custom resource definitions, as `kubectl apply -f -` takes them.
    Crd(crd::Arguments),
    /// Print the completions of a shell.
    Completion(manual::CompletionArguments),
    /// Print the manual page, or write all of them.
    Man(manual::ManArguments),
}

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

/// Runs the command that the arguments of the process name. Exit codes: 0 all went well, 1 the command failed or found something, 2
/// the arguments or a part of the input are unusable.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_arg_matches(&definition().get_matches()).unwrap_or_else(|error| error.exit());
    let result = match arguments.command {
        Command::Scan(arguments) => scan::main(&arguments),
        Command::Baseline(arguments) => baseline::main(&arguments),
        Command::Approve(arguments) => approve::main(&arguments),
        Command::Explain(arguments) => done(explain::main(&arguments)),
        Command::Run(arguments) => done(run::main(arguments)),
        Command::Crd(arguments) => done(crd::main(&arguments)),
        Command::Completion(arguments) => done(manual::completion(&arguments, definition())),
        Command::Man(arguments) => done(manual::man(&arguments, definition())),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}
