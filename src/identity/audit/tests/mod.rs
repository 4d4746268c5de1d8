mod forms;
mod properties;
mod request;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::identity::{Fact, Verb};

/// Where the records are: a folder for each sender, and next to each record what has to be read from it.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audit")
}

fn record(path: &str) -> Vec<u8> {
    fs::read(folder().join(path)).expect("a record")
}

/// A reading as text to review.
fn shown(reading: &Reading) -> String {
    let Reading { facts, events, ignored, unreadable } = reading;
    let mut text = format!("{events} events, {ignored} ignored, {} facts\n", facts.len());
    for Unreadable { reason, count } in unreadable {
        writeln!(text, "{count}× {reason}").unwrap();
    }
    for fact in facts {
        text += &shown_fact(fact);
    }
    text
}

fn shown_fact(fact: &Fact) -> String {
    let Fact { source: _, id, at, actor, verb, object, version, body } = fact;
    let mut text = format!("\n{} {:?} {}/{}\n", verb.as_str(), object.kind, object.namespace, object.name);
    writeln!(text, "  {at} {id}").unwrap();
    writeln!(text, "  by {} {:?}", actor.user.username, actor.user.groups).unwrap();
    if let Some(other) = &actor.impersonated {
        writeln!(text, "  as {} {:?}", other.username, other.groups).unwrap();
    }
    writeln!(text, "  from {:?} {:?}", actor.source_ips, actor.user_agent).unwrap();
    if let Some(pod) = &actor.pod {
        writeln!(text, "  in {} {} on {}", pod.name, pod.uid, pod.node).unwrap();
    }
    writeln!(text, "  because {:?}", actor.authorization).unwrap();
    let told = [
        ("uid", version.uid.clone()),
        ("generation", version.generation.map(|number| number.to_string())),
        ("resourceVersion", version.resource_version.map(|number| number.to_string())),
        ("created", version.created.map(|time| time.to_string())),
        ("spec", version.may_change_spec.then(|| "may have changed".to_owned())),
        ("body", body.as_ref().map(|body| format!("{} bytes", body.len()))),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| {
        writeln!(text, "  {name}: {value}").unwrap();
    });
    text
}

/// An event about a CronJob: all of an event that says enough.
fn event() -> Value {
    json!({
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "a1",
        "stage": "ResponseComplete",
        "requestURI": "/apis/batch/v1/namespaces/shop/cronjobs/backup",
        "verb": "update",
        "user": { "username": "jane", "groups": ["system:authenticated"] },
        "objectRef": { "resource": "cronjobs", "apiGroup": "batch", "namespace": "shop", "name": "backup" },
        "responseStatus": { "code": 200 },
        "stageTimestamp": "2026-05-01T08:00:00.123456Z",
    })
}

/// The event with some fields replaced.
fn event_with(fields: Value) -> Value {
    let mut event = event();
    let Value::Object(fields) = fields else { panic!("no fields") };
    event.as_object_mut().unwrap().extend(fields);
    event
}

fn read_value(value: &Value) -> Reading {
    read(value.to_string().as_bytes())
}

fn fact_of(fields: Value) -> Fact {
    let mut reading = read_value(&event_with(fields));
    assert_eq!(reading.facts.len(), 1, "{reading:?}");
    reading.facts.remove(0)
}

fn is_ignored(fields: Value) -> bool {
    let reading = read_value(&event_with(fields));
    assert_eq!(reading.events, 1);
    assert!(reading.unreadable.is_empty(), "{reading:?}");
    reading.ignored == 1 && reading.facts.is_empty()
}
