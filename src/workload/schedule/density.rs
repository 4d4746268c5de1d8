//! How close together two ticks can come, read off the bit sets and the calendar.

use jiff::SignedDuration;

use super::fields::Fields;

const MINUTES_PER_HOUR: i64 = 60;
const MINUTES_PER_DAY: i64 = 24 * MINUTES_PER_HOUR;

/// The years that show every gap. Within 28 of them each of the 14 kinds of year (leap or not, by first weekday) comes
/// up, each with every kind of successor it can have, and so do two leap days. A century without a leap day only adds
/// gaps that are longer. One more year closes the round.
const YEARS: std::ops::RangeInclusive<i64> = 2001..=2029;

/// 1 January 2001, day 0 of the count, is a Monday.
const FIRST_WEEKDAY: i64 = 1;

/// The smallest gap on the wall clock between consecutive ticks, `None` if there are no ticks.
///
/// The gap is between two minutes of an hour, between two hours of a day, or between two days. In each case the closest
/// pair of the set decides, with the last minute before it and the first one after.
pub(super) fn densest(fields: &Fields) -> Option<SignedDuration> {
    let form = fields.normalised();
    let (first_minute, last_minute) = ends(form.minutes)?;
    let (first_hour, last_hour) = ends(form.hours.into())?;
    let (opening, closing) = (first_hour * MINUTES_PER_HOUR + first_minute, last_hour * MINUTES_PER_HOUR + last_minute);

    let within_hour = closest(form.minutes);
    let between_hours = closest(form.hours.into()).map(|hours| hours * MINUTES_PER_HOUR + first_minute - last_minute);
    let between_days = closest_days(&form).map(|days| days * MINUTES_PER_DAY + opening - closing);

    let minutes = [within_hour, between_hours, between_days].into_iter().flatten().min()?;
    Some(SignedDuration::from_mins(minutes))
}

/// The least number of days from one day that matches to the next.
fn closest_days(form: &Fields) -> Option<i64> {
    let mut least: Option<i64> = None;
    let mut latest: Option<i64> = None;
    let mut start = 0;
    for (year, month) in YEARS.flat_map(|year| (1..=12).map(move |month| (year, month))) {
        let length = days_in(year, month);
        let days = days_in_month(form, start, month, length);
        if let Some((first, last)) = ends(days) {
            let from_before = latest.map(|latest| start + first - latest);
            least = [least, closest(days), from_before].into_iter().flatten().min();
            latest = Some(start + last);
        }
        if least == Some(1) {
            break;
        }
        start += length;
    }
    least
}

/// The matching days of one month, its first at bit 0, given the day count of that first.
fn days_in_month(form: &Fields, start: i64, month: i8, length: i64) -> u64 {
    if !form.month_matches(month) {
        return 0;
    }
    let first_weekday = (start + FIRST_WEEKDAY) % 7;
    let weekdays = u64::from(form.weekdays);
    // The week as it begins on the first of the month, then repeated over five weeks.
    let week = (weekdays >> first_weekday | weekdays << (7 - first_weekday)) & 0x7f;
    let weeks = week | week << 7 | week << 14 | week << 21 | week << 28;
    (weeks | u64::from(form.days >> 1)) & ((1 << length) - 1)
}

/// The length of a month in the proleptic Gregorian calendar; valid in [`YEARS`], which hold no century.
fn days_in(year: i64, month: i8) -> i64 {
    match month {
        2 if year % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The lowest and the highest member of a set.
fn ends(set: u64) -> Option<(i64, i64)> {
    let highest = set.checked_ilog2()?;
    Some((set.trailing_zeros().into(), highest.into()))
}

/// The distance of the two members that are closest to each other.
fn closest(set: u64) -> Option<i64> {
    (1..64).find(|distance| set & (set >> distance) != 0)
}
