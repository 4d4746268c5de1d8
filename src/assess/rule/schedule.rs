//! `expected.schedules`, `timeZones`, `minimumInterval` and `windows`.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::SHOWN;
use super::super::facts::{CronFacts, Facts};
use super::super::notes::{Notes, Texts};
use super::one_of;
use crate::api::code::DeviationCode;
use crate::inventory::{Rules, ZoneRule};
use crate::workload::redact::printable;
use crate::workload::schedule::{Schedule, Window, outside_windows};

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    let Some(cron) = &facts.cron else { return };
    time_zone(cron, rules, notes);
    // A schedule that cannot be parsed is reported as malformed, whatever the approval says.
    if let Ok(schedule) = &cron.schedule {
        expression(cron, schedule, rules, notes);
        interval(cron, schedule, rules, notes);
        window(cron, schedule, rules, facts.year, notes);
    }
}

fn expression(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules, notes: &mut Notes) {
    if rules.schedules.is_empty() {
        return;
    }
    // With a zone in the schedule and nothing said about zones, the zone is part of what differs.
    let body = if rules.time_zones.is_empty() { None } else { cron.body() };
    let schedule = body.as_ref().unwrap_or(schedule);
    let holds = rules.schedules.iter().any(|expected| expected.value == *schedule);
    notes.compare(holds, DeviationCode::Schedule, "spec.expected.schedules", || {
        let expected: Vec<&str> = rules.schedules.iter().map(|expected| expected.text.as_str()).collect();
        Texts::new("spec.schedule", one_of(&expected), printable(cron.text, SHOWN))
    });
}

fn time_zone(cron: &CronFacts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.time_zones.is_empty() {
        return;
    }
    let zone = cron.zone.map(|(name, _)| name);
    let holds = rules.time_zones.iter().any(|expected| zone_fits(expected, zone));
    notes.compare(holds, DeviationCode::TimeZone, "spec.expected.timeZones", || {
        let (path, observed) = match cron.zone {
            Some((zone, path)) => (path, printable(zone, SHOWN)),
            None => ("spec.timeZone", "none: the schedule ticks in the zone of the controller manager".to_owned()),
        };
        Texts::new(path, one_of(&rules.time_zones), observed)
    });
}

fn zone_fits(expected: &ZoneRule, zone: Option<&str>) -> bool {
    match (expected, zone) {
        (ZoneRule::Named(expected), Some(zone)) => same_zone(expected, zone),
        (ZoneRule::Unnamed, None) => true,
        (ZoneRule::Named(_), None) | (ZoneRule::Unnamed, Some(_)) => false,
    }
}

/// Zones are compared by name, except for the many names of UTC.
fn same_zone(a: &str, b: &str) -> bool {
    let is_utc = |name: &str| {
        matches!(name, "UTC" | "Etc/UTC" | "Etc/UCT" | "UCT" | "Zulu" | "Etc/Zulu" | "Universal" | "Etc/Universal")
    };
    a == b || is_utc(a) && is_utc(b)
}

fn interval(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules, notes: &mut Notes) {
    let Some(minimum) = &rules.minimum_interval else { return };
    let densest = schedule.densest_interval();
    let holds = densest.is_none_or(|densest| densest >= minimum.value);
    notes.compare(holds, DeviationCode::Interval, "spec.expected.minimumInterval", || {
        let when =
            densest.map_or_else(|| "never runs".to_owned(), |densest| format!("can run after {}", short(densest)));
        Texts::new(
            "spec.schedule",
            format!("at least {} between two runs", minimum.text),
            format!("{}, which {when}", printable(cron.text, SHOWN)),
        )
    });
}

fn window(cron: &CronFacts<'_>, schedule: &Schedule, rules: &Rules, year: i16, notes: &mut Notes) {
    if rules.windows.is_empty() {
        return;
    }
    let windows: Vec<Window> = rules.windows.iter().map(|window| window.value.clone()).collect();
    let zone = cron.time_zone();
    // A schedule of 29 February shows only in a leap year.
    let tick = zone.as_ref().and_then(|zone| {
        [year, leap_year_from(year)].into_iter().find_map(|year| outside_windows(schedule, zone, &windows, year))
    });
    notes.compare(zone.is_some() && tick.is_none(), DeviationCode::Window, "spec.expected.windows", || {
        let texts: Vec<&str> = rules.windows.iter().map(|window| window.text.as_str()).collect();
        let zone_name = cron.zone.map_or("UTC, assumed as the workload names no zone", |(name, _)| name);
        let zone_name = printable(zone_name, 64);
        let when = match (zone, tick) {
            (None, _) => " in a time zone that is not known".to_owned(),
            (Some(_), None) => format!(" ({zone_name})"),
            (Some(zone), Some(tick)) => {
                let at = tick.to_zoned(schedule_zone(schedule, zone)).strftime("%Y-%m-%d %H:%M").to_string();
                format!(", which runs for example at {at} ({zone_name})")
            }
        };
        let observed = format!("{}{when}", printable(cron.text, SHOWN));
        Texts::new("spec.schedule", format!("within {}", texts.join(" or ")), observed)
    });
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
