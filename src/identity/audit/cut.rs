//! Cutting a record into JSON values.
//!
//! A line may be a part of an event that some forwarder split, and what stands in events is in part chosen by whoever makes requests: an
//! object within the body of a request could look like an event by itself. So a value counts only if nothing but the end of the line
//! or another value follows it, which is never so within JSON, and what is before it must not look like JSON.

use serde_json::value::RawValue;

const NO_JSON: &str = "expected an audit event as JSON, found other text";
const BROKEN: &str = "expected an audit event as JSON, found JSON that is broken or cut off";

/// The longest text before the JSON of a line: a time, a host, a stream.
const LONGEST_PREFIX: usize = 512;

/// Calls `each` with every JSON value of a text: one after another, one a line, or behind a time or another prefix on its line. What is
/// none is told with a reason, and reading goes on with the next line.
///
/// The time taken is in proportion to the text: after a value that breaks on a later line than it began, values are only looked for
/// within lines.
pub(super) fn values<'a>(text: &'a str, mut each: impl FnMut(Result<&'a str, &'static str>)) {
    let (mut at, mut line_end) = (0, 0);
    let mut within_lines = false;
    loop {
        let rest = text[at..].trim_start_matches(is_between_values);
        at = text.len() - rest.len();
        if rest.is_empty() {
            return;
        }
        if at >= line_end {
            line_end = memchr::memchr(b'\n', rest.as_bytes()).map_or(text.len(), |length| at + length);
        }
        let line = &text[at..line_end];
        let Some(start) = start(line) else {
            each(Err(NO_JSON));
            at = line_end;
            continue;
        };
        let searched = if within_lines { &line[start..] } else { &rest[start..] };
        if let Some(value) = first(searched) {
            at += start + value.len();
            if is_end(&text[at..]) {
                each(Ok(value));
                continue;
            }
            line_end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |length| at + length);
            each(Err(BROKEN));
            at = line_end;
        } else if within_lines || first_fails_within(&line[start..]) {
            each(Err(BROKEN));
            at = line_end;
        } else {
            within_lines = true;
        }
    }
}

/// White space, and the marks of byte order and of records (RFC 7464).
fn is_between_values(character: char) -> bool {
    character.is_ascii_whitespace() || matches!(character, '\u{feff}' | '\u{1e}' | '\0')
}

/// Whether a value may end here: before the end of a line, or before another value.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    rest.is_empty() || rest.starts_with(['\n', '{', '[', '"', '\u{feff}', '\u{1e}', '\0'])
}

/// Where JSON begins in a line, if it does: what begins with neither a bracket nor a quote has an object, or an array of such, behind a
/// prefix. Container runtimes mark a line that goes on with a `P`.
fn start(line: &str) -> Option<usize> {
    if line.starts_with(['{', '[', '"']) {
        return Some(0);
    }
    let object = line.bytes().take(LONGEST_PREFIX).position(|byte| byte == b'{')?;
    let prefix = line[..object].trim_end_matches('[');
    let is_prefix = !prefix.contains(['"', '\\', '}']) && !prefix.ends_with(" P ");
    is_prefix.then_some(prefix.len())
}

fn first(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.next()?.ok().map(RawValue::get)
}

/// Whether the first value of a line is broken in the line itself, rather than continued on the next.
fn first_fails_within(line: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<&RawValue>();
    values.next().is_some_and(|value| value.is_err_and(|error| !error.is_eof()))
}
