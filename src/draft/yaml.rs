//! Drafts as YAML with comments.
//!
//! What applies such a file may read YAML 1.1, where `on`, `0755` and `1e3` are no texts, or YAML 1.2, where they are. Here
//! everything is in quotes that is not plainly a word, so that both read the same.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Draft, LeftOut, Note};
use crate::workload::redact::printable;

/// Writes drafts as one file, each a document. The notes and what was left out stand as comments at the fields that they are about.
pub fn yaml(drafts: &[Draft]) -> String {
    let documents = drafts.iter().map(document);
    documents.collect::<Vec<_>>().join("---\n")
}

fn document(draft: &Draft) -> String {
    let text = serde_json::to_string(&draft.approval).unwrap_or_default();
    // An approval is made of texts, lists and maps: it always has this form.
    let Ok(Node::Map(fields)) = serde_json::from_str(&text) else { return String::new() };
    let mut remarks: Vec<(&str, String)> = draft.notes.iter().map(note).collect();
    remarks.extend(draft.left_out.iter().map(left_out));
    let paths = paths(&fields);
    let mut writer = Writer { text: String::new(), remarks: Vec::new() };
    // A remark on a field that is not written stands at what would hold it.
    for (field, text) in remarks {
        let named = if field.is_empty() { text } else { format!("{field}: {text}") };
        let mut place = field;
        while !place.is_empty() && !paths.iter().any(|path| path == place) {
            place = place.rsplit_once('.').map_or("", |(parent, _)| parent);
        }
        writer.remarks.push((place.to_owned(), named));
    }
    writer.comments("", 0);
    writer.map(&fields, "", 0);
    writer.text
}

fn note(note: &Note) -> (&str, String) {
    (&note.field, note.text.clone())
}

fn left_out(left: &LeftOut) -> (&str, String) {
    let accept = left.code.map_or_else(String::new, |code| format!(" (to allow it, accept {code})"));
    let path = if left.path.is_empty() { String::new() } else { format!("{}: ", left.path) };
    (&left.field, format!("LEFT OUT: {path}{}{accept}", left.detail))
}

/// The paths of all fields that are maps, or are in maps.
fn paths(fields: &[(String, Node)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in fields {
        found.push(name.clone());
        if let Node::Map(inner) = value {
            found.extend(paths(inner).into_iter().map(|path| format!("{name}.{path}")));
        }
    }
    found
}

/// A JSON value whose fields keep their order.
enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    Text(String),
    /// `true`, `false` or a number.
    Plain(String),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Plain("null".to_owned()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

struct Writer {
    text: String,
    /// The remarks and the paths of the fields above which they stand.
    remarks: Vec<(String, String)>,
}

impl Writer {
    fn comments(&mut self, path: &str, depth: usize) {
        for (_, remark) in self.remarks.iter().filter(|(place, _)| place == path) {
            self.text.push_str(&"  ".repeat(depth));
            self.text.push_str("# ");
            self.text.push_str(&printable(remark, usize::MAX).replace(NO_CHARACTERS, "?"));
            self.text.push('\n');
        }
    }

    fn map(&mut self, fields: &[(String, Node)], path: &str, depth: usize) {
        for (i, (name, value)) in fields.iter().enumerate() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            // The first field of a map in a list stands behind the dash.
            if i > 0 || !self.text.ends_with("- ") {
                self.comments(&path, depth);
                self.text.push_str(&"  ".repeat(depth));
            }
            self.text.push_str(&scalar(name));
            self.text.push(':');
            match value {
                Node::Map(inner) if !inner.is_empty() => {
                    self.text.push('\n');
                    self.map(inner, &path, depth + 1);
                }
                Node::List(entries) if !entries.is_empty() => {
                    self.text.push('\n');
                    self.list(entries, &path, depth);
                }
                value => {
                    self.text.push(' ');
                    self.leaf(value, depth + 1);
                }
            }
        }
    }

    /// The entries of a list stand as far in as the field that holds it.
    fn list(&mut self, entries: &[Node], path: &str, depth: usize) {
        for entry in entries {
            self.text.push_str(&"  ".repeat(depth));
            self.text.push_str("- ");
            match entry {
                Node::Map(inner) if !inner.is_empty() => self.map(inner, path, depth + 1),
                value => self.leaf(value, depth + 1),
            }
        }
    }

    fn leaf(&mut self, value: &Node, depth: usize) {
        match value {
            Node::Map(_) => self.text.push_str("{}\n"),
            Node::List(_) => self.text.push_str("[]\n"),
            Node::Text(text) if is_script(text) => self.block(text, depth),
            Node::Plain(text) => self.text.extend([text, "\n"]),
            Node::Text(text) => self.text.extend([scalar(text).as_str(), "\n"]),
        }
    }

    /// A text of several lines as such, so that it can be reviewed.
    fn block(&mut self, text: &str, depth: usize) {
        let lines = text.strip_suffix('\n');
        self.text.push_str(if lines.is_some() { "|\n" } else { "|-\n" });
        for line in lines.unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.text.push_str(&"  ".repeat(depth));
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }
}

/// Whether a text can stand as it is: several lines, of which the first and the last are not empty and the first does not begin
/// with a blank, for that would decide how far the others are in.
fn is_script(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    // A line of blanks alone is no empty line to everyone, and blanks at the end cannot be seen.
    let is_line = |line: &str| is_harmless(line) && !line.ends_with(' ');
    lines.contains('\n') && !lines.starts_with([' ', '\n']) && !lines.ends_with('\n') && lines.split('\n').all(is_line)
}

/// No characters at all: not every reader of YAML accepts them, not even in comments.
const NO_CHARACTERS: [char; 2] = ['\u{fffe}', '\u{ffff}'];

fn is_harmless(line: &str) -> bool {
    !line.contains(NO_CHARACTERS) && printable(line, usize::MAX) == line
}

/// A text in one line.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Words that are no texts in YAML 1.1.
const NO_TEXTS: [&str; 11] = ["y", "yes", "n", "no", "true", "false", "on", "off", "null", "nan", "inf"];

/// Whether a text is a text without quotes: words of letters and digits that begin with a letter or `/`.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && !NO_TEXTS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_harmless(c.encode_utf8(&mut [0; 4])) => quoted.push(c),
            c => quoted.extend(["\\U", &format!("{:08X}", u32::from(c))]),
        }
    }
    quoted.push('"');
    quoted
}
