//! The next tick, step by step as `Next` of robfig/cron v3.0.1 and the `time` package of Go find it.
//!
//! A cleaner search would be easy to write and wrong: which ticks come on a day on which the clocks change follows from
//! how robfig/cron moves from field to field. Mostly it adds absolute hours and minutes from the last midnight, does
//! not look at a field again until the one below it has wrapped to zero, and so does not notice when a change of the
//! clocks jumps over that zero.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::fields::Fields;

/// How many years the search goes on past that of its start.
const YEARS_AHEAD: i16 = 5;

/// The most moves a search may take. Those that end need at most about 2,200 days, and a few hours and minutes. But
/// where a zone has left out a whole day (Apia, 30 December 2011), robfig/cron never gets past it; here that is no
/// tick.
const MAX_MOVES: u32 = 10_000;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The first tick of an `@every` schedule: counted from `after`, cut to the second.
pub(super) fn next_interval(seconds: u64, after: Timestamp) -> Option<Timestamp> {
    let next = whole_second(after).checked_add_unsigned(seconds)?;
    Timestamp::from_second(next).ok()
}

/// The first tick of the fields that is later than `after`, `None` if there is none within five years.
pub(super) fn next(fields: &Fields, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // Spares a search through five years, minute by minute. Dates that are not in the calendar are searched for: after
    // a gap at midnight of the first of a month, robfig/cron takes 31 December for one in November.
    if fields.any_empty() {
        return None;
    }
    let mut search = Search::start(fields, whole_second(after).checked_add(1)?, zone)?;
    while search.local.year() <= search.last_year {
        let settled = search.settle_month()?
            && search.settle_day()?
            && search.settle_hour()?
            && search.settle_minute()?
            && search.settle_second()?;
        if settled {
            return Timestamp::from_second(search.second).ok();
        }
    }
    None
}

/// The first instant of the day in this zone, as Go's `time.Date` has it.
pub(super) fn midnight(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    Timestamp::from_second(instant(date.to_datetime(Time::midnight()), zone)?).ok()
}

/// The wall clock of the zone at that time.
pub(super) fn wall_clock(at: Timestamp, zone: &TimeZone) -> DateTime {
    zone.to_offset(at).to_datetime(at)
}

/// A time that moves forward until it matches.
///
/// Each `settle` returns whether its field matches now. If not, it has wrapped to zero and all fields need another
/// look. Without a result (`None`) the search is over: the calendar or the number of moves is exhausted.
struct Search<'a> {
    fields: &'a Fields,
    zone: &'a TimeZone,
    /// The time in seconds since 1970.
    second: i64,
    /// The same on the wall clock.
    local: DateTime,
    last_year: i16,
    moves_left: u32,
    /// Whether the parts below the first one that moved have been set to their beginning. Happens once.
    cleared: bool,
}

impl<'a> Search<'a> {
    fn start(fields: &'a Fields, second: i64, zone: &'a TimeZone) -> Option<Self> {
        let local = wall_clock(Timestamp::from_second(second).ok()?, zone);
        let last_year = local.year().checked_add(YEARS_AHEAD)?;
        Some(Self { fields, zone, second, local, last_year, moves_left: MAX_MOVES, cleared: false })
    }

    fn settle_month(&mut self) -> Option<bool> {
        while !self.fields.month_matches(self.local.month()) {
            if self.clear() {
                self.move_to_wall(self.local.date().first_of_month().to_datetime(Time::midnight()))?;
            }
            // On the 31st this overflows into the month after the next, as it does in Go.
            let days_in = i64::from(self.local.day()).checked_sub(1)?;
            let next_month = self.local.date().last_of_month().tomorrow().ok()?;
            let date = next_month.checked_add(days_in.days()).ok()?;
            self.move_to_wall(date.to_datetime(self.local.time()))?;
            if self.local.month() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn settle_day(&mut self) -> Option<bool> {
        while !self.day_matches() {
            if self.clear() {
                self.move_to_wall(self.local.date().to_datetime(Time::midnight()))?;
            }
            self.move_to_wall(self.local.date().tomorrow().ok()?.to_datetime(self.local.time()))?;
            // Where there was no midnight, an hour that is not zero came out; robfig/cron rounds it to the nearest.
            match i64::from(self.local.hour()) {
                0 => {}
                hour if hour > 12 => self.move_by((24 - hour) * HOUR)?,
                hour => self.move_by(-hour * HOUR)?,
            }
            if self.local.day() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn settle_hour(&mut self) -> Option<bool> {
        while !self.fields.hour_matches(self.local.hour()) {
            if self.clear() {
                self.move_to_wall(self.local.date().at(self.local.hour(), 0, 0, 0))?;
            }
            self.move_by(HOUR)?;
            if self.local.hour() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn settle_minute(&mut self) -> Option<bool> {
        while !self.fields.minute_matches(self.local.minute()) {
            if self.clear() {
                // Go truncates the absolute time, not the wall clock.
                self.move_by(-self.second.rem_euclid(MINUTE))?;
            }
            self.move_by(MINUTE)?;
            if self.local.minute() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    /// A tick is at second zero. robfig/cron steps there by seconds and then looks at all fields again.
    fn settle_second(&mut self) -> Option<bool> {
        let second = i64::from(self.local.second());
        if second == 0 {
            return Some(true);
        }
        self.cleared = true;
        self.move_by(MINUTE - second)?;
        Some(false)
    }

    fn day_matches(&self) -> bool {
        self.fields.day_matches(self.local.day(), self.local.weekday().to_sunday_zero_offset())
    }

    /// Whether the lower parts have to be set to their beginning now.
    fn clear(&mut self) -> bool {
        !std::mem::replace(&mut self.cleared, true)
    }

    fn move_to_wall(&mut self, wall: DateTime) -> Option<()> {
        self.move_to(instant(wall, self.zone)?)
    }

    fn move_by(&mut self, seconds: i64) -> Option<()> {
        self.move_to(self.second.checked_add(seconds)?)
    }

    fn move_to(&mut self, second: i64) -> Option<()> {
        self.moves_left = self.moves_left.checked_sub(1)?;
        self.second = second;
        self.local = wall_clock(Timestamp::from_second(second).ok()?, self.zone);
        Some(())
    }
}

/// Seconds since 1970 of a reading of the wall clock, as Go's `time.Date` finds them.
///
/// Go guesses the offset by taking the reading for UTC, then takes the offset at the instant it gets from that. In a
/// gap or a repeated hour it so depends on the side of Greenwich which of the two answers comes out.
fn instant(wall: DateTime, zone: &TimeZone) -> Option<i64> {
    let as_utc = Offset::UTC.to_timestamp(wall).ok()?;
    let guess = as_utc.as_second() - offset_seconds(as_utc, zone);
    let offset = offset_seconds(Timestamp::from_second(guess).ok()?, zone);
    Some(as_utc.as_second() - offset)
}

fn offset_seconds(at: Timestamp, zone: &TimeZone) -> i64 {
    zone.to_offset(at).seconds().into()
}

/// The second in which an instant lies. (`as_second` cuts toward 1970, which is up for earlier ones.)
fn whole_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}
