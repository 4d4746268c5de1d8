//! What is accepted, and how a refusal reads. All else about acceptance is in `tests/data/schedules.txt`.

use proptest::prelude::*;

use super::*;

#[test]
fn a_refusal_says_what_to_write_instead() {
    let table = [
        ("", "the schedule is empty: write five fields such as `0 2 * * *`, or a descriptor such as `@daily`"),
        (
            "0 0 2 * * *",
            "`0 0 2 * * *` has 6 of the 5 fields minute, hour, day of month, month and day of week: seconds and years are \
             not supported, leave them out",
        ),
        (
            "0 2 * *",
            "`0 2 * *` has 4 of the 5 fields minute, hour, day of month, month and day of week: write `*` for those that \
             do not matter",
        ),
        ("0 0 * * 7", "day of week `7`: 7 is out of bounds; allowed are 0 to 6 or SUN to SAT; Sunday is 0 or SUN"),
        ("60 * * * *", "minute `60`: 60 is out of bounds; allowed are 0 to 59"),
        ("0 0 1,0-5 * *", "day of month `0-5`: 0 is out of bounds; allowed are 1 to 31"),
        ("0 22-5 * * *", "hour `22-5`: the range runs backwards; write it as two: `22-23,0-5`"),
        (
            "*/0 * * * *",
            "minute `*/0`: `0` is no step; write a whole number of at least 1 after the slash, as in `*/5`",
        ),
        (
            "0 0 L * *",
            "day of month `L`: `L` is neither a number nor a name this field knows; allowed are 1 to 31, with `*`, `,`, `-` \
             and `/`",
        ),
        ("1-2-3 * * * *", "minute `1-2-3`: a range has one hyphen, as in `1-5`; separate ranges with commas"),
        ("1/2/3 * * * *", "minute `1/2/3`: a step has one slash, as in `*/5`; separate parts with commas"),
        (
            "@every 1d",
            "`1d` is no duration for @every: write numbers, each with a unit of h, m, s, ms, us or ns and no space between, \
             as in `1h30m`; a day is `24h`",
        ),
        (
            "@Daily",
            "`@Daily` is no descriptor: write @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly in lower \
             case and with nothing around it, or @every with one space and a duration, as in `@every 1h30m`",
        ),
        (
            "TZ=UTC",
            "`TZ=UTC` has a time zone but no space and schedule after it: write it as in `TZ=Etc/UTC 0 2 * * *`",
        ),
        (
            "TZ=utc @daily",
            "`utc` is not a time zone: write an IANA name in its exact spelling, such as `Europe/Zurich`, or leave the \
             prefix out and set spec.timeZone",
        ),
    ];
    for (expr, message) in table {
        assert_eq!(Schedule::parse(expr).unwrap_err().to_string(), message, "{expr}");
    }
    let long = "0".repeat(MAX_LENGTH + 1);
    let message = "the schedule is 1025 bytes long: at most 1024 are read; use ranges and steps";
    assert_eq!(Schedule::parse(&long).unwrap_err().to_string(), message);
    assert!(matches!(Schedule::parse(&long[1..]), Err(ScheduleError::FieldCount { found: 1, .. })));
}

#[test]
fn foreign_text_is_cut_and_escaped() {
    let message = |expr: &str| Schedule::parse(expr).unwrap_err().to_string();
    assert!(message("\u{1b}[31m * * * *").starts_with(r"minute `\u{1b}[31m`: "));
    assert!(message("five\r\nfields\0").starts_with(r"`five\r\nfields\0` has 2 "));
    assert!(message("\u{202e}5 * * * *").starts_with(r"minute `\u{202e}5`: "));
    assert!(message("` * * * *").starts_with("minute `'`: "), "quotes stay closed");
    assert!(message(&"x".repeat(1000)).starts_with(&format!("`{}…` has 1 ", "x".repeat(48))));
}

#[test]
fn the_classic_pitfalls() {
    let after = at("2026-01-01T00:00:00Z");
    let second_tick = |expr: &str| schedule(expr).ticks(after, &TimeZone::UTC).nth(1).unwrap();
    // A value with a step runs to the end of the field.
    assert_eq!(second_tick("5/15 * * * *"), at("2026-01-01T00:20:00Z"));
    // A step beyond the field leaves its first value, each hour.
    assert_eq!(second_tick("*/90 * * * *"), at("2026-01-01T02:00:00Z"));
    // What follows a star is not looked at.
    assert_eq!(second_tick("*-nonsense/20 * * * *"), at("2026-01-01T00:40:00Z"));
    // Go has a lower case for it, and so Kubernetes takes it for Friday.
    assert_eq!(schedule("0 0 * * FR\u{130}"), schedule("0 0 * * fri"));
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "(@every |TZ=|CRON_TZ=|@)?\\PC{0,40}") {
        if let Err(error) = Schedule::parse(&text) {
            let message = error.to_string();
            prop_assert!(message.len() < 400, "{message}");
            prop_assert!(!message.chars().any(char::is_control), "{message}");
        }
    }

    #[test]
    fn text_of_the_right_letters_is_judged_without_a_panic(text in "[-0-9*?,/+ a-j\t@.µhms]{0,40}") {
        let schedule = Schedule::parse(&text);
        prop_assert_eq!(&schedule, &text.parse());
        if let Ok(schedule) = schedule {
            prop_assert_eq!(schedule.never_runs(), schedule.densest_interval().is_none());
        }
    }

    #[test]
    fn any_duration_is_judged_without_a_panic(text in "[-+]?([0-9]{0,20}(\\.[0-9]{0,25})?(h|m|s|ms|us|µs|ns|x)?){0,3}") {
        if let Ok(schedule) = Schedule::parse(&format!("@every {text}")) {
            prop_assert!(schedule.interval() >= Some(SignedDuration::from_secs(1)));
        }
    }
}
