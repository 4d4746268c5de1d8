//! `cronwarden baseline`

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use glob::Pattern;
use jiff::Timestamp;

use super::connect::{Cluster, Scope, runtime};
use super::input::Input;
use super::question::warn;
use crate::cluster::read;
use crate::draft::{Accepted, Baseline, Options, baseline, yaml};
use crate::manifest::Level;
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// Exit code: a part of the input could not be used.
const UNUSABLE: u8 = 2;

/// What `cronwarden baseline` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, globs, or - for standard input. Without any, the cluster is asked.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Leave out files that were found in folders and whose path matches this pattern. May be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Pattern>,
    /// Make one approval for workloads that differ only in their namespace.
    #[arg(long)]
    group: bool,
    /// Pin all labels and the whole pod template, too: any change of what is judged deviates.
    #[arg(long)]
    strict: bool,
    /// Also approve Jobs that no controller made.
    #[arg(long)]
    jobs: bool,
    /// Allow what this code names, which is left out otherwise; `all` allows everything. May be repeated.
    #[arg(long, value_name = "CODE")]
    accept_risk: Vec<Accepted>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    cluster: Cluster,
}

type Candidate = (WorkloadKey, Result<Packed, Unreadable>);

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (mut candidates, mut is_complete) =
        if arguments.paths.is_empty() { (from_cluster(arguments)?, true) } else { from_files(arguments) };
    candidates.retain(|(key, _)| arguments.jobs || key.kind == WorkloadKind::CronJob);
    let mut workloads: Vec<Workload> = Vec::new();
    for (key, packed) in candidates {
        match packed.and_then(|packed| packed.unpack()) {
            Ok(workload) => workloads.push(workload),
            Err(reason) => {
                eprintln!("error: {key} cannot be read: {reason}");
                is_complete = false;
            }
        }
    }
    let count = workloads.len();
    let accepted = arguments.accept_risk.iter().cloned().collect();
    let options = Options { accepted, strict: arguments.strict };
    let Baseline { drafts, undrafted } = baseline(workloads, &options, arguments.group, Timestamp::now());
    std::io::stdout().lock().write_all(yaml(&drafts).as_bytes()).context("cannot print")?;
    for undrafted in &undrafted {
        eprintln!("error: {}: {}", undrafted.workload, undrafted.reason);
        is_complete = false;
    }
    let partial = drafts.iter().filter(|draft| !draft.left_out.is_empty()).count();
    eprintln!("{} for {}", counted(drafts.len(), "approval"), counted(count, "workload"));
    if partial > 0 {
        eprintln!(
            "{} what a reviewer has to accept first: read the comments, then repeat with --accept-risk CODE",
            if partial == 1 { "1 leaves out".to_owned() } else { format!("{partial} leave out") }
        );
    }
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) })
}

fn from_files(arguments: &Arguments) -> (Vec<Candidate>, bool) {
    let input = Input::read(&arguments.paths, &arguments.exclude);
    warn(&input.problems);
    let is_complete = input.problems.iter().all(|problem| problem.level != Level::Error);
    let named = arguments.scope.namespace.as_deref();
    let candidates = input.gathered.workloads.into_iter().map(|found| found.object);
    (candidates.filter(|(key, _)| named.is_none_or(|name| key.namespace == name)).collect(), is_complete)
}

fn from_cluster(arguments: &Arguments) -> anyhow::Result<Vec<Candidate>> {
    runtime()?.block_on(async {
        let client = arguments.cluster.connect().await?;
        let namespace = arguments.scope.of(&client);
        let mut candidates = read::cron_jobs(&client, namespace).await?;
        if arguments.jobs {
            candidates.append(&mut read::jobs(&client, namespace).await?);
        }
        Ok(candidates)
    })
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
