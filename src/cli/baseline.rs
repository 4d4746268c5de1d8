//! `cronwarden baseline`

use std::process::ExitCode;

use glob::Pattern;
use jiff::Timestamp;

use super::UNUSABLE;
use super::connect::{Cluster, Scope, runtime};
use super::input::Input;
use super::question::{is_usable, warn};
use super::terminal::{print, tell};
use crate::cluster::read;
use crate::draft::{Accepted, Baseline, Options, baseline, yaml};
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// What `cronwarden baseline` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, globs, or -; without any, the cluster is asked.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Leave out found files whose path matches this pattern.
    ///
    /// May be repeated. A file that is named is never left out. `*` also matches `/`.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Pattern>,
    /// One approval for workloads that differ only in their namespace.
    #[arg(long)]
    group: bool,
    /// Pin all labels and the whole pod template, too.
    ///
    /// Any change of what is judged deviates then.
    #[arg(long)]
    strict: bool,
    /// Also approve Jobs that no controller made.
    #[arg(long)]
    jobs: bool,
    /// Allow what this code names, which is left out otherwise.
    ///
    /// May be repeated. `all` allows everything.
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
                tell(format_args!("error: {key} cannot be read: {reason}"));
                is_complete = false;
            }
        }
    }
    let count = workloads.len();
    let accepted = arguments.accept_risk.iter().cloned().collect();
    let options = Options { accepted, strict: arguments.strict };
    let Baseline { drafts, undrafted } = baseline(workloads, &options, arguments.group, Timestamp::now());
    print(&yaml(&drafts))?;
    for undrafted in &undrafted {
        tell(format_args!("error: {}: {}", undrafted.workload, undrafted.reason));
        is_complete = false;
    }
    let partial = drafts.iter().filter(|draft| !draft.left_out.is_empty()).count();
    tell(format_args!("{} for {}", counted(drafts.len(), "approval"), counted(count, "workload")));
    if partial > 0 {
        tell(format_args!(
            "{} what a reviewer has to accept first: read the comments, then repeat with --accept-risk CODE",
            if partial == 1 { "1 leaves out".to_owned() } else { format!("{partial} leave out") }
        ));
    }
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) })
}

fn from_files(arguments: &Arguments) -> (Vec<Candidate>, bool) {
    let input = Input::read(&arguments.paths, &arguments.exclude);
    warn(&input.problems);
    let is_complete = is_usable(&input.problems);
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
