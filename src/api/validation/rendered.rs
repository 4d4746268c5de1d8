//! Values as the API server prints them in its messages: `strconv.Quote`, `fmt` and `encoding/json` of Go.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

/// What Go prints as it is: letters, marks, numbers, punctuation and symbols of the version of Unicode that it knows.
static PRINTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[[\p{L}\p{M}\p{N}\p{P}\p{S}]&&\p{Age:15.0}]$").ok());

/// A value as `field.Error` prints it.
pub(super) fn rendered(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => shown(number),
        other => marshalled(other),
    }
}

/// A value as `json.Marshal` writes it: sorted, and safe to embed in HTML.
pub(super) fn marshalled(value: &Value) -> String {
    let mut out = String::new();
    json(value, &mut out);
    out
}

/// A text as `%q` prints it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        // Writing into a String cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\u{7}' => write!(out, "\\a"),
            '\u{8}' => write!(out, "\\b"),
            '\u{c}' => write!(out, "\\f"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\u{b}' => write!(out, "\\v"),
            ' '..='~' => write!(out, "{character}"),
            control if control.is_ascii() => write!(out, "\\x{:02x}", u32::from(control)),
            other if is_printable(other) => write!(out, "{other}"),
            other if u32::from(other) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(other)),
            other => write!(out, "\\U{:08x}", u32::from(other)),
        };
    }
    out.push('"');
    out
}

fn is_printable(character: char) -> bool {
    PRINTABLE.as_ref().is_some_and(|printable| printable.is_match(character.encode_utf8(&mut [0; 4])))
}

/// A number as `%v` prints it. What does not fit into 64 bits with a sign is a float to the server.
fn shown(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => decimal(float, |exponent| (-4..6).contains(&exponent), 2),
        (None, None) => number.to_string(),
    }
}

/// The shortest decimal form of a float, as Go writes it: without an exponent where `plain` says so, with an exponent of at least
/// `digits` digits otherwise.
fn decimal(float: f64, plain: impl Fn(i32) -> bool, digits: usize) -> String {
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    if float == 0.0 || plain(exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:0digits$}", exponent.unsigned_abs())
}

fn json(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
        Value::Number(number) => out.push_str(&match (number.as_i64(), number.as_f64()) {
            (None, Some(float)) => decimal(float, |exponent| (-6..21).contains(&exponent), 1),
            _ => number.to_string(),
        }),
        Value::String(text) => json_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_text(name, out);
                out.push(':');
                json(value, out);
            }
            out.push('}');
        }
    }
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}' => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
