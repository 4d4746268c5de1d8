//! Fields that the schema does not know, as `structuralpruning` of the API server finds them.

use serde_json::Value;

use super::schema::{Schema, child};
use super::{Invalid, metadata};

/// What belongs to every resource, whatever its schema says.
const EVERYWHERE: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The unknown fields: first those of the metadata, then the others in the order of their paths.
pub(super) fn fields(object: &Value, schema: &Schema) -> Vec<Invalid> {
    let mut paths = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        if EVERYWHERE.contains(&name.as_str()) {
            continue;
        }
        match schema.field(name) {
            Some(inner) => collect(value, Some(inner), name, &mut paths),
            None => paths.push(name.clone()),
        }
    }
    paths.sort_unstable();
    let all = metadata::unknown_fields(object).into_iter().chain(paths);
    all.take(super::MOST_REPORTED).map(|path| Invalid::new(&path, format!("unknown field \"{path}\""))).collect()
}

/// Every field of an object for which there is no schema is unknown, also where the schema wants another type.
fn collect(value: &Value, schema: Option<&Schema>, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = child(path, name);
                match schema.and_then(|schema| schema.field(name)) {
                    Some(inner) => collect(value, Some(inner), &path, paths),
                    None => paths.push(path),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let items = schema.and_then(|schema| schema.items.as_deref());
                collect(item, items, &format!("{path}[{index}]"), paths);
            }
        }
        _ => {}
    }
}

/// Drops the unknown fields of a resource. Those of the metadata are left to [`metadata::normalise`].
pub(super) fn drop_fields(object: &mut Value, schema: &Schema) {
    let Some(fields) = object.as_object_mut() else { return };
    fields.retain(|name, value| {
        EVERYWHERE.contains(&name.as_str()) || schema.field(name).is_some_and(|inner| prune(value, Some(inner)))
    });
}

/// Drops the unknown fields of a value, which itself stays.
fn prune(value: &mut Value, schema: Option<&Schema>) -> bool {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            schema.and_then(|schema| schema.field(name)).is_some_and(|inner| prune(value, Some(inner)))
        }),
        Value::Array(items) => {
            for item in items {
                prune(item, schema.and_then(|schema| schema.items.as_deref()));
            }
        }
        _ => {}
    }
    true
}
