//! The command line: arguments become validated settings, and settings become a run of one of the other rooms.

mod crd;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Judges the scheduled workloads of a Kubernetes cluster against a declared inventory.
#[derive(Debug, Parser)]
#[command(name = "cronwarden", version, about, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: watch the cluster, judge its CronJobs, record findings.
    Run(run::Arguments),
    /// Print the custom resource definitions, as `kubectl apply -f -` takes them.
    Crd(crd::Arguments),
}

/// Runs the command that the arguments of the process name. Exit codes: 0 all went well, 1 the command failed, 2 the arguments are
/// unusable.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::main(arguments),
        Command::Crd(arguments) => crd::main(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
