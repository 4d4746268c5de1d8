//! `cronwarden explain`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::UNUSABLE;
use super::configuration::{self, Configured};
use super::connect::runtime;
use super::declared::Declared;
use super::lineage::{Around, Descent};
use super::question::{Asked, Place, warn};
use super::target::Target;
use super::terminal::{Colour, print, width};
use crate::api::ScheduledWorkloadFinding;
use crate::assess::explain;
use crate::report::explain::{Run, Subject, code, json, text};
use crate::report::{Source, Style};
use crate::workload::schedule::{Schedule, time_zone};
use crate::workload::{Cron, Workload, WorkloadKey, WorkloadKind};

/// How many of the next runs are shown.
const TICKS: usize = 5;

/// What `cronwarden explain` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The workload, such as CronJob/payments/nightly-backup.
    #[arg(value_name = "KIND/NAMESPACE/NAME", required_unless_present = "code")]
    target: Option<Target>,
    /// Explain a code instead, such as `Image` or `HostPath`.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["target", "output", "files", "inventory"])]
    code: Option<String>,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Whether to colour the text.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Colour,
    /// The configuration of the operator: who is trusted to make Jobs, and what adds to Pods.
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    config: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut is_complete = true;
    let text = match (&arguments.target, &arguments.code) {
        (_, Some(name)) => code(name).with_context(|| {
            format!("there is no code {name:?}: docs/codes.md and the rules of `cronwarden scan -o sarif` list them")
        })?,
        (Some(target), None) => {
            let configured = configuration::read(arguments.config.as_deref(), &[])?;
            let mut question = arguments.place.ask_target(target)?;
            is_complete = question.is_complete;
            let asked = std::mem::take(&mut question.asked);
            let answers = asked.into_iter().map(|asked| answer(asked, &question.declared, &configured, arguments));
            answers.collect::<anyhow::Result<_>>()?
        }
        (None, None) => String::new(),
    };
    print(&text)?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) })
}

fn answer(asked: Asked, declared: &Declared, configured: &Configured, arguments: &Arguments) -> anyhow::Result<String> {
    let Asked { workload, source, position, finding } = asked;
    let (key, now) = (&workload.key, Timestamp::now());
    let kin = match source {
        Source::Cluster => kin(key, finding, declared, configured, arguments, now)?,
        Source::File(_) | Source::Stdin => Kin::default(),
    };
    let (explanation, lineage) = match &kin.descent {
        Some(descent) => (descent.explanation.clone(), Some(descent.lineage())),
        None => (explain(&workload, &declared.inventory, declared.labels(&key.namespace), now), None),
    };
    let ticks = ticks(&workload, now);
    let (finding, runs) = (kin.finding.as_deref(), kin.runs.as_slice());
    let subject = Subject { key, source: &source, position, ticks: &ticks, finding, lineage, runs };
    Ok(match arguments.output {
        Output::Json => json(&subject, &explanation),
        Output::Text => {
            let style = Style { colour: arguments.color.is_wanted(), width: width(), excerpts: false, quiet: false };
            text(&subject, &explanation, &style)
        }
    })
}

/// What a cluster tells around a workload: where a Job comes from, and which Jobs a CronJob made.
#[derive(Default)]
struct Kin {
    finding: Option<Box<ScheduledWorkloadFinding>>,
    descent: Option<Descent>,
    runs: Vec<Run>,
}

fn kin(
    key: &WorkloadKey,
    finding: Option<Box<ScheduledWorkloadFinding>>,
    declared: &Declared,
    configured: &Configured,
    arguments: &Arguments,
    now: Timestamp,
) -> anyhow::Result<Kin> {
    let mut problems = Vec::new();
    let kin = runtime()?.block_on(async {
        let client = arguments.place.cluster.connect().await?;
        let around = Around { client: &client, declared, configured, now };
        anyhow::Ok(match key.kind {
            WorkloadKind::CronJob => Kin { finding, runs: around.runs(key, &mut problems).await?, ..Kin::default() },
            WorkloadKind::Job => {
                let mut descent = around.descent(key, finding, &mut problems).await?;
                Kin { finding: descent.finding.take(), descent: Some(descent), runs: Vec::new() }
            }
        })
    })?;
    warn(&problems);
    Ok(kin)
}

/// The next runs, in the zone in which the schedule ticks.
fn ticks(workload: &Workload, now: Timestamp) -> Vec<String> {
    let Some(Cron { schedule, time_zone: named, .. }) = &workload.cron else { return Vec::new() };
    let Ok(schedule) = Schedule::parse(schedule) else { return Vec::new() };
    let named = schedule.zone_prefix().or(named.as_deref());
    let Some(zone) = named.map_or(Some(TimeZone::UTC), time_zone) else { return Vec::new() };
    let shown = |tick: Timestamp| tick.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string();
    schedule.ticks(now, &zone).take(TICKS).map(shown).collect()
}
