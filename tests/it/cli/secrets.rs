//! Secrets in manifests appear in nothing that a command prints.

use serde_json::json;

use super::folder::{Folder, documents};
use crate::operator::deviations::set;
use crate::operator::scene::approval;
use crate::operator::secrets::{MARK, manifests};
use crate::recipes::sandbox::Outcome;

#[track_caller]
fn assert_kept(command: &str, outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(MARK)).collect();
        assert_eq!(lines, [""; 0], "{command} shows a secret");
    }
}

#[test]
fn secrets_appear_nowhere() {
    let manifests = manifests();
    // Half of them deviate in what they run, and nobody approved the rest.
    let mut approval = approval("payments", "any");
    set(&mut approval, "/spec/match/names", json!(["args-*", "hook-*", "variables"]));
    let folder = Folder::of(&[("m.yaml", &documents(&manifests)), ("inventory.yaml", &documents(&[approval]))]);
    for output in ["table", "json", "yaml", "sarif"] {
        let outcome = folder.run(["scan", "m.yaml", "inventory.yaml", "-o", output, "--color", "always"]).ended_with(1);
        assert_kept(output, &outcome);
        assert!(outcome.stdout.contains("args-0") && outcome.stdout.contains("variables"), "{}", outcome.stdout);
    }
    for options in [&[][..], &["--strict"], &["--group"], &["--accept-risk", "all"]] {
        let outcome = folder.run(["baseline", "m.yaml"].into_iter().chain(options.iter().copied()));
        assert_kept("baseline", &outcome);
        assert!(outcome.stdout.contains("args-0"), "{}", outcome.stdout);
    }
    for manifest in &manifests {
        let name = manifest["metadata"]["name"].as_str().unwrap();
        let target = format!("CronJob/payments/{name}");
        folder.write("one.yaml", documents(std::slice::from_ref(manifest)));
        let place = ["-f", "one.yaml", "--inventory", "inventory.yaml"];
        for output in ["text", "json"] {
            let outcome = folder.run(["explain", &target, "-o", output].into_iter().chain(place));
            assert_kept(&format!("explain {target}"), &outcome);
        }
        let outcome = folder.run(["approve", &target, "--accept-risk", "all"].into_iter().chain(place));
        assert_kept(&format!("approve {target}"), &outcome);
    }
    for options in [&[][..], &["--new"], &["--accept-risk", "all", "-o", "diff"], &["--accept-risk", "all", "--new"]] {
        let arguments = ["approve", "m.yaml", "--inventory", "inventory.yaml"];
        assert_kept("approve", &folder.run(arguments.into_iter().chain(options.iter().copied())));
    }
}

/// Lines that deviate are shown on terminals only.
#[test]
fn secrets_appear_in_no_excerpt() {
    let mut folder = Folder::of(&[
        ("m.yaml", &documents(&manifests())),
        ("m.json", &json!({ "apiVersion": "v1", "kind": "List", "items": manifests() }).to_string()),
    ]);
    let mut any = approval("payments", "any");
    set(&mut any, "/spec/match/names", json!(["*"]));
    folder.write("inventory.yaml", documents(&[any]));
    folder.program = "script".into();
    let command = format!("{} scan m.yaml m.json --inventory inventory.yaml", env!("CARGO_BIN_EXE_cronwarden"));
    let outcome = folder.run(["-qec", &format!("stty rows 50 cols 200; {command}"), "/dev/null"]).ended_with(1);
    assert!(outcome.stdout.contains("-->") && outcome.stdout.contains("\u{1b}["), "no excerpts: {}", outcome.stdout);
    assert_kept("scan on a terminal", &outcome);
}
