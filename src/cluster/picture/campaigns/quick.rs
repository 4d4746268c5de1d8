//! Workloads that change and are gone while the operator starts, or while it does not run, before they are judged again.

use jiff::SignedDuration;
use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::super::metrics::Metrics;
use super::super::super::watch::Change;
use super::super::Standards;
use super::*;
use crate::api::finding::{SubjectKind, WorkloadReference};
use crate::finding::{Write, name};
use crate::identity::Ledger;
use crate::workload::{WorkloadKey, WorkloadKind};

const CREATED: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    "2026-01-01T00:01:00Z".parse().unwrap()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

/// A CronJob that has the name of its namespace.
fn cron_job(namespace: &str, image: &str) -> Value {
    json!({
        "metadata": {
            "namespace": namespace, "name": namespace, "uid": namespace, "resourceVersion": "1", "generation": 1,
            "creationTimestamp": CREATED,
        },
        "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": { "spec": {
            "containers": [{ "name": "c", "image": image }],
        } } } } },
    })
}

fn template_hash(image: &str) -> String {
    Workload::from_json(WorkloadKind::CronJob, &cron_job("any", image).to_string()).unwrap().template_hash()
}

/// The finding about the CronJob of a namespace when it had an image.
fn finding(namespace: &str, state: &str, image: &str) -> Value {
    let workload = json!({ "kind": "CronJob", "namespace": namespace, "name": namespace, "uid": namespace });
    json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ScheduledWorkloadFinding",
        "metadata": { "name": name(&reference(namespace)), "uid": "f", "resourceVersion": "2" },
        "spec": { "workload": workload },
        "status": {
            "state": state, "severity": "Low", "actor": { "evidence": "Unknown" }, "reasons": "Unapproved",
            "templateHash": template_hash(image), "firstSeen": CREATED,
        },
    })
}

fn reference(namespace: &str) -> WorkloadReference {
    let [namespace, name, uid] = [namespace; 3].map(str::to_owned);
    WorkloadReference { kind: SubjectKind::CronJob, namespace, name, uid }
}

/// What an operator knows that has just started: what is there, and what is recorded of it.
fn started(cron_jobs: &[(&str, &str)], findings: &[Value]) -> Picture {
    let standards = Standards { retention: SignedDuration::from_hours(1), ..Standards::default() };
    let mut picture = Picture::new(standards, Ledger::default(), Metrics::new());
    for namespace in ["a", "b", "c"] {
        picture
            .observe(Change::Namespace(Event::InitApply(read(&json!({ "metadata": { "name": namespace } })))), now());
    }
    for (namespace, image) in cron_jobs {
        picture.observe(Change::Workload(Event::InitApply(read(&cron_job(namespace, image)))), now());
    }
    for finding in findings {
        picture.observe(Change::Finding(Event::InitApply(read(finding))), now());
    }
    let lists = [
        Change::Workload(Event::InitDone),
        Change::Job(Event::InitDone),
        Change::Pod(Event::InitDone),
        Change::Namespace(Event::InitDone),
        Change::Approval(Event::InitDone),
        Change::Finding(Event::InitDone),
    ];
    for list in lists {
        picture.observe(list, now());
    }
    assert!(picture.synced());
    picture.survey_campaigns(now());
    picture
}

fn delete(picture: &mut Picture, namespace: &str, image: &str) {
    picture.observe(Change::Workload(Event::Delete(read(&cron_job(namespace, image)))), now());
}

fn judge(picture: &mut Picture, namespace: &str) -> Vec<Write> {
    let [in_namespace, name] = [namespace; 2].map(str::to_owned);
    picture.judge(&WorkloadKey { namespace: in_namespace, name, kind: WorkloadKind::CronJob }, now()).0
}

/// How large a campaign the finding about the CronJob of a namespace tells of.
fn told(picture: &mut Picture, namespace: &str) -> Option<i32> {
    let writes = judge(picture, namespace);
    let [Write::Apply { status, .. }] = writes.as_slice() else { panic!("{writes:?}") };
    status.campaign.as_ref().map(|campaign| campaign.workloads)
}

#[test]
fn one_that_changed_and_was_gone_before_it_was_judged_counts_as_its_finding_says() {
    let mut picture = started(&[("a", "x"), ("b", "x"), ("c", "y")], &[finding("c", "Open", "x")]);
    assert_eq!(told(&mut picture, "a"), None, "it has another template now");
    delete(&mut picture, "c", "y");
    let writes = judge(&mut picture, "c");
    assert!(matches!(writes.as_slice(), [Write::Close { .. }]), "{writes:?}");
    assert_eq!(told(&mut picture, "a"), Some(3), "its finding tells for good that it had this template");
    assert_eq!(told(&mut picture, "b"), Some(3));
}

#[test]
fn one_whose_finding_was_over_does_not_count_if_it_is_gone_before_it_is_judged() {
    let mut picture = started(&[("a", "x"), ("b", "x"), ("c", "x")], &[finding("c", "Resolved", "x")]);
    assert_eq!(told(&mut picture, "a"), Some(3));
    delete(&mut picture, "c", "x");
    assert_eq!(judge(&mut picture, "c"), []);
    assert_eq!(told(&mut picture, "a"), None, "nothing tells that it deviated again");
}

#[test]
fn one_counts_of_which_nothing_but_its_finding_is_ever_seen() {
    let mut picture = started(&[("a", "x"), ("b", "x")], &[]);
    assert_eq!(told(&mut picture, "a"), None);
    // The last write of an operator that was killed may arrive after the lists of the next one.
    picture.observe(Change::Finding(Event::Apply(read(&finding("c", "Open", "x")))), now());
    let writes = judge(&mut picture, "c");
    assert!(matches!(writes.as_slice(), [Write::Close { .. }]), "{writes:?}");
    assert_eq!(told(&mut picture, "a"), Some(3));
}
