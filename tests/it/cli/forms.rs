//! What `cronwarden scan` prints: the forms, the places, the exit codes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::folder::{Folder, documents};
use crate::operator::deviations::set;
use crate::operator::scene::{approval, cron_job};
use crate::report::sarif::schema;
use crate::rest::repository;

/// A CronJob as people write it, of which [`approval`] does not approve the schedule, the image and a part of the arguments.
const CHANGED: &str = r#"# Before the first document.
apiVersion: v1
kind: ConfigMap
metadata: {name: übrig}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  namespace: payments
  name: dump
  labels: {team: payments}
spec:
  timeZone: "Etc/UTC"
  schedule: "*/5 2 * * *"   # too often
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          serviceAccountName: backup
          containers:
            - {name: "ä", image: registry.example.org/backup/pgdump:v3.2, command: [/usr/bin/pgdump], args: [--all]}
"#;

fn changed() -> Folder {
    let mut approval = approval("payments", "dump");
    set(&mut approval, "/spec/expected/minimumInterval", json!("1m"));
    Folder::of(&[("deploy/dump.yaml", CHANGED), ("inventory.yaml", &documents(&[approval]))])
}

/// The text between two places, in lines and characters from 1.
fn cut(text: &str, place: &Value, names: [&str; 4]) -> String {
    let [start_line, start_column, end_line, end_column] =
        names.map(|name| usize::try_from(place[name].as_u64().unwrap_or_else(|| panic!("{name}: {place}"))).unwrap());
    assert_eq!(start_line, end_line, "more than a line");
    let line = text.lines().nth(start_line - 1).unwrap();
    line.chars().skip(start_column - 1).take(end_column - start_column).collect()
}

#[test]
fn json_gives_verdicts_and_the_places_of_what_deviates() {
    let folder = changed();
    let report = folder.scan(1, ["deploy", "--inventory", "inventory.yaml"]);
    assert_eq!((&report["apiVersion"], &report["kind"]), (&json!("cronwarden.dev/v1alpha1"), &json!("ScanReport")));
    let workload = &report["workloads"][0];
    assert_eq!(workload["workload"], json!({ "kind": "CronJob", "namespace": "payments", "name": "dump" }));
    assert_eq!((&workload["verdict"], &workload["source"]), (&json!("Deviating"), &json!("deploy/dump.yaml")));
    assert_eq!((&workload["line"], &workload["column"]), (&json!(6), &json!(1)));
    let names = ["line", "column", "endLine", "endColumn"];
    let found: Vec<(String, String)> = workload["deviations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deviation| (deviation["code"].as_str().unwrap().to_owned(), cut(CHANGED, deviation, names)))
        .collect();
    let expected = [("Schedule", "\"*/5 2 * * *\""), ("Image", "registry.example.org/backup/pgdump:v3.2")];
    assert_eq!(found, expected.map(|(code, text)| (code.to_owned(), text.to_owned())));
    let summary = json!({
        "files": 1, "documents": 2, "workloads": 1, "approved": 0, "deviating": 1, "unknown": 0, "approvals": 1,
        "namespaces": 0, "skipped": { "v1/ConfigMap": 1 },
    });
    assert_eq!(report["summary"], summary);
}

#[test]
fn every_field_of_the_json_is_documented() {
    let document = std::fs::read_to_string(repository("docs/scan-output.md")).unwrap();
    let folder = changed();
    folder.write("deploy/broken.yaml", "a: [");
    let report = folder.scan(2, ["deploy", "--inventory", "inventory.yaml"]);
    let mut fields = BTreeSet::new();
    collect(&report, &mut fields);
    assert!(fields.len() > 30, "{fields:?}");
    // The names of what was passed over are no fields.
    fields.retain(|field| !field.contains('/'));
    let is_documented =
        |field: &str| document.contains(&format!("`{field}`")) || document.contains(&format!(".{field}[]`"));
    fields.retain(|field| !is_documented(field));
    assert!(fields.is_empty(), "{fields:?}");
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.keys().cloned());
            fields.values().for_each(|value| collect(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}

#[test]
fn yaml_is_the_same_as_json() {
    let folder = changed();
    let arguments = ["scan", "deploy", "--inventory", "inventory.yaml", "-o", "yaml"];
    let yaml: Value = serde_saphyr::from_str(&folder.run(arguments).ended_with(1).stdout).unwrap();
    assert_eq!(yaml, folder.scan(1, ["deploy", "--inventory", "inventory.yaml"]));
}

#[test]
fn sarif_is_valid_and_points_at_the_text() {
    let folder = changed();
    folder.write("deploy/broken.yaml", "a: [");
    let arguments = ["scan", "deploy", "--inventory", "inventory.yaml", "-o", "sarif"];
    let log: Value = serde_json::from_str(&folder.run(arguments).ended_with(2).stdout).unwrap();
    let errors: Vec<String> = schema().iter_errors(&log).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let found: Vec<(String, String)> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "deploy/dump.yaml");
            let names = ["startLine", "startColumn", "endLine", "endColumn"];
            (result["ruleId"].as_str().unwrap().to_owned(), cut(CHANGED, &place["region"], names))
        })
        .collect();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&("Schedule".into(), "\"*/5 2 * * *\"".into())), "{found:?}");
    assert!(found.contains(&("Image".into(), "registry.example.org/backup/pgdump:v3.2".into())), "{found:?}");
}

#[test]
fn tables_are_for_people_and_colours_for_terminals() {
    let folder = changed();
    folder.write("deploy/fine.yaml", documents(&[cron_job("payments", "fine")]));
    folder.write("fine.yaml", documents(&[approval("payments", "fine")]));
    let inventory = ["--inventory", "inventory.yaml", "--inventory", "fine.yaml"];
    let run = |more: &[&'static str]| {
        folder.run(["scan", "deploy"].into_iter().chain(inventory).chain(more.iter().copied())).ended_with(1)
    };
    let plain = run(&[]);
    assert!(plain.stdout.contains("CronJob/payments/dump") && plain.stdout.contains("deploy/dump.yaml:6"));
    assert!(plain.stdout.contains("2 workloads: 1 approved, 1 deviating"), "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}'), "colours in a file: {}", plain.stdout);
    assert_eq!(plain.stderr, "");
    assert_eq!(run(&["--color", "never"]).stdout, plain.stdout);
    assert!(run(&["--color", "always"]).stdout.contains("\u{1b}["));
    let quiet = run(&["--quiet"]).stdout;
    assert!(quiet.contains("CronJob/payments/dump") && !quiet.contains("2 workloads"), "{quiet}");
    folder.write("deploy/dump.yaml", "");
    let clean = folder.run(["scan", "deploy", "--quiet"].into_iter().chain(inventory)).succeeded();
    assert_eq!(clean.stdout, "", "quiet has nothing to say");
}

#[test]
fn the_exit_code_follows_the_severity() {
    let folder = Folder::new();
    let mut shown = BTreeSet::new();
    for (name, field, value) in [
        ("low", "/spec/timeZone", json!("Etc/GMT")),
        ("medium", "/spec/schedule", json!("0 3 * * *")),
        ("high", "/spec/jobTemplate/spec/template/spec/serviceAccountName", json!("other")),
        ("critical", "/spec/jobTemplate/spec/template/spec/hostPID", json!(true)),
    ] {
        let mut changed = cron_job("payments", "dump");
        set(&mut changed, field, value);
        folder.write("dump.yaml", documents(&[changed, approval("payments", "dump")]));
        let severity = folder.scan(1, ["dump.yaml"])["workloads"][0]["severity"].as_str().unwrap().to_lowercase();
        assert_eq!(severity, name);
        shown.insert(severity);
        let order = ["low", "medium", "high", "critical", "never"];
        let at = order.iter().position(|other| *other == name).unwrap();
        for (i, fail_on) in order.into_iter().enumerate() {
            folder.run(["scan", "dump.yaml", "--fail-on", fail_on]).ended_with(i32::from(i <= at));
        }
    }
    assert_eq!(shown.len(), 4);
    // What could not be read counts more than what was found, and there is no excuse for it.
    folder.write("broken.yaml", "a: [");
    for fail_on in ["low", "never"] {
        folder.run(["scan", ".", "--fail-on", fail_on]).ended_with(2);
    }
    folder.run(["scan", ".", "--fail-on", "sometimes"]).ended_with(2);
    folder.run(["scan"]).ended_with(2);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    // More than a pipe holds.
    let workloads: Vec<Value> = (0..500).map(|number| cron_job("payments", &format!("dump-{number}"))).collect();
    let mut folder = Folder::of(&[("many.yaml", &documents(&workloads))]);
    folder.program = "bash".into();
    let script = format!("{} scan many.yaml -o json | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_cronwarden"));
    let outcome = folder.run(["-c", &script]).ended_with(1);
    assert_eq!(outcome.stderr, "");
}
