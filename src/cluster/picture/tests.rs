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
