//! `cronwarden approve`: the approval that a workload needs, or what somebody has to decide first.

use std::collections::BTreeMap;

use cronwarden::api::ApprovedCronJob;
use serde_json::{Value, json};

use super::folder::{Folder, documents};
use crate::corpus::read::corpus;
use crate::operator::deviations::{container, pod, set};
use crate::operator::scene::{approval, cron_job};

/// The verdicts of a scan by `Kind/namespace/name`.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let one = |workload: &Value| {
        let key = ["kind", "namespace", "name"].map(|field| workload["workload"][field].as_str().unwrap()).join("/");
        (key, workload["verdict"].as_str().unwrap().to_owned())
    };
    report["workloads"].as_array().unwrap().iter().map(one).collect()
}

/// Puts approvals in the place of those of the same name.
fn applied(inventory: &str, more: &str) -> anyhow::Result<String> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for text in [inventory, more] {
        for approval in serde_saphyr::from_multiple::<Value>(text)?.into_iter().filter(|value| !value.is_null()) {
            let read: ApprovedCronJob = serde_json::from_value(approval.clone())?;
            all.insert(read.metadata.name.unwrap_or_default(), approval);
        }
    }
    Ok(documents(&all.into_values().collect::<Vec<_>>()))
}

#[test]
fn what_is_drafted_approves_the_workload_and_nobody_loses_an_approval() -> anyhow::Result<()> {
    let (mut followed, mut refused) = (0, 0);
    for scenario in
        corpus()?.iter().filter(|s| ["payments-backups", "billing-close", "log-curator"].contains(&&*s.name))
    {
        let folder = Folder::new();
        let workloads = scenario.folder.join("[nw]*s.yaml").display().to_string();
        let inventory = std::fs::read_to_string(scenario.folder.join("inventory.yaml"))?;
        folder.write("inventory.yaml", &inventory);
        let before = verdicts(&folder.scan(1, [&*workloads, "--inventory", "inventory.yaml"]));
        for (key, _) in before.iter().filter(|(_, verdict)| *verdict == "Deviating") {
            let arguments = ["approve", key, "-f", &workloads, "--inventory", "inventory.yaml", "--accept-risk", "all"];
            let mut outcome = folder.run(arguments);
            if outcome.code == 1 {
                refused += 1;
                assert_eq!(outcome.stdout, "", "{key}");
                assert!(
                    outcome.stderr.contains("spec.expected.") && outcome.stderr.contains("--new"),
                    "{}",
                    outcome.stderr
                );
                outcome = folder.run(arguments.into_iter().chain(["--new"]));
            }
            if outcome.code == 2 {
                assert_eq!(outcome.stdout, "", "{key}");
                assert!(
                    outcome.stderr.contains(key.as_str()) && outcome.stderr.contains("no approval can be satisfied"),
                    "{}",
                    outcome.stderr
                );
                continue;
            }
            let outcome = outcome.succeeded();
            followed += 1;
            folder.write("changed.yaml", applied(&inventory, &outcome.stdout)?);
            let report = folder.run(["scan", &workloads, "--inventory", "changed.yaml", "-o", "json"]);
            let after = verdicts(&serde_json::from_str(&report.stdout)?);
            assert_eq!(after[key], "Approved", "{key}: {}", outcome.stdout);
            for (other, verdict) in &before {
                assert!(
                    verdict != "Approved" || after[other] == "Approved",
                    "{key} takes the approval of {other} away"
                );
            }
            let diff = folder.run(arguments.into_iter().chain(["-o", "diff"]));
            assert!(
                diff.code == 1 || diff.stdout.starts_with("--- a/") && diff.stdout.contains("\n+"),
                "{}",
                diff.stdout
            );
        }
    }
    assert!(followed > 15 && refused > 0, "{followed} followed, {refused} were refused");
    Ok(())
}

#[test]
fn risks_are_accepted_by_name() {
    let mut manifest = cron_job("payments", "dump");
    set(&mut manifest, &pod("volumes"), json!([{ "name": "host", "hostPath": { "path": "/var/backup" } }]));
    let folder = Folder::of(&[
        ("m.yaml", &documents(&[manifest])),
        ("inventory.yaml", &documents(&[approval("payments", "dump")])),
    ]);
    let arguments = ["approve", "m.yaml", "--inventory", "inventory.yaml"];
    for options in [&[][..], &["-o", "diff"], &["--new"], &["--accept-risk", "SuspiciousCommand"]] {
        let outcome = folder.run(arguments.into_iter().chain(options.iter().copied())).ended_with(1);
        assert_eq!(outcome.stdout, "");
        assert!(
            outcome.stderr.contains("CronJob/payments/dump") && outcome.stderr.contains("--accept-risk HostPath"),
            "{}",
            outcome.stderr
        );
    }
    let accepted = folder.run(arguments.into_iter().chain(["--accept-risk", "HostPath"])).succeeded();
    folder.write("changed.yaml", &accepted.stdout);
    folder.scan(0, ["m.yaml", "--inventory", "changed.yaml"]);
    let diff = folder.run(arguments.into_iter().chain(["--accept-risk", "all", "-o", "diff"])).succeeded().stdout;
    assert!(diff.starts_with("--- a/payments-dump.yaml\n+++ b/payments-dump.yaml\n"), "{diff}");
    let added: Vec<&str> = diff.lines().filter(|line| line.starts_with('+') && line.contains("/var/backup")).collect();
    assert!(!added.is_empty() && !diff.contains("\n-"), "{diff}");
}

#[test]
fn one_refusal_leaves_nothing_to_apply() {
    let mut dangerous = cron_job("payments", "dangerous");
    set(&mut dangerous, &pod("hostPID"), json!(true));
    let folder = Folder::of(&[("m.yaml", &documents(&[cron_job("payments", "fine"), dangerous]))]);
    let outcome = folder.run(["approve", "m.yaml"]).ended_with(1);
    assert_eq!(outcome.stdout, "");
    assert!(
        outcome.stderr.contains("CronJob/payments/dangerous") && outcome.stderr.contains("HostNamespace"),
        "{}",
        outcome.stderr
    );
    folder.run(["approve", "m.yaml", "--accept-risk", "HostNamespace"]).succeeded();
}

#[test]
fn workloads_that_share_an_approval_change_it_together() {
    let mut shared = approval("payments", "shared");
    set(&mut shared, "/spec/match/names", json!(["dump-*"]));
    let at = |name: &str, tag: &str| {
        let mut changed = cron_job("payments", name);
        set(&mut changed, &container("image"), json!(format!("registry.example.com/backup/pgdump:{tag}")));
        changed
    };
    let manifests = [at("dump-a", "v4.0"), at("dump-b", "v5.0"), at("dump-c", "v3.2"), at("dump-d", "v4.0")];
    let folder = Folder::of(&[("m.yaml", &documents(&manifests)), ("inventory.yaml", &documents(&[shared]))]);
    let arguments = ["approve", "m.yaml", "--inventory", "inventory.yaml"];
    let outcome = folder.run(arguments).succeeded();
    assert_eq!(outcome.stdout.matches("kind: ApprovedCronJob").count(), 1, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("v4.0") && outcome.stdout.contains("v5.0"), "{}", outcome.stdout);
    folder.write("changed.yaml", &outcome.stdout);
    folder.scan(0, ["m.yaml", "--inventory", "changed.yaml"]);
    let diff = folder.run(arguments.into_iter().chain(["-o", "diff"])).succeeded().stdout;
    assert_eq!(diff.matches("--- a/").count(), 1, "{diff}");
    let again = folder.run(["approve", "m.yaml", "--inventory", "changed.yaml"]).succeeded();
    assert_eq!(again.stdout, "");
    assert_eq!(again.stderr.matches("deviates from nothing").count(), 4, "{}", again.stderr);
}

/// What can have one value only cannot follow one workload without leaving the others.
#[test]
fn a_workload_that_differs_in_a_single_value_gets_an_approval_of_its_own() {
    let mut shared = approval("payments", "shared");
    set(&mut shared, "/spec/match/names", json!(["dump-*"]));
    let mut other = cron_job("payments", "dump-b");
    set(&mut other, "/metadata/labels/team", json!("invoices"));
    let folder = Folder::of(&[
        ("m.yaml", &documents(&[cron_job("payments", "dump-a"), other])),
        ("inventory.yaml", &documents(&[shared])),
    ]);
    let outcome = folder.run(["approve", "m.yaml", "--inventory", "inventory.yaml"]).succeeded();
    assert!(outcome.stdout.contains("name: payments-dump-b"), "{}", outcome.stdout);
    folder.write("more.yaml", &outcome.stdout);
    folder.scan(0, ["m.yaml", "--inventory", "inventory.yaml", "--inventory", "more.yaml"]);
}

#[test]
fn a_new_approval_never_replaces_one() {
    let mut changed = cron_job("payments", "dump");
    set(&mut changed, "/spec/schedule", json!("0 3 * * *"));
    let folder = Folder::of(&[
        ("m.yaml", &documents(&[changed])),
        ("inventory.yaml", &documents(&[approval("payments", "dump")])),
    ]);
    let outcome = folder.run(["approve", "m.yaml", "--inventory", "inventory.yaml", "--new"]).succeeded();
    assert!(outcome.stdout.contains("0 2 * * *") && outcome.stdout.contains("0 3 * * *"), "{}", outcome.stdout);
}

#[test]
fn there_has_to_be_something_to_approve() {
    let folder = Folder::of(&[("other.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n")]);
    for (target, expected) in [
        ("other.yaml", "there is no CronJob in other.yaml"),
        ("missing.yaml", "missing.yaml: there is no such file"),
        ("missing/missing.json", "missing/missing.json: there is no such file"),
        ("a/b", "KIND/NAMESPACE/NAME"),
        ("Pod/a/b", "the kind must be CronJob or Job"),
        ("some-finding", "--kubeconfig"),
    ] {
        let outcome = folder.run(["approve", target]).ended_with(2);
        assert!(outcome.stderr.contains(expected), "{target}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    folder.write("broken.yaml", format!("a: [\n{}", documents(&[cron_job("payments", "a")])));
    let outcome = folder.run(["approve", "broken.yaml"]).ended_with(2);
    assert!(
        outcome.stdout.contains("name: payments-a") && outcome.stderr.contains("broken.yaml:1:4"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_config_maps_hold_is_not_approved_by_adding_anything() {
    let folder = Folder::new();
    let mut job = cron_job("apps", "backup");
    set(&mut job, &pod("volumes"), json!([{ "name": "script", "configMap": { "name": "script" } }]));
    let mut approval = approval("apps", "backup");
    set(&mut approval, "/spec/expected/configMapHashes", json!(true));
    set(&mut approval, "/spec/allowed/configMaps", json!(["scr*"]));
    folder.write("workload.yaml", documents(&[job.clone()]));
    folder.write("inventory.yaml", documents(&[approval]));
    let arguments = ["approve", "workload.yaml", "--inventory", "inventory.yaml"];
    let outcome = folder.run(arguments);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("any change of the approval's spec"), "{}", outcome.stderr);

    // Whatever else is changed approves what the ConfigMaps hold by then.
    set(&mut job, "/spec/schedule", json!("0 3 * * *"));
    folder.write("workload.yaml", documents(&[job]));
    let outcome = folder.run(arguments);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let (before, _) = outcome.stdout.split_once("configMapHashes: true").expect("it is still asked for");
    assert!(before.contains("recorded anew, and so approved"), "{}", outcome.stdout);
    let after: Value = serde_saphyr::from_str(&outcome.stdout).unwrap();
    assert_eq!(after["spec"]["allowed"]["configMaps"], json!(["scr*"]));
}
