//! The part of a structural schema that the definition of approvals uses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rules::Rule;

/// A node of the schema.
#[derive(Default)]
pub(super) struct Schema {
    /// The type of the value: `object`, `array`, `string` or `boolean`. Empty if any will do.
    pub kind: String,
    pub nullable: bool,
    pub default: Option<Value>,
    pub properties: BTreeMap<String, Schema>,
    /// The schema of the values of a map.
    pub values: Option<Box<Schema>>,
    pub items: Option<Box<Schema>>,
    pub required: Vec<String>,
    /// The words that the value may be, if only some may.
    pub words: Vec<String>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub max_items: Option<usize>,
    pub max_properties: Option<usize>,
    pub rules: Vec<Rule>,
}

impl Schema {
    /// Reads a node of an `openAPIV3Schema`. What approvals do not use is not read; a test holds the two together.
    pub fn read(node: &Value) -> Self {
        let length = |name: &str| node[name].as_u64().and_then(|length| usize::try_from(length).ok());
        let texts = |name: &str| -> Vec<String> {
            node[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let below = |name: &str| node.get(name).map(|inner| Box::new(Self::read(inner)));
        let properties = node["properties"].as_object().into_iter().flatten();
        Self {
            kind: node["type"].as_str().unwrap_or_default().to_owned(),
            nullable: node["nullable"] == true,
            default: node.get("default").cloned(),
            properties: properties.map(|(name, inner)| (name.clone(), Self::read(inner))).collect(),
            values: below("additionalProperties"),
            items: below("items"),
            required: texts("required"),
            words: texts("enum"),
            min_length: length("minLength"),
            max_length: length("maxLength"),
            max_items: length("maxItems"),
            max_properties: length("maxProperties"),
            rules: node["x-kubernetes-validations"].as_array().into_iter().flatten().map(Rule::read).collect(),
        }
    }

    /// The schema of a field of an object or of a value of a map.
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(self.values.as_deref())
    }
}

/// The path of a field.
pub(super) fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
