//! `cronwarden explain`

use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::UNUSABLE;
use super::declared::Declared;
use super::question::{Asked, Place};
use super::target::Target;
use super::terminal::{Colour, print, width};
use crate::assess::explain;
use crate::report::Style;
use crate::report::explain::{Subject, code, json, text};
use crate::workload::schedule::{Schedule, time_zone};
use crate::workload::{Cron, Workload};

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
            let question = arguments.place.ask_target(target)?;
            is_complete = question.is_complete;
            question.asked.iter().map(|asked| answer(asked, &question.declared, arguments)).collect()
        }
        (None, None) => String::new(),
    };
    print(&text)?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) })
}

fn answer(asked: &Asked, declared: &Declared, arguments: &Arguments) -> String {
    let Asked { workload, source, position, finding } = asked;
    let now = Timestamp::now();
    let explanation = explain(workload, &declared.inventory, declared.labels(&workload.key.namespace), now);
    let ticks = ticks(workload, now);
    let finding = finding.as_deref();
    let subject = Subject { key: &workload.key, source, position: *position, ticks: &ticks, finding };
    match arguments.output {
        Output::Json => json(&subject, &explanation),
        Output::Text => {
            let style = Style { colour: arguments.color.is_wanted(), width: width(), excerpts: false, quiet: false };
            text(&subject, &explanation, &style)
        }
    }
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
