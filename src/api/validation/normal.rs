//! Nulls and defaults, as `structuraldefaulting` of the API server treats them.

use serde_json::Value;

use super::schema::Schema;

/// Drops the fields that are null where null is no value and there is no default to take its place.
pub(super) fn drop_nulls(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            let Some(inner) = schema.field(name) else { return true };
            if value.is_null() && !inner.nullable && inner.default.is_none() {
                return false;
            }
            drop_nulls(value, inner);
            true
        }),
        Value::Array(items) => {
            if let Some(inner) = schema.items.as_deref() {
                for item in items {
                    drop_nulls(item, inner);
                }
            }
        }
        _ => {}
    }
}

/// Fills in the defaults of fields that are absent, or null where null is no value.
pub(super) fn fill_in_defaults(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in &schema.properties {
                let Some(default) = &inner.default else { continue };
                if fields.get(name).is_none_or(|value| value.is_null() && !inner.nullable) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(inner) = schema.field(name) {
                    fill_in_defaults(value, inner);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.items.as_deref() {
                for item in items {
                    fill_in_defaults(item, inner);
                }
            }
        }
        _ => {}
    }
}
