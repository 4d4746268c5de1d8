//! `cronwarden scan`

use std::collections::HashSet;
use std::process::ExitCode;

use clap::ValueEnum;
use glob::Pattern;
use jiff::Timestamp;

use super::connect::Cluster;
use super::declared::Declared;
use super::input::Input;
use super::judge::judge;
use super::question::is_usable;
use super::terminal::{Colour, print, width};
use super::{FOUND, UNUSABLE};
use crate::api::code::Severity;
use crate::report::{Report, Style, Summary, json, sarif, table, yaml};
use crate::workload::WorkloadKind;

/// What `cronwarden scan` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, globs, or - for standard input.
    ///
    /// They hold the CronJobs to judge, and may hold approvals, and namespaces with their labels. Jobs are judged if an approval
    /// speaks for Jobs. Everything else is passed over.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// Only these approvals count: a file, a folder, a glob, or `cluster`.
    ///
    /// May be repeated. Without it, the approvals that are found in the paths count.
    #[arg(long, value_name = "PATH|cluster")]
    inventory: Vec<String>,
    /// Leave out found files whose path matches this pattern.
    ///
    /// May be repeated. A file that is named is never left out. `*` also matches `/`.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Pattern>,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Exit with 1 only for what is at least as severe.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    fail_on: FailOn,
    /// Show only what deviates and what could not be read.
    #[arg(short, long)]
    quiet: bool,
    /// Whether to colour the table.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Colour,
    #[command(flatten)]
    cluster: Cluster,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For machines: one JSON object.
    Json,
    /// For machines and people: the same as YAML.
    Yaml,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
}

/// What ends a command with 1.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum FailOn {
    /// Whatever deviates.
    #[default]
    Low,
    Medium,
    High,
    Critical,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Whether something of this severity does.
    pub(super) fn is_reached_by(self, severity: Severity) -> bool {
        let least = match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
            Self::Never => return false,
        };
        severity >= least
    }
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = scan(arguments)?;
    let text = match arguments.output {
        Output::Table => {
            let style = Style {
                colour: arguments.color.is_wanted(),
                width: width(),
                excerpts: width().is_some(),
                quiet: arguments.quiet,
            };
            table(&report, &style)
        }
        Output::Json => json(&report),
        Output::Yaml => yaml(&report),
        Output::Sarif => sarif(&report, env!("CARGO_PKG_VERSION")),
    };
    print(&text)?;
    let is_found = report.judged.iter().any(|judged| {
        !judged.assessment.deviations.is_empty() && arguments.fail_on.is_reached_by(judged.assessment.severity)
    });
    Ok(if !is_usable(&report.problems) {
        ExitCode::from(UNUSABLE)
    } else if is_found {
        ExitCode::from(FOUND)
    } else {
        ExitCode::SUCCESS
    })
}

fn scan(arguments: &Arguments) -> anyhow::Result<Report> {
    let mut input = Input::read(&arguments.paths, &arguments.exclude);
    let mut declared = Declared::of(&arguments.inventory, &arguments.cluster, &mut input)?;
    let mut workloads = std::mem::take(&mut input.gathered.workloads);
    let mut skipped = std::mem::take(&mut input.gathered.skipped);
    if !declared.judges(WorkloadKind::Job) {
        let before = workloads.len();
        workloads.retain(|found| found.object.0.kind != WorkloadKind::Job);
        let jobs = before - workloads.len();
        if jobs > 0 {
            *skipped.entry("batch/v1/Job".to_owned()).or_default() += jobs as u64;
        }
    }
    let with_excerpts = matches!(arguments.output, Output::Table);
    let judged = judge(&input, &workloads, &declared, Timestamp::now(), with_excerpts);
    let count = |is: fn(&crate::assess::Assessment) -> bool| {
        judged.iter().filter(|judged| is(&judged.assessment)).count() as u64
    };
    let summary = Summary {
        files: input.files() as u64,
        documents: input.gathered.documents,
        workloads: judged.len() as u64,
        approved: count(crate::assess::Assessment::is_approved),
        deviating: count(|assessment| !assessment.deviations.is_empty()),
        unknown: count(|assessment| assessment.deviations.is_empty() && !assessment.unknown.is_empty()),
        approvals: declared.inventory.len() as u64,
        namespaces: declared.namespaces.len() as u64,
        skipped,
    };
    let mut problems = std::mem::take(&mut input.problems);
    problems.append(&mut declared.problems);
    // A folder may hold the inventory, too: what is wrong with it is said once.
    let mut said = HashSet::new();
    problems.retain(|problem| said.insert(problem.to_string()));
    Ok(Report { judged, problems, summary })
}
