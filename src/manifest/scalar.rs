//! The types of scalars, as `kubectl` sees them.
//!
//! It reads YAML 1.1 (`resolve` of `go.yaml.in/yaml/v2`), makes JSON of it (`sigs.k8s.io/yaml`) and reads that again: in the end
//! a number is an integer wherever it can be.

use super::tree::{Kind, Node, Tree};

/// A scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'t> {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer that only fits without a sign.
    Unsigned(u64),
    Float(f64),
    Text(&'t str),
}

/// The scalar that a node is; nothing if it is no scalar. Fails if the text does not fit its tag.
pub(super) fn resolve<'t>(tree: &'t Tree<'_>, node: &'t Node<'_>) -> Result<Option<Scalar<'t>>, String> {
    Ok(Some(match node.kind {
        Kind::Text => Scalar::Text(&node.text),
        Kind::Plain => plain(&node.text),
        Kind::Literal => literal(&node.text),
        Kind::Tagged => tagged(tree.tag(node), &node.text)?,
        Kind::Mapping | Kind::Sequence | Kind::Alias => return Ok(None),
    }))
}

/// Whether a plain scalar is text.
pub(super) fn is_text(text: &str) -> bool {
    match text.as_bytes().first() {
        None => false,
        // Nothing else starts a number, a truth value or null.
        Some(
            b'0'..=b'9'
            | b'+'
            | b'-'
            | b'.'
            | b'~'
            | b'y'
            | b'Y'
            | b'n'
            | b'N'
            | b't'
            | b'T'
            | b'f'
            | b'F'
            | b'o'
            | b'O',
        ) => {
            matches!(plain(text), Scalar::Text(_))
        }
        Some(_) => true,
    }
}

/// What a plain scalar without a tag is.
pub(super) fn plain(text: &str) -> Scalar<'_> {
    let Some(first) = text.as_bytes().first() else { return Scalar::Null };
    match first {
        b'0'..=b'9' | b'+' | b'-' => number(text),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => fraction(text).map_or(Scalar::Text(text), Scalar::Float),
        },
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
            "~" | "null" | "Null" | "NULL" => Scalar::Null,
            _ => Scalar::Text(text),
        },
        _ => Scalar::Text(text),
    }
}

/// What starts like a number: an integer, a float, or text after all.
fn number(text: &str) -> Scalar<'_> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    // No number has more characters of other kinds than these; most texts end here.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"+-._xXoO".contains(&byte)) {
        return Scalar::Text(text);
    }
    let digits: String;
    let bare = if text.contains('_') {
        digits = text.replace('_', "");
        digits.as_str()
    } else {
        text
    };
    if let Some(value) = integer(bare) {
        return i64::try_from(value)
            .map_or_else(|_| u64::try_from(value).map_or(Scalar::Text(text), Scalar::Unsigned), Scalar::Integer);
    }
    if let Some(value) = float(bare) {
        return Scalar::Float(value);
    }
    // `0b+1` and `0b-1` are numbers too.
    let (negative, binary) = match bare.strip_prefix("-0b") {
        Some(rest) => (true, Some(rest)),
        None => (false, bare.strip_prefix("0b")),
    };
    let signed = binary.and_then(|rest| {
        let magnitude = rest.strip_prefix(['+', '-']).filter(|_| !negative)?;
        let value = i128::from(radix(magnitude, 2)?);
        i64::try_from(if rest.starts_with('-') { -value } else { value }).ok()
    });
    signed.map_or(Scalar::Text(text), Scalar::Integer)
}

/// An integer of 64 bits with its sign, or without one up to the full 64 bits.
fn integer(text: &str) -> Option<i128> {
    let (sign, magnitude) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (0, text),
    };
    let bytes = magnitude.as_bytes();
    let value = match bytes {
        [] => return None,
        [b'0', b'x' | b'X', _, ..] => radix(magnitude.get(2..)?, 16)?,
        [b'0', b'o' | b'O', _, ..] => radix(magnitude.get(2..)?, 8)?,
        [b'0', b'b' | b'B', _, ..] => radix(magnitude.get(2..)?, 2)?,
        [b'0'] => 0,
        [b'0', ..] => radix(magnitude.get(1..)?, 8)?,
        _ => radix(magnitude, 10)?,
    };
    let value = i128::from(value);
    match sign {
        0 => Some(value),
        sign => Some(sign * value).filter(|value| i64::try_from(*value).is_ok()),
    }
}

fn radix(digits: &str, base: u32) -> Option<u64> {
    // `from_str_radix` would take a sign.
    digits.starts_with(|first: char| first.is_digit(base)).then(|| u64::from_str_radix(digits, base).ok())?
}

/// A float that starts with its point. Here an underscore must stand between digits.
fn fraction(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return float(text);
    }
    let parts: Vec<&str> = text.split('_').collect();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let between = parts.windows(2).all(|pair| match pair {
        [before, after] => digit(before.bytes().last()) && digit(after.bytes().next()),
        _ => false,
    });
    between.then(|| float(&parts.concat())).flatten()
}

/// A float in decimal notation that is not too large for one.
fn float(text: &str) -> Option<f64> {
    let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match magnitude.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (magnitude, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shaped = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    shaped.then(|| text.parse::<f64>().ok()).flatten().filter(|value| value.is_finite())
}

/// A number, `true`, `false` or `null` of JSON. A number that is too large is infinite.
fn literal(text: &str) -> Scalar<'_> {
    match text {
        "null" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Scalar::Float(text.parse().unwrap_or(f64::INFINITY)), Scalar::Integer),
    }
}

/// What a scalar with a tag is.
fn tagged<'t>(tag: &str, text: &'t str) -> Result<Scalar<'t>, String> {
    let Some(kind) = tag.strip_prefix("tag:yaml.org,2002:") else { return Ok(Scalar::Text(text)) };
    let scalar = match kind {
        "binary" => {
            return Err("the tag !!binary is not read here: write the text in quotes, without the tag".to_owned());
        }
        "timestamp" => {
            return Err("the tag !!timestamp is not read here: write the text in quotes, without the tag".to_owned());
        }
        "bool" | "int" | "float" | "null" => plain(text),
        _ => return Ok(Scalar::Text(text)),
    };
    match (kind, scalar) {
        ("bool", Scalar::Bool(_))
        | ("int", Scalar::Integer(_) | Scalar::Unsigned(_))
        | ("float", Scalar::Float(_))
        | ("null", Scalar::Null) => Ok(scalar),
        #[allow(clippy::cast_precision_loss, reason = "this is what the tag asks for")]
        ("float", Scalar::Integer(value)) => Ok(Scalar::Float(value as f64)),
        _ => Err(format!("this value does not fit its tag !!{kind}")),
    }
}

/// A float as a key: the shortest digits of a float of 32 bits.
pub(super) fn float_key(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "kubectl does the same")]
    let value = value as f32;
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The integer that JSON makes of a float: it is written with as few digits as tell it from other floats, and zeros after
/// them.
#[allow(clippy::cast_possible_truncation, reason = "the value is whole and in range")]
pub(super) fn whole(value: f64) -> Option<i64> {
    /// Up to here every integer has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() >= 1e21 {
        return None;
    }
    if value.abs() <= EXACT { Some(value as i64) } else { format!("{value}").parse().ok() }
}
