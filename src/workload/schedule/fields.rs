//! The five cron fields as bit sets, and their normal form.

/// Every minute of an hour: bits 0 to 59.
const ALL_MINUTES: u64 = (1 << 60) - 1;
/// Every hour of a day: bits 0 to 23.
const ALL_HOURS: u32 = (1 << 24) - 1;
/// Every day of a month: bits 1 to 31.
const ALL_DAYS: u32 = u32::MAX << 1;
/// Every month: bits 1 to 12.
const ALL_MONTHS: u16 = 0b1_1111_1111_1110;
/// Every day of the week: bits 0 (Sunday) to 6.
pub(super) const ALL_WEEKDAYS: u8 = 0b111_1111;

/// The five fields, each a set of bits at the position of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fields {
    /// Bits 0 to 59.
    pub(super) minutes: u64,
    /// Bits 0 to 23.
    pub(super) hours: u32,
    /// Days of the month, bits 1 to 31.
    pub(super) days: u32,
    /// Bits 1 to 12.
    pub(super) months: u16,
    /// Bits 0 (Sunday) to 6.
    pub(super) weekdays: u8,
    /// Whether one of the two day fields is enough. It is, unless one of them is starred: by `*`, `?` or those with a
    /// step of 1, be it only in a part of the list. `*/2` and `1-31` are not stars.
    pub(super) either_day: bool,
}

impl Fields {
    /// Every minute of every day.
    pub(super) const ALWAYS: Self = Self {
        minutes: ALL_MINUTES,
        hours: ALL_HOURS,
        days: ALL_DAYS,
        months: ALL_MONTHS,
        weekdays: ALL_WEEKDAYS,
        either_day: true,
    };

    /// The normal form of all fields that never match.
    pub(super) const NEVER: Self = Self { minutes: 0, hours: 0, days: 0, months: 0, weekdays: 0, either_day: true };

    /// Whether the day fields allow this day. The month is not looked at. `weekday` counts from Sunday, 0.
    pub(super) fn day_matches(&self, day: i8, weekday: i8) -> bool {
        let (in_days, in_weekdays) = (has(self.days.into(), day), has(self.weekdays.into(), weekday));
        if self.either_day { in_days || in_weekdays } else { in_days && in_weekdays }
    }

    /// Whether the month field allows this month, 1 to 12.
    pub(super) fn month_matches(&self, month: i8) -> bool {
        has(self.months.into(), month)
    }

    /// Whether the hour field allows this hour.
    pub(super) fn hour_matches(&self, hour: i8) -> bool {
        has(self.hours.into(), hour)
    }

    /// Whether the minute field allows this minute.
    pub(super) fn minute_matches(&self, minute: i8) -> bool {
        has(self.minutes, minute)
    }

    /// Whether one of the fields is empty, so that nothing matches on any clock and whatever the search does.
    pub(super) fn any_empty(&self) -> bool {
        let no_day =
            if self.either_day { self.days == 0 && self.weekdays == 0 } else { self.days == 0 || self.weekdays == 0 };
        no_day || self.minutes == 0 || self.hours == 0 || self.months == 0
    }

    /// Whether no minute of the calendar matches: a field is empty, or the days are not in the months.
    pub(super) fn never_match(&self) -> bool {
        self.normalised() == Self::NEVER
    }

    /// The one form of all fields that match the same minutes.
    ///
    /// The form always ORs the two day fields. It is unique because every date but a 29 February falls on every day of
    /// the week over the years, and so does 29 February: the days of the month are those that match on any weekday, and
    /// the days of the week those that match on any other date.
    pub(super) fn normalised(&self) -> Self {
        let mut form = Self { either_day: true, ..*self };
        if !self.either_day {
            // A star joins the fields with AND, and covers its own field, so that only the other one counts.
            if self.weekdays == ALL_WEEKDAYS {
                form.weekdays = 0;
            } else {
                form.days = 0;
            }
        }
        let in_longest = days_of_longest(form.months);
        if form.weekdays == ALL_WEEKDAYS || form.days & in_longest == in_longest {
            form.days = ALL_DAYS;
            form.weekdays = ALL_WEEKDAYS;
        } else {
            if form.weekdays == 0 {
                form.months = months_with(form.months, form.days);
            }
            form.days &= days_of_longest(form.months);
        }
        if form.any_empty() { Self::NEVER } else { form }
    }
}

/// Whether the set contains the value. Values that are no bit position are in no set.
fn has(set: u64, value: i8) -> bool {
    u32::try_from(value).ok().and_then(|value| set.checked_shr(value)).is_some_and(|rest| rest & 1 == 1)
}

/// Days 1 to 31 as far as the month can have them.
fn days_of(month: u8) -> u32 {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    ALL_DAYS & (u32::MAX >> (31 - last))
}

/// The days that at least one of the months can have.
fn days_of_longest(months: u16) -> u32 {
    (1..=12).filter(|month| months >> month & 1 == 1).map(days_of).fold(0, |all, days| all | days)
}

/// Those of the months that can have at least one of the days.
fn months_with(months: u16, days: u32) -> u16 {
    (1..=12).filter(|month| days_of(*month) & days != 0).fold(0, |found, month| found | 1 << month) & months
}
