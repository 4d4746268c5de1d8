//! Reading an approval from a file, as the API server would.

use serde_json::Value;
use thiserror::Error;

use super::ApprovedCronJob;

/// Why a value is no approval. The messages can repeat text of the value: bound and escape them before they are shown.
#[derive(Debug, Error)]
pub enum ReadError {
    /// An entry of a list is null. The API server refuses it.
    #[error("{field} is null: remove the entry, or give it a value")]
    NullEntry {
        /// The entry, such as `spec.match.names[0]`.
        field: String,
    },
    /// A field is missing or has a value of the wrong type.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
}

/// Reads an approval as the API server stores it: a field that is null is the same as one that is left out.
///
/// Follows `PruneNonNullableNullsWithoutDefaults` and the defaulting of custom resources in
/// `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting`; no field of an approval is nullable. The rules of the
/// definition are not checked here. Fails if an entry of a list is null, or if the rest cannot be read.
pub fn from_value(mut value: Value) -> Result<ApprovedCronJob, ReadError> {
    drop_nulls(&mut value, &mut String::new())?;
    Ok(serde_json::from_value(value)?)
}

/// `path` names the value; it is the same afterwards.
fn drop_nulls(value: &mut Value, path: &mut String) -> Result<(), ReadError> {
    let length = path.len();
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            for (name, value) in fields {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                drop_nulls(value, path)?;
                path.truncate(length);
            }
        }
        Value::Array(entries) => {
            for (i, entry) in entries.iter_mut().enumerate() {
                path.extend(["[", &i.to_string(), "]"]);
                if entry.is_null() {
                    return Err(ReadError::NullEntry { field: std::mem::take(path) });
                }
                drop_nulls(entry, path)?;
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: &Value) -> Result<ApprovedCronJob, ReadError> {
        from_value(json!({
            "apiVersion": "cronwarden.dev/v1alpha1",
            "kind": "ApprovedCronJob",
            "metadata": {"name": "a", "labels": null, "annotations": {"a": null}},
            "spec": spec,
            "status": null,
        }))
    }

    #[test]
    fn null_is_the_same_as_left_out() {
        for (with, without) in [
            (json!({"match": {"names": ["a"]}, "expected": null, "allowed": null}), json!({"match": {"names": ["a"]}})),
            (
                json!({"match": {"kinds": null, "names": ["a"], "selector": null}, "owner": null, "expiresAt": null}),
                json!({"match": {"names": ["a"]}}),
            ),
            (
                json!({"match": {"selector": {"matchLabels": {"a": "b", "c": null}, "matchExpressions": null}}}),
                json!({"match": {"selector": {"matchLabels": {"a": "b"}}}}),
            ),
            (
                json!({"match": {}, "expected": {"images": [{"repository": "a", "tags": null, "requireDigest": null}],
                    "labels": {"a": null}, "required": null}, "allowed": {"podSecurity": null, "secrets": null}}),
                json!({"match": {}, "expected": {"images": [{"repository": "a"}]}}),
            ),
        ] {
            let with = read(&with).unwrap();
            assert_eq!(with.spec, read(&without).unwrap().spec);
            assert_eq!(with.metadata.name.as_deref(), Some("a"));
        }
    }

    #[test]
    fn a_null_in_a_list_is_named() {
        for (spec, field) in [
            (json!({"match": {"names": ["a", null]}}), "spec.match.names[1]"),
            (
                json!({"match": {}, "expected": {"commands": [{"args": []}, {"args": ["a", "b", null]}]}}),
                "spec.expected.commands[1].args[2]",
            ),
            (json!({"match": {}, "allowed": {"secrets": [null]}}), "spec.allowed.secrets[0]"),
        ] {
            let message = read(&spec).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{field} is null")), "{message}");
        }
    }

    #[test]
    fn what_is_required_is_not_null() {
        for spec in [json!(null), json!({"match": null}), json!({"match": {}, "owner": {"team": null}})] {
            let message = read(&spec).unwrap_err().to_string();
            assert!(message.contains("missing field"), "{message}");
        }
    }
}
