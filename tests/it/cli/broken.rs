//! What cannot be used is said with its place, the rest is judged all the same, and the end is exit code 2.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::json;

use super::folder::{Folder, documents, names, problems};
use crate::operator::deviations::set;
use crate::operator::scene::{approval, cron_job};

/// A folder with a workload that is approved, beside which something is wrong.
fn approved() -> Folder {
    Folder::of(&[
        ("m/0.yaml", &documents(&[cron_job("payments", "first")])),
        ("m/z.yaml", &documents(&[cron_job("payments", "last")])),
        ("inventory.yaml", &documents(&[approval("payments", "first"), approval("payments", "last")])),
    ])
}

/// Scans it, and returns the problems. What is around them is judged.
fn problems_in(folder: &Folder) -> Vec<String> {
    let report = folder.scan(2, ["m", "--inventory", "inventory.yaml"]);
    let names = names(&report);
    assert_eq!((names.first(), names.last()), (Some(&"first"), Some(&"last")), "{report:#}");
    assert_eq!(report["summary"]["approved"], 2);
    problems(&report)
}

#[test]
fn texts_that_cannot_be_read_are_named_with_line_and_column() {
    let cases: [(&[u8], &str); 6] = [
        (b"ok: 1\nbad: [1,\n", "error m/broken.yaml:2:6 unclosed bracket '['"),
        (b"ok: 1\nbad: \xff\xfe\n", "error m/broken.yaml:2:6 the text is not UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "error m/broken.yaml:1:1 "),
        (b"{\"kind\": \"CronJob\",\n \"spec\": ]}", "error m/broken.yaml:2:10 "),
        (b"kind: [CronJob]\n", "error m/broken.yaml:1:1 Object 'Kind' is missing"),
        (b"kind: CronJob\nmetadata: {name: x}\n", "error m/broken.yaml:1:1 Object 'apiVersion' is missing"),
    ];
    for (text, expected) in cases {
        let folder = approved();
        folder.write("m/broken.yaml", text);
        let problems = problems_in(&folder);
        assert!(matches!(&problems[..], [one] if one.starts_with(expected)), "{problems:?} instead of {expected}");
        let table = folder.run(["scan", "m", "--inventory", "inventory.yaml"]).ended_with(2).stdout;
        assert!(table.contains("m/broken.yaml:"), "{table}");
    }
}

#[test]
fn one_broken_document_does_not_hide_those_behind_it() {
    let folder = approved();
    folder.write("m/many.yaml", format!("a: [\n{}", documents(&[cron_job("payments", "behind")])));
    let report = folder.scan(2, ["m", "--inventory", "inventory.yaml"]);
    assert_eq!(names(&report), ["first", "behind", "last"]);
}

#[test]
fn a_workload_that_cannot_be_read_deviates() {
    let folder = approved();
    let mut odd = cron_job("payments", "first");
    set(&mut odd, "/spec/schedule", json!(["0 2 * * *"]));
    folder.write("m/odd.yaml", documents(&[odd]));
    let report = folder.scan(1, ["m", "--inventory", "inventory.yaml"]);
    assert_eq!(report["workloads"][1]["reasons"], "Malformed");
    assert_eq!(problems(&report), [""; 0]);
}

#[test]
fn paths_that_lead_nowhere_are_named() {
    let folder = approved();
    folder.write("empty/notes.txt", "");
    let report = folder.scan(2, ["m", "inventory.yaml", "missing.yaml", "missing/*.yaml", "empty", "[z-a]"]);
    assert_eq!(names(&report), ["first", "last"]);
    let problems = problems(&report);
    let expected = [
        "error missing.yaml cannot be read",
        "error missing/*.yaml matches no file",
        "error empty has no files that end in",
        "error [z-a] ",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem} instead of {expected}");
    }
    // A folder of which all was read already, or is left out, is no empty one.
    folder.scan(0, ["m/0.yaml", "m/z.yaml", "m", "inventory.yaml"]);
    folder.scan(0, ["m/0.yaml", "m", "inventory.yaml", "--exclude", "m/*"]);
}

#[test]
fn a_file_that_is_named_holds_something() {
    for text in ["", "\n", "---\n---\n", "# nothing\n"] {
        let folder = approved();
        folder.write("empty.yaml", text);
        let report = folder.scan(2, ["m", "inventory.yaml", "empty.yaml"]);
        assert_eq!(problems(&report), ["error empty.yaml has no objects: is it the right file?"], "{text:?}");
        // It was not looked for, but found.
        folder.scan(0, ["."]);
        let outcome = folder.run_with(text, ["scan", "m", "inventory.yaml", "-"]).ended_with(2);
        assert!(outcome.stdout.contains("--> <stdin>"), "{}", outcome.stdout);
    }
}

#[test]
fn links_that_lead_in_circles_or_nowhere_are_named() {
    let folder = approved();
    symlink("../m", folder.path("m/again")).unwrap();
    symlink("nowhere", folder.path("m/dangling.yaml")).unwrap();
    symlink("self.yaml", folder.path("m/self.yaml")).unwrap();
    let problems = problems_in(&folder);
    let expected = [
        "error m/again is a symbolic link that leads back to m",
        "error m/dangling.yaml cannot be read",
        "error m/self.yaml cannot be read",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem} instead of {expected}");
    }
}

#[test]
fn what_may_not_be_read_is_named() {
    let folder = approved();
    folder.write("m/secret.yaml", documents(&[cron_job("payments", "secret")]));
    std::fs::set_permissions(folder.path("m/secret.yaml"), PermissionsExt::from_mode(0o000)).unwrap();
    // Whoever is root may read it anyway, but nobody reads this: its first page is nowhere.
    let memory = Path::new("/proc/self/mem");
    let is_root = std::fs::File::open(folder.path("m/secret.yaml")).is_ok();
    if is_root {
        assert!(memory.exists(), "run this as an ordinary user");
        std::fs::remove_file(folder.path("m/secret.yaml")).unwrap();
        symlink(memory, folder.path("m/secret.yaml")).unwrap();
    }
    let problems = problems_in(&folder);
    assert!(
        matches!(&problems[..], [one] if one.starts_with("error m/secret.yaml:1:1 cannot be read")),
        "{problems:?}"
    );
}

#[test]
fn a_pipe_is_read_if_it_is_named_and_waited_for_by_nobody_else() {
    let folder = approved();
    let pipe = folder.path("m/pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nobody writes into it: whoever opened it would wait for ever.
    folder.scan(0, ["m", "inventory.yaml"]);
    let report = folder.scan(2, ["m/*.yaml", "inventory.yaml"]);
    assert_eq!(problems(&report), ["error m/pipe.yaml is neither a file nor a folder: it is not read"]);
    let report = folder.scan(2, ["m", "inventory.yaml", "/dev/zero"]);
    assert_eq!(problems(&report), ["error /dev/zero is neither a file nor a folder: it is not read"]);

    let text = documents(&[cron_job("payments", "piped")]);
    let writer = std::thread::spawn(move || std::fs::write(pipe, text));
    let report = folder.scan(1, ["inventory.yaml", "m/pipe.yaml"]);
    writer.join().unwrap().unwrap();
    assert_eq!(names(&report), ["piped"]);
    assert_eq!(report["workloads"][0]["source"], "m/pipe.yaml");
    assert_eq!(report["workloads"][0]["line"], 2, "it is read again to place what deviates");
}

const REFUSED: &str = "\
apiVersion: cronwarden.dev/v1alpha1
kind: ApprovedCronJob
metadata:
  name: odd
spec:
  match:
    namespaces: [payments]
    names: [odd]
  owner: {team: payments}
  expected:
    schedules: [\"every day\"]
    minimumInterval: soon
";

#[test]
fn an_approval_that_the_api_server_would_refuse_is_refused() {
    let folder = approved();
    folder.write("inventory/odd.yaml", REFUSED);
    let inventory = ["--inventory", "inventory", "--inventory", "inventory.yaml"];
    let report = folder.scan(2, ["m"].into_iter().chain(inventory));
    assert_eq!(report["summary"]["approvals"], 2, "it approves nothing");
    let found = problems(&report);
    let [interval, schedule] = &found[..] else { panic!("{found:?}") };
    assert!(
        schedule.starts_with("error inventory/odd.yaml:11:") && schedule.contains("spec.expected.schedules"),
        "{found:?}"
    );
    assert!(
        interval.starts_with("error inventory/odd.yaml:12:22 ") && interval.contains("spec.expected.minimumInterval"),
        "{found:?}"
    );
    // Among the input it does not count, but is checked; and what is wrong with it is said once.
    assert_eq!(problems(&folder.scan(2, ["m", "inventory", "--inventory", "inventory.yaml"])), found);
    assert_eq!(problems(&folder.scan(2, ["m", "inventory"].into_iter().chain(inventory))), found);
    let explained = folder.run(["explain", "CronJob/payments/first", "-f", "m"].into_iter().chain(inventory));
    assert!(explained.ended_with(2).stderr.contains("inventory/odd.yaml:12:22"));
}

#[test]
fn an_approval_is_declared_once() {
    let folder = approved();
    folder.write("more.yaml", format!("# Once more.\n{}", documents(&[approval("payments", "first")])));
    let report = folder.scan(2, ["m", "--inventory", "inventory.yaml", "--inventory", "more.yaml"]);
    let problems = problems(&report);
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert!(
        problem.starts_with("error more.yaml:") && problem.contains("payments-first is declared twice"),
        "{problem}"
    );
    assert!(problem.contains("inventory.yaml:2"), "{problem}");
    assert_eq!(report["summary"]["approved"], 2, "the first one counts");
}

#[test]
fn bombs_and_deep_nesting_end_soon() {
    // Each level stands for the one before it, several times.
    let levels = |last: u8, times: usize, of: &dyn Fn(char, &str) -> String| -> String {
        let level = |c: u8| of(char::from(c), &vec![format!("*{}", char::from(c - 1)); times].join(", "));
        (b'b'..=last).map(level).collect::<Vec<_>>().concat()
    };
    let values = levels(b'n', 10, &|name, items| format!("{name}: &{name} [{items}]\n"));
    let bomb =
        format!("apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: bomb}}\na: &a [x, x]\n{values}spec: *n\n");
    let folder = approved();
    folder.write("m/bomb.yaml", bomb);
    let report = folder.scan(1, ["m", "inventory.yaml"]);
    assert_eq!(names(&report), ["first", "bomb", "last"]);

    let lists =
        levels(b'j', 16, &|name, items| format!("- &{name} {{apiVersion: v1, kind: List, items: [{items}]}}\n"));
    let folder = approved();
    folder.write(
        "m/lists.yaml",
        format!("apiVersion: v1\nkind: List\nitems:\n- &a {{apiVersion: v1, kind: Pod}}\n{lists}"),
    );
    let problems = problems_in(&folder);
    assert!(matches!(&problems[..], [one] if one.contains("aliases expand to too many nodes")), "{problems:?}");

    for open in ["[", "{\"a\":", "- ", "? "] {
        let folder = approved();
        folder.write("m/deep.yaml", open.repeat(1_000_000 / open.len()));
        let problems = problems_in(&folder);
        assert!(matches!(&problems[..], [one] if one.starts_with("error m/deep.yaml:1:")), "{open}: {problems:?}");
    }
}

#[test]
fn names_of_files_do_no_harm() {
    let folder = approved();
    let deviating = documents(&[cron_job("payments", "nobody-knows")]);
    for name in
        ["e\u{1b}[31mvil.yaml", "new\nline: 0 errors.yaml", "\u{202e}lmay.yaml", "<stdin>.yaml", "#%?.yaml", "-.yaml"]
    {
        folder.write(&format!("m/{name}"), format!("a: [\n{deviating}"));
    }
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe.yaml");
    std::fs::write(folder.path("m").join(odd), &deviating).unwrap();
    for output in ["table", "json", "yaml", "sarif"] {
        let outcome = folder.run(["scan", "m", "inventory.yaml", "-o", output]).ended_with(2);
        assert_harmless(&outcome.stdout);
        assert_eq!(outcome.stderr, "");
    }
    for command in
        [&["baseline", "m"][..], &["explain", "cj/payments/nobody-knows", "-f", "m"], &["approve", "m", "--new"]]
    {
        let outcome = folder.run(command.iter().copied());
        assert_eq!(outcome.code, 2, "{command:?}: {}", outcome.stderr);
        assert_harmless(&outcome.stdout);
        assert_harmless(&outcome.stderr);
        assert!(outcome.stderr.contains("evil.yaml") || outcome.stderr.contains("31mvil.yaml"), "{}", outcome.stderr);
    }
}

#[track_caller]
fn assert_harmless(text: &str) {
    let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert_eq!(text.chars().find(|c| is_bad(*c)), None, "{text}");
    assert_eq!(text.lines().find(|line| line.starts_with("line: 0 errors")), None, "a line of its own: {text}");
}
