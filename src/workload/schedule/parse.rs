//! From text to [`Schedule`], accepting and refusing what robfig/cron v3.0.1's `ParseStandard` accepts and refuses.

use jiff::tz::TimeZone;

use super::duration::interval_seconds;
use super::error::{Field, FieldProblem, ScheduleError, excerpt};
use super::fields::Fields;
use super::{MAX_LENGTH, Rule, Schedule, time_zone};

/// What a field may hold.
struct Bounds {
    field: Field,
    min: u64,
    max: u64,
    /// Names of the values from `min` on, in lower case.
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { field: Field::Minute, min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { field: Field::Hour, min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { field: Field::DayOfMonth, min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    field: Field::Month,
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds =
    Bounds { field: Field::DayOfWeek, min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The values of one field.
#[derive(Clone, Copy, Default)]
struct Set {
    bits: u64,
    /// Whether a part of the list is `*` or `?` without a step over 1. It changes how the two day fields are joined.
    star: bool,
}

/// Reads a whole expression.
pub(super) fn parse(expr: &str) -> Result<Schedule, ScheduleError> {
    if expr.is_empty() {
        return Err(ScheduleError::Empty);
    }
    if expr.len() > MAX_LENGTH {
        return Err(ScheduleError::TooLong { length: expr.len() });
    }
    let (zone, expr) = split_zone(expr)?;
    // White space around a descriptor is only trimmed after a zone, so `" @daily"` is a single unusable field.
    let rule = if expr.starts_with('@') { parse_descriptor(expr)? } else { Rule::Fields(parse_fields(expr)?) };
    let zone = zone.filter(|_| matches!(rule, Rule::Fields(_)));
    Ok(Schedule { rule, zone })
}

/// Takes off a `TZ=` or `CRON_TZ=` prefix, which ends at the first space; a tab does not end it.
fn split_zone(expr: &str) -> Result<(Option<TimeZone>, &str), ScheduleError> {
    let Some(prefixed) = expr.strip_prefix("TZ=").or_else(|| expr.strip_prefix("CRON_TZ=")) else {
        return Ok((None, expr));
    };
    let Some((name, rest)) = prefixed.split_once(' ') else {
        return Err(ScheduleError::ZoneWithoutSchedule { text: excerpt(expr) });
    };
    // robfig/cron marks "no prefix" with Go's local zone, and so cannot tell this name from none.
    if name == "Local" {
        return Ok((None, rest.trim()));
    }
    match time_zone(name) {
        Some(zone) => Ok((Some(zone), rest.trim())),
        None => Err(ScheduleError::UnknownZone { text: excerpt(name) }),
    }
}

/// Reads `@daily` and its like, and `@every`.
fn parse_descriptor(text: &str) -> Result<Rule, ScheduleError> {
    if let Some(interval) = text.strip_prefix("@every ") {
        return match interval_seconds(interval) {
            Some(seconds) => Ok(Rule::Every(seconds)),
            None => Err(ScheduleError::BadInterval { text: excerpt(interval) }),
        };
    }
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => return Err(ScheduleError::UnknownDescriptor { text: excerpt(text) }),
    };
    parse_fields(fields).map(Rule::Fields)
}

/// Reads the five fields, separated by any white space, which may also surround them.
fn parse_fields(text: &str) -> Result<Fields, ScheduleError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[minutes, hours, days, months, weekdays] = words.as_slice() else {
        return Err(ScheduleError::FieldCount { found: words.len(), text: excerpt(text) });
    };
    let minutes = parse_list(minutes, &MINUTES)?;
    let hours = parse_list(hours, &HOURS)?;
    let days = parse_list(days, &DAYS)?;
    let months = parse_list(months, &MONTHS)?;
    let weekdays = parse_list(weekdays, &WEEKDAYS)?;
    Ok(Fields {
        minutes: minutes.bits,
        hours: low_bits(hours.bits),
        days: low_bits(days.bits),
        months: low_bits(months.bits),
        weekdays: low_bits(weekdays.bits),
        either_day: !days.star && !weekdays.star,
    })
}

/// Narrows a set to the type of its field. The bounds have been checked, so no member is lost.
fn low_bits<T: TryFrom<u64> + Default>(bits: u64) -> T {
    T::try_from(bits).unwrap_or_default()
}

/// Reads one field, a list separated by commas. Empty parts are skipped; a list of nothing else is an empty set, which
/// robfig/cron accepts and never matches.
fn parse_list(text: &str, bounds: &Bounds) -> Result<Set, ScheduleError> {
    let mut set = Set::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let values = parse_part(part, bounds).map_err(|problem| ScheduleError::Field {
            field: bounds.field,
            part: excerpt(part),
            problem,
        })?;
        set.bits |= values.bits;
        set.star |= values.star;
    }
    Ok(set)
}

/// Reads one part of a list: a value, a range or a star, each with or without a step.
fn parse_part(part: &str, bounds: &Bounds) -> Result<Set, FieldProblem> {
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((_, step)) if step.contains('/') => return Err(FieldProblem::TooManySlashes),
        Some((range, step)) => (range, Some(step)),
    };
    let (start, end, star) = parse_range(range, step.is_some(), bounds)?;
    let step = step.map_or(Ok(1), parse_step)?;

    if let Some(value) = [start, end].into_iter().find(|value| !(bounds.min..=bounds.max).contains(value)) {
        return Err(FieldProblem::OutOfBounds { field: bounds.field, value });
    }
    if start > end {
        return Err(FieldProblem::Backwards { start, end, min: bounds.min, max: bounds.max });
    }
    // A step beyond the range leaves only its start.
    let bits = (start..=end).step_by(step).fold(0, |bits, value| bits | 1 << value);
    Ok(Set { bits, star: star && step == 1 })
}

/// Reads what is before the slash: start, end, and whether it is a star.
fn parse_range(range: &str, has_step: bool, bounds: &Bounds) -> Result<(u64, u64, bool), FieldProblem> {
    let (low, high) = match range.split_once('-') {
        None => (range, None),
        Some((low, high)) => (low, Some(high)),
    };
    if matches!(low, "*" | "?") {
        // robfig/cron does not look at what follows a star, so that `*-nonsense` is a star too.
        return Ok((bounds.min, bounds.max, true));
    }
    let start = parse_value(low, bounds)?;
    let end = match high {
        // A single value with a step runs to the end of the field: `5/15` is `5-59/15`.
        None if has_step => bounds.max,
        None => start,
        Some(high) if high.contains('-') => return Err(FieldProblem::TooManyHyphens),
        Some(high) => parse_value(high, bounds)?,
    };
    Ok((start, end, false))
}

/// Reads a number or one of the names of the field, in any case.
fn parse_value(text: &str, bounds: &Bounds) -> Result<u64, FieldProblem> {
    let name = text.chars().map(lower).collect::<String>();
    let named = (bounds.min..).zip(bounds.names).find(|(_, known)| **known == name).map(|(value, _)| value);
    named
        .or_else(|| parse_number(text))
        .ok_or_else(|| FieldProblem::NotAValue { field: bounds.field, text: excerpt(text) })
}

/// Reads a step: a number of at least 1, as large as it likes.
fn parse_step(text: &str) -> Result<usize, FieldProblem> {
    parse_number(text)
        .filter(|step| *step > 0)
        // No field reaches 64, so all larger steps are the same one.
        .map(|step| usize::try_from(step).unwrap_or(usize::MAX).min(64))
        .ok_or_else(|| FieldProblem::BadStep { text: excerpt(text) })
}

/// A number as Go's `strconv.Atoi` reads it, which allows a sign and leading zeros; not negative.
fn parse_number(text: &str) -> Option<u64> {
    text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())
}

/// Go's lower case as far as it leads to ASCII letters of a name. Besides those themselves that is the dotted capital
/// I, so that `FRİ` is Friday to Kubernetes. (The Kelvin sign becomes `k`, which is in no name.)
fn lower(character: char) -> char {
    match character {
        '\u{130}' => 'i',
        other => other.to_ascii_lowercase(),
    }
}
