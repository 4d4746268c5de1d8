//! `cronwarden replay`: what logs tell, as people and programs see it, and what is said of wrong input.
//!
//! Each folder of `tests/data/replay` is a case: logs, an inventory if there is one, further arguments if there are any, and what is
//! expected. `UPDATE_FIXTURES=1` rewrites that, for review with `git diff`; the tests that differ fail then.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::folder::{Folder, problems};
use crate::operator::scene::cron_job;

/// The secrets that the logs of the cases have in them.
const SECRET: &str = "hunter2";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay")
}

fn cases() -> Vec<String> {
    let names = std::fs::read_dir(data()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<String> = names.collect();
    cases.sort();
    cases
}

/// A folder with the files of a case, and the arguments to replay it.
fn case(name: &str) -> (Folder, Vec<String>) {
    let folder = Folder::new();
    let mut arguments = vec!["replay".to_owned()];
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(data().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let (file_name, content) = (file.file_name().unwrap().to_str().unwrap(), std::fs::read(&file).unwrap());
        match file_name {
            "arguments" => arguments.extend(String::from_utf8(content).unwrap().split_whitespace().map(str::to_owned)),
            "inventory.yaml" => {
                folder.write(file_name, content);
                arguments.extend(["--inventory".to_owned(), file_name.to_owned()]);
            }
            expected if expected.starts_with("expected.") => {}
            log => {
                folder.write(log, content);
                arguments.push(log.to_owned());
            }
        }
    }
    (folder, arguments)
}

fn replay(folder: &Folder, arguments: &[String], output: &str, code: i32) -> String {
    let arguments = arguments.iter().map(String::as_str).chain(["-o", output]);
    folder.run(arguments).ended_with(code).stdout
}

fn expect(case: &str, file: &str, text: &str) -> bool {
    let path = data().join(case).join(file);
    let is_as_expected = std::fs::read_to_string(&path).unwrap_or_default() == text;
    if !is_as_expected {
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        eprintln!("{case}/{file} differs:\n{text}");
    }
    is_as_expected
}

/// A record of a log: somebody creates a CronJob.
fn created(name: &str, at: &str) -> String {
    let mut stored = cron_job("payments", name);
    stored["metadata"]["uid"] = json!(format!("uid-of-{name}"));
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": format!("id-of-{name}"),
        "stage": "ResponseComplete", "requestURI": "/apis/batch/v1/namespaces/payments/cronjobs", "verb": "create",
        "user": {"username": "alice", "groups": ["system:authenticated"]}, "sourceIPs": ["10.0.0.1"], "userAgent": "kubectl/v1.36.3",
        "objectRef": {"resource": "cronjobs", "namespace": "payments", "name": name, "apiGroup": "batch", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201}, "responseObject": stored,
        "requestReceivedTimestamp": at, "stageTimestamp": at,
    })
    .to_string()
}

/// The entries of a report, each as `what name`.
fn entries(report: &Value) -> Vec<String> {
    let one = |entry: &Value| {
        let name = entry["workload"]["name"].as_str().or(entry["approval"].as_str()).or(entry["workloads"].as_str());
        format!("{} {}", entry["what"].as_str().unwrap(), name.unwrap())
    };
    report["entries"].as_array().unwrap().iter().map(one).collect()
}

fn report(folder: &Folder, code: i32, arguments: &[&str]) -> Value {
    let outcome = folder.run(["replay", "-o", "json"].into_iter().chain(arguments.iter().copied())).ended_with(code);
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_case_is_told_as_expected() {
    let mut is_as_expected = true;
    for name in cases() {
        let (folder, arguments) = case(&name);
        let json = replay(&folder, &arguments, "json", code_of(&name));
        is_as_expected &= expect(&name, "expected.json", &json);
        is_as_expected &= expect(&name, "expected.txt", &replay(&folder, &arguments, "table", code_of(&name)));
        let sarif: Value = serde_json::from_str(&replay(&folder, &arguments, "sarif", code_of(&name))).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        let deviates = json["summary"]["deviating"] != 0;
        assert_eq!(deviates, code_of(&name) == 1, "{name}");
        assert_eq!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty(), deviates, "{name}");
    }
    assert!(is_as_expected, "see above");
}

/// The exit code of a case: whether anything deviates.
fn code_of(case: &str) -> i32 {
    let quiet = ["before-the-log", "controller-runs", "metadata-only", "no-inventory", "self-made-approval"];
    i32::from(!quiet.contains(&case))
}

#[test]
fn nothing_that_is_shown_is_secret_or_moves_a_cursor() {
    let (folder, arguments) = case("hostile-text");
    for output in ["table", "json", "sarif"] {
        let text = replay(&folder, &arguments, output, 1);
        assert!(!text.contains(SECRET), "{output}: {text}");
        let harmful = text.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(harmful, None, "{output}");
        assert!(text.lines().all(|line| line.len() < 10_000), "{output}");
    }
}

#[test]
fn results_of_code_scanning_are_at_the_line_of_the_log() {
    let (folder, arguments) = case("planted-and-gone");
    let sarif: Value = serde_json::from_str(&replay(&folder, &arguments, "sarif", 1)).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "audit.log");
    assert_eq!(place["region"]["startLine"], 3);
}

#[test]
fn the_form_of_a_log_does_not_matter() {
    let folder = Folder::new();
    let lines = [created("a", "2026-10-01T00:00:00.000001Z"), created("b", "2026-10-01T00:00:00.000002Z")];
    let items = format!("[{},\n{}]", lines[0], lines[1]);
    let list = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":{items}}}"#);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&list).unwrap()).unwrap();
    let on_lines = format!("{}\n{}\n", lines[0], lines[1]);
    for (form, text) in [
        ("lines", on_lines.clone()),
        ("lines without an end", on_lines.trim_end().to_owned()),
        ("lines of Windows", on_lines.replace('\n', "\r\n")),
        ("array", items.clone()),
        ("list", list.clone()),
        ("list on one line", list.replace('\n', "")),
        ("pretty list", pretty),
        ("one after another", format!("{}{}", lines[0], lines[1])),
        ("batches on lines", format!("{}\n{}\n", list.replace('\n', ""), list.replace('\n', ""))),
        ("behind a byte order mark", format!("\u{feff}{on_lines}")),
    ] {
        folder.write("audit.log", &text);
        let plain = report(&folder, 0, &["audit.log"]);
        assert_eq!(entries(&plain), ["Created a", "Created b"], "{form}");
        assert_eq!(problems(&plain), [""; 0], "{form}");
        let halves = text.split_at(text.len() / 2);
        let packed = [packed(halves.0), packed(halves.1)].concat();
        folder.write("audit.log", packed);
        assert_eq!(report(&folder, 0, &["audit.log"])["entries"], plain["entries"], "{form}, compressed");
    }
}

#[test]
fn lines_are_told_where_a_record_begins_in_one_document() {
    let folder = Folder::new();
    let text = format!("[\n\n{},\n{}\n]\n", created("a", "2026-10-01T00:00:01Z"), created("b", "2026-10-01T00:00:02Z"));
    folder.write("audit.json", text);
    let report = report(&folder, 0, &["audit.json"]);
    assert_eq!([&report["entries"][0]["line"], &report["entries"][1]["line"]], [3, 4]);
}

#[test]
fn logs_are_named_by_patterns_and_the_standard_input() {
    let folder = Folder::of(&[
        ("a-1.log", &created("one", "2026-10-01T00:00:01Z")),
        ("a-2.log", &created("two", "2026-10-01T00:00:02Z")),
    ]);
    let both = report(&folder, 0, &["a-*.log", "./a-1.log"]);
    assert_eq!(entries(&both), ["Created one", "Created two"]);
    assert_eq!(both["summary"]["files"], 2, "each is read once");
    let outcome = folder
        .run_with(&created("three", "2026-10-01T00:00:00Z"), ["replay", "-o", "json", "-", "a-2.log"])
        .succeeded();
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(entries(&report), ["Created three", "Created two"]);
    assert_eq!(report["entries"][0]["source"], "<stdin>");
}

#[test]
fn severities_and_times_and_namespaces_are_chosen() {
    let (folder, _) = case("planted-and-gone");
    let base = ["audit.log", "--inventory", "inventory.yaml"];
    let with = |code: i32, more: &[&str]| report(&folder, code, &[&base, more].concat());
    assert_eq!(with(0, &["--fail-on", "never"])["summary"]["deviating"], 1);
    assert_eq!(with(1, &["--fail-on", "critical"])["summary"]["deviating"], 1);
    assert_eq!(entries(&with(0, &["--since", "2026-10-04"])), [""; 0]);
    assert_eq!(entries(&with(0, &["-n", "payments"])), [""; 0]);
    let deviating = with(1, &["--only-deviating", "--since", "2026-10-03", "--until", "2026-10-03T04:13:00Z"]);
    assert_eq!(entries(&deviating), ["Created kube-proxy-sync"]);
}

#[test]
fn wrong_input_is_told_with_what_to_do() {
    let folder = Folder::of(&[
        ("good.log", &created("a", "2026-10-01T00:00:01Z")),
        ("empty.log", ""),
        ("notes.txt", "this is\nno audit log\n"),
        ("manifest.json", &cron_job("payments", "a").to_string()),
        ("cut.json", "[{\"kind\": \"Event\", \"apiVersion\": \"audit.k8s.io/v1\",\n \"level\": \"Meta"),
        ("folder/x.log", ""),
    ]);
    folder.write("broken.log.gz", &packed(&created("b", "2026-10-01T00:00:01Z").repeat(50))[..60]);
    for (file, told) in [
        ("missing.log", "missing.log cannot be read: No such file"),
        ("*.nothing", "*.nothing matches no file"),
        ("notes.txt", "notes.txt has no audit event: is it the right file?"),
        ("manifest.json", "manifest.json has no audit event: is it the right file?"),
        ("folder", "folder is a folder: name the logs in it, such as folder/*.log"),
        ("cut.json", "cut.json:1:1 is cut off in the middle of a record"),
        ("broken.log.gz", "broken.log.gz:1:1 cannot be read to its end"),
    ] {
        // What is wrong with one log does not hide what is in the others.
        let report = report(&folder, 2, &[file, "good.log"]);
        assert_eq!(entries(&report), ["Created a"], "{file}");
        let all = problems(&report);
        assert!(all.iter().any(|problem| problem.starts_with(&format!("error {told}"))), "{file}: {all:?}");
    }
    let outcome = report(&folder, 0, &["empty.log", "good.log"]);
    assert_eq!(problems(&outcome), ["warning empty.log is empty"]);
    for (arguments, told) in [
        (vec!["good.log", "--since", "yesterday"], "expected a day such as 2026-10-01, or a time with its zone"),
        (vec!["good.log", "--since", "2026-10-02", "--until", "2026-10-01"], "exchange the two"),
        (vec![], "<AUDIT-LOG>..."),
    ] {
        let outcome = folder.run(["replay"].into_iter().chain(arguments)).ended_with(2);
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
}

#[test]
fn a_line_that_cannot_be_read_is_told_and_hides_nothing() {
    let good = created("a", "2026-10-01T00:00:01Z");
    let cut = &good[..good.len() / 2];
    let folder = Folder::of(&[("audit.log", &format!("{good}\n{cut}\n{cut}\n"))]);
    let report = report(&folder, 2, &["audit.log"]);
    assert_eq!(entries(&report), ["Created a"]);
    let all = problems(&report);
    assert!(matches!(&all[..], [one] if one.starts_with("error audit.log:2:1") && one.contains("2 times")), "{all:?}");
}
