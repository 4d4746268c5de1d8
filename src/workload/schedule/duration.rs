//! The duration of `@every`, read as Go's [`time.ParseDuration`] reads it.
//!
//! [`time.ParseDuration`]: https://pkg.go.dev/time#ParseDuration

/// The size of the smallest Go duration, -2^63 ns: the bound on every sum until the sign is known.
const LIMIT: u64 = 1 << 63;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The whole seconds of an `@every` interval: cut to the second, and at least one, negative durations included, as
/// robfig/cron's `Every` does. `None` if the text is not a duration.
pub(super) fn interval_seconds(text: &str) -> Option<u64> {
    let seconds = nanoseconds(text)? / NANOS_PER_SECOND;
    Some(u64::try_from(seconds).unwrap_or(0).max(1))
}

/// A Go duration in nanoseconds: a sign, then numbers with units, or just `0`.
fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (amount, tail) = component(rest)?;
        // Go checks the sum only after adding, and 2^63 + 2^63 has wrapped to an innocent zero by then.
        total = total.wrapping_add(amount);
        if total > LIMIT {
            return None;
        }
        rest = tail;
    }
    if negative { Some(0_i64.wrapping_sub_unsigned(total)) } else { i64::try_from(total).ok() }
}

/// Reads one number with its unit, and returns it in nanoseconds together with what follows it.
fn component(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = split_digits(text)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest)?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(unit_end)?;
    let unit = unit_nanoseconds(unit)?;

    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let amount = whole.checked_mul(unit).filter(|amount| *amount <= LIMIT)?;
    let amount = amount.checked_add(fraction_of(fraction, unit)).filter(|amount| *amount <= LIMIT)?;
    Some((amount, rest))
}

/// Splits the leading decimal digits from the rest.
fn split_digits(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The nanoseconds in a unit. Microseconds may be written with the micro sign or with the Greek letter.
fn unit_nanoseconds(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// The nanoseconds in the digits after the decimal point.
///
/// In floating point, because Go does it so and the last nanosecond may decide on a whole second. Digits beyond the
/// precision of 63 bits are ignored.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go rounds; the product is positive and below one unit, an hour at most"
)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value = 0_u64;
    let mut scale = 1_f64;
    for digit in digits.bytes().map(|byte| u64::from(byte.wrapping_sub(b'0'))) {
        let longer = value.checked_mul(10).and_then(|value| value.checked_add(digit));
        match longer.filter(|longer| value <= (LIMIT - 1) / 10 && *longer <= LIMIT) {
            Some(longer) => value = longer,
            None => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}
