//! Completions, manual pages, help, and the plugin of kubectl.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::folder::Folder;
use crate::harness::Binaries;

const COMMANDS: [&str; 10] =
    ["scan", "baseline", "approve", "explain", "replay", "run", "crd", "certificates", "completion", "man"];

#[test]
fn every_shell_has_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = folder.run(["completion", shell]).succeeded().stdout;
        for command in COMMANDS {
            assert!(text.contains(command), "{shell}: {command}");
        }
        folder.write(shell, &text);
    }
    let checked = Command::new("bash").arg("-n").arg(folder.path("bash")).output().unwrap();
    assert!(checked.status.success() && checked.stderr.is_empty(), "{}", String::from_utf8_lossy(&checked.stderr));
    folder.run(["completion", "cmd.exe"]).ended_with(2);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    folder.run(["man", "--output", "pages/man1"]).succeeded();
    let mut pages: Vec<String> = std::fs::read_dir(folder.path("pages/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut expected: Vec<String> = COMMANDS.iter().map(|command| format!("cronwarden-{command}.1")).collect();
    expected.push("cronwarden.1".to_owned());
    expected.sort();
    assert_eq!(pages, expected);
    for page in pages {
        let text = std::fs::read_to_string(folder.path("pages/man1").join(page)).unwrap();
        assert!(text.contains(".TH ") && text.contains(".SH SYNOPSIS"), "{text}");
    }
    let first = folder.run(["man"]).succeeded().stdout;
    assert!(first.contains(".TH cronwarden 1"), "{first}");
}

#[test]
fn every_command_has_help_with_examples() {
    let folder = Folder::new();
    let outcome = folder.run([]).ended_with(2);
    assert!(COMMANDS.iter().all(|command| outcome.stderr.contains(command)), "{}", outcome.stderr);
    for command in COMMANDS {
        for option in ["-h", "--help"] {
            let help = folder.run([command, option]).succeeded().stdout;
            let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("no examples: {help}"));
            assert!(examples.contains("cronwarden ") && examples.lines().all(|line| line.len() <= 80), "{help}");
            // What comes after the options of the cluster would be taken for one of them.
            let options = help.strip_suffix(examples).unwrap_or_default();
            if let Some((_, cluster)) = options.split_once("\nCluster:\n") {
                assert!(!cluster.contains("--output") && !cluster.contains("--log"), "{help}");
            }
        }
    }
    let version = folder.run(["--version"]).succeeded().stdout;
    assert_eq!(version, format!("cronwarden {}\n", env!("CARGO_PKG_VERSION")));
    let unknown = folder.run(["scna"]).ended_with(2);
    assert!(unknown.stderr.contains("'scan'"), "{}", unknown.stderr);
}

#[test]
fn kubectl_finds_it_as_a_plugin() {
    let mut folder = Folder::of(&[("m.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n")]);
    let plugin = folder.path("kubectl-cronwarden");
    symlink(env!("CARGO_BIN_EXE_cronwarden"), &plugin).unwrap();
    folder.program.clone_from(&plugin);
    let help = folder.run(["scan", "--help"]).succeeded().stdout;
    assert!(help.contains("Usage: kubectl cronwarden scan [OPTIONS] <PATH>..."), "{help}");
    assert!(folder.run(["--help"]).succeeded().stdout.contains("Usage: kubectl cronwarden <COMMAND>"));
    let pages = folder.run(["man"]).succeeded().stdout;
    assert!(pages.contains(".TH cronwarden 1"), "{pages}");

    let kubectl = Binaries::find_or_build_blocking().unwrap().kubectl;
    let path = format!("{}:{}", folder.path("").display(), std::env::var("PATH").unwrap());
    let output = Command::new(kubectl)
        .args(["cronwarden", "scan", "m.yaml", "-o", "json"])
        .current_dir(folder.path(""))
        .env("PATH", path)
        .env("HOME", folder.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["skipped"]["v1/Pod"], 1);
}
