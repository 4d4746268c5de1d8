//! What the API server would say to an approval, without one: the same verdict and the same messages.
//!
//! The order is the server's (`k8s.io/apiextensions-apiserver`, `customresource_handler.go` and
//! `registry/customresource/strategy.go`): decoding with strict field validation, nulls, defaults, the form of the
//! object, and only then the rules, which are not looked at where the form would make them unreliable or expensive.

mod form;
mod metadata;
mod name;
mod normal;
mod rendered;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod unknown;

use std::fmt;
use std::sync::LazyLock;

use kube::{CustomResourceExt, Resource};
use serde_json::Value;

use super::ApprovedCronJob;
use rendered::rendered;
use schema::Schema;

/// So that a file of nothing but errors does not become a report many times its size. The API server has no such limit.
const MOST_REPORTED: usize = 1000;

/// The schema of approvals, as their definition gives it to the API server.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let definition = serde_json::to_value(ApprovedCronJob::crd()).unwrap_or_default();
    definition.pointer("/spec/versions/0/schema/openAPIV3Schema").map(Schema::read).unwrap_or_default()
});

/// A reason for which the API server would refuse an approval.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invalid {
    /// The field, such as `spec.match.names[0]`. The server's own `<nil>` for what it says of the object as a whole. Names of
    /// fields come from the object: escape them before they are shown.
    pub path: String,
    /// What is wrong, in the server's words. Values are escaped as in a literal.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl Invalid {
    fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }

    /// As `field.Invalid` prints it.
    fn value(path: &str, value: &Value, detail: &str) -> Self {
        Self::new(path, format!("Invalid value: {}: {detail}", rendered(value)))
    }

    /// As `field.Invalid` prints a text.
    fn text(path: &str, text: &str, detail: &str) -> Self {
        Self::new(path, format!("Invalid value: {}: {detail}", rendered::quoted(text)))
    }
}

/// Everything for which the API server would refuse to create the object, at most 1000 reasons, in the order in which it says
/// them; where that order is not fixed, in the order of the fields' names. Nothing if it would accept the object.
///
/// The object is one that is meant to be an `ApprovedCronJob`; another type is the one reason that is given then. A namespace is
/// no reason: the server drops it. Neither is a `generateName` without a name. What other objects there are is not considered, and
/// neither are the fields of the metadata that the server sets itself (such as `resourceVersion`), except for their type.
pub fn validate(object: &Value) -> Vec<Invalid> {
    let mut found = wrong_type(object);
    if !found.is_empty() {
        return found;
    }
    if let Some(wrong) = metadata::malformed(object) {
        return vec![wrong];
    }
    found = unknown::fields(object, &SCHEMA);
    if !found.is_empty() {
        return found;
    }
    let object = normalised(object.clone());
    metadata::check(&object, &mut found);
    let mut blocked = metadata::is_nameless(&object);
    blocked |= form::check(&object, &SCHEMA, &mut found);
    if blocked {
        found.push(Invalid::new("<nil>", UNCHECKED));
    } else {
        rules::check(&object, &SCHEMA, &mut found);
    }
    found.truncate(MOST_REPORTED);
    found
}

/// The server's remark when it leaves the rules unchecked.
const UNCHECKED: &str = "Invalid value: null: some validation rules were not checked because the object was invalid; correct the \
                         existing errors to complete validation";

/// The object as the API server would store it: without unknown fields, without the nulls that mean nothing, with defaults filled
/// in, and without what the server decides itself (the status, the namespace, `uid` and the like). Whatever [`validate`] has no
/// objection to can be read as an [`ApprovedCronJob`] then.
pub fn normalised(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        metadata::normalise(fields);
    }
    unknown::drop_fields(&mut object, &SCHEMA);
    normal::drop_nulls(&mut object, &SCHEMA);
    normal::fill_in_defaults(&mut object, &SCHEMA);
    object
}

/// As `ValidateTypeMeta` of the server says it.
fn wrong_type(object: &Value) -> Vec<Invalid> {
    let expected = [("kind", ApprovedCronJob::kind(&())), ("apiVersion", ApprovedCronJob::api_version(&()))];
    let wrong =
        expected.into_iter().filter(|(field, expected)| object.get(field).and_then(Value::as_str) != Some(expected));
    wrong
        .map(|(field, expected)| {
            let given = object.get(field).unwrap_or(&Value::Null);
            Invalid::value(field, given, &format!("must be {expected}"))
        })
        .collect()
}
