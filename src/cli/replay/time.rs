//! Times on the command line.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Reads a time with its zone, or a day, which begins at midnight UTC.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp());
    // A date with a time and without a zone is read as a day, too: the time would be lost.
    let day = || if text.len() > "2026-10-01".len() { None } else { day() };
    text.parse().ok().or_else(day).ok_or_else(|| {
        "expected a day such as 2026-10-01, or a time with its zone such as 2026-10-01T08:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_with_zones_are_read() {
        let at = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(at("2026-10-01"), "2026-10-01T00:00:00Z");
        assert_eq!(at("2026-10-01T08:00:00+02:00"), "2026-10-01T06:00:00Z");
        for text in ["yesterday", "2026-10-01T08:00:00", "2026-13-01", ""] {
            assert!(parse(text).unwrap_err().contains("such as"), "{text}");
        }
    }
}
