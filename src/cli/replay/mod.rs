//! `cronwarden replay`

mod elements;
mod feed;
mod gather;
mod log;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use jiff::Timestamp;

use super::configuration::{self, Configured};
use super::connect::Cluster;
use super::declared::Declared;
use super::input::Input;
use super::question::is_usable;
use super::scan::FailOn;
use super::terminal::{Colour, print, progress, width};
use super::{FOUND, UNUSABLE};
use crate::manifest::{Level, Position};
use crate::report::{Problem, Source, Style, replay};
use crate::timeline::{Known, Verdict, What, Window};
use gather::{Gathered, Met, gather};
use log::{Log, Logs};

/// What `cronwarden replay` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Audit logs: files, globs, or - for standard input; compressed with gzip or not.
    ///
    /// As the API server writes them, or as managed clusters and log shippers export them. Several may overlap and come in any order.
    #[arg(value_name = "AUDIT-LOG", required = true)]
    logs: Vec<String>,
    /// Judge everything by these approvals: a file, a folder, a glob, or `cluster`.
    ///
    /// May be repeated. Without it, the approvals count that the logs tell of, as they were at each moment.
    #[arg(long, value_name = "PATH|cluster")]
    inventory: Vec<String>,
    /// The configuration of the operator: a YAML file of the deployment paths that changes are to come by, and of who is trusted to make
    /// Jobs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show what happened from this time on, such as 2026-10-01 or 2026-10-01T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<Timestamp>,
    /// Show what happened before this time.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Timestamp>,
    /// Show only workloads of this namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// Show only versions that deviate.
    #[arg(long)]
    only_deviating: bool,
    /// The user as whom the CronJob controller runs, if it is not the usual one.
    ///
    /// May be repeated. Jobs that it creates are counted as runs of their CronJob.
    #[arg(long, value_name = "USER")]
    cronjob_controller: Vec<String>,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 1 only for what is at least as severe.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    fail_on: FailOn,
    /// Whether to colour the table.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Colour,
    #[command(flatten)]
    cluster: Cluster,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people: everything in order of time.
    #[default]
    Table,
    /// For machines: one JSON object.
    Json,
    /// For code scanning: SARIF 2.1.0, with the versions that deviate.
    Sarif,
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let replayed = replay(arguments)?;
    let text = match arguments.output {
        Output::Table => {
            let style = Style {
                colour: arguments.color.is_wanted(),
                width: width(),
                excerpts: false,
                quiet: arguments.only_deviating,
            };
            replay::table(&replayed, &style)
        }
        Output::Json => replay::json(&replayed),
        Output::Sarif => replay::sarif(&replayed, env!("CARGO_PKG_VERSION")),
    };
    print(&text)?;
    let is_found = replayed.history.entries.iter().any(|entry| {
        entry.verdict == Some(Verdict::Deviating)
            && entry.what != What::Deleted
            && arguments.fail_on.is_reached_by(entry.assessment.severity)
    });
    Ok(if !is_usable(&replayed.problems) {
        ExitCode::from(UNUSABLE)
    } else if is_found {
        ExitCode::from(FOUND)
    } else {
        ExitCode::SUCCESS
    })
}

fn replay(arguments: &Arguments) -> anyhow::Result<replay::Replay> {
    let Arguments { since, until, namespace, only_deviating, .. } = arguments;
    if let (Some(since), Some(until)) = (since, until) {
        anyhow::ensure!(since < until, "nothing can be since {since} and until {until}: exchange the two");
    }
    // What cannot be had is said before a long log is read.
    let mut declared = if arguments.inventory.is_empty() {
        None
    } else {
        Some(Declared::of(&arguments.inventory, &arguments.cluster, &mut Input::default())?)
    };
    let Configured { paths, makers, .. } =
        configuration::read(arguments.config.as_deref(), &arguments.cronjob_controller)?;
    let logs = Logs::of(&arguments.logs);
    let bar = progress(logs.size());
    bar.set_message("reading");
    let Gathered { collector, failures, logs: met } = gather(&logs.all, &makers, &bar);
    bar.finish_and_clear();
    let mut problems: Vec<Problem> =
        logs.problems.iter().map(|(path, reason)| problem(path, None, Level::Error, reason)).collect();
    for (index, (log, met)) in logs.all.iter().zip(&met).enumerate() {
        // Why nothing could be read is said below.
        if met.has_events || failures.iter().all(|(source, ..)| *source != index) {
            problems.extend(told(log, met));
        }
    }
    for (source, line, reason) in failures {
        let name = logs.all.get(source).map_or("", |log| log.name.as_str());
        problems.push(problem(name, line, Level::Error, &reason));
    }
    let namespaces = declared.as_ref().map(|declared| declared.namespaces.clone()).unwrap_or_default();
    let known = Known {
        inventory: declared.as_ref().map(|declared| &declared.inventory),
        namespaces: &namespaces,
        paths: &paths,
        makers: &makers,
    };
    let window = Window { since: *since, until: *until, namespace: namespace.clone(), only_deviating: *only_deviating };
    let history = collector.replay(known, &window);
    problems.extend(declared.iter_mut().flat_map(|declared| std::mem::take(&mut declared.problems)));
    Ok(replay::Replay {
        history,
        sources: logs.all.iter().map(|log| Source::of(&log.name)).collect(),
        records: met.iter().map(|met| met.records).sum(),
        problems,
    })
}

/// What there is to say about a log.
fn told(log: &Log, met: &Met) -> Vec<Problem> {
    if met.records == 0 {
        return vec![problem(&log.name, None, Level::Warning, "is empty")];
    }
    if !met.has_events {
        let reason = "has no audit event: is it the right file? Events are those of audit.k8s.io, as the API server writes them \
                      or as log services export them";
        return vec![problem(&log.name, None, Level::Error, reason)];
    }
    let one = |(reason, (count, line)): (&&str, &(u64, u64))| {
        let times = if *count == 1 { String::new() } else { format!(" ({count} times; this is the first)") };
        problem(&log.name, Some(*line), Level::Error, &format!("{reason}{times}"))
    };
    met.unreadable.iter().map(one).collect()
}

fn problem(path: &str, line: Option<u64>, level: Level, reason: &str) -> Problem {
    Problem {
        source: Source::of(path),
        position: line.map(|line| Position { line, column: 1 }),
        level,
        message: reason.to_owned(),
        excerpt: None,
    }
}
