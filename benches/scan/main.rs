//! `cronwarden scan` over ten thousand CronJobs: how long it takes and how much memory, beside the bare parser and beside
//! other tools with a policy that finds the same.
//!
//! `cargo bench --bench scan -- [--runs N] [--count N] [--json]`, or `--generate FOLDER` to write the input and end.
//!
//! Everything is a process of its own over the same file, in the same run, by turns: a slow machine slows all of them. Those that
//! judge must name exactly the workloads that deviate, or their figures do not count.

mod contest;
mod events;
mod files;
mod fleet;
mod narrow;
mod process;
mod report;
mod tools;

#[path = "../../tests/harness/mod.rs"]
mod harness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use files::Files;
use fleet::Fleet;
use harness::ScratchDir;
use report::Report;

// The one of `cronwarden`: the parsers that it is compared with have the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures `cronwarden scan` beside the bare parser and other tools.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many `CronJob`s there are.
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// How often each is run. Without it three times, but what takes more than 20 seconds once.
    #[arg(long)]
    runs: Option<usize>,
    /// Only write the files that are read, for other tools.
    #[arg(long, value_name = "FOLDER")]
    generate: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Be the child process that pulls the events of this file.
    #[arg(long, hide = true)]
    events: Option<PathBuf>,
    #[arg(long, hide = true, default_value_t = 1)]
    threads: usize,
    /// Be the child process that reads this file with `serde_json`.
    #[arg(long, hide = true)]
    serde_json: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.events {
        eprintln!("{} events", events::pull(file, arguments.threads)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &arguments.serde_json {
        eprintln!("{} CronJobs", narrow::read(file)?);
        return Ok(ExitCode::SUCCESS);
    }
    let fleet = Fleet { cron_jobs: arguments.count };
    if let Some(folder) = &arguments.generate {
        Files::write(fleet, folder)?;
        progress(&format!(
            "wrote {} CronJobs and {} approvals to {}",
            fleet.cron_jobs,
            fleet.approvals(),
            folder.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let report = measure(&arguments, fleet)?;
    let text = if arguments.json { report.json() } else { report.table() };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(arguments: &Arguments, fleet: Fleet) -> anyhow::Result<Report> {
    let scratch = ScratchDir::new()?;
    progress(&format!("writing {} CronJobs", fleet.cron_jobs));
    let files = Files::write(fleet, scratch.path())?;
    let threads = std::thread::available_parallelism()?.get();
    let mut contestants = contest::contestants(&files, threads)?;
    contest::measure(&mut contestants, arguments.runs, fleet, scratch.path());
    Ok(Report { fleet, threads, yaml_bytes: files.yaml_bytes, contestants })
}

fn progress(text: &str) {
    eprintln!("bench: {text}");
}
