//! Approvals. The input is YAML or JSON: a whole approval, or a list of entries with a `spec` or an `object` each, as in
//! `tests/data/approvals`.

use cronwarden::api::ApprovedCronJob;
use cronwarden::api::approval::from_value;
use cronwarden::api::validation::{normalised, validate};
use cronwarden::inventory::Approval;
use cronwarden::manifest::{Documents, values};
use serde_json::{Value, json};

use super::assert_harmless;

/// The most problems that the API server is repeated with.
const MOST_REPORTED: usize = 1000;

pub fn check(input: &[u8]) {
    for document in Documents::new(input).flatten() {
        for value in values(&document).unwrap_or_default() {
            match value {
                Value::Array(entries) => entries.into_iter().map(completed).for_each(|object| approval(&object)),
                other => approval(&completed(other)),
            }
        }
    }
}

/// An entry as a whole approval.
fn completed(mut entry: Value) -> Value {
    let mut whole = json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "a" },
        "spec": { "match": { "names": ["backup"] } },
    });
    let Some(fields) = entry.as_object_mut() else { return entry };
    if fields.contains_key("kind") {
        return entry;
    }
    match fields.remove("object") {
        Some(Value::Object(mut changes)) => {
            if let Some(whole) = whole.as_object_mut() {
                whole.append(&mut changes);
            }
        }
        Some(other) => return other,
        None => whole["spec"] = fields.remove("spec").unwrap_or(entry),
    }
    if let Some(spec) = whole["spec"].as_object_mut() {
        spec.entry("match").or_insert_with(|| json!({ "names": ["backup"] }));
    }
    whole
}

fn approval(object: &Value) {
    let found = validate(object);
    assert!(found.len() <= MOST_REPORTED);
    let stored = normalised(object.clone());
    assert_eq!(normalised(stored.clone()), stored, "normalised twice");
    let read = serde_json::from_value::<ApprovedCronJob>(stored.clone());
    if found.is_empty() {
        assert!(validate(&stored).is_empty(), "what would be stored is refused: {:?}", validate(&stored));
        let accepted = read.as_ref().expect("what is accepted can be read");
        let directly = from_value(stored).expect("what is accepted can be read");
        assert_eq!(accepted.spec, directly.spec);
    }
    // What no server has seen is compiled, too.
    for approval in [read.ok(), from_value(object.clone()).ok()].into_iter().flatten() {
        compiles(&approval);
    }
}

fn compiles(approval: &ApprovedCronJob) {
    let compiled = Approval::compile(approval);
    let again = Approval::compile(approval);
    assert_eq!(compiled.name, again.name);
    match (&compiled.rules, &again.rules) {
        (Ok(_), Ok(_)) => {}
        (Err(problems), Err(others)) => {
            assert!(!problems.is_empty());
            assert_eq!(problems, others);
            for problem in problems {
                assert!(problem.field.starts_with("spec."), "{problem}");
                assert_harmless(&problem.message);
            }
        }
        _ => panic!("compiled once, and once not: {approval:?}"),
    }
    let selects_nothing = compiled.required().is_empty();
    assert!(compiled.rules.is_ok() || selects_nothing);
}
