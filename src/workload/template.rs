//! The hash of a normalised pod template.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Pod;
use super::redact::hex;

/// Hashes the JSON form of the pod without what is empty, so that a field that is added to [`Pod`] later leaves the hashes of
/// pods that do not use it as they are.
pub(super) fn hash(pod: &Pod) -> String {
    // A pod is made of maps with text keys, text, numbers and lists: it always has a JSON form.
    let value = serde_json::to_value(pod).map(|pod| without(pod, &is_absent)).unwrap_or_default();
    let text = value.to_string();
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes()), 64))
}

/// The one text of a JSON value: keys in order, nothing that is empty. `None` if nothing is left.
pub(super) fn canonical(value: Value) -> Option<String> {
    let is_empty = |value: &Value| is_absent(value) || value.as_str() == Some("");
    let value = without(value, &is_empty);
    (!is_empty(&value)).then(|| value.to_string())
}

fn without(value: Value, is_dropped: &impl Fn(&Value) -> bool) -> Value {
    match value {
        Value::Object(fields) => {
            // Sorted, because whether `serde_json` sorts by itself depends on features that other crates switch on.
            let sorted: BTreeMap<String, Value> = fields
                .into_iter()
                .map(|(name, field)| (name, without(field, is_dropped)))
                .filter(|(_, field)| !is_dropped(field))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        // The place of an entry in a list means something, so an empty one stays.
        Value::Array(entries) => Value::Array(entries.into_iter().map(|entry| without(entry, is_dropped)).collect()),
        other => other,
    }
}

/// A text is never absent: a label or a node selector without a value says something. `allowPrivilegeEscalation: false` says more
/// than nothing, too.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
