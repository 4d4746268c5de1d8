//! What `kubectl` reads and we refuse.

/// Why we refuse, and pieces of the messages with which we do.
pub const KNOWN: &[(&str, &[&str])] = &[
    (
        "kubectl stops at the end of the first value, whatever stands behind it; that is a place to hide things",
        &[
            "kubectl passes over this text behind the end of the document",
            "kubectl reads only the first document of this text",
        ],
    ),
    (
        "the same, where our parser notices the text behind already while it looks for the end of the value",
        &[
            "a list or mapping cannot be a key",
            "block sequence entries are not allowed in this context",
            "invalid trailing content after",
            "invalid content after document end marker",
            "mapping keys are not allowed in this context",
            "mapping values are not allowed in this context",
            "mismatched bracket",
            "misplaced bracket",
            "only mappings can be merged",
            "simple key expected ':'",
            "unclosed bracket",
            "unclosed quote",
            "unexpected EOF while parsing an implicit flow mapping",
            "unexpected character",
            "did not find expected key",
            "did not find expected hexadecimal number",
            "found unknown anchor",
            "did not find expected alphabetic or numeric character",
            "did not find expected comment or line break",
            "YAML directives are disallowed",
            "JSON has no numbers that are infinite",
            "unexpected EOF while parsing a block",
            "did not find expected ',' or '}'",
            "expected ',' or ']'",
            "surrogate",
            "found a tab",
            "found an invalid escape sequence",
            "did not find the expected '>'",
            "a block scalar content cannot start with a tab",
            "found unexpected document indicator",
        ],
    ),
    (
        "YAML 1.1 has more line ends than editors show",
        &["a carriage return without a line feed", "a character that YAML takes for a line end"],
    ),
    (
        "characters that say nothing, and that kubectl only takes where it does not look",
        &["a byte order mark in the middle of the text", "a control character, which YAML does not allow"],
    ),
    ("kubectl reads UTF-16, nobody else does", &["the text is UTF-16"]),
    (
        "what YAML 1.1 and YAML 1.2 read differently between brackets",
        &[
            "kubectl reads a question mark between brackets differently",
            "kubectl takes this colon for a part of the text",
            "kubectl takes this colon for the end of a key",
            "kubectl takes this comma for a part of the tag",
            "illegal placement of ':' indicator",
            "':' may not precede any of",
            "plain scalar cannot start with '-' followed by",
            "\"-\" is only valid inside a block",
        ],
    ),
    (
        "our parser knows YAML 1.2, which is stricter about comments, tabs, indentation, tags, escapes and names",
        &[
            "comment intercepting the multiline text",
            "comments must be separated from other tokens by whitespace",
            "invalid indentation in multiline quoted scalar",
            "tab cannot be used as indentation",
            "tabs disallowed within this context",
            "wrongly indented line in block scalar",
            "found unknown escape character",
            "did not find expected tag URI",
            "did not find expected whitespace or line break",
            "kubectl allows only letters, digits, `-` and `_` in the names of anchors",
        ],
    ),
    ("nothing that could be an object", &["a manifest is a mapping, not a single text"]),
    (
        "nobody uses these tags in manifests, and they have rules of their own",
        &["the tag !!binary", "the tag !!timestamp"],
    ),
    (
        "kubectl takes one or the other of two values at random",
        &["this key stands twice, as text and as something else", "this cannot be a key"],
    ),
];

/// The pieces of messages.
pub fn pieces() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|(_, pieces)| pieces.iter().copied())
}
