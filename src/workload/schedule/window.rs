//! Hours of the day that a schedule has to keep to.

use std::fmt::{self, Display};
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::error::excerpt;
use super::fields::Fields;
use super::next::{midnight, wall_clock};
use super::{Rule, Schedule, time_zone};

const MINUTES_PER_DAY: u16 = 24 * 60;
const SECONDS_PER_DAY: i64 = 86_400;

/// A stretch of every day, such as `22:00-05:00 Europe/Zurich`.
///
/// The start belongs to it, the end does not. If the end is before the start, it goes on past midnight. It follows the
/// wall clock of its zone through the year; without a zone that is UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Minute of the day, 0 to 1439.
    start: u16,
    /// Minute of the day, 0 to 1440, never equal to the start.
    end: u16,
    zone: TimeZone,
}

/// Why a text is not a window. Foreign text in it is cut and escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// Not two times with a hyphen, and perhaps a zone.
    #[error(
        "`{text}` is not a window: write two times and, if not UTC, a time zone, as in `22:00-05:00 Europe/Zurich`"
    )]
    Shape {
        /// The window.
        text: String,
    },
    /// A time that is not on the clock.
    #[error("`{text}` is not a time: write four digits with a colon, from `00:00` to `23:59`, or `24:00` as an end")]
    Time {
        /// The time.
        text: String,
    },
    /// Start and end are the same.
    #[error("`{text}` starts and ends at the same time: write `00:00-24:00` for the whole day")]
    Empty {
        /// The window.
        text: String,
    },
    /// A zone that is not in the database.
    #[error("`{text}` is not a time zone: write an IANA name in its exact spelling, such as `Europe/Zurich`")]
    UnknownZone {
        /// The zone.
        text: String,
    },
}

impl Window {
    /// Reads `HH:MM-HH:MM`, with or without a time zone after white space.
    ///
    /// # Errors
    ///
    /// A [`WindowError`] that says which piece is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let shape = || WindowError::Shape { text: excerpt(text) };
        let mut words = text.split_whitespace();
        let (times, zone) = (words.next().ok_or_else(shape)?, words.next());
        if words.next().is_some() {
            return Err(shape());
        }
        let (start, end) = times.split_once('-').ok_or_else(shape)?;
        let bad_time = |text| WindowError::Time { text: excerpt(text) };
        let start = minute_of_day(start).filter(|start| *start < MINUTES_PER_DAY).ok_or_else(|| bad_time(start))?;
        let end = minute_of_day(end).ok_or_else(|| bad_time(end))?;
        if start == end {
            return Err(WindowError::Empty { text: excerpt(text) });
        }
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => time_zone(name).ok_or_else(|| WindowError::UnknownZone { text: excerpt(name) })?,
        };
        Ok(Self { start, end, zone })
    }

    /// Whether the instant lies in the window.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let wall = wall_clock(at, &self.zone);
        let minute = i64::from(wall.hour()) * 60 + i64::from(wall.minute());
        self.contains_minute(minute)
    }

    /// Whether the minute of the day, on the clock of the window, lies in it.
    fn contains_minute(&self, minute: i64) -> bool {
        let (start, end) = (i64::from(self.start), i64::from(self.end));
        if start < end { start <= minute && minute < end } else { start <= minute || minute < end }
    }
}

/// As it is written; the zone is always named.
impl Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end, zone } = self;
        let zone = zone.iana_name().unwrap_or("UTC");
        write!(f, "{:02}:{:02}-{:02}:{:02} {zone}", start / 60, start % 60, end / 60, end % 60)
    }
}

impl FromStr for Window {
    type Err = WindowError;

    /// The same as [`Window::parse`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Reads `HH:MM`, from `00:00` to `24:00`.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok().filter(|minute| *minute < 60)?);
    Some(hour * 60 + minute).filter(|minute| *minute <= MINUTES_PER_DAY)
}

/// A tick of that calendar year, in the zone of the schedule, that lies in none of the windows; `None` if there is
/// none.
///
/// Summer and winter time are looked at on both sides: of the schedule and of each window. `zone` is that of the
/// `CronJob`; a zone in the expression wins over it. Without windows, any tick is outside.
///
/// A tick is one that [`Schedule::next_after`] gives from the second before. After a change of the clocks robfig/cron
/// can miss such a tick if it searches from before the change, for a week or a month even; whether it does depends on
/// when the `CronJob` last ran, so this is no excuse. The ticks that it only finds by mistake are on the day of a
/// change and are looked at too. (But for zones that skip midnight on the first of a month, as Paraguay did in October
/// 2023: there robfig/cron can stray into a month that the schedule does not name.)
///
/// `@every` may tick at any time of day, depending on when the `CronJob` was created or last ran. It is outside unless
/// the windows cover every minute of the year; the instant returned is then the first minute that they leave open, and
/// only stands for the others.
///
/// The cost does not grow with the number of ticks: between two changes of a clock one day is like the other, so each
/// such stretch is judged by the times of a single day. Only on the few days of a change every tick is tried.
#[must_use]
pub fn outside_windows(schedule: &Schedule, zone: &TimeZone, windows: &[Window], year: i16) -> Option<Timestamp> {
    let (fields, zone) = match &schedule.rule {
        Rule::Fields(fields) if fields.never_match() => return None,
        Rule::Fields(fields) => (*fields, schedule.effective_zone(zone)),
        Rule::Every(_) => (Fields::ALWAYS, zone),
    };
    let first = Date::new(year, 1, 1).ok()?;
    let last = first.last_of_year();
    Year { fields, zone, windows, first, last }.outside()
}

/// One year of ticks, held against the windows.
struct Year<'a> {
    fields: Fields,
    zone: &'a TimeZone,
    windows: &'a [Window],
    first: Date,
    last: Date,
}

/// The dates just before and just after a change of the clocks; the same one unless it is at midnight.
type Change = (Date, Date);

impl Year<'_> {
    fn outside(&self) -> Option<Timestamp> {
        let own = self.changes(self.zone);
        let foreign: Vec<Change> = self.windows.iter().flat_map(|window| self.changes(&window.zone)).collect();
        let on_most_days = self.on_even_days(&own, &foreign);
        let on_changes = || own.iter().find_map(|change| self.on_change(*change));
        on_most_days.or_else(on_changes)
    }

    /// The dates, as the schedule has them, on which the clocks of a zone change during the year.
    fn changes(&self, zone: &TimeZone) -> Vec<Change> {
        // A day more on either side, so that nothing is missed where the year itself begins with a change.
        let day = SignedDuration::from_hours(24);
        let start = midnight(self.first, self.zone).and_then(|start| start.checked_sub(day).ok());
        let end = midnight(self.last, self.zone).and_then(|end| end.checked_add(day + day).ok());
        let (start, end) = (start.unwrap_or(Timestamp::MIN), end.unwrap_or(Timestamp::MAX));
        zone.following(start)
            .map(|transition| transition.timestamp())
            .take_while(|at| *at <= end)
            .map(|at| {
                let before = at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
                (wall_clock(before, self.zone).date(), wall_clock(at, self.zone).date())
            })
            .collect()
    }

    /// Looks at the days on which the clocks of the schedule do not change, so that its ticks are where the fields say.
    fn on_even_days(&self, own: &[Change], foreign: &[Change]) -> Option<Timestamp> {
        let during = |changes: &[Change], date| changes.iter().any(|(first, last)| (*first..=*last).contains(&date));
        // The first time of day that is outside, good until the next change. (Of the inner kind: none is outside.)
        let mut open: Option<Option<i64>> = None;
        let days = self.first.series(jiff::Span::new().days(1));
        for date in days.take_while(|date| *date <= self.last) {
            let (own_change, foreign_change) = (during(own, date), during(foreign, date));
            if own_change || foreign_change {
                open = None;
            }
            if own_change || !self.runs_on(date) {
                continue;
            }
            let Some(start) = midnight(date, self.zone) else {
                continue; // The first or last day of the calendar, cut off by the offset of the zone.
            };
            let outside = if foreign_change {
                self.minutes().find(|minute| self.is_outside(start, *minute))
            } else {
                *open.get_or_insert_with(|| self.first_outside(start))
            };
            if let Some(minute) = outside {
                return after_minutes(start, minute);
            }
            // Where no clock ever changes, one day is like all others.
            if own.is_empty() && foreign.is_empty() {
                return None;
            }
        }
        None
    }

    /// Tries every tick on the day or days of a change, as the schedule would find them.
    fn on_change(&self, (first, last): Change) -> Option<Timestamp> {
        let start = midnight(first, self.zone)?.checked_sub(SignedDuration::from_secs(1)).ok()?;
        let schedule = Schedule { rule: Rule::Fields(self.fields), zone: None };
        schedule
            .ticks(start, self.zone)
            .map(|tick| (tick, wall_clock(tick, self.zone).date()))
            .take_while(|(_, date)| *date <= last)
            .filter(|(_, date)| (self.first..=self.last).contains(date))
            .map(|(tick, _)| tick)
            .find(|tick| !self.windows.iter().any(|window| window.contains(*tick)))
    }

    fn runs_on(&self, date: Date) -> bool {
        self.fields.month_matches(date.month())
            && self.fields.day_matches(date.day(), date.weekday().to_sunday_zero_offset())
    }

    /// The minutes of the day at which the fields tick.
    fn minutes(&self) -> impl Iterator<Item = i64> {
        let hours = (0_i8..24).filter(|hour| self.fields.hour_matches(*hour));
        hours.flat_map(|hour| {
            let minutes = (0_i8..60).filter(|minute| self.fields.minute_matches(*minute));
            minutes.map(move |minute| i64::from(hour) * 60 + i64::from(minute))
        })
    }

    /// The first tick of a day, in minutes from its start, that is in no window, on a day without changes.
    fn first_outside(&self, start: Timestamp) -> Option<i64> {
        // Where the clock of each window stands when the day starts for the schedule.
        let clocks: Vec<(&Window, i64)> =
            self.windows.iter().map(|window| (window, seconds_of_day(start, &window.zone))).collect();
        self.minutes().find(|minute| {
            !clocks.iter().any(|(window, clock)| {
                window.contains_minute((clock + minute * 60).rem_euclid(SECONDS_PER_DAY).div_euclid(60))
            })
        })
    }

    /// Whether the minute of the day that starts then is in no window, by the clocks as they really go.
    fn is_outside(&self, start: Timestamp, minute: i64) -> bool {
        after_minutes(start, minute).is_some_and(|tick| !self.windows.iter().any(|window| window.contains(tick)))
    }
}

fn after_minutes(start: Timestamp, minutes: i64) -> Option<Timestamp> {
    start.checked_add(SignedDuration::from_mins(minutes)).ok()
}

/// How far the wall clock of the zone has gone since its midnight.
fn seconds_of_day(at: Timestamp, zone: &TimeZone) -> i64 {
    let wall = wall_clock(at, zone);
    i64::from(wall.hour()) * 3600 + i64::from(wall.minute()) * 60 + i64::from(wall.second())
}
