//! `expected.schedules`, `timeZones`, `minimumInterval` and `windows`.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::SHOWN;
use super::super::facts::{CronFacts, Facts};
use super::{deviation, one_of};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Rules;
use crate::workload::redact::printable;
use crate::workload::schedule::{Schedule, Window, outside_windows};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    let Some(cron) = &facts.cron else { return };
    found.extend(time_zone(cron, rules));
    // A schedule that cannot be parsed is reported as malformed, whatever the approval says.
    if let Ok(schedule) = &cron.schedule {
        found.extend(expression(cron, schedule, rules));
        found.extend(interval(cron, schedule, rules));
        found.extend(window(cron, schedule, rules, facts.year));
    }
}

fn expression(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules) -> Option<Deviation> {
    if rules.schedules.is_empty() {
        return None;
    }
    // With a zone in the schedule and nothing said about zones, the zone is part of what differs.
    let body = if rules.time_zones.is_empty() { None } else { cron.body() };
    let schedule = body.as_ref().unwrap_or(schedule);
    if rules.schedules.iter().any(|expected| expected.value == *schedule) {
        return None;
    }
    let expected: Vec<&str> = rules.schedules.iter().map(|expected| expected.text.as_str()).collect();
    Some(deviation(DeviationCode::Schedule, "spec.schedule", one_of(&expected), printable(cron.text, SHOWN)))
}

fn time_zone(cron: &CronFacts<'_>, rules: &Rules) -> Option<Deviation> {
    if rules.time_zones.is_empty() {
        return None;
    }
    let (path, observed) = match cron.zone {
        Some((zone, _)) if rules.time_zones.iter().any(|expected| same_zone(expected, zone)) => return None,
        Some((zone, path)) => (path, printable(zone, SHOWN)),
        None => ("spec.timeZone", "none: the schedule ticks in the zone of the controller manager".to_owned()),
    };
    Some(deviation(DeviationCode::TimeZone, path, one_of(&rules.time_zones), observed))
}

/// Zones are compared by name, except for the many names of UTC.
fn same_zone(a: &str, b: &str) -> bool {
    let is_utc = |name: &str| {
        matches!(name, "UTC" | "Etc/UTC" | "Etc/UCT" | "UCT" | "Zulu" | "Etc/Zulu" | "Universal" | "Etc/Universal")
    };
    a == b || is_utc(a) && is_utc(b)
}

fn interval(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules) -> Option<Deviation> {
    let minimum = rules.minimum_interval.as_ref()?;
    let densest = schedule.densest_interval().filter(|densest| *densest < minimum.value)?;
    Some(deviation(
        DeviationCode::Interval,
        "spec.schedule",
        format!("at least {} between two runs", minimum.text),
        format!("{}, which can run after {}", printable(cron.text, SHOWN), short(densest)),
    ))
}

fn window(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules, year: i16) -> Option<Deviation> {
    if rules.windows.is_empty() {
        return None;
    }
    let windows: Vec<Window> = rules.windows.iter().map(|window| window.value.clone()).collect();
    let texts: Vec<&str> = rules.windows.iter().map(|window| window.text.as_str()).collect();
    let observed = match cron.time_zone() {
        Some(zone) => {
            // A schedule of 29 February shows only in a leap year.
            let years = [year, leap_year_from(year)];
            let tick = years.into_iter().find_map(|year| outside_windows(schedule, &zone, &windows, year))?;
            let zone_name = cron.zone.map_or("UTC, assumed as the workload names no zone", |(name, _)| name);
            let at = tick.to_zoned(schedule_zone(schedule, zone)).strftime("%Y-%m-%d %H:%M").to_string();
            format!("{}, which runs for example at {at} ({})", printable(cron.text, SHOWN), printable(zone_name, 64))
        }
        None => format!("{} in a time zone that is not known", printable(cron.text, SHOWN)),
    };
    Some(deviation(DeviationCode::Window, "spec.schedule", format!("within {}", texts.join(" or ")), observed))
}

/// The first leap year that is not before this one.
fn leap_year_from(year: i16) -> i16 {
    let is_leap = |year: i16| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    (year..=year.saturating_add(8)).find(|year| is_leap(*year)).unwrap_or(year)
}

fn schedule_zone(schedule: &Schedule, zone: TimeZone) -> TimeZone {
    schedule.zone_prefix().and_then(crate::workload::schedule::time_zone).unwrap_or(zone)
}

/// A duration in the units in which approvals write it.
fn short(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds % 3600 / 60, "m"), (seconds % 60, "s")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}
