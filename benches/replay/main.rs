//! `cronwarden replay` over a large audit log: how long it takes and how much memory, beside `jq` selecting the same events.
//!
//! `cargo bench --bench replay -- [--runs N] [--megabytes N] [--json]`, or `--generate FILE` to write the log and end.
//!
//! Each is a process of its own over the same file, in the same run, by turns: a slow machine slows all of them. Each must find
//! exactly the events that are there, or its figures do not count.

mod contest;
mod log;
#[path = "../scan/process.rs"]
mod process;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use log::Log;
use report::Report;

/// Measures `cronwarden replay` beside `jq`.
#[derive(Debug, Parser)]
struct Arguments {
    /// How large the log is.
    #[arg(long, default_value_t = 1000)]
    megabytes: usize,
    /// How often each is run.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only write the log, for other tools.
    #[arg(long, value_name = "FILE")]
    generate: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.generate {
        let log = Log::write(file, arguments.megabytes * 1_000_000)?;
        progress(&format!("wrote {} events, {} of them about workloads", log.events, log.relevant));
        return Ok(ExitCode::SUCCESS);
    }
    let scratch = tempfile::tempdir()?;
    progress(&format!("writing a log of {} MB", arguments.megabytes));
    let log = Log::write(&scratch.path().join("audit.log"), arguments.megabytes * 1_000_000)?;
    let contestants = contest::measure(&log, arguments.runs, scratch.path())?;
    let report = Report { threads: std::thread::available_parallelism()?.get(), log, contestants };
    let text = if arguments.json { report.json() } else { report.table() };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress(text: &str) {
    eprintln!("bench: {text}");
}
