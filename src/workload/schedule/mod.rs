//! The schedule of a `CronJob`: what it means, when it ticks, how dense it is and whether it keeps to given hours.
//!
//! Kubernetes reads `spec.schedule` with `ParseStandard` of [robfig/cron v3.0.1] and asks the result for its next tick.
//! This module accepts and refuses the same expressions and names the same ticks, oddities included, because a
//! judgement that differs from the scheduler's is worse than none. A differential test holds it to robfig/cron itself.
//!
//! There are two deliberate differences, both in favour of an error: a `TZ=` prefix without a space after it makes
//! robfig/cron panic, and expressions over [`MAX_LENGTH`] bytes are not read at all.
//!
//! Nothing here reads a clock, a file or an environment variable; the time zone database is compiled in.
//!
//! [robfig/cron v3.0.1]: https://pkg.go.dev/github.com/robfig/cron/v3@v3.0.1#ParseStandard

mod density;
mod duration;
mod error;
mod fields;
mod next;
mod parse;
#[cfg(test)]
mod tests;
mod window;

use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

pub use error::{Field, FieldProblem, ScheduleError};
use fields::Fields;
pub use window::{Window, WindowError, outside_windows};

/// The longest expression, in bytes, that is read. robfig/cron knows no limit, but real expressions stay far below this
/// one, and the text comes from whoever may create a `CronJob`.
pub const MAX_LENGTH: usize = 1024;

/// A schedule as Kubernetes understands it: five cron fields, a descriptor such as `@daily`, or `@every <duration>`,
/// with or without a `TZ=` prefix.
///
/// Two schedules are equal when they *tick alike*, however they are written: `*/1 * * * *` equals `* * * * *`,
/// `@weekly` equals `0 0 * * SUN`, and `0 0 30,31 2-3 *` equals `0 0 30,31 3 *`. As the calendar goes this is exact:
/// for two unequal sets of fields there is a minute at which only one of them ticks. Prefix zones are compared by name,
/// so `UTC` and `Etc/UTC` differ.
///
/// It is 40 bytes and owns no text, so thousands of them can be kept.
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: Rule,
    /// The zone of the prefix, where it matters to the ticks.
    zone: Option<TimeZone>,
}

/// What makes the ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    /// The five cron fields.
    Fields(Fields),
    /// `@every`, in whole seconds, at least one.
    Every(u64),
}

impl Schedule {
    /// Reads an expression exactly as robfig/cron's `ParseStandard` does.
    ///
    /// # Errors
    ///
    /// Whatever robfig/cron refuses is refused; the [`ScheduleError`] names the field, the value, what is allowed and
    /// how to mend it. Beyond that, so are expressions over [`MAX_LENGTH`] bytes and those on which robfig/cron panics.
    pub fn parse(expr: &str) -> Result<Self, ScheduleError> {
        parse::parse(expr)
    }

    /// The zone named by a `TZ=` or `CRON_TZ=` prefix, where that prefix decides the ticks.
    ///
    /// `None` also for `@every`, which knows no zone, and for `TZ=Local`, which robfig/cron takes for no prefix at all.
    /// An empty name means `UTC`. The API server refuses prefixes on create; on update it tolerates old ones.
    #[must_use]
    pub fn zone_prefix(&self) -> Option<&str> {
        self.zone.as_ref().and_then(TimeZone::iana_name)
    }

    /// The first tick strictly later than `after`, or `None` where there is none within five years.
    ///
    /// `zone` is the zone of the `CronJob` (`spec.timeZone`, else that of the controller manager); a zone in the
    /// expression wins over it. `@every` counts from `after`, cut to the second.
    ///
    /// It takes the same steps as `Next` of robfig/cron, so it agrees with it around clock changes too: a tick in a gap
    /// is skipped, one in a repeated hour may come twice, and a gap at midnight can move a tick or swallow one.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.rule {
            Rule::Fields(fields) => next::next(fields, after, self.effective_zone(zone)),
            Rule::Every(seconds) => next::next_interval(*seconds, after),
        }
    }

    /// All ticks later than `after`, each found from the one before as the CronJob controller does it.
    ///
    /// The iterator ends when five years pass without a tick, or with the last year of the calendar (9999).
    pub fn ticks(&self, after: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(after, zone), |tick| self.next_after(*tick, zone))
    }

    /// The smallest gap between two consecutive ticks that the schedule can ever have, or `None` if it never ticks.
    ///
    /// Measured on the wall clock and over the whole calendar: `0 0 29 2 *` gives 1461 days. A change of the clocks can
    /// shorten or lengthen a single gap on top of that. For `@every` it is the interval, as robfig/cron rounds it: down
    /// to whole seconds, and at least one.
    #[must_use]
    pub fn densest_interval(&self) -> Option<SignedDuration> {
        match &self.rule {
            Rule::Fields(fields) => density::densest(fields),
            Rule::Every(seconds) => Some(seconds_to_duration(*seconds)),
        }
    }

    /// Whether no minute of the calendar is a tick, as with `0 0 31 2 *`: such a `CronJob` looks alive but does
    /// nothing.
    #[must_use]
    pub fn never_runs(&self) -> bool {
        match &self.rule {
            Rule::Fields(fields) => fields.never_match(),
            Rule::Every(_) => false,
        }
    }

    /// The interval of an `@every` schedule, `None` for any other. Such a schedule has no fixed times of day: it counts
    /// from the previous run or the creation of the `CronJob`.
    #[must_use]
    pub fn interval(&self) -> Option<SignedDuration> {
        match &self.rule {
            Rule::Fields(_) => None,
            Rule::Every(seconds) => Some(seconds_to_duration(*seconds)),
        }
    }

    /// The zone of the prefix if there is one, else `zone`.
    fn effective_zone<'a>(&'a self, zone: &'a TimeZone) -> &'a TimeZone {
        self.zone.as_ref().unwrap_or(zone)
    }

    /// What equality and hashing look at: the rule in its normal form and the zone, unless there are no ticks to place.
    fn meaning(&self) -> (Rule, Option<&str>) {
        match &self.rule {
            Rule::Fields(fields) if fields.never_match() => (Rule::Fields(Fields::NEVER), None),
            Rule::Fields(fields) => (Rule::Fields(fields.normalised()), self.zone_prefix()),
            every @ Rule::Every(_) => (*every, None),
        }
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Schedule {}

impl Hash for Schedule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// The same as [`Schedule::parse`].
    fn from_str(expr: &str) -> Result<Self, Self::Err> {
        Self::parse(expr)
    }
}

/// A Go duration holds at most about 292 years, so the conversion never saturates in practice.
fn seconds_to_duration(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Looks up a zone of the bundled IANA database under the rules of Go's [`time.LoadLocation`] on Linux, by which
/// Kubernetes validates `spec.timeZone`.
///
/// Names are case-sensitive there, because they are file names: `europe/zurich` is unknown. The empty name and `UTC`
/// are UTC. `Local`, in any case, gives `None`: it means something else on every machine, and Kubernetes refuses it.
///
/// [`time.LoadLocation`]: https://pkg.go.dev/time#LoadLocation
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    // Named explicitly: the default database of jiff would read the files of the machine.
    static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

    if name.is_empty() {
        return Some(TimeZone::UTC);
    }
    // jiff ignores case and knows the CLDR name `Etc/Unknown`, which is no zone to Go; it reports canonical spelling.
    let zone = DATABASE.get(name).ok()?;
    (zone.iana_name() == Some(name) && !zone.is_unknown()).then_some(zone)
}
