//! The form of an object: types, lengths, words and required fields, as `kube-openapi` of the API server checks them.

use serde_json::Value;

use super::schema::{Schema, child};
use super::{Invalid, MOST_REPORTED, rendered::rendered};

/// Collects what is wrong with the form. Returns whether it keeps the API server from looking at the rules: everything does but
/// a text that is too short.
pub(super) fn check(value: &Value, schema: &Schema, found: &mut Vec<Invalid>) -> bool {
    let mut walk = Walk { found, blocked: false };
    walk.visit(value, schema, "");
    walk.blocked
}

struct Walk<'a> {
    found: &'a mut Vec<Invalid>,
    blocked: bool,
}

impl Walk<'_> {
    fn block(&mut self, path: &str, message: String) {
        self.blocked = true;
        self.found.push(Invalid::new(path, message));
    }

    fn visit(&mut self, value: &Value, schema: &Schema, path: &str) {
        if self.found.len() >= MOST_REPORTED || (value.is_null() && schema.nullable) {
            return;
        }
        let kind = kind(value);
        if !schema.kind.is_empty() && kind != schema.kind {
            let expected = &schema.kind;
            self.block(
                path,
                format!("Invalid value: \"{kind}\": {path} in body must be of type {expected}: \"{kind}\""),
            );
        }
        match value {
            Value::String(text) => self.text(text, schema, path),
            Value::Array(items) => self.items(items, schema, path),
            _ => {}
        }
        if !schema.words.is_empty() && !value.as_str().is_some_and(|text| schema.words.iter().any(|word| word == text))
        {
            let words: Vec<String> = schema.words.iter().map(|word| format!("\"{word}\"")).collect();
            self.block(path, format!("Unsupported value: {}: supported values: {}", rendered(value), words.join(", ")));
        }
        if let Value::Object(fields) = value {
            self.fields(fields, schema, path);
        }
    }

    fn text(&mut self, text: &str, schema: &Schema, path: &str) {
        // The server says bytes and counts characters.
        let length = text.chars().count();
        if let Some(most) = schema.max_length.filter(|most| length > *most) {
            self.block(path, format!("Too long: may not be more than {most} {}", plural(most, "byte")));
        } else if let Some(least) = schema.min_length.filter(|least| length < *least) {
            self.found.push(Invalid::text(
                path,
                text,
                &format!("{path} in body should be at least {least} chars long"),
            ));
        }
    }

    fn items(&mut self, items: &[Value], schema: &Schema, path: &str) {
        if let Some(inner) = schema.items.as_deref() {
            for (index, item) in items.iter().enumerate() {
                self.visit(item, inner, &format!("{path}[{index}]"));
            }
        }
        self.count(items.len(), schema.max_items, path);
    }

    fn fields(&mut self, fields: &serde_json::Map<String, Value>, schema: &Schema, path: &str) {
        self.count(fields.len(), schema.max_properties, path);
        for (name, value) in fields {
            if let Some(inner) = schema.values.as_deref().filter(|_| !schema.properties.contains_key(name)) {
                self.visit(value, inner, &child(path, name));
            }
        }
        for (name, inner) in &schema.properties {
            if let Some(value) = fields.get(name) {
                self.visit(value, inner, &child(path, name));
            }
        }
        for name in schema.required.iter().filter(|name| !fields.contains_key(*name)) {
            self.block(&child(path, name), "Required value".to_owned());
        }
    }

    fn count(&mut self, count: usize, most: Option<usize>, path: &str) {
        if let Some(most) = most.filter(|most| count > *most) {
            self.block(path, format!("Too many: {count}: must have at most {most} {}", plural(most, "item")));
        }
    }
}

fn plural(count: usize, unit: &str) -> String {
    if count == 1 { unit.to_owned() } else { format!("{unit}s") }
}

/// The type of a value, as the server names it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
