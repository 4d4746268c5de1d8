//! The metadata of an object: `metav1.ObjectMeta` as the API server decodes it, and `ValidateObjectMetaAccessor`.

use serde_json::{Map, Value, json};

use super::rendered::{marshalled, quoted};
use super::rules::is_time;
use super::{Invalid, name};

/// The types of the fields, as Go names them in its messages.
enum Type {
    Text(&'static str),
    Whole,
    Yes,
    Texts,
    TextByText,
    Time,
    Owners,
    /// What the server keeps for itself.
    Managed,
}

const FIELDS: [(&str, Type); 15] = [
    ("annotations", Type::TextByText),
    ("creationTimestamp", Type::Time),
    ("deletionGracePeriodSeconds", Type::Whole),
    ("deletionTimestamp", Type::Time),
    ("finalizers", Type::Texts),
    ("generateName", Type::Text("string")),
    ("generation", Type::Whole),
    ("labels", Type::TextByText),
    ("managedFields", Type::Managed),
    ("name", Type::Text("string")),
    ("namespace", Type::Text("string")),
    ("ownerReferences", Type::Owners),
    ("resourceVersion", Type::Text("string")),
    ("selfLink", Type::Text("string")),
    ("uid", Type::Text("types.UID")),
];

/// In the order in which Go writes them.
const OWNER_FIELDS: [(&str, Type); 6] = [
    ("apiVersion", Type::Text("string")),
    ("kind", Type::Text("string")),
    ("name", Type::Text("string")),
    ("uid", Type::Text("types.UID")),
    ("controller", Type::Yes),
    ("blockOwnerDeletion", Type::Yes),
];

/// What people decide; the rest is the server's.
const KEPT: [&str; 6] = ["annotations", "finalizers", "generateName", "labels", "name", "ownerReferences"];

/// The most bytes that the names and values of all annotations may have.
const MOST_OF_ANNOTATIONS: usize = 256 << 10;

/// The fields of an object in the order of their names, in which the server reads them.
fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields
}

/// The first value in the metadata that cannot be decoded.
pub(super) fn malformed(object: &Value) -> Option<Invalid> {
    match object.get("metadata")? {
        Value::Null => None,
        Value::Object(fields) => sorted(fields).into_iter().find_map(|(name, value)| {
            let (_, wanted) = FIELDS.iter().find(|(known, _)| known == name)?;
            mismatch(value, wanted, &format!("ObjectMeta.{name}"))
                .map(|message| Invalid::new(&format!("metadata.{name}"), message))
        }),
        other => Some(Invalid::new(
            "metadata",
            format!("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", kind(other)),
        )),
    }
}

/// Why a value cannot be decoded into a field. Nothing is wrong with null anywhere.
fn mismatch(value: &Value, wanted: &Type, field: &str) -> Option<String> {
    let cannot = |value: &Value, to: &str| {
        (!value.is_null())
            .then(|| format!("json: cannot unmarshal {} into Go struct field {field} of type {to}", kind(value)))
    };
    match (wanted, value) {
        (Type::Text(_), Value::String(_)) | (Type::Yes, Value::Bool(_)) | (Type::Managed, _) => None,
        (Type::Text(to), other) => cannot(other, to),
        (Type::Yes, other) => cannot(other, "bool"),
        (Type::Whole, Value::Number(number)) if number.is_i64() => None,
        (Type::Whole, Value::Number(number)) => {
            Some(format!("json: cannot unmarshal number {number} into Go struct field {field} of type int64"))
        }
        (Type::Whole, other) => cannot(other, "int64"),
        (Type::Texts, Value::Array(items)) => {
            items.iter().find_map(|item| mismatch(item, &Type::Text("string"), field))
        }
        (Type::Texts, other) => cannot(other, "[]string"),
        (Type::TextByText, Value::Object(fields)) => {
            sorted(fields).into_iter().find_map(|(_, value)| mismatch(value, &Type::Text("string"), field))
        }
        (Type::TextByText, other) => cannot(other, "map[string]string"),
        (Type::Time, Value::String(text)) => (!is_time(text))
            .then(|| format!("parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse it", quoted(text))),
        (Type::Time, other) => cannot(other, "string"),
        (Type::Owners, Value::Array(owners)) => owners.iter().find_map(|owner| match owner {
            Value::Object(fields) => sorted(fields).into_iter().find_map(|(name, value)| {
                let (_, wanted) = OWNER_FIELDS.iter().find(|(known, _)| known == name)?;
                mismatch(value, wanted, &format!("OwnerReference.ownerReferences.{name}"))
            }),
            other => cannot(other, "v1.OwnerReference"),
        }),
        (Type::Owners, other) => cannot(other, "[]v1.OwnerReference"),
    }
}

/// The type of a value, as `encoding/json` names it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The paths of the fields that metadata does not have.
pub(super) fn unknown_fields(object: &Value) -> Vec<String> {
    let Some(fields) = object.get("metadata").and_then(Value::as_object) else { return Vec::new() };
    let mut paths = Vec::new();
    for (name, value) in sorted(fields) {
        if !FIELDS.iter().any(|(known, _)| known == name) {
            paths.push(format!("metadata.{name}"));
        }
        for (index, owner) in value.as_array().filter(|_| name == "ownerReferences").into_iter().flatten().enumerate() {
            for (inner, _) in owner.as_object().map(sorted).unwrap_or_default() {
                if !OWNER_FIELDS.iter().any(|(known, _)| known == inner) {
                    paths.push(format!("metadata.{name}[{index}].{inner}"));
                }
            }
        }
    }
    paths
}

/// Leaves in the metadata what people decide, without nulls: the server reads them as empty texts in lists and maps.
pub(super) fn normalise(object: &mut Map<String, Value>) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    let Some(fields) = metadata.as_object_mut() else {
        if metadata.is_null() {
            *metadata = json!({});
        }
        return;
    };
    fields.retain(|name, value| KEPT.contains(&name.as_str()) && !value.is_null());
    for value in fields.values_mut() {
        match value {
            Value::Object(inner) => {
                inner.values_mut().filter(|value| value.is_null()).for_each(|value| *value = json!(""));
            }
            Value::Array(items) => items.iter_mut().filter(|item| item.is_null()).for_each(|item| *item = json!("")),
            _ => {}
        }
    }
}

/// Whether the object has neither a name nor the beginning of one: a required value, so that the rules are not looked at.
pub(super) fn is_nameless(object: &Value) -> bool {
    let metadata = &object["metadata"];
    text(metadata, "name").is_empty() && text(metadata, "generateName").is_empty()
}

/// An absent text is an empty one to the server.
fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields[name].as_str().unwrap_or_default()
}

/// Collects what is wrong with the metadata of a normalised object.
pub(super) fn check(object: &Value, found: &mut Vec<Invalid>) {
    let metadata = &object["metadata"];
    let mut add = |path: &str, text: &str, wrong: Vec<String>| {
        found.extend(wrong.into_iter().map(|wrong| Invalid::text(path, text, &wrong)));
    };
    let (given, beginning) = (text(metadata, "name"), text(metadata, "generateName"));
    if !beginning.is_empty() {
        add("metadata.generateName", beginning, name::of_generated(beginning));
    }
    if !given.is_empty() {
        add("metadata.name", given, name::of_object(given));
    }
    for (key, value) in metadata["labels"].as_object().map(sorted).unwrap_or_default() {
        add("metadata.labels", key, name::of_label(key));
        let value = value.as_str().unwrap_or_default();
        add("metadata.labels", value, name::of_label_value(value));
    }
    let annotations = metadata["annotations"].as_object().map(sorted).unwrap_or_default();
    for (key, _) in &annotations {
        add("metadata.annotations", key, name::of_label(&key.to_lowercase()));
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len()).sum();
    if size > MOST_OF_ANNOTATIONS {
        found.push(Invalid::new(
            "metadata.annotations",
            format!("Too long: may not be more than {MOST_OF_ANNOTATIONS} bytes"),
        ));
    }
    if given.is_empty() && beginning.is_empty() {
        found.insert(0, Invalid::new("metadata.name", "Required value: name or generateName is required"));
    }
    owners(&metadata["ownerReferences"], found);
    finalizers(&metadata["finalizers"], found);
}

fn owners(owners: &Value, found: &mut Vec<Invalid>) {
    let mut controller = None;
    for owner in owners.as_array().into_iter().flatten() {
        for (field, wrong) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(owner, field).is_empty() {
                found.push(Invalid::text(&format!("metadata.ownerReferences.{field}"), "", wrong));
            }
        }
        if owner["controller"] == true {
            let named = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
            match &controller {
                None => controller = Some(named),
                Some(first) => found.push(Invalid::new(
                    "metadata.ownerReferences",
                    format!(
                        "Invalid value: {}: Only one reference can have Controller set to true. Found \"true\" in references for \
                         {first} and {named}",
                        in_order(owners)
                    ),
                )),
            }
        }
    }
}

/// Owner references as Go writes them: in the order of its structure.
fn in_order(owners: &Value) -> String {
    let written = owners.as_array().into_iter().flatten().map(|owner| {
        let given =
            OWNER_FIELDS.iter().filter(|(name, wanted)| !matches!(wanted, Type::Yes) || owner[name].is_boolean());
        let fields = given.map(|(name, wanted)| match wanted {
            Type::Yes => format!("\"{name}\":{}", owner[name]),
            _ => format!("\"{name}\":{}", marshalled(&json!(text(owner, name)))),
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    format!("[{}]", written.collect::<Vec<_>>().join(","))
}

fn finalizers(finalizers: &Value, found: &mut Vec<Invalid>) {
    let given: Vec<&str> = finalizers.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for finalizer in &given {
        let wrong = name::of_label(finalizer);
        found.extend(wrong.into_iter().map(|wrong| Invalid::text("metadata.finalizers", finalizer, &wrong)));
    }
    if given.contains(&"orphan") && given.contains(&"foregroundDeletion") {
        let conflict = "finalizer orphan and foregroundDeletion cannot be both set";
        found.push(Invalid::value("metadata.finalizers", finalizers, conflict));
    }
}
