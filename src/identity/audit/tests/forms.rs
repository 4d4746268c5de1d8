//! Records of each form, and what is read from them.
//!
//! `UPDATE_FIXTURES=1` rewrites what is expected, for review; the test fails then.

use super::*;
use crate::identity::{ObjectKind, Version};

/// So that the catalogue does not shrink unnoticed.
const FEWEST_RECORDS: usize = 30;

fn records() -> Vec<PathBuf> {
    let inside = |folder: &Path| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut records: Vec<_> = inside(&folder()).flat_map(|sender| inside(&sender).collect::<Vec<_>>()).collect();
    records.retain(|path| path.extension().is_some_and(|extension| extension != "facts"));
    records.sort();
    records
}

#[test]
fn each_form_is_read() {
    let records = records();
    assert!(records.len() >= FEWEST_RECORDS, "only {} records", records.len());
    let mut wrong = Vec::new();
    for path in records {
        let found = shown(&read(&fs::read(&path).expect("a record")));
        let expected = path.with_extension("facts");
        if fs::read_to_string(&expected).unwrap_or_default() != found {
            if std::env::var_os("UPDATE_FIXTURES").is_some() {
                fs::write(&expected, &found).expect("a writable file");
            }
            wrong.push(format!("{}\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A log file is skimmed line by line: what a line has must not depend on the others, nor be passed over.
#[test]
fn lines_are_read_one_by_one_as_together() {
    for path in records() {
        if path.extension().is_none_or(|extension| extension == "json") {
            continue;
        }
        let text = fs::read(&path).expect("a record");
        let one_by_one = text.split(|byte| *byte == b'\n').flat_map(|line| {
            let facts = read(line).facts;
            assert!(facts.is_empty() || may_matter(line), "{}", path.display());
            facts
        });
        assert_eq!(one_by_one.collect::<Vec<_>>(), read(&text).facts, "{}", path.display());
    }
}

#[test]
fn what_an_event_does_not_tell_is_absent() {
    let fact = fact_of(json!({}));
    assert_eq!(fact.version, Version { may_change_spec: true, ..Version::default() });
    assert_eq!((fact.body, fact.actor.pod, fact.actor.impersonated), (None, None, None));
    assert!(fact.actor.source_ips.is_empty());
    // The version that was asked for is not the one that came of it.
    let reference = json!({ "resource": "jobs", "apiGroup": "batch", "uid": "u", "resourceVersion": "5" });
    let version = fact_of(json!({ "objectRef": reference })).version;
    assert_eq!((version.uid.as_deref(), version.resource_version), (Some("u"), None));
}

#[test]
fn large_numbers_are_kept() {
    let response = |generation: Value, version: &str| {
        let metadata = json!({ "generation": generation, "resourceVersion": version });
        let version = fact_of(json!({
            "responseObject": { "kind": "CronJob", "apiVersion": "batch/v1", "metadata": metadata },
        }));
        (version.version.generation, version.version.resource_version)
    };
    assert_eq!(response(json!(i64::MAX), "18446744073709551615"), (Some(i64::MAX), Some(u64::MAX)));
    assert_eq!(response(json!(3.0), "x"), (Some(3), None));
    assert_eq!(response(json!("4"), ""), (Some(4), None));
    assert_eq!(response(json!(1.5), "-1"), (None, None));
}

#[test]
fn other_objects_in_answers_are_no_bodies() {
    for response in [
        json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "name": "x", "uid": "u" } }),
        json!({ "kind": "CronJob", "apiVersion": "evil.example/v1", "metadata": { "name": "x", "uid": "u" } }),
        json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": { "name": "x", "uid": "u" } }),
        json!("skipped-too-big-size-object"),
    ] {
        let fact = fact_of(json!({ "responseObject": response }));
        assert_eq!((fact.body, fact.version.uid, fact.object.name.as_str()), (None, None, "backup"));
    }
}

#[test]
fn a_collection_has_a_fact_for_each_object() {
    let fields = |response: Value| {
        json!({
            "verb": "deletecollection",
            "objectRef": { "resource": "jobs", "apiGroup": "batch", "namespace": "shop" },
            "responseObject": response,
        })
    };
    let names = |response: Value| {
        let facts = read_value(&event_with(fields(response))).facts;
        facts.into_iter().map(|fact| (fact.object.name, fact.body.is_some())).collect::<Vec<_>>()
    };
    let metadata = |name: &str| json!({ "name": name, "namespace": "shop" });
    assert_eq!(names(Value::Null), [(String::new(), false)]);
    assert_eq!(names(json!({ "kind": "Status", "status": "Success" })), [(String::new(), false)]);
    assert_eq!(names(json!({ "items": 5 })), [(String::new(), false)]);
    assert_eq!(names(json!({ "items": [] })), []);
    let items = [
        json!({ "metadata": metadata("a") }),
        json!(5),
        json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": metadata("b") }),
    ];
    assert_eq!(names(json!({ "items": items })), [("a".to_owned(), true), ("b".to_owned(), true)]);
    let partial = json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata("c") });
    assert_eq!(names(json!({ "items": [partial] })), [("c".to_owned(), false)]);
    assert_eq!(names(json!({ "rows": [{ "cells": [], "object": partial }] })), [("c".to_owned(), false)]);
    let many = vec![json!({ "metadata": metadata("a") }); 10_001];
    let facts = names(json!({ "items": many }));
    assert_eq!((facts.len(), facts.last()), (10_001, Some(&(String::new(), false))));
}

#[test]
fn the_status_of_findings_is_ours_to_write() {
    let reference = |group: &str, resource: &str, subresource: &str| {
        let reference = json!({ "apiGroup": group, "resource": resource, "subresource": subresource, "name": "x" });
        json!({ "objectRef": reference })
    };
    assert_eq!(
        fact_of(reference("cronwarden.dev", "scheduledworkloadfindings", "status")).object.kind,
        ObjectKind::FindingStatus
    );
    assert_eq!(fact_of(reference("cronwarden.dev", "approvedcronjobs", "")).object.kind, ObjectKind::Approval);
    assert!(is_ignored(reference("cronwarden.dev", "approvedcronjobs", "status")));
    assert!(is_ignored(reference("batch", "cronjobs", "status")));
    assert!(is_ignored(reference("batch", "cronjobs", "finalizers")));
    assert!(is_ignored(reference("evil.example", "cronjobs", "")));
    assert!(is_ignored(reference("", "pods", "")));
}

#[test]
fn outcomes_count() {
    assert!(is_ignored(json!({ "responseStatus": { "code": 409 } })));
    assert!(is_ignored(json!({ "responseStatus": { "code": 101 } })));
    assert!(is_ignored(json!({ "stage": "RequestReceived", "responseStatus": null })));
    assert!(is_ignored(json!({ "verb": "get" })));
    assert!(is_ignored(json!({ "verb": "watch", "objectRef": null })));
}

#[test]
fn reasons_are_few() {
    let text = "x\n[}\n{}\n".repeat(1000);
    let reading = read(text.as_bytes());
    assert_eq!(reading.unreadable_count(), 3000);
    assert_eq!(reading.unreadable.len(), 3);
}

/// A forwarder that splits lines may cut an object out of the body of a request: who made the request chose what is in it.
#[test]
fn parts_of_events_are_no_events() {
    let event = event().to_string();
    let none = |text: String| {
        let reading = read(text.as_bytes());
        assert_eq!((reading.events, reading.unreadable_count()), (0, 1), "{text}");
    };
    for rest in ["}", ",", ",{}", "]", ":1", " x"] {
        none(format!("{event}{rest}"));
        none(format!("2026-05-01T08:00:00Z stdout F {event}{rest}"));
        none(json!({ "log": format!("{event}{rest}") }).to_string());
    }
    for before in ["\"x\":", "},", "2026-05-01T08:00:00Z stdout P ", "\\"] {
        none(format!("x{before}{event}"));
    }
    none(event[..event.len() - 1].to_owned());
    assert_eq!(read(format!("{event}{event}\r\n \u{1e}{event}\n[{event}]").as_bytes()).facts.len(), 4);
}

#[test]
fn empty_lists_are_empty() {
    for text in [
        "[]",
        r#"{"events":[]}"#,
        r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}"#,
        r#"[{"records":[]}]"#,
    ] {
        assert_eq!(read(text.as_bytes()), Reading::default(), "{text}");
    }
    let record = json!({ "events": [], "data": [], "log": event().to_string() });
    assert_eq!(read_value(&record).facts.len(), 1);
}

#[test]
fn escapes_do_not_hide_what_matters() {
    for line in ["jobs", "workloadfindings", r"\u006aobs", r"jo\u0062s", r"\\u\u0030\u0030\u0036aobs", r"\u006A"] {
        assert!(may_matter(line.as_bytes()), "{line}");
    }
    for line in ["pods", "", "u00", r"a\u003cb\u003eb\u0026", "finding"] {
        assert!(!may_matter(line.as_bytes()), "{line}");
    }
}
