//! Schedules and windows. The first line of the input is a schedule, the second a time zone and, after a space, a year; every
//! other line is a window.

use cronwarden::workload::schedule::{Schedule, Window, outside_windows, time_zone};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::assert_harmless;

/// How many ticks are looked at from one start on.
const TICKS: usize = 24;

/// The most windows that an approval may have.
const WINDOWS: usize = 16;

pub fn check(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let mut lines = input.split('\n');
    let schedule = Schedule::parse(lines.next().unwrap_or_default());
    let (zone, year) = lines.next().unwrap_or_default().split_once(' ').unwrap_or_default();
    let zone = time_zone(zone).unwrap_or(TimeZone::UTC);
    let year = year.parse().unwrap_or(2026);
    let windows: Vec<Window> = lines.take(WINDOWS).filter_map(window).collect();
    match schedule {
        Ok(schedule) => {
            ticks(&schedule, &zone, year);
            density(&schedule);
            outside(&schedule, &zone, &windows, year);
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
}

fn window(text: &str) -> Option<Window> {
    let window = Window::parse(text).map_err(|error| assert_harmless(&error.to_string())).ok()?;
    assert_eq!(Window::parse(&window.to_string()).as_ref(), Ok(&window));
    Some(window)
}

fn start_of(year: i16) -> Option<Timestamp> {
    Date::new(year, 1, 1).ok()?.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp())
}

fn second() -> SignedDuration {
    SignedDuration::from_secs(1)
}

/// Ticks come one after the other, in the zone that counts.
fn ticks(schedule: &Schedule, zone: &TimeZone, year: i16) {
    let Some(start) = start_of(year) else { return };
    let mut before = start;
    for tick in schedule.ticks(start, zone).take(TICKS) {
        assert!(tick > before, "{tick} after {before}");
        assert_eq!(tick.subsec_nanosecond(), 0);
        before = tick;
    }
    if let Some(name) = schedule.zone_prefix() {
        let own = time_zone(name).expect("a prefix names a zone");
        assert_eq!(schedule.next_after(start, zone), schedule.next_after(start, &own));
    }
}

/// What is said of all ticks holds for some.
fn density(schedule: &Schedule) {
    assert_eq!(schedule.never_runs(), schedule.densest_interval().is_none());
    assert!(schedule.interval().is_none_or(|interval| schedule.densest_interval() == Some(interval)));
    assert_eq!(schedule, &schedule.clone());
    if schedule.zone_prefix().is_some_and(|zone| !matches!(zone, "UTC" | "Etc/UTC")) {
        return;
    }
    // A search ends after five years; after 28 years the calendar begins anew.
    let mut runs = false;
    for start in (2001..=2029).step_by(4).filter_map(start_of) {
        let mut before = None;
        for tick in schedule.ticks(start, &TimeZone::UTC).take(TICKS) {
            let gap = before.map(|before| tick.duration_since(before));
            let densest = schedule.densest_interval().expect("it ticks");
            assert!(gap.is_none_or(|gap| gap >= densest), "{gap:?} is less than {densest:?}");
            before = Some(tick);
        }
        runs |= before.is_some();
    }
    assert_eq!(runs, !schedule.never_runs());
}

/// Windows are judged for the whole year at once; here some of its ticks are.
fn outside(schedule: &Schedule, zone: &TimeZone, windows: &[Window], year: i16) {
    let found = outside_windows(schedule, zone, windows, year);
    let is_outside = |tick: &Timestamp| !windows.iter().any(|window| window.contains(*tick));
    if let Some(found) = found {
        assert!(is_outside(&found), "{found} is in a window");
        let own = schedule.zone_prefix().and_then(time_zone);
        let zone = own.as_ref().unwrap_or(zone);
        assert_eq!(zone.to_datetime(found).year(), year, "{found} is in another year");
        let before = found.checked_sub(second());
        let next = before.ok().and_then(|before| schedule.next_after(before, zone));
        assert!(schedule.interval().is_some() || next.is_none_or(|next| next == found), "{found} is no tick");
        return;
    }
    // Where clocks change, the search can stray: see `outside_windows`.
    let own = schedule.zone_prefix().and_then(time_zone);
    let zone = own.as_ref().unwrap_or(zone);
    if zone.iana_name() != Some("UTC") {
        return;
    }
    let Some(start) = start_of(year) else { return };
    let of_the_year = |tick: &Timestamp| zone.to_datetime(*tick).year() == year;
    let missed = schedule.ticks(start, zone).take(TICKS).take_while(of_the_year).find(is_outside);
    assert_eq!(missed, None, "in none of {windows:?}");
}
