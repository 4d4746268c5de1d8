//! The types of scalars and the keys of mappings.

use serde_json::{Value, json};

use super::super::values;
use super::{contents, document, errors, told};
use crate::manifest::Level;

fn value(text: &str) -> Value {
    values(&document(text)).expect("a value").remove(0)
}

fn refused(text: &str) -> String {
    values(&document(text)).expect_err("a problem").message
}

#[test]
fn scalars_have_the_types_of_yaml_1_1() {
    let cases = [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("yEs", json!("yEs")),
        ("0755", json!(493)),
        ("08", json!(8)),
        ("0o17", json!(15)),
        ("0b101", json!(5)),
        ("0b-101", json!(-5)),
        ("-0x_1F", json!(-31)),
        ("1_000", json!(1000)),
        ("1e3", json!(1000)),
        (".1_5", json!(0.15)),
        (".1_", json!(".1_")),
        ("1:30", json!("1:30")),
        ("2001-01-01", json!("2001-01-01")),
        ("18446744073709551615", json!(u64::MAX)),
        ("1e400", json!("1e400")),
        ("123456789012345890.5", json!(123_456_789_012_345_890_i64)),
        ("~", Value::Null),
        ("'~'", json!("~")),
        ("!!str 12", json!("12")),
        ("! 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("!!float 1.5", json!(1.5)),
        ("!custom yes", json!("yes")),
    ];
    for (text, expected) in cases {
        assert_eq!(value(&format!("a: {text}\n")), json!({ "a": expected }), "{text}");
    }
}

#[test]
fn keys_become_text() {
    let read = value("on: 1\n0x10: 2\n1.50: 3\n1e6: 4\n2001-01-01: 5\n.inf: 6\n");
    assert_eq!(read, json!({"true": 1, "16": 2, "1.5": 3, "1e+06": 4, "2001-01-01": 5, ".inf": 6}));
    assert!(refused("~: 1\n").contains("in quotes"));
    assert!(refused("? [a]\n: 1\n").contains("cannot be a key"));
    assert!(refused("1: a\n'1': b\n").contains("as text and as something else"));
}

#[test]
fn merge_keys_overrule_what_stands_before_them() {
    let read = value("x: &x {a: 1, b: 1}\np: {a: 2, <<: *x, b: 2}\nq: {<<: [*x, {a: 3, c: 3}]}\n");
    assert_eq!(read["p"], json!({"a": 1, "b": 2}));
    assert_eq!(read["q"], json!({"a": 1, "b": 1, "c": 3}));
    assert_eq!(told(&contents("kind: A\napiVersion: v1\nx: {<<: {a: 1}}\n"), Level::Warning).len(), 1);
    assert!(refused("a: {<<: b}\n").contains("only mappings"));
}

#[test]
fn the_last_of_equal_keys_counts_and_is_told() {
    for text in ["kind: A\napiVersion: v1\nkind: B\n", "{\"kind\": \"A\", \"apiVersion\": \"v1\", \"kind\": \"B\"}"] {
        let read = contents(text);
        assert_eq!(read.skipped, ["v1/B"]);
        assert_eq!(told(&read, Level::Warning).len(), 1, "{text}");
        assert!(errors(&read).is_empty());
    }
}

#[test]
fn json_is_read_as_go_reads_it() {
    let read = value("{\"a\": \"\\ud83d\\ude00 \\ud83d \\/\", \"b\": 1.0, \"c\": -0, \"d\": 1e2, \"<<\": {}}");
    assert_eq!(read, json!({"a": "\u{1f600} \u{fffd} /", "b": 1, "c": 0, "d": 100, "<<": {}}));
    assert_eq!(values(&document(*b"{\"a\": \"\xe2\x82\"}")), Ok(vec![json!({"a": "\u{fffd}\u{fffd}"})]));
}

#[test]
fn what_yaml_versions_read_differently_is_refused() {
    for text in
        ["[a?b]\n", "[a:]\n", "[!x,]\n", "a: &b.c d\n", "a: \"\u{2028}\"\n", "a: 1\rb: 2\n", "- !!binary aGk=\n"]
    {
        refused(text);
    }
}
