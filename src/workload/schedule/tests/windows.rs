//! Whether schedules keep to windows.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn window(text: &str) -> Window {
    Window::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn windows(texts: &[&str]) -> Vec<Window> {
    texts.iter().map(|text| window(text)).collect()
}

#[test]
fn windows_are_read() {
    let table = [
        ("22:00-05:00 Europe/Zurich", "22:00-05:00 Europe/Zurich"),
        ("00:00-24:00", "00:00-24:00 UTC"),
        ("  09:30-17:45   Etc/UTC ", "09:30-17:45 Etc/UTC"),
        ("22:00-00:00", "22:00-00:00 UTC"),
        ("23:59-24:00", "23:59-24:00 UTC"),
    ];
    for (text, shown) in table {
        assert_eq!(window(text).to_string(), shown);
        assert_eq!(window(shown).to_string(), shown);
    }
}

#[test]
fn what_is_no_window_is_refused_with_a_hint() {
    let shape = ["", " ", "22:00", "22:00 - 05:00", "22:00-05:00 Europe/Zurich extra", "always"];
    let time = ["22-5", "9:00-17:00", "25:00-05:00", "24:00-05:00", "22:60-23:00", "00:00-24:01", "-", "22:00--5:00"];
    for text in shape {
        assert!(matches!(Window::parse(text), Err(WindowError::Shape { .. })), "{text}");
    }
    for text in
        time.into_iter().chain(["22:00-", "10:00-11:00-12:00", "+9:00-10:00", "22:00:00-23:00:00", "２２:00-23:00"])
    {
        assert!(matches!(Window::parse(text), Err(WindowError::Time { .. })), "{text}");
    }
    let message = |text: &str| Window::parse(text).unwrap_err().to_string();
    let example = "as in `22:00-05:00 Europe/Zurich`";
    assert!(message("always").ends_with(example), "{}", message("always"));
    assert_eq!(
        message("9:00-17:00"),
        "`9:00` is not a time: write four digits with a colon, from `00:00` to `23:59`, or `24:00` as an end"
    );
    assert_eq!(
        message("12:00-12:00"),
        "`12:00-12:00` starts and ends at the same time: write `00:00-24:00` for the whole day"
    );
    assert_eq!(
        message("22:00-05:00 europe/zurich"),
        "`europe/zurich` is not a time zone: write an IANA name in its exact spelling, such as `Europe/Zurich`"
    );
    assert!(message(&format!("\u{1b}{}", "x".repeat(1000))).len() < 200);
}

#[test]
fn the_start_belongs_to_a_window_and_the_end_does_not() {
    let table = [
        ("22:00-05:00", "2026-01-01T22:00:00Z", true),
        ("22:00-05:00", "2026-01-01T04:59:59.9Z", true),
        ("22:00-05:00", "2026-01-01T05:00:00Z", false),
        ("22:00-05:00", "2026-01-01T21:59:59Z", false),
        ("22:00-05:00 Europe/Zurich", "2026-01-01T21:00:00Z", true),
        ("22:00-05:00 Europe/Zurich", "2026-07-01T20:00:00Z", true),
        ("22:00-05:00 Europe/Zurich", "2026-07-01T03:00:00Z", false),
        ("00:00-24:00 Asia/Tokyo", "2026-07-01T03:00:00Z", true),
        ("09:00-17:00", "1969-12-31T16:59:59.5Z", true),
    ];
    for (text, instant, inside) in table {
        assert_eq!(window(text).contains(at(instant)), inside, "{text} {instant}");
    }
}

#[test]
fn a_tick_outside_is_found() {
    // Schedule, its zone, windows, and the tick outside that is expected for 2026.
    let table: &[(&str, &str, &[&str], Option<&str>)] = &[
        ("0 2 * * *", "Etc/UTC", &["22:00-05:00"], None),
        ("0 2 * * *", "Etc/UTC", &["02:00-01:59"], None),
        ("0 2 * * *", "Etc/UTC", &["02:01-02:00"], Some("2026-01-01T02:00:00Z")),
        ("0 2 * * *", "Etc/UTC", &[], Some("2026-01-01T02:00:00Z")),
        ("0 5 * * *", "Etc/UTC", &["22:00-05:00"], Some("2026-01-01T05:00:00Z")),
        ("0 3,12 * * *", "Etc/UTC", &["02:00-04:00", "11:00-13:00"], None),
        // In UTC all year, so in summer an hour later on the clocks of Zurich.
        ("30 3 * * *", "Etc/UTC", &["22:00-05:00 Europe/Zurich"], Some("2026-03-29T03:30:00Z")),
        ("30 2 * * *", "Etc/UTC", &["22:00-05:00 Europe/Zurich"], None),
        ("30 20 * * *", "Etc/UTC", &["22:00-05:00 Europe/Zurich"], Some("2026-01-01T20:30:00Z")),
        // Zurich and New York change on different days: three weeks and one week of five instead of six hours.
        ("0 9 * * *", "Europe/Zurich", &["03:00-04:00 America/New_York"], Some("2026-03-08T08:00:00Z")),
        ("0 9 * * *", "Europe/Zurich", &["03:00-05:00 America/New_York"], None),
        ("0 9 1-7 3 *", "Europe/Zurich", &["03:00-04:00 America/New_York"], None),
        ("0 9 26 10 *", "Europe/Zurich", &["03:00-04:00 America/New_York"], Some("2026-10-26T08:00:00Z")),
        // The gap: a tick at 02:30 is skipped, one at 03:00 comes at 01:00 UTC.
        ("30 2 29 3 *", "Europe/Zurich", &["12:00-13:00"], None),
        ("0 3 29 3 *", "Europe/Zurich", &["01:00-01:01"], None),
        // The hour that comes twice: at 00:30 and at 01:30 UTC.
        ("30 2 25 10 *", "Europe/Zurich", &["00:00-01:00"], Some("2026-10-25T01:30:00Z")),
        ("30 2 25 10 *", "Europe/Zurich", &["00:00-02:00"], None),
        // Robfig/cron misses that 5 September is over when its midnight is skipped, and ticks on the 6th.
        ("0 4 5 9 *", "America/Santiago", &["08:00-08:30"], Some("2026-09-06T07:00:00Z")),
        // A prefix wins over the zone of the CronJob.
        ("TZ=Asia/Tokyo 0 9 * * *", "Etc/UTC", &["00:00-00:01"], None),
        ("0 0 31 2 *", "Etc/UTC", &[], None),
        ("0 0 29 2 *", "Etc/UTC", &[], None), // 2026 is no leap year
        ("@every 1h", "Etc/UTC", &["00:00-24:00"], None),
        ("@every 1h", "Etc/UTC", &["00:00-12:00", "12:00-00:00"], None),
        ("@every 1h", "Etc/UTC", &["00:00-23:59"], Some("2026-01-01T23:59:00Z")),
        ("@every 24h", "Etc/UTC", &["05:00-22:00 Europe/Zurich", "21:00-04:00"], Some("2026-03-29T20:00:00Z")),
        ("@every 24h", "Etc/UTC", &["05:00-22:00 Europe/Zurich", "20:00-04:00"], None),
    ];
    for (expr, name, texts, expected) in table {
        let outside = outside_windows(&schedule(expr), &zone(name), &windows(texts), 2026);
        assert_eq!(outside, expected.map(at), "{expr} in {name}, {texts:?}");
    }
}

#[test]
fn the_edges_of_the_calendar_are_no_trouble() {
    for year in [i16::MIN, -9999, 9999, i16::MAX] {
        for name in ["UTC", "Asia/Tokyo", "America/New_York"] {
            let texts = ["00:00-24:00 Europe/Zurich"];
            assert_eq!(outside_windows(&schedule("* * * * *"), &zone(name), &windows(&texts), year), None);
        }
    }
}

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
];

/// Windows that are wide and on round times, so that some sets of them cover all ticks and some do not.
fn any_window() -> impl Strategy<Value = Window> {
    (0..24_u16, 1..=24_u16, select(&[0, 15, 30][..]), select(&ZONES[..])).prop_map(|(hour, length, minute, name)| {
        let end = (hour + length) % 24;
        let end_minute = if end == hour { (minute + 59) % 60 } else { minute };
        window(&format!("{hour:02}:{minute:02}-{end:02}:{end_minute:02} {name}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Against trying each tick of the year.
    #[test]
    fn no_tick_outside_is_missed(
        minute in select(&["0", "30", "*/15", "59", "7,37"][..]),
        hour in select(&["0", "2", "1-3", "*/6", "23", "*", "4"][..]),
        day in select(&["*", "1", "*/9", "25-31"][..]),
        month in select(&["*", "3,10", "4,9,11", "1,12"][..]),
        weekday in select(&["*", "0", "6,0"][..]),
        name in select(&ZONES[..]),
        windows in prop::collection::vec(any_window(), 1..4),
        year in 2024..=2026_i16,
    ) {
        let (schedule, zone) = (schedule(&[minute, hour, day, month, weekday].join(" ")), zone(name));
        let start = date(year, 1, 1).to_zoned(zone.clone()).unwrap().timestamp() - SignedDuration::from_secs(1);
        let of_year = |tick: &Timestamp| zone.to_datetime(*tick).year() == year;
        let is_outside = |tick: &Timestamp| !windows.iter().any(|window| window.contains(*tick));

        // The search may find a tick where the naive one finds none: some come only to a CronJob that was not there yet
        // when the clocks changed. But it never misses one, and what it finds is a tick to whoever asks just before it.
        let naive = schedule.ticks(start, &zone).take_while(of_year).find(is_outside);
        let found = outside_windows(&schedule, &zone, &windows, year);
        prop_assert!(found.is_some() || naive.is_none(), "{naive:?} is missed");
        if let Some(tick) = found {
            prop_assert!(of_year(&tick) && is_outside(&tick), "{tick}");
            let just_before = tick - SignedDuration::from_secs(1);
            prop_assert_eq!(schedule.next_after(just_before, &zone), Some(tick));
        }
    }
}
