//! The values of a JSON document as fields.

use serde_json::Value;

use super::Field;
use crate::workload::redact::{credentials, printable};

/// The longest value that is shown, in characters.
const SHOWN: usize = 256;
/// The longest path that is shown, in characters.
const LONGEST_PATH: usize = 256;

/// Every value in a document that is no object and no list of such.
pub(super) fn leaves(root: &str, text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Ok(value) = serde_json::from_str(text) {
        walk(root, &value, &mut fields);
    }
    fields
}

fn walk(path: &str, value: &Value, fields: &mut Vec<Field>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                walk(&format!("{path}.{name}"), member, fields);
            }
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for (i, entry) in entries.iter().enumerate() {
                walk(&format!("{path}[{i}]"), entry, fields);
            }
        }
        other => {
            let raw = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let shown = printable(&credentials(&raw), SHOWN);
            fields.push(Field { key: path.to_owned(), path: printable(path, LONGEST_PATH), raw, shown });
        }
    }
}
