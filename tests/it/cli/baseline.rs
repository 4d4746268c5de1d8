//! `cronwarden baseline`: what it drafts approves what there is, and nothing dangerous unasked.

use std::collections::BTreeSet;

use cronwarden::api::ApprovedCronJob;
use cronwarden::api::approval::PodSecurityLevel;
use serde_json::{Value, json};

use super::folder::{Folder, documents, names};
use crate::corpus::read::corpus;
use crate::operator::deviations::{container, pod, set};
use crate::operator::scene::cron_job;

/// What no approval can be satisfied by: the image is no image. The operator has a finding about it until somebody mends it.
const CANNOT_BE_APPROVED: [&str; 1] = ["CronJob/team-green/curator-cold"];

#[test]
fn a_baseline_approves_what_there_is() -> anyhow::Result<()> {
    let mut excepted = BTreeSet::new();
    for scenario in corpus()? {
        let folder = Folder::new();
        let workloads = scenario.folder.join("workloads.yaml").display().to_string();
        for options in [&["--strict"][..], &["--group"], &["--strict", "--group"], &[]] {
            let name = format!("{} {options:?}", scenario.name);
            let arguments = ["baseline", "--jobs", "--accept-risk", "all", &workloads];
            let drafted = folder.run(arguments.into_iter().chain(options.iter().copied()));
            folder.write("inventory.yaml", &drafted.stdout);
            let outcome = folder.run(["scan", &workloads, "--inventory", "inventory.yaml", "-o", "json"]);
            let report: Value = serde_json::from_str(&outcome.stdout)?;
            assert_eq!(report["problems"], json!([]), "{name}");
            let mut found = 0;
            for workload in report["workloads"].as_array().unwrap() {
                let named = &workload["workload"];
                let key = ["kind", "namespace", "name"].map(|field| named[field].as_str().unwrap()).join("/");
                if let Some(key) = CANNOT_BE_APPROVED.into_iter().find(|other| *other == key) {
                    excepted.insert(key);
                    assert!(drafted.stderr.contains(key), "{name}: {}", drafted.stderr);
                    found += 1;
                    continue;
                }
                assert_eq!(workload["verdict"], "Approved", "{name}: {workload:#}");
            }
            assert_eq!(
                (drafted.code, outcome.code),
                if found == 0 { (0, 0) } else { (2, 1) },
                "{name}: {}",
                drafted.stderr
            );
            assert_eq!(report["workloads"].as_array().unwrap().len(), scenario.workloads.len(), "{name}");
        }
    }
    assert_eq!(excepted, CANNOT_BE_APPROVED.into());
    Ok(())
}

#[test]
fn the_order_of_the_input_does_not_matter() -> anyhow::Result<()> {
    for scenario in corpus()? {
        let mut objects: Vec<Value> = scenario.workloads.iter().map(|(object, _)| object.clone()).collect();
        let folder = Folder::of(&[("0.yaml", &documents(&objects))]);
        objects.reverse();
        let (a, b) = objects.split_at(objects.len() / 2);
        folder.write("1/a.yaml", documents(a));
        folder.write("1/b.yaml", documents(b));
        objects.rotate_left(1);
        folder.write("2.yaml", documents(&objects));
        for options in [&["--jobs"][..], &["--jobs", "--group"]] {
            let drafted = |path| folder.run(["baseline", path].into_iter().chain(options.iter().copied())).stdout;
            let first = drafted("0.yaml");
            assert!(first.contains("kind: ApprovedCronJob"), "{}", scenario.name);
            assert_eq!(drafted("1"), first, "{}", scenario.name);
            assert_eq!(drafted("2.yaml"), first, "{}", scenario.name);
        }
    }
    Ok(())
}

#[test]
fn nothing_dangerous_is_allowed_unasked() -> anyhow::Result<()> {
    let mut drafts = 0;
    for scenario in corpus()? {
        let folder = Folder::new();
        let workloads = scenario.folder.join("workloads.yaml").display().to_string();
        let outcome = folder.run(["baseline", "--jobs", &workloads]);
        for approval in serde_saphyr::from_multiple::<ApprovedCronJob>(&outcome.stdout)? {
            drafts += 1;
            let name = approval.metadata.name.unwrap_or_default();
            let allowed = approval.spec.allowed;
            assert!(allowed.pod_security < PodSecurityLevel::Privileged, "{name}");
            assert_eq!(allowed.host_paths, [""; 0], "{name}");
        }
        if outcome.stderr.contains("leave") {
            assert!(outcome.stderr.contains("--accept-risk CODE"), "{}", outcome.stderr);
        }
    }
    assert!(drafts > 100, "{drafts} drafts");
    Ok(())
}

#[test]
fn each_code_allows_what_it_names() {
    let mut manifest = cron_job("payments", "dump");
    set(&mut manifest, &pod("volumes"), json!([{ "name": "host", "hostPath": { "path": "/var/backup" } }]));
    set(&mut manifest, &container("securityContext"), json!({ "capabilities": { "add": ["SYS_ADMIN"] } }));
    let folder = Folder::of(&[("m.yaml", &documents(&[manifest]))]);
    let drafted = |codes: &[&'static str]| {
        let codes = codes.iter().flat_map(|code| ["--accept-risk", code]);
        let outcome = folder.run(["baseline", "m.yaml"].into_iter().chain(codes)).succeeded();
        (outcome.stdout.contains("- /var/backup\n"), outcome.stdout.contains("- SYS_ADMIN\n"))
    };
    assert_eq!(drafted(&[]), (false, false));
    assert_eq!(drafted(&["HostPath"]), (true, false));
    assert_eq!(drafted(&["DangerousCapability"]), (false, true));
    assert_eq!(drafted(&["HostPath", "DangerousCapability"]), (true, true));
    let outcome = folder.run(["baseline", "m.yaml", "--accept-risk", "Everything"]).ended_with(2);
    assert!(outcome.stderr.contains("HostPath") && outcome.stdout.is_empty(), "{}", outcome.stderr);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_drafted() {
    let folder = Folder::of(&[
        ("m/a.yaml", &documents(&[cron_job("payments", "a"), cron_job("shop", "a")])),
        ("m/b.yaml", "a: ["),
        ("m/c.yaml", &documents(&[cron_job("payments", "c")])),
    ]);
    let outcome = folder.run(["baseline", "m"]).ended_with(2);
    assert!(
        outcome.stderr.contains("m/b.yaml:1:4") && outcome.stderr.contains("3 approvals for 3 workloads"),
        "{}",
        outcome.stderr
    );
    folder.write("inventory.yaml", &outcome.stdout);
    let report = folder.scan(2, ["m", "--inventory", "inventory.yaml"]);
    assert_eq!((names(&report).len(), &report["summary"]["approved"]), (3, &json!(3)));
    let of_one = folder.run(["baseline", "m/a.yaml", "m/c.yaml", "-n", "shop"]).succeeded();
    assert!(of_one.stderr.contains("1 approval for 1 workload\n"), "{}", of_one.stderr);
    folder.run(["baseline", "missing"]).ended_with(2);
    let without = folder.run(["baseline"]).ended_with(2);
    assert!(without.stderr.contains("--kubeconfig"), "{}", without.stderr);
}
