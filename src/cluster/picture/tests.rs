//! What a server would only rarely show: orders of events that depend on luck.

use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::super::store::Versioned;
use super::*;
use crate::finding::Record;

fn picture() -> Picture {
    let standards = Standards { retention: SignedDuration::from_hours(1), ..Standards::default() };
    Picture::new(standards, Ledger::default(), Metrics::new())
}

fn finding(version: u64, triage: &Value) -> Versioned {
    let finding = json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ScheduledWorkloadFinding",
        "metadata": { "name": "f" },
        "spec": { "workload": { "kind": "CronJob", "namespace": "n", "name": "w", "uid": "u" }, "triage": triage },
        "status": { "state": "Open", "severity": "Low", "actor": { "evidence": "Unknown" }, "fingerprint": format!("{version}") },
    });
    Versioned { version, record: Record::of(&serde_json::from_value(finding).unwrap()) }
}

#[test]
fn the_answer_to_a_write_concerns_nobody_unless_people_decided_something_meanwhile() {
    let now = Timestamp::UNIX_EPOCH;
    let mut picture = picture();
    assert_eq!(picture.put_written(finding(1, &Value::Null), now), []);
    assert_eq!(picture.put_written(finding(2, &Value::Null), now), []);
    let decided = json!({ "state": "Acknowledged", "fingerprint": "2" });
    let concerned = picture.put_written(finding(4, &decided), now);
    assert!(matches!(concerned.as_slice(), [Concerned::Workload(key)] if key.name == "w"));
    assert_eq!(picture.put_written(finding(3, &Value::Null), now), [], "it is older than what is known");
}

#[test]
fn the_answer_to_a_write_does_not_hide_that_the_finding_was_removed_meanwhile() {
    let now = Timestamp::UNIX_EPOCH;
    let mut picture = picture();
    picture.put_written(finding(1, &Value::Null), now);
    assert_eq!(picture.remove_finding("f", 5).len(), 1);
    picture.put_written(finding(3, &Value::Null), now);
    assert!(picture.findings.get("f").is_none(), "it was removed after it was like this");
    picture.put_written(finding(6, &Value::Null), now);
    assert!(picture.findings.get("f").is_some(), "it is back");
}

#[test]
fn since_when_it_is_so_stays_whatever_somebody_writes_into_a_finding() {
    let read = |status: Value| {
        let finding = json!({
            "apiVersion": "cronwarden.dev/v1alpha1",
            "kind": "ScheduledWorkloadFinding",
            "metadata": { "name": "f" },
            "spec": { "workload": { "kind": "CronJob", "namespace": "n", "name": "w", "uid": "u" } },
            "status": status,
        });
        Record::of(&serde_json::from_value(finding).unwrap())
    };
    let status = |state: &str, first: &str, closed: Value| json!({ "state": state, "severity": "Low", "actor": { "evidence": "Unknown" }, "firstSeen": first, "closedAt": closed });
    let (old, new) = ("2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z");
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let before = read(status("Deleted", old, json!(old)));
    assert_eq!(read(status("Deleted", old, json!(old))).insisting(&before), before);
    let forged = read(status("Deleted", new, json!(new))).insisting(&before);
    assert_eq!((forged.closed_at(), forged.state()), (at(old), before.state()));
    let wiped = read(Value::Null).insisting(&before);
    assert_eq!((wiped.closed_at(), wiped.state()), (at(old), before.state()));
    // It was open: when it ended is news.
    let open = read(status("Open", old, Value::Null));
    assert_eq!(read(status("Deleted", old, json!(new))).insisting(&open).closed_at(), at(new));
}

/// What a node pulled is compared between the ticks of a CronJob. Pods outlive it, and whoever makes up an owner could name any.
#[test]
fn what_ran_is_remembered_as_long_as_the_cron_job_is_there() {
    let now = Timestamp::UNIX_EPOCH;
    let template = json!({ "spec": { "containers": [{ "name": "c", "image": "i" }] } });
    let cron_job = json!({
        "metadata": { "namespace": "n", "name": "w", "uid": "u" },
        "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": template } } },
    });
    let owner = json!({ "apiVersion": "batch/v1", "kind": "CronJob", "name": "w", "uid": "u", "controller": true });
    let run = json!({
        "metadata": { "namespace": "n", "name": "w-7", "uid": "j", "ownerReferences": [owner] },
        "spec": { "template": template },
    });
    let pod = |digest: &str| {
        let image = format!("registry.example.com/i@sha256:{}", digest.repeat(64));
        let pod = json!({
            "metadata": { "namespace": "n", "name": "w-7-x", "uid": "p", "labels": {
                "batch.kubernetes.io/job-name": "w-7", "batch.kubernetes.io/controller-uid": "j",
            } },
            "spec": template["spec"],
            "status": { "containerStatuses": [{ "name": "c", "imageID": image }] },
        });
        Change::Pod(Event::Apply(observed(&pod)))
    };
    let mut picture = picture();
    picture.observe(Change::Workload(Event::Apply(observed(&cron_job))), now);
    picture.observe(Change::Job(Event::Apply(observed(&run))), now);
    let key = WorkloadKey { namespace: "n".to_owned(), name: "w-7".to_owned(), kind: WorkloadKind::Job };
    picture.jobs.all.get_mut(&key).unwrap().accounted = true;
    picture.observe(pod("a"), now);
    assert_eq!(picture.pods.digests.len(), 1);
    picture.observe(Change::Workload(Event::Delete(observed(&cron_job))), now);
    assert_eq!(picture.pods.digests.len(), 0);
    picture.observe(pod("b"), now);
    assert_eq!(picture.pods.digests.len(), 0);
}

fn observed<T: serde::de::DeserializeOwned>(object: &Value) -> T {
    serde_json::from_str(&object.to_string()).unwrap()
}
