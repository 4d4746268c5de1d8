//! What a schedule means. Whether it ticks like robfig/cron is for the differential test in `tests/it`.

mod grammar;
mod windows;

use std::collections::HashSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

fn schedule(expr: &str) -> Schedule {
    Schedule::parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

fn zone(name: &str) -> TimeZone {
    time_zone(name).unwrap_or_else(|| panic!("{name} is a zone"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn equal_when_they_tick_alike() {
    let classes: &[&[&str]] = &[
        &[
            "* * * * *",
            "*/1 * * * *",
            "0-59 0-23 1-31 1-12 0-6",
            "? ? ? ? ?",
            "0/1 0/1 1/1 jan/1 sun/1",
            "* * 1-31 * *",
        ],
        &["0 0 * * *", "@daily", "@midnight", "00 +0 * * *", "0 0 1-31 * 1", "0 0 , * 0-6", "0 0 1-30,31 * ?"],
        &["0 0 * * 0", "@weekly", "0 0 ? * sun", "0 0 * jan-DEC Sun", "0 0 , * 0", "0 0 */1 * 0"],
        &["0 0 1 * *", "@monthly", "0 0 1 * 0,*", "0 0 1 * ,"],
        &["0 0 1 1 *", "@yearly", "@annually", "0 0 1 JAN ?"],
        &["0 * * * *", "@hourly", "*/60 * * * *", "0/90 * * * *", "0,0,,0 * * * *"],
        &["5,20,35,50 * * * *", "5/15 * * * *", "5-59/15 * * * *", "50,35,20,5 * * * *"],
        // Days that are in none of the months.
        &["0 0 30,31 3 *", "0 0 30-31 2-3 *", "0 0 30,31 feb,mar *"],
        &["0 0 * 4 *", "0 0 1-30 4 *", "0 0 1-30 4 1", "0 0 1-30 4 *"],
        &["0 0 30 4,6 1", "0 0 30,31 4,6 1"],
        &["0 0 * 2 1", "0 0 30,31 2 1"],
        // Never.
        &["0 0 31 2 *", "0 0 30 2 *", ", * * * *", "* * * , *", "TZ=Asia/Tokyo 0 0 31 2 *", "0 0 31 4,6,9,11 ?"],
        &["@every 1h", "@every 60m", "@every 3600.9s", "TZ=Asia/Tokyo @every 1h"],
        &["@every 1s", "@every 1ns", "@every -1h", "@every 0"],
        // Zones.
        &["TZ=UTC 0 9 * * *", "CRON_TZ=UTC 0 9 * * *", "TZ= 0 9 * * *"],
        &["0 9 * * *", "TZ=Local 0 9 * * *"],
        &["TZ=Asia/Tokyo 0 9 * * *"],
        // Near misses.
        &["0 0 1 * 1"],
        &["0 0 */2 * 1"],
        &["0 0 */2 * *"],
        &["0 0 * * 1", "0 0 *,5 * 1"],
        &["0 0 31 * *", "0 0 31 1,3,5,7,8,10,12 *"],
        &["0 0 29 2 *", "0 0 29-31 2 *"],
        &["0 0 1-28 2 *"],
        &["0 0 1-30 * *"],
        &["0 0 31 * 1"],
        &["0 0 31 4 1", "0 0 * 4 1"],
        &["@every 24h"],
        &["*/7 * * * *"],
        &["*/59 * * * *"],
    ];
    let of_class =
        |(number, class): (usize, &&[&'static str])| class.iter().map(move |expr| (number, *expr)).collect::<Vec<_>>();
    let all: Vec<(usize, &str)> = classes.iter().enumerate().flat_map(of_class).collect();
    for (class, expr) in &all {
        for (other_class, other) in &all {
            let equal = schedule(expr) == schedule(other);
            assert_eq!(equal, class == other_class, "`{expr}` and `{other}`");
        }
    }
    let distinct: HashSet<Schedule> = all.iter().map(|(_, expr)| schedule(expr)).collect();
    assert_eq!(distinct.len(), classes.len());
}

#[test]
fn densest_interval() {
    let table = [
        ("* * * * *", 1),
        ("*/5 * * * *", 5),
        ("*/7 * * * *", 4), // 56 and 0
        ("*/59 * * * *", 1),
        ("0 * * * *", 60),
        ("0,50 * * * *", 10),
        ("0,50 3 * * *", 50),
        ("0 */5 * * *", 4 * 60), // 20 and 0
        ("0 2 * * *", 24 * 60),
        ("59 23,0 * * *", 60),
        ("0,59 0,23 * * *", 1), // 23:59 and 0:00
        ("0,59 0,23 1 * *", 59),
        ("0 0,12 * * *", 12 * 60),
        ("0 0 * * 1", 7 * 24 * 60),
        ("0 0 * * 1,3", 2 * 24 * 60),
        ("0 0 * * 6,0", 24 * 60),
        ("0 0 1 * *", 28 * 24 * 60),
        ("0 0 29 * *", 29 * 24 * 60), // February and March of a leap year
        ("0 0 30 * *", 30 * 24 * 60),
        ("0 0 31 * *", 31 * 24 * 60), // July and August
        ("0 0 31,1 * *", 24 * 60),
        ("0 0 31 1,3,5 *", 59 * 24 * 60), // 31 January to 31 March
        ("0 0 1 1 *", 365 * 24 * 60),
        ("0 0 29 2 *", 1461 * 24 * 60),
        ("0 0 29 2 1", 24 * 60), // 29 February is now and then a Tuesday
        ("0 0 1 * 1", 24 * 60),
        ("0 0 31 12 ?", 365 * 24 * 60),
        ("0 0 1,31 1,12 *", 24 * 60),
        ("30 23,0 31 12 *", 23 * 60),
        ("@hourly", 60),
        ("@every 90m", 90),
    ];
    for (expr, minutes) in table {
        assert_eq!(schedule(expr).densest_interval(), Some(SignedDuration::from_mins(minutes)), "{expr}");
    }
    assert_eq!(schedule("0 0 31 2 *").densest_interval(), None);
    assert_eq!(schedule("@every -1h").densest_interval(), Some(SignedDuration::from_secs(1)));
    assert_eq!(schedule("@every 61.9s").densest_interval(), Some(SignedDuration::from_secs(61)));
}

#[test]
fn never_runs() {
    for expr in ["0 0 31 2 *", "0 0 30 2 ?", "0 0 31 4,6,9,11 *", ", * * * *", "0 0 , * *", "0 0 , * ,", "0 0 * * ,"] {
        assert!(schedule(expr).never_runs(), "{expr}");
        assert_eq!(schedule(expr).next_after(at("2026-01-01T00:00:00Z"), &TimeZone::UTC), None, "{expr}");
    }
    for expr in ["0 0 31 2 1", "0 0 29 2 *", "0 0 31 2-3 *", "0 0 , * 1", "* * * * *", "@every 100000h"] {
        assert!(!schedule(expr).never_runs(), "{expr}");
        assert!(schedule(expr).next_after(at("2026-01-01T00:00:00Z"), &TimeZone::UTC).is_some(), "{expr}");
    }
}

#[test]
fn a_zone_in_the_expression_wins() {
    let after = at("2026-01-01T00:00:00Z");
    let tick = |expr: &str| schedule(expr).next_after(after, &zone("America/New_York")).unwrap();
    assert_eq!(tick("0 9 * * *"), at("2026-01-01T14:00:00Z"));
    assert_eq!(tick("TZ=Local 0 9 * * *"), at("2026-01-01T14:00:00Z"));
    assert_eq!(tick("TZ=Asia/Tokyo 0 9 2 * *"), at("2026-01-02T00:00:00Z"));
    assert_eq!(schedule("CRON_TZ=Asia/Tokyo 0 9 * * *").zone_prefix(), Some("Asia/Tokyo"));
    assert_eq!(schedule("TZ= 0 9 * * *").zone_prefix(), Some("UTC"));
    for expr in ["0 9 * * *", "TZ=Local 0 9 * * *", "TZ=Asia/Tokyo @every 1h"] {
        assert_eq!(schedule(expr).zone_prefix(), None, "{expr}");
    }
    assert_eq!(schedule("@every 90m").interval(), Some(SignedDuration::from_mins(90)));
    assert_eq!(schedule("@hourly").interval(), None);
}

#[test]
fn zones_are_found_as_go_finds_them() {
    for name in ["UTC", "Etc/UTC", "Europe/Zurich", "America/Argentina/Buenos_Aires", "EST5EDT", "Etc/GMT+5"] {
        assert_eq!(zone(name).iana_name(), Some(name));
    }
    assert_eq!(time_zone(""), Some(TimeZone::UTC));
    let none =
        ["utc", "europe/zurich", "EUROPE/ZURICH", "Local", "local", "LOCAL", "Etc/Unknown", "+01:00", "Europe", "CEST"];
    for name in none.into_iter().chain(["../UTC", "/UTC", " UTC", "UTC ", "UTC\0", "Europe/Zürich"]) {
        assert_eq!(time_zone(name), None, "{name}");
    }
}

#[test]
fn the_ends_of_the_search() {
    let utc = TimeZone::UTC;
    // 2100 is no leap year, and five years do not reach from 2096 to 2104.
    assert_eq!(schedule("0 0 29 2 *").next_after(at("2096-03-01T00:00:00Z"), &utc), None);
    assert_eq!(schedule("0 0 29 2 *").ticks(at("2088-01-01T00:00:00Z"), &utc).count(), 3);
    // robfig/cron never returns from this one: 30 December 2011 was left out in Samoa.
    assert_eq!(schedule("0 0 31 12 *").next_after(at("2011-12-20T00:00:00Z"), &zone("Pacific/Apia")), None);
    // Nor does the calendar go on for ever.
    for expr in ["* * * * *", "0 0 1 1 *", "0 0 31 2 *", "@every 1s", "@every 2562047h"] {
        for name in ["UTC", "Pacific/Apia", "America/New_York"] {
            assert_eq!(schedule(expr).next_after(Timestamp::MAX, &zone(name)), None, "{expr} in {name}");
            let first = schedule(expr).next_after(Timestamp::MIN, &zone(name));
            assert!(first.is_none_or(|tick| tick > Timestamp::MIN), "{expr} in {name}");
        }
    }
    // Before 1970 too, a tick is later than its start by less than a second more than the interval.
    let before = at("1969-12-31T23:59:58.5Z");
    assert_eq!(schedule("@every 1s").next_after(before, &utc), Some(at("1969-12-31T23:59:59Z")));
    assert_eq!(schedule("* * * * *").next_after(before, &utc), Some(at("1970-01-01T00:00:00Z")));
}

#[test]
fn thousands_of_them_are_small() {
    assert!(size_of::<Schedule>() <= 40);
}

/// Few members, or all but a few, so that coincidences are likely; the numbers are taken modulo the size of the field.
fn members(first: u32, last: u32) -> impl Strategy<Value = u64> {
    let few = prop::collection::vec(first..=last, 0..4)
        .prop_map(|values| values.into_iter().fold(0_u64, |set, value| set | 1 << value));
    let all = (first..=last).fold(0_u64, |set, value| set | 1 << value);
    prop_oneof![4 => few.clone(), 2 => few.prop_map(move |set| all & !set), 1 => Just(all)]
}

prop_compose! {
    /// Any fields that an expression can give: a star comes with a full set.
    fn any_fields()(
        minutes in members(0, 59), hours in members(0, 23), days in members(1, 31), months in members(1, 12),
        weekdays in members(0, 6), star in 0..4_u8,
    ) -> Fields {
        let mut fields = Fields {
            minutes,
            hours: u32::try_from(hours).unwrap(),
            days: u32::try_from(days).unwrap(),
            months: u16::try_from(months).unwrap(),
            weekdays: u8::try_from(weekdays).unwrap(),
            either_day: true,
        };
        match star {
            1 => fields = Fields { days: Fields::ALWAYS.days, either_day: false, ..fields },
            2 => fields = Fields { weekdays: fields::ALL_WEEKDAYS, either_day: false, ..fields },
            _ => {}
        }
        fields
    }
}

/// The days of 56 years on which the fields match, one by one.
fn days_of(fields: &Fields) -> Vec<Date> {
    let matches = |date: &Date| {
        fields.month_matches(date.month()) && fields.day_matches(date.day(), date.weekday().to_sunday_zero_offset())
    };
    date(1990, 1, 1).series(jiff::Span::new().days(1)).take(20_454).filter(matches).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_normal_form_matches_the_same_days(fields in any_fields()) {
        let form = fields.normalised();
        prop_assert_eq!(form.normalised(), form);
        if fields.minutes == 0 || fields.hours == 0 {
            prop_assert_eq!(form, Fields::NEVER);
        } else {
            prop_assert_eq!(days_of(&fields), days_of(&form));
        }
    }

    #[test]
    fn different_normal_forms_match_different_days(one in any_fields(), other in any_fields()) {
        let other = Fields { minutes: one.minutes, hours: one.hours, ..other };
        if one.minutes != 0 && one.hours != 0 {
            prop_assert_eq!(one.normalised() == other.normalised(), days_of(&one) == days_of(&other));
        }
    }

    #[test]
    fn the_densest_interval_is_that_of_the_ticks(fields in any_fields()) {
        let all: Vec<i64> = (0..24 * 60_i64)
            .filter(|minute| fields.hours >> (minute / 60) & 1 == 1 && fields.minutes >> (minute % 60) & 1 == 1)
            .collect();
        let days: Vec<i64> = days_of(&fields)
            .into_iter()
            .map(|day| i64::from(day.since((jiff::Unit::Day, date(1990, 1, 1))).unwrap().get_days()))
            .collect();
        let least = |values: &[i64]| values.windows(2).map(|pair| pair[1] - pair[0]).min();
        let across = all.first().zip(all.last()).zip(least(&days)).map(|((first, last), gap)| gap * 1440 + first - last);
        let within = least(&all).filter(|_| !days.is_empty());
        let expected = [across, within].into_iter().flatten().min().map(SignedDuration::from_mins);
        prop_assert_eq!(density::densest(&fields), expected);
    }
}
