//! What a server would only rarely show: orders of events that depend on luck.

use jiff::{SignedDuration, Timestamp};
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
