//! Where something stands, in the words of SARIF.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::Source;
use crate::manifest::Place;

/// What stands for the folder that relative paths start from.
pub(super) const ROOT: &str = "%SRCROOT%";

/// A physical location. Objects from a cluster have none.
pub(super) fn of(source: &Source, region: Option<Value>) -> Option<Value> {
    let artifact = match source {
        Source::File(path) => artifact(path),
        Source::Stdin => json!({ "uri": "stdin", "description": { "text": "The standard input." } }),
        Source::Cluster => return None,
    };
    let mut location = json!({ "artifactLocation": artifact });
    if let (Some(region), Some(fields)) = (region, location.as_object_mut()) {
        fields.insert("region".to_owned(), region);
    }
    Some(location)
}

/// A region. As a [`Place`] it ends before its last position, and its columns are characters.
pub(super) fn region(place: &Place) -> Value {
    let Place { start, end, bytes: _ } = place;
    // Nothing ends before it starts.
    let end = (*end).max(*start);
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn artifact(path: &str) -> Value {
    match path.strip_prefix('/') {
        Some(absolute) => json!({ "uri": format!("file:///{}", encoded(absolute)) }),
        None => json!({ "uri": encoded(path.trim_start_matches("./")), "uriBaseId": ROOT }),
    }
}

/// A path as the path of a URI: everything but unreserved characters and the slash is written as its bytes.
fn encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Position;

    #[test]
    fn paths_become_uris() {
        for (path, uri) in [
            ("jobs/a.yaml", "jobs/a.yaml"),
            ("./jobs/a b.yaml", "jobs/a%20b.yaml"),
            ("ü/:#?%.yaml", "%C3%BC/%3A%23%3F%25.yaml"),
            ("../a\u{1b}[31m\n.yaml", "../a%1B%5B31m%0A.yaml"),
            ("/etc/jobs.yaml", "file:///etc/jobs.yaml"),
        ] {
            assert_eq!(artifact(path)["uri"], uri, "{path:?}");
        }
        assert_eq!(artifact("a.yaml")["uriBaseId"], ROOT);
        assert_eq!(artifact("/a.yaml").get("uriBaseId"), None);
        assert_eq!(of(&Source::Cluster, None), None);
    }

    #[test]
    fn a_region_does_not_end_before_it_starts() {
        let at = |line, column| Position { line, column };
        let place = Place { start: at(3, 5), end: at(3, 1), bytes: 0..0 };
        assert_eq!(region(&place), json!({ "startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 5 }));
    }
}
