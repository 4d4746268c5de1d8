//! Cutting a record into JSON values.

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
    let mut rest = text;
    let mut within_lines = false;
    loop {
        rest = rest
            .trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | '\u{feff}' | '\u{1e}' | '\0'));
        if rest.is_empty() {
            return;
        }
        let line = rest.split('\n').next().unwrap_or_default();
        let Some(start) = start(line) else {
            each(Err(NO_JSON));
            rest = &rest[line.len()..];
            continue;
        };
        let searched = if within_lines { &line[start..] } else { &rest[start..] };
        if let Some(value) = first(searched) {
            each(Ok(value));
            rest = &rest[start + value.len()..];
        } else if within_lines || first_fails_within(&line[start..]) {
            each(Err(BROKEN));
            rest = &rest[line.len()..];
        } else {
            within_lines = true;
        }
    }
}

/// Where JSON begins in a line, if it does: what begins with neither a bracket nor a quote has its object behind a prefix.
fn start(line: &str) -> Option<usize> {
    if line.starts_with(['{', '[', '"']) {
        return Some(0);
    }
    line.bytes().take(LONGEST_PREFIX).position(|byte| byte == b'{')
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
