//! `cronwarden explain`

use cronwarden::api::code::{DeviationCode, RiskCode};
use serde_json::{Value, json};

use super::folder::{Folder, documents};
use crate::operator::deviations::set;
use crate::operator::scene::{approval, cron_job};

fn folder() -> Folder {
    let mut changed = cron_job("payments", "deviating");
    set(&mut changed, "/spec/schedule", json!("0 3 * * *"));
    let mut by_label = approval("payments", "unknown");
    set(
        &mut by_label,
        "/spec/match",
        json!({ "namespaceSelector": { "matchLabels": { "tier": "gold" } }, "names": ["unknown"] }),
    );
    Folder::of(&[
        (
            "m.yaml",
            &documents(&[
                cron_job("payments", "approved"),
                changed,
                cron_job("payments", "unapproved"),
                cron_job("payments", "unknown"),
            ]),
        ),
        (
            "inventory.yaml",
            &documents(&[approval("payments", "approved"), approval("payments", "deviating"), by_label]),
        ),
    ])
}

#[test]
fn every_verdict_is_explained() {
    let folder = folder();
    for (name, verdict, codes) in [
        ("approved", "Approved", &[][..]),
        ("deviating", "Deviating", &["Schedule"]),
        ("unapproved", "Deviating", &["Unapproved"]),
        ("unknown", "Unknown", &[]),
    ] {
        let target = format!("CronJob/payments/{name}");
        let arguments = ["explain", &target, "-f", "m.yaml", "--inventory", "inventory.yaml"];
        let text = folder.run(arguments).succeeded();
        assert!(text.stdout.contains(&target) && text.stdout.contains("m.yaml"), "{}", text.stdout);
        assert!(!text.stdout.contains('\u{1b}') && text.stderr.is_empty(), "{}", text.stdout);
        let coloured = folder.run(arguments.into_iter().chain(["--color", "always"])).succeeded();
        assert!(coloured.stdout.contains("\u{1b}["), "{}", coloured.stdout);
        let json = folder.run(arguments.into_iter().chain(["-o", "json"])).succeeded();
        let explained: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((&explained["kind"], &explained["verdict"]), (&json!("Explanation"), &json!(verdict)), "{name}");
        let deviations = explained["deviations"].as_array().map_or(&[][..], Vec::as_slice);
        let found: Vec<&str> = deviations.iter().map(|deviation| deviation["code"].as_str().unwrap()).collect();
        assert_eq!(found, codes, "{name}");
        assert_eq!(explained["nextRuns"].as_array().map(Vec::len), Some(5), "{name}");
        // The verdict is the one of a scan.
        let report = folder.scan(1, ["m.yaml", "inventory.yaml"]);
        let scanned = report["workloads"].as_array().unwrap().iter().find(|w| w["workload"]["name"] == name).unwrap();
        assert_eq!(scanned["verdict"], explained["verdict"], "{name}");
    }
}

#[test]
fn every_code_is_explained() {
    let folder = Folder::new();
    let deviations = DeviationCode::ALL.iter().map(|code| code.as_str());
    let codes: Vec<&str> = deviations.chain(RiskCode::ALL.iter().map(|code| code.as_str())).collect();
    assert!(codes.len() > 30);
    for code in codes {
        let outcome = folder.run(["explain", "--code", code]).succeeded();
        assert!(outcome.stdout.starts_with(code), "{}", outcome.stdout);
        assert!(
            outcome.stdout.lines().count() > 4 && outcome.stdout.lines().all(|line| line.chars().count() <= 80),
            "{}",
            outcome.stdout
        );
    }
    for code in ["Nonsense", "", "image\u{1b}[31m"] {
        let outcome = folder.run(["explain", "--code", code]).ended_with(2);
        assert!(outcome.stderr.starts_with("error: there is no code"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains('\u{1b}') && outcome.stdout.is_empty(), "{}", outcome.stderr);
    }
}

#[test]
fn what_is_not_there_cannot_be_explained() {
    let folder = folder();
    let missing = folder.run(["explain", "CronJob/payments/nobody", "-f", "m.yaml"]).ended_with(2);
    assert_eq!(missing.stderr, "error: there is no CronJob/payments/nobody in m.yaml\n");
    let odd = folder.run(["explain", "Pod/payments/nobody", "-f", "m.yaml"]).ended_with(2);
    assert!(odd.stderr.contains("the kind must be CronJob or Job"), "{}", odd.stderr);
    let short = folder.run(["explain", "approved", "-f", "m.yaml"]).ended_with(2);
    assert!(short.stderr.contains("CronJob/payments/nightly-backup"), "{}", short.stderr);
    folder.run(["explain"]).ended_with(2);
    folder.run(["explain", "--code", "Image", "CronJob/payments/approved"]).ended_with(2);
    let nowhere = folder.run(["explain", "CronJob/payments/approved"]).ended_with(2);
    assert!(nowhere.stderr.contains("--kubeconfig") && nowhere.stderr.lines().count() == 1, "{}", nowhere.stderr);
    let input = std::fs::read_to_string(folder.path("m.yaml")).unwrap();
    folder.run_with(&input, ["explain", "cj/payments/approved", "-f", "-"]).succeeded();
}

#[test]
fn a_namespace_may_be_named_as_kubectl_takes_it() {
    let folder = folder();
    let place = ["-f", "m.yaml", "--inventory", "inventory.yaml"];
    let whole = folder.run(["explain", "CronJob/payments/deviating"].into_iter().chain(place)).succeeded().stdout;
    let named = folder.run(["explain", "cj/deviating", "-n", "payments"].into_iter().chain(place)).succeeded().stdout;
    assert_eq!(whole.lines().next(), named.lines().next());
    let unnamed = folder.run(["explain", "cj/deviating"].into_iter().chain(place)).ended_with(2);
    assert!(unnamed.stderr.contains("CronJob/NAMESPACE/deviating"), "{}", unnamed.stderr);
}
