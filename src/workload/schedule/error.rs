//! Why an expression is refused, said so that its author can mend it.

use std::fmt::{self, Display};

/// How many bytes of foreign text an error message repeats before it cuts.
const EXCERPT: usize = 48;

/// Why an expression is not a schedule.
///
/// Text from the expression appears in it cut to a short length and with control and invisible characters escaped,
/// since it is written by others and ends up in logs, terminals and status fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Nothing is there, not even white space.
    #[error("the schedule is empty: write five fields such as `0 2 * * *`, or a descriptor such as `@daily`")]
    Empty,
    /// Longer than [`MAX_LENGTH`](super::MAX_LENGTH).
    #[error(
        "the schedule is {length} bytes long: at most {max} are read; use ranges and steps",
        max = super::MAX_LENGTH
    )]
    TooLong {
        /// The length of the expression in bytes.
        length: usize,
    },
    /// Not five fields.
    #[error(
        "`{text}` has {found} of the 5 fields minute, hour, day of month, month and day of week{}",
        count_hint(*found)
    )]
    FieldCount {
        /// How many fields there are.
        found: usize,
        /// The expression, cut and escaped.
        text: String,
    },
    /// One of the five fields has an unusable part.
    #[error("{field} `{part}`: {problem}")]
    Field {
        /// The field.
        field: Field,
        /// The part of its comma-separated list, cut and escaped.
        part: String,
        /// What is wrong with it.
        problem: FieldProblem,
    },
    /// A word after `@` that means nothing.
    #[error(
        "`{text}` is no descriptor: write @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly in lower \
         case and with nothing around it, or @every with one space and a duration, as in `@every 1h30m`"
    )]
    UnknownDescriptor {
        /// The descriptor, cut and escaped.
        text: String,
    },
    /// `@every` with something that is no Go duration, or one over 292 years.
    #[error(
        "`{text}` is no duration for @every: write numbers, each with a unit of h, m, s, ms, us or ns and no space \
         between, as in `1h30m`; a day is `24h`"
    )]
    BadInterval {
        /// The duration, cut and escaped.
        text: String,
    },
    /// A `TZ=` prefix that does not end. robfig/cron v3.0.1 panics on it.
    #[error("`{text}` has a time zone but no space and schedule after it: write it as in `TZ=Etc/UTC 0 2 * * *`")]
    ZoneWithoutSchedule {
        /// The expression, cut and escaped.
        text: String,
    },
    /// A `TZ=` prefix with a zone that is not in the database.
    #[error(
        "`{text}` is not a time zone: write an IANA name in its exact spelling, such as `Europe/Zurich`, or leave the \
         prefix out and set spec.timeZone"
    )]
    UnknownZone {
        /// The name, cut and escaped.
        text: String,
    },
}

/// Tells apart the two common slips: a field of seconds, or something left out.
fn count_hint(found: usize) -> &'static str {
    match found {
        6 | 7 => ": seconds and years are not supported, leave them out",
        0..=4 => ": write `*` for those that do not matter",
        _ => "",
    }
}

/// One of the five fields of a cron expression, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12 or JAN to DEC.
    Month,
    /// 0 to 6 or SUN to SAT, 0 being Sunday.
    DayOfWeek,
}

impl Field {
    /// What the field may hold, for messages.
    fn allowed(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::DayOfMonth => "1 to 31",
            Self::Month => "1 to 12 or JAN to DEC",
            Self::DayOfWeek => "0 to 6 or SUN to SAT",
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// What is wrong with one part of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Neither a number nor one of the names of the field.
    #[error(
        "`{text}` is neither a number nor a name this field knows; allowed are {}, with `*`, `,`, `-` and `/`",
        field.allowed()
    )]
    NotAValue {
        /// The field, for what is allowed.
        field: Field,
        /// The text in question, cut and escaped.
        text: String,
    },
    /// A value or range end that is too small or too large.
    #[error("{value} is out of bounds; allowed are {}{}", field.allowed(), bounds_hint(*field, *value))]
    OutOfBounds {
        /// The field, for what is allowed.
        field: Field,
        /// The value.
        value: u64,
    },
    /// A range that ends before it starts.
    #[error("the range runs backwards; write it as two: `{start}-{max},{min}-{end}`")]
    Backwards {
        /// Where it starts.
        start: u64,
        /// Where it ends.
        end: u64,
        /// The least value of the field.
        min: u64,
        /// The greatest value of the field.
        max: u64,
    },
    /// A step that is not a positive whole number.
    #[error("`{text}` is no step; write a whole number of at least 1 after the slash, as in `*/5`")]
    BadStep {
        /// The text after the slash, cut and escaped.
        text: String,
    },
    /// More than one hyphen.
    #[error("a range has one hyphen, as in `1-5`; separate ranges with commas")]
    TooManyHyphens,
    /// More than one slash.
    #[error("a step has one slash, as in `*/5`; separate parts with commas")]
    TooManySlashes,
}

/// The classic cron of Unix takes 7 for Sunday; this one does not.
fn bounds_hint(field: Field, value: u64) -> &'static str {
    if field == Field::DayOfWeek && value == 7 { "; Sunday is 0 or SUN" } else { "" }
}

/// Makes foreign text fit for a message: cut after [`EXCERPT`] bytes and with everything unprintable escaped.
pub(super) fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if shown.len() >= EXCERPT {
            shown.push('…');
            break;
        }
        match character {
            // Harmless in a message, and escaping them would only make it harder to read.
            '"' | '\'' | '\\' => shown.push(character),
            // The messages quote with it, so the text must not end its own quotation.
            '`' => shown.push('\''),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}
