//! Lines of a source that are fit to be shown.
//!
//! A manifest holds what no output may show: literal values of environment variables, passwords in command lines. What looks
//! like one is known where it was judged, and there it was left out of what was observed. So an excerpt shows a value only
//! if what was observed shows it too, in full; in the place of all others it shows `…`. Around what is highlighted it
//! shows the name of the field and nothing else.

use std::ops::Range;

use serde_json::Value;

use super::Excerpt;
use crate::workload::redact::printable;

/// The longest line, in characters. A line that is longer is cut after what is highlighted.
const LONGEST_LINE: usize = 160;
/// The most lines of one excerpt.
const MOST_LINES: usize = 12;
const HIDDEN: &str = "…";
/// Fields whose values are texts of any meaning.
const SECRETIVE: [&str; 4] = ["value", "data", "stringData", "annotations"];

/// Lines that are fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// The number of the first line.
    pub(super) first_line: usize,
    /// The lines, without anything that could be a credential.
    pub(super) text: String,
    /// The bytes of `text` that are meant.
    pub(super) highlight: Range<usize>,
}

/// The lines of an excerpt that are highlighted, as far as `known` texts show what is in them. Nothing if the excerpt does not
/// fit its own text.
pub(super) fn lines(excerpt: &Excerpt, known: &[&str]) -> Option<Lines> {
    let Excerpt { first_line, text, highlight } = excerpt;
    let before = text.get(..highlight.start)?;
    let inside = text.get(highlight.clone())?.trim_end();
    let prefix = before.rsplit('\n').next().unwrap_or_default();
    let skipped = before.matches('\n').count();
    let column = prefix.chars().count();
    // What is hidden is as wide as it was, so that columns are those of the file.
    let prefix = if is_structure(prefix) { prefix.to_owned() } else { format!("{HIDDEN:<column$}") };

    let first = inside.lines().next().unwrap_or_default();
    let body = [inside, first].into_iter().find(|body| is_known(body, column, known));
    let body = match body {
        Some(body) => body.lines().take(MOST_LINES).map(cut).collect::<Vec<_>>().join("\n"),
        None => HIDDEN.to_owned(),
    };
    let highlight = prefix.len()..prefix.len() + body.len();
    Some(Lines { first_line: usize::try_from(*first_line).ok()? + skipped, text: prefix + &body, highlight })
}

fn cut(line: &str) -> String {
    let line = line.replace('\t', "    ");
    let shown = printable(line.trim_end(), usize::MAX);
    match shown.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}{HIDDEN}", shown.get(..end).unwrap_or_default()),
        None => shown,
    }
}

/// Whether the beginning of a line is indentation, dashes and at most one name of a field.
fn is_structure(prefix: &str) -> bool {
    let rest = prefix.trim_start_matches([' ', '\t', '-']).trim_end();
    let Some(name) = rest.strip_suffix(':') else { return rest.is_empty() };
    let name = name.trim_matches('"');
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'))
}

/// Whether every value in a piece of a manifest is in the known texts, and nothing else is in it.
///
/// A known text that was redacted or cut proves nothing: a password can be a word of what is left.
fn is_known(piece: &str, column: usize, known: &[&str]) -> bool {
    // Parsing leaves comments out. A `#` in a text hides it needlessly, which does no harm.
    let has_comment = piece.contains('#');
    let is_partial = known.iter().any(|text| text.contains("[redacted") || text.contains(HIDDEN));
    if has_comment || is_partial || piece.is_empty() {
        return false;
    }
    // The first line stands as far to the right as it did, so that a list over several lines is still one.
    let piece = " ".repeat(column) + piece;
    serde_saphyr::from_str::<Value>(&piece).is_ok_and(|value| all_known(&value, known))
}

fn all_known(value: &Value, known: &[&str]) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => occurs(&number.to_string(), known),
        Value::String(text) => occurs(text, known),
        Value::Array(items) => items.iter().all(|item| all_known(item, known)),
        // The fields of Kubernetes have names of letters only; the name of a variable or a key may be anything.
        Value::Object(fields) => fields.iter().all(|(name, value)| {
            let is_field = name.bytes().all(|b| b.is_ascii_alphabetic()) && !SECRETIVE.contains(&name.as_str());
            is_field && all_known(value, known)
        }),
    }
}

/// Whether a value occurs in one of the texts, not as a part of a word there.
fn occurs(value: &str, known: &[&str]) -> bool {
    let value = printable(value, usize::MAX);
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    known.iter().any(|text| {
        text.match_indices(&value).any(|(at, _)| {
            let (before, after) = text.split_at(at);
            let after = after.get(value.len()..).unwrap_or_default();
            !is_word(before.chars().next_back()) && !is_word(after.chars().next())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An excerpt in which the part between `«` and `»` is highlighted.
    fn excerpt(marked: &str) -> Excerpt {
        let (before, rest) = marked.split_once('«').unwrap();
        let (inside, after) = rest.split_once('»').unwrap();
        let highlight = before.len()..before.len() + inside.len();
        Excerpt { first_line: 10, text: format!("{before}{inside}{after}"), highlight }
    }

    fn text(marked: &str, known: &[&str]) -> String {
        let lines = lines(&excerpt(marked), known).unwrap();
        let (before, rest) = lines.text.split_at(lines.highlight.start);
        let (inside, after) = rest.split_at(lines.highlight.len());
        assert_eq!(after, "");
        format!("{} {before}«{inside}»", lines.first_line)
    }

    #[test]
    fn what_was_observed_is_shown() {
        for (marked, known, expected) in [
            ("spec:\n  schedule: «\"*/5 * * * *\"» # often\n", "*/5 * * * *", "11   schedule: «\"*/5 * * * *\"»"),
            ("  - image: «alpine:edge»\n", "docker.io/library/alpine:edge", "10   - image: «alpine:edge»"),
            ("\thostPID: «true»", "true", "10 \thostPID: «true»"),
            ("    command: «[sh, -c]»", r#"["sh", "-c"] with args ["x"]"#, "10     command: «[sh, -c]»"),
            (
                "    args:\n    - «sh\n    - -c»\n    env:",
                r#"["sh", "-c"]"#,
                // Parsed on its own, this is one text over two lines.
                "11     - «sh»",
            ),
            ("    args:\n    «- sh\n    - -c»\n    env:", r#"["sh", "-c"]"#, "11     «- sh\n    - -c»"),
        ] {
            assert_eq!(text(marked, &[known]), expected);
        }
    }

    #[test]
    fn what_was_not_observed_is_hidden() {
        for (marked, known) in [
            ("    env: «[{name: A, value: is}]»", "A is set"),
            ("    args: «[--password, all]»", r#"["--password", "[redacted]", "--all"]"#),
            ("    args: «[--password, hunter2]»", r#"["--password", "…"]"#),
            ("    args: «[hunter2]»", "[\"hunter22\"]"),
            ("    args:\n    «- sh # hunter2\n    - -c»", r#"["sh", "-c"]"#),
            ("    schedule: «\"* * * * *\" # * *»", "* * * * *"),
            ("    env: «{hunter2: true}»", "true"),
            ("    args: «*anchor»", "anchor"),
            ("    args: «[broken»", "broken"),
            ("    value: «12345»", "1234"),
        ] {
            let shown = text(marked, &[known]);
            assert!(shown.ends_with(": «…»") || shown.ends_with("    «…»"), "{shown}");
        }
    }

    #[test]
    fn nothing_but_the_name_of_the_field_is_shown_around_it() {
        assert_eq!(text("{env: [{value: 2}], x: «a»}", &["a"]), "10 …                      «a»");
        assert_eq!(text("hunter2 x: «a»", &["a"]), "10 …          «a»");
    }

    #[test]
    fn long_and_hostile_lines_are_cut_and_escaped() {
        let long = "a".repeat(5000);
        let shown = text(&format!("  image: «{long}»"), &[&long]);
        assert_eq!(shown.chars().count(), "10   image: «»".chars().count() + LONGEST_LINE + 1);
        let hostile = "a\u{202e}b";
        assert_eq!(text(&format!("  image: «{hostile}»"), &["a\\u{202e}b"]), "10   image: «a\\u{202e}b»");
    }

    #[test]
    fn an_excerpt_that_does_not_fit_its_text_is_left_out() {
        for highlight in [5..9, 1..2] {
            assert_eq!(lines(&Excerpt { first_line: 1, text: "aäb".to_owned(), highlight }, &["a"]), None);
        }
    }
}
