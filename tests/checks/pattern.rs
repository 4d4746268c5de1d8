//! Globs: any pattern against any text. The input is the pattern, a line feed and the text.

use cronwarden::workload::pattern::Pattern;

use super::assert_harmless;

pub fn check(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (pattern, text) = input.split_once('\n').unwrap_or((&input, ""));
    let any = |_| true;
    compare(&Pattern::argument(pattern), text, any);
    match Pattern::new(pattern) {
        Ok(glob) => compare(&glob, text, any),
        Err(error) => assert_harmless(&error.to_string()),
    }
    match Pattern::path(pattern) {
        Ok(glob) => {
            compare(&glob, text, |character| character != '/');
            assert!(!glob.is_catch_all());
            assert!(!glob.matches(text) || slashes(pattern) == slashes(text));
        }
        Err(error) => assert_harmless(&error.to_string()),
    }
}

fn slashes(text: &str) -> usize {
    text.matches('/').count()
}

fn compare(glob: &Pattern, text: &str, admits: fn(char) -> bool) {
    let pattern = glob.to_string();
    // A text that fits wherever the wildcards admit it: most texts do not.
    let filled = pattern.replace('*', text).replace('?', "x");
    let short: String = filled.chars().take(4096).collect();
    for text in [text, "", &short, &pattern] {
        let matched = glob.matches(text);
        assert_eq!(matched, matches(&pattern, text, admits), "{pattern:?} against {text:?}");
        assert!(!matched || text.starts_with(glob.literal_prefix()));
        assert!(matched || !glob.is_catch_all());
        assert!(glob.as_literal().is_none_or(|literal| (literal == text) == matched));
    }
    assert!(glob.matches(&pattern) || pattern.contains(['*', '?']));
    assert_eq!(glob.is_literal(), glob.as_literal().is_some());
}

/// The definition of matching, by a table: which beginnings of the text are matched by the pattern so far.
pub(super) fn matches(pattern: &str, text: &str, admits: fn(char) -> bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        next[0] = wanted == '*' && matched[0];
        for (i, character) in text.iter().enumerate() {
            next[i + 1] = match wanted {
                '*' => matched[i + 1] || next[i] && admits(*character),
                '?' => matched[i] && admits(*character),
                _ => matched[i] && wanted == *character,
            };
        }
        matched = next;
    }
    matched[text.len()]
}
