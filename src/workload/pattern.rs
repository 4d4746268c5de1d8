//! Glob patterns, as an approval writes them for names, tags, arguments and image repositories.
//!
//! The language is small on purpose: `*` stands for any run of characters, `?` for exactly one, everything else for
//! itself. There is no escape and no character class, so a pattern can be read aloud by a reviewer and cannot
//! mean more than it seems to.

use std::fmt;

use thiserror::Error;

/// The longest pattern that is accepted, in bytes.
pub const MAX_PATTERN_BYTES: usize = 512;

/// How much hostile or mistaken text an error message repeats, in characters after escaping.
const EXCERPT_CHARS: usize = 80;

/// A glob that is compared, case-sensitively, with a whole string.
///
/// `*` matches any run of characters, also none; `?` matches one character (a Unicode scalar value, not a byte). A
/// pattern made by [`Pattern::path`] reads `/` as a border that neither of them crosses. Matching keeps one point to
/// return to, so its cost is at most the length of the pattern times the length of the text, whatever the pattern.
///
/// Patterns are ordered by their text, which gives lists of them a stable order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: Box<str>,
    scope: Scope,
}

/// What a wildcard may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Scope {
    /// Every character.
    Anything,
    /// Every character but `/`.
    Segment,
}

impl Scope {
    fn admits(self, character: char) -> bool {
        self == Self::Anything || character != '/'
    }
}

/// Why a text is not a [`Pattern`]. The messages say how to mend it and never repeat text unescaped or at length.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The text is empty, and would match only what is empty.
    #[error("pattern is empty: write `*` to match anything, or leave the field out")]
    Empty,
    /// The text is longer than [`MAX_PATTERN_BYTES`].
    #[error("pattern is {length} bytes long, at most {MAX_PATTERN_BYTES} are allowed: replace a part of it by `*`")]
    TooLong {
        /// The length of the text, in bytes.
        length: usize,
    },
    /// The text contains a control character, such as a line break or a terminal escape.
    #[error(
        "pattern \"{pattern}\" contains the control character {}: remove it, or write `?` in its place",
        .character.escape_default()
    )]
    Control {
        /// The first such character.
        character: char,
        /// The beginning of the pattern, escaped.
        pattern: String,
    },
    /// The text contains one of `[ ] { } \`, which mean something in other glob languages and nothing here.
    #[error(
        "pattern \"{pattern}\" contains `{character}`: only `*` (any run of characters) and `?` (one character) are \
         supported; write one pattern for each alternative, or `?` where this very character is meant"
    )]
    Unsupported {
        /// The first such character.
        character: char,
        /// The beginning of the pattern, escaped.
        pattern: String,
    },
    /// A path pattern contains `**`, which people expect to cross `/`.
    #[error(
        "pattern \"{pattern}\" contains `**`: `*` stands for one path segment or a part of it and never crosses `/`; \
         write one pattern for each depth, such as `team/*` and `team/*/*`"
    )]
    DoubleStar {
        /// The beginning of the pattern, escaped.
        pattern: String,
    },
}

impl Pattern {
    /// A pattern for names and tags: `*` and `?` match every character, `/` included.
    ///
    /// # Errors
    /// A [`PatternError`] if the text is empty, longer than [`MAX_PATTERN_BYTES`], contains a control character or
    /// one of `[ ] { } \`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        Self::with_scope(text, Scope::Anything)
    }

    /// A pattern for paths, such as image repositories: `*` and `?` never match `/`, so a pattern speaks for exactly
    /// one depth.
    ///
    /// # Errors
    /// As [`Pattern::new`]; also `**` is refused, for in most tools it crosses `/` and here it could not.
    pub fn path(text: &str) -> Result<Self, PatternError> {
        if text.contains("**") {
            return Err(PatternError::DoubleStar { pattern: excerpt(text) });
        }
        Self::with_scope(text, Scope::Segment)
    }

    /// A pattern for one argument of a command: `*` and `?` match every character, and all else stands for itself, line
    /// breaks and braces included, because whole scripts are arguments. Any text is such a pattern, also none.
    #[must_use]
    pub fn argument(text: &str) -> Self {
        Self { text: text.into(), scope: Scope::Anything }
    }

    fn with_scope(text: &str, scope: Scope) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong { length: text.len() });
        }
        if let Some(character) = text.chars().find(|c| c.is_control()) {
            return Err(PatternError::Control { character, pattern: excerpt(text) });
        }
        if let Some(character) = text.chars().find(|c| matches!(c, '[' | ']' | '{' | '}' | '\\')) {
            return Err(PatternError::Unsupported { character, pattern: excerpt(text) });
        }
        Ok(Self { text: text.into(), scope })
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // A pattern always matches its own text, and most patterns are literal.
        if *self.text == *text {
            return true;
        }
        if self.is_literal() {
            return false;
        }
        let mut pattern = self.text.chars();
        let mut rest = text.chars();
        // The last `*` met: the pattern after it, and the text it has not swallowed yet. Earlier ones need no second
        // try: whatever a later part of the pattern can match, it can match after the shortest start.
        let mut last_star = None;
        loop {
            let (mut next_pattern, mut next_rest) = (pattern.clone(), rest.clone());
            let matched = match (next_pattern.next(), next_rest.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    last_star = Some((next_pattern.clone(), rest.clone()));
                    next_rest = rest.clone();
                    true
                }
                (Some('?'), Some(character)) => self.scope.admits(character),
                (Some(wanted), Some(character)) => wanted == character,
                _ => false,
            };
            if matched {
                (pattern, rest) = (next_pattern, next_rest);
                continue;
            }
            let Some((after_star, unswallowed)) = &mut last_star else {
                return false;
            };
            match unswallowed.next() {
                Some(character) if self.scope.admits(character) => {
                    (pattern, rest) = (after_star.clone(), unswallowed.clone());
                }
                _ => return false,
            }
        }
    }

    /// Whether the pattern has no wildcard, and so matches nothing but its own text.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.text.contains(is_wildcard)
    }

    /// The only text that the pattern matches, if it has no wildcard.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        self.is_literal().then_some(&*self.text)
    }

    /// The text before the first wildcard: everything that matches begins with it. Empty if the pattern begins with a
    /// wildcard, the whole pattern if it has none.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        self.text.split(is_wildcard).next().unwrap_or_default()
    }

    /// Whether the pattern matches every string there is: nothing but `*`. Never true of a path pattern, which leaves
    /// out all that contains `/`.
    #[must_use]
    pub fn is_catch_all(&self) -> bool {
        self.scope == Scope::Anything && !self.text.is_empty() && self.text.chars().all(|c| c == '*')
    }
}

/// The text as it was written.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a character is one of the wildcards.
pub(super) fn is_wildcard(character: char) -> bool {
    matches!(character, '*' | '?')
}

/// The beginning of `text` in printable ASCII, for error messages: hostile text must neither reach a terminal as it
/// is nor fill a status field.
pub(super) fn excerpt(text: &str) -> String {
    let mut escaped = text.chars().flat_map(char::escape_default);
    let mut shown: String = escaped.by_ref().take(EXCERPT_CHARS).collect();
    if escaped.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    fn path(text: &str) -> Pattern {
        Pattern::path(text).unwrap()
    }

    /// The definition of matching, as directly as it can be written; exponential, so for short texts only.
    fn naive(pattern: &[char], text: &[char], scope: Scope) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', after @ ..], _) => {
                naive(after, text, scope)
                    || matches!(text, [c, rest @ ..] if scope.admits(*c) && naive(pattern, rest, scope))
            }
            (['?', after @ ..], [c, rest @ ..]) => scope.admits(*c) && naive(after, rest, scope),
            ([p, after @ ..], [c, rest @ ..]) => p == c && naive(after, rest, scope),
            _ => false,
        }
    }

    #[test]
    fn wildcards_match_whole_texts() {
        for (pattern, text, expected) in [
            ("nightly-backup", "nightly-backup", true),
            ("nightly-backup", "Nightly-backup", false),
            ("backup", "nightly-backup", false),
            ("backup-*", "backup-", true),
            ("backup-*", "my-backup-1", false),
            ("*-backup", "a/b-backup", true),
            ("v3.?", "v3.1", true),
            ("v3.?", "v3.10", false),
            ("v3.?", "v3.", false),
            ("?", "é", true),
            ("*é?", "aéé", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a.c", "abc", false),
            ("*", "", true),
            ("?*", "", false),
        ] {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn path_wildcards_stop_at_slashes() {
        for (pattern, text, expected) in [
            ("team/*", "team/app", true),
            ("team/*", "team/app/debug", false),
            ("team/*/app", "team/x/app", true),
            ("*/app", "app", false),
            ("team?app", "team/app", false),
            ("*p/*x", "app/ap/x", false),
            ("a*b/c*d", "abb/cdd", true),
        ] {
            assert_eq!(path(pattern).matches(text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn refused_patterns_say_what_is_supported() {
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        for (text, part) in [
            ("", "leave the field out"),
            (long.as_str(), "513 bytes"),
            ("a\u{1b}[2Jb", "\\u{1b}"),
            ("a\n", "\\n"),
            ("v[0-9]", "only `*` (any run of characters) and `?` (one character) are supported"),
            ("{a,b}", "one pattern for each alternative"),
            ("a\\*", "`\\`"),
        ] {
            let message = Pattern::new(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert!(message.chars().all(|c| !c.is_control()) && message.len() < 400, "{message}");
        }
        let message = Pattern::path("team/**").unwrap_err().to_string();
        assert!(message.contains("`team/*/*`"), "{message}");
        assert!(glob("**").is_catch_all());
    }

    #[test]
    fn properties_of_the_text() {
        assert_eq!(glob("payments-*-x").literal_prefix(), "payments-");
        assert_eq!(glob("*").literal_prefix(), "");
        assert_eq!(glob("exact").literal_prefix(), "exact");
        assert_eq!(glob("exact").as_literal(), Some("exact"));
        assert_eq!(glob("exac?").as_literal(), None);
        assert!(glob("*").is_catch_all() && !glob("*?").is_catch_all() && !path("*").is_catch_all());
        assert!(!Pattern::argument("").is_catch_all());
        assert_eq!(glob("a*b").to_string(), "a*b");
        assert_eq!(excerpt("a\u{202e}\u{7}é"), "a\\u{202e}\\u{7}\\u{e9}");
        assert!(excerpt(&"\n".repeat(1000)).len() < 90);
    }

    #[test]
    fn hostile_patterns_stay_cheap() {
        let pattern = glob(&format!("{}b", "*a".repeat(255)));
        let text = "a".repeat(20_000);
        assert!(!pattern.matches(&text));
        assert!(pattern.matches(&format!("{text}b")));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab/*?]{1,7}", text in "[ab/é]{0,9}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob(&pattern).matches(&text), naive(&p, &t, Scope::Anything));
            if let Ok(path) = Pattern::path(&pattern) {
                prop_assert_eq!(path.matches(&text), naive(&p, &t, Scope::Segment));
            }
        }

        #[test]
        fn literals_match_only_themselves(pattern in "[a-c./-]{1,4}", text in "[a-c./-]{1,4}") {
            prop_assert_eq!(glob(&pattern).matches(&text), pattern == text);
            prop_assert_eq!(path(&pattern).matches(&text), pattern == text);
        }

        #[test]
        fn matches_begin_with_the_literal_prefix(pattern in "[ab*?]{1,5}", text in "[ab]{0,6}") {
            let pattern = glob(&pattern);
            prop_assert!(!pattern.matches(&text) || text.starts_with(pattern.literal_prefix()));
        }
    }
}
