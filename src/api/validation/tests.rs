//! What can be seen without a server. That the messages are the server's is shown in `tests/it/validation.rs`.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::*;

fn approval(spec: &Value) -> Value {
    json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "a" },
        "spec": spec,
    })
}

fn said(object: &Value) -> Vec<String> {
    validate(object).iter().map(ToString::to_string).collect()
}

/// Approvals that are known to be accepted.
static ACCEPTED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let text = include_str!("../../../tests/data/approvals/accepted.yaml");
    let entries: Vec<Value> = serde_saphyr::from_str(text).unwrap();
    entries.into_iter().map(|entry| approval(&entry["spec"])).collect()
});

#[test]
fn good_approvals_are_not_objected_to() {
    for object in ACCEPTED.clone() {
        assert_eq!(said(&object), Vec::<String>::new(), "{object}");
        serde_json::from_value::<ApprovedCronJob>(normalised(object)).unwrap();
    }
}

#[test]
fn another_type_is_all_that_is_said() {
    let object = json!({ "apiVersion": "v1", "kind": "Pod", "extra": 1 });
    assert_eq!(
        said(&object),
        [
            "kind: Invalid value: \"Pod\": must be ApprovedCronJob",
            "apiVersion: Invalid value: \"v1\": must be cronwarden.dev/v1alpha1"
        ]
    );
    for nothing in [json!(null), json!([]), json!("ApprovedCronJob"), json!({})] {
        assert_eq!(validate(&nothing).len(), 2, "{nothing}");
    }
}

#[test]
fn unknown_fields_come_before_everything_else() {
    let object = approval(&json!({ "match": { "names": 1, "name": "b" }, "a": {} }));
    assert_eq!(
        said(&object),
        ["spec.a: unknown field \"spec.a\"", "spec.match.name: unknown field \"spec.match.name\""]
    );
}

#[test]
fn a_wrong_form_hides_the_rules_and_a_short_text_does_not() {
    let object = approval(&json!({ "match": { "names": [] }, "owner": { "team": 1 } }));
    assert_eq!(
        said(&object),
        [
            "spec.owner.team: Invalid value: \"integer\": spec.owner.team in body must be of type string: \"integer\"",
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the \
             existing errors to complete validation"
        ]
    );
    let object = approval(&json!({ "match": { "names": [] }, "owner": { "team": "" } }));
    assert_eq!(
        said(&object),
        [
            "spec.owner.team: Invalid value: \"\": spec.owner.team in body should be at least 1 chars long",
            "spec.match.names: Invalid value: names must list at least one name: leave it out for every name"
        ]
    );
}

#[test]
fn nulls_go_and_defaults_come() {
    let mut object = approval(&json!({
        "match": { "names": ["a"], "kinds": null },
        "owner": null,
        "allowed": { "podSecurity": null, "secrets": null },
        "expected": { "labels": { "a": null } },
        "extra": 1,
    }));
    object["status"] = json!({ "matchedWorkloads": 1 });
    object["metadata"] =
        json!({ "name": "a", "namespace": "b", "labels": { "a": null }, "uid": "c", "annotations": null });
    let expected = json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "a", "labels": { "a": "" } },
        "spec": {
            "match": { "names": ["a"] },
            "owner": null,
            "allowed": { "podSecurity": "Baseline" },
            "expected": { "labels": {} },
        },
    });
    assert_eq!(normalised(object), expected);
    assert_eq!(normalised(expected.clone()), expected);
    assert_eq!(normalised(json!([1])), json!([1]));
}

#[test]
fn values_are_printed_as_go_prints_them() {
    for (value, expected) in [
        (json!("\"\\\u{7}\u{8}\u{c}\n\r\t\u{b}"), r#""\"\\\a\b\f\n\r\t\v""#),
        (
            json!("\u{0}\u{7f}é\u{301}\u{a0}\u{200b}\u{202e}\u{1f600}\u{e0001}"),
            r#""\x00\x7fé́\u00a0\u200b\u202e😀\U000e0001""#,
        ),
        (json!(0.0), "0"),
        (json!(-0.0), "-0"),
        (json!(123_456.0), "123456"),
        (json!(1_234_567.0), "1.234567e+06"),
        (json!(0.0001), "0.0001"),
        (json!(0.00001), "1e-05"),
        (json!(1e100), "1e+100"),
        (json!(u64::MAX), "1.8446744073709552e+19"),
        (json!(true), "true"),
        (
            json!([1e20, 1e21, 0.000_001, 1e-7, i64::MIN]),
            "[100000000000000000000,1e+21,0.000001,1e-7,-9223372036854775808]",
        ),
        (json!({ "b": null, "a": "<\u{1}\n\u{2028}\"é>" }), r#"{"a":"\u003c\u0001\n\u2028\"é\u003e","b":null}"#),
    ] {
        assert_eq!(rendered(&value), expected);
    }
}

#[test]
fn times_are_read_within_the_limits_of_the_server() {
    for (text, good) in [
        ("2027-06-30T00:00:00Z", true),
        ("0001-01-01T00:00:00Z", true),
        ("9999-12-31T23:59:59Z", true),
        ("0000-12-31T23:59:59Z", false),
        ("0001-01-01T00:00:00+01:00", false),
        ("2027-06-30T23:59:60Z", false),
        ("2027-02-29T00:00:00Z", false),
        ("2027-06-30", false),
        ("é", false),
    ] {
        assert_eq!(rules::is_time(text), good, "{text}");
    }
}

/// The work has to stay within bounds whatever is in a file: the rules do not see lists that are too long, and the report does not
/// grow with the number of errors.
#[test]
fn long_lists_are_refused_for_their_length() {
    let names: Vec<String> = (0..200_000).map(|number| format!("A{number}")).collect();
    let found = validate(&approval(&json!({ "match": { "names": names } })));
    assert_eq!(found[0].to_string(), "spec.match.names: Too many: 200000: must have at most 64 items");
    assert_eq!(found.len(), 2, "{found:?}");

    let wrong = validate(&approval(&json!({ "match": { "names": vec![1; 200_000] } })));
    assert_eq!(wrong.len(), MOST_REPORTED);
    let unknown: Map<String, Value> = (0..200_000).map(|number| (number.to_string(), Value::Null)).collect();
    assert_eq!(validate(&approval(&json!({ "match": unknown }))).len(), MOST_REPORTED);
    let labels: Map<String, Value> = (0..10_000).map(|number| (format!("a {number}"), json!("a b"))).collect();
    let mut object = approval(&json!({ "match": { "names": ["a"] } }));
    object["metadata"]["labels"] = Value::Object(labels);
    assert_eq!(validate(&object).len(), MOST_REPORTED);
}

/// A keyword that [`Schema::read`] passes over would be a check that is not made.
#[test]
fn the_schema_uses_what_is_read_and_nothing_else() {
    const READ: &[&str] = &[
        "additionalProperties",
        "default",
        "enum",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minLength",
        "nullable",
        "properties",
        "required",
        "type",
        "x-kubernetes-validations",
    ];
    const WITHOUT_EFFECT: &[&str] = &["description", "title"];
    fn visit(node: &Value, path: &str) {
        for (keyword, value) in node.as_object().unwrap() {
            assert!(
                READ.contains(&keyword.as_str()) || WITHOUT_EFFECT.contains(&keyword.as_str()),
                "{path}: {keyword}"
            );
            match keyword.as_str() {
                "properties" => {
                    for (name, inner) in value.as_object().unwrap() {
                        visit(inner, &schema::child(path, name));
                    }
                }
                "items" | "additionalProperties" => visit(value, path),
                "x-kubernetes-validations" => {
                    for rule in value.as_array().unwrap() {
                        let parts: Vec<&String> = rule.as_object().unwrap().keys().collect();
                        assert_eq!(parts, ["message", "rule"], "{path}");
                        assert!(!rule["rule"].as_str().unwrap().contains("oldSelf"), "{path}");
                    }
                }
                _ => {}
            }
        }
    }
    let definition = serde_json::to_value(ApprovedCronJob::crd()).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1);
    let mut whole = versions[0]["schema"]["openAPIV3Schema"].clone();
    // The server drops the status before it looks at it.
    whole["properties"].as_object_mut().unwrap().remove("status").unwrap();
    visit(&whole, "");
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "backup",
            "*",
            "Job",
            "CronJob",
            "",
            "@daily",
            "Baseline",
            "2027-06-30T00:00:00Z",
            "1h",
            "/a"
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "names", "kinds", "match", "selector", "command", "args", "a", "key", "required", "tags",
    ]);
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..4).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, &format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn mutated(mut object: Value, changes: Vec<(Index, Value)>) -> Value {
    for (place, value) in changes {
        let mut found = Vec::new();
        places(&object, "", &mut found);
        let place: &String = place.get(&found);
        *object.pointer_mut(place).unwrap() = value;
    }
    object
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_is_accepted_can_be_read(
        start in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), arbitrary_json()), 1..4),
    ) {
        let object = mutated(start.get(&ACCEPTED).clone(), changes);
        let found = validate(&object);
        let normal = normalised(object.clone());
        prop_assert_eq!(&normalised(normal.clone()), &normal);
        if found.is_empty() {
            prop_assert!(serde_json::from_value::<ApprovedCronJob>(normal.clone()).is_ok(), "{}", normal);
            prop_assert_eq!(validate(&normal), vec![]);
        }
    }
}
