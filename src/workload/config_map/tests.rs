use proptest::collection::btree_map;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn of(data: &serde_json::Value, binary: &serde_json::Value) -> ConfigMapHashes {
    let text = json!({ "metadata": { "name": "n" }, "data": data, "binaryData": binary, "immutable": true });
    ConfigMapHashes::from_json(&text.to_string()).unwrap()
}

fn shown(before: &ConfigMapHashes, now: &ConfigMapHashes) -> String {
    before.changes(now).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[test]
fn which_key_changed_is_told_and_not_what_it_holds() {
    let before = of(&json!({ "run.sh": "a", "old.sh": "b", "same": "c" }), &json!(null));
    let now = of(&json!({ "run.sh": "x", "extra.sh": "b", "same": "c" }), &json!(null));
    assert_eq!(shown(&before, &now), "key extra.sh added, key old.sh removed, key run.sh changed");
    assert!(!before.is_same(&now));
    assert_eq!(shown(&before, &before), "");
}

#[test]
fn the_order_of_keys_and_fields_does_not_matter() {
    let read = |text| ConfigMapHashes::from_json(text).unwrap();
    let one = read(r#"{"data":{"a":"1","b":"2"},"binaryData":{"c":"AA=="}}"#);
    assert_eq!(one, read(r#"{"binaryData":{"c":"AA=="},"data":{"b":"2","a":"1"}}"#));
    assert_eq!(one, read(r#"{"binaryData":{"c":"AA=="},"data":{"b":"2","\u0061":"\u0031"}}"#), "escapes");
}

#[test]
fn nothing_is_nothing_however_it_is_written() {
    let read = |text| ConfigMapHashes::from_json(text).unwrap();
    let nothing = read("{}");
    assert_eq!(nothing, read(r#"{"data":{},"binaryData":null}"#));
    assert_eq!(shown(&nothing, &read(r#"{"data":{"a":""}}"#)), "key a added", "an empty value is a value");
}

#[test]
fn where_a_key_ends_and_in_which_field_it_is_counts() {
    let one = of(&json!({ "ab": "c" }), &json!(null));
    let another = of(&json!({ "a": "bc" }), &json!(null));
    assert!(!one.is_same(&another));
    let moved = of(&json!(null), &json!({ "ab": "c" }));
    assert_eq!(shown(&one, &moved), "key ab changed", "the environment is read from data alone");
}

#[test]
fn of_many_keys_only_the_hash_of_all_is_kept() {
    let many = |value: &str| {
        let keys: serde_json::Map<_, _> = (0..=MOST_KEYS).map(|i| (format!("key-{i}"), json!(value))).collect();
        of(&json!(keys), &json!(null))
    };
    let (before, now) = (many("a"), many("b"));
    assert_eq!((before.keys(), now.keys()), (0, 0));
    assert!(!before.is_same(&now));
    assert_eq!(shown(&before, &now), "");
    assert!(before.recorded("n", "m").keys.is_empty());
    assert_eq!(ConfigMapHashes::from_recorded(&before.recorded("n", "m")), Some(before));
}

#[test]
fn what_is_recorded_holds_hashes_alone_and_can_be_read_back() {
    let hashes = of(&json!({ "run.sh": "Tr0ub4dor" }), &json!({ "image": "VHIwdWI0ZG9y" }));
    let recorded = hashes.recorded("apps", "script");
    let text = serde_json::to_string(&recorded).unwrap();
    assert!(!text.contains("Tr0ub4dor") && !text.contains("VHIw"), "{text}");
    assert_eq!(recorded.keys["run.sh"].len(), 32);
    assert_eq!(recorded.hash.len(), "sha256:".len() + 64);
    assert!(recorded.hash.contains(&hashes.short()));
    assert_eq!(ConfigMapHashes::from_recorded(&recorded), Some(hashes));
    let empty = of(&json!({}), &json!({}));
    assert_eq!(ConfigMapHashes::from_recorded(&empty.recorded("n", "m")), Some(empty));
}

#[test]
fn what_nobody_recorded_like_this_is_not_read() {
    let good = of(&json!({ "a": "b" }), &json!(null)).recorded("n", "m");
    for hash in ["", "sha256:", "sha256:é", &good.hash["sha256:".len()..], &good.hash[..70]] {
        let bad = RecordedConfigMap { hash: hash.to_owned(), ..good.clone() };
        assert_eq!(ConfigMapHashes::from_recorded(&bad), None, "{hash}");
    }
}

#[test]
fn the_reason_for_not_reading_it_does_not_show_what_it_holds() {
    for text in [r#"{"data":"Tr0ub4dor"}"#, r#"{"data":{"a":["Tr0ub4dor"]}}"#, r#"{"data":["Tr0ub4dor"]}"#] {
        let reason = ConfigMapHashes::from_json(text).unwrap_err();
        assert!(!reason.contains("Tr0ub4dor"), "{reason}");
    }
}

proptest! {
    #[test]
    fn the_changes_are_exactly_the_keys_that_differ(
        before in btree_map("[a-d]{1,2}", "[xy]?", 0..8),
        now in btree_map("[a-d]{1,2}", "[xy]?", 0..8),
    ) {
        let (old, new) = (of(&json!(before), &json!(null)), of(&json!(now), &json!(null)));
        prop_assert_eq!(old.is_same(&new), before == now);
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let expected: Vec<KeyChange<'_>> = keys
            .into_iter()
            .filter_map(|key| {
                let kind = match (before.get(key), now.get(key)) {
                    (Some(old), Some(new)) if old == new => return None,
                    (Some(_), Some(_)) => KeyChangeKind::Changed,
                    (None, _) => KeyChangeKind::Added,
                    (_, None) => KeyChangeKind::Removed,
                };
                Some(KeyChange { key, kind })
            })
            .collect();
        prop_assert_eq!(old.changes(&new), expected);
        prop_assert_eq!(ConfigMapHashes::from_recorded(&old.recorded("n", "m")), Some(old.clone()));
    }
}
