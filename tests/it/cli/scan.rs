//! `cronwarden scan`: what is read, what is judged, by which approvals.

use serde_json::{Value, json};

use super::folder::{Folder, documents, names, problems};
use crate::harness::Binaries;
use crate::operator::deviations::set;
use crate::operator::scene::{approval, cron_job, namespace};

fn text(objects: &[Value]) -> String {
    documents(objects)
}

fn workload(name: &str) -> String {
    text(&[cron_job("payments", name)])
}

/// A CronJob's Job, on its own.
fn job(namespace: &str, name: &str) -> Value {
    let cron_job = cron_job(namespace, name);
    let spec = &cron_job["spec"]["jobTemplate"]["spec"];
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": cron_job["metadata"], "spec": spec })
}

#[test]
fn folders_are_read_with_all_below_but_what_git_keeps() {
    let folder = Folder::new();
    for path in ["m/b.yaml", "m/a.yml", "m/deep/er/c.json", "m/.hidden/d.YAML"] {
        let name = path.rsplit('/').next().unwrap().split('.').next().unwrap();
        folder.write(path, cron_job("payments", name).to_string());
    }
    for path in ["m/.git/x.yaml", "m/deep/.git/x.yaml", "m/notes.txt"] {
        folder.write(path, workload("not-read"));
    }
    let report = folder.scan(1, ["m"]);
    assert_eq!(names(&report), ["d", "a", "b", "c"], "in the order of the paths");
    // Git commits a folder of this name, and kubectl reads it.
    folder.write("hidden/CVS/x.yaml", workload("read"));
    assert_eq!(names(&folder.scan(1, ["hidden"])), ["read"]);
    assert_eq!(report["workloads"][3]["source"], "m/deep/er/c.json");
    assert_eq!(folder.scan(1, ["m"]), report);
    assert_eq!(names(&folder.scan(1, ["m", "--exclude", "m/deep/*", "--exclude", "*.yml"])), ["d", "b"]);
    // What is named counts, whatever it is called and whatever is excluded.
    assert_eq!(names(&folder.scan(1, ["m/notes.txt", "--exclude", "*"])), ["not-read"]);
    assert_eq!(names(&folder.scan(1, ["m/.git"])), ["not-read"]);
}

#[test]
fn patterns_are_expanded_where_no_shell_has_done_it() {
    let folder = Folder::of(&[("a/x.yaml", &workload("x")), ("b/y.yaml", &workload("y")), ("b/z.txt", "{")]);
    assert_eq!(names(&folder.scan(1, ["*/*.yaml"])), ["x", "y"]);
    assert_eq!(names(&folder.scan(1, ["[b]"])), ["y"], "a pattern may match a folder");
    // A file that is called like a pattern is that file.
    folder.write("[b]", workload("literal"));
    assert_eq!(names(&folder.scan(1, ["[b]"])), ["literal"]);
}

#[test]
fn a_file_by_several_paths_is_read_once() {
    let folder = Folder::of(&[("m/a.yaml", &workload("a"))]);
    std::os::unix::fs::symlink("a.yaml", folder.path("m/b.yaml")).unwrap();
    let all = folder.scan(1, ["m/a.yaml", "m", "./m/a.yaml", "m/../m/a.yaml", "m/*.yaml", "m"]);
    assert_eq!(names(&all), ["a"]);
    assert_eq!(all["summary"]["files"], 1);
    assert_eq!(problems(&all), [""; 0]);
}

#[test]
fn the_standard_input_is_a_file_like_others() {
    let folder = Folder::of(&[("inventory.yaml", &text(&[approval("payments", "a")]))]);
    let input = workload("a");
    let arguments = ["scan", "-", "-", "inventory.yaml", "-o", "json"];
    let outcome = folder.run_with(&input, arguments).succeeded();
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(names(&report), ["a"], "it is read once");
    assert_eq!(report["workloads"][0]["source"], "<stdin>");
    let outcome = folder.run_with(&input, ["scan", "-", "-o", "sarif"]).ended_with(1);
    let log: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(place["uri"], "stdin");
}

#[test]
fn documents_lists_and_values_behind_each_other_are_taken_apart() {
    let list =
        json!({ "apiVersion": "v1", "kind": "List", "items": [cron_job("payments", "a"), cron_job("payments", "b")] });
    let typed = json!({ "apiVersion": "batch/v1", "kind": "CronJobList", "items": [cron_job("payments", "c")] });
    let folder = Folder::of(&[
        ("1.yaml", &format!("# nothing\n---\n{}---\n---\n{}", workload("d"), workload("e"))),
        ("2.json", &format!("{}\n{}", cron_job("payments", "f"), cron_job("payments", "g"))),
        ("3.yaml", &text(&[list.clone(), typed])),
        ("4.json", &list.to_string()),
    ]);
    let report = folder.scan(1, ["."]);
    assert_eq!(names(&report), ["d", "e", "f", "g", "a", "b", "c", "a", "b"]);
}

#[test]
fn what_helm_and_kustomize_print_is_read() {
    let chart = format!(
        "---\n# Source: app/templates/account.yaml\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: backup\n\
         ---\n# Source: app/templates/empty.yaml\n\n---\n# Source: app/templates/backup.yaml\n{}",
        workload("a").trim_start_matches("---\n")
    );
    let folder = Folder::of(&[("inventory.yaml", &text(&[approval("payments", "a")]))]);
    let outcome = folder.run_with(&chart, ["scan", "-", "--inventory", "inventory.yaml", "-o", "json"]).succeeded();
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(names(&report), ["a"]);
    assert_eq!(report["summary"]["skipped"], json!({ "v1/ServiceAccount": 1 }));

    let mut bare = cron_job("payments", "a");
    bare["metadata"].as_object_mut().unwrap().remove("namespace");
    folder.write("base/a.yaml", text(&[bare]));
    folder.write("base/kustomization.yaml", "namespace: payments\nresources: [a.yaml]\n");
    let kubectl = Binaries::find_or_build_blocking().unwrap().kubectl;
    let rendered = std::process::Command::new(kubectl).arg("kustomize").arg(folder.path("base")).output().unwrap();
    let rendered = String::from_utf8(rendered.stdout).unwrap();
    folder.run_with(&rendered, ["scan", "-", "--inventory", "inventory.yaml"]).succeeded();
}

#[test]
fn only_the_named_inventory_counts() {
    let folder = Folder::of(&[("m/a.yaml", &workload("a")), ("m/own.yaml", &text(&[approval("payments", "a")]))]);
    let report = folder.scan(0, ["m"]);
    assert_eq!(report["workloads"][0]["verdict"], "Approved");
    assert_eq!(report["workloads"][0]["approvals"][0]["name"], "payments-a");

    folder.write("inventory/other.yaml", text(&[approval("payments", "b")]));
    let report = folder.scan(1, ["m", "--inventory", "inventory"]);
    assert_eq!(report["workloads"][0]["reasons"], "Unapproved");
    assert_eq!(report["summary"]["approvals"], 1);
    folder.scan(0, ["m", "--inventory", "inventory", "--inventory", "m/own.yaml"]);
    // Two checkouts of one inventory in the input do not make it ambiguous which one counts.
    folder.scan(0, [".", "--inventory", "m/own.yaml"]);
    folder.write("checkout/own.yaml", text(&[approval("payments", "a")]));
    folder.scan(0, [".", "--inventory", "checkout"]);
}

#[test]
fn namespaces_of_the_input_give_labels_and_what_is_unknown_is_no_deviation() {
    let mut by_label = approval("payments", "a");
    set(
        &mut by_label,
        "/spec/match",
        json!({ "namespaceSelector": { "matchLabels": { "tier": "gold" } }, "names": ["a"] }),
    );
    let folder = Folder::of(&[("a.yaml", &workload("a")), ("inventory.yaml", &text(&[by_label]))]);
    let report = folder.scan(0, ["a.yaml", "inventory.yaml"]);
    assert_eq!(report["workloads"][0]["verdict"], "Unknown");
    assert_eq!(report["workloads"][0].get("deviations"), None);
    assert!(report["workloads"][0]["unknown"][0]["expected"].as_str().unwrap().contains("tier"));
    assert_eq!(report["summary"]["unknown"], 1);
    assert_eq!(problems(&report), [""; 0]);
    let table = folder.run(["scan", "a.yaml", "inventory.yaml"]).succeeded().stdout;
    assert!(table.contains("CronJob/payments/a") && table.contains("1 unknown"), "{table}");

    let mut labelled = namespace("payments");
    set(&mut labelled, "/metadata/labels", json!({ "tier": "gold" }));
    folder.write("gold.yaml", text(&[labelled]));
    let report = folder.scan(0, ["."]);
    assert_eq!(report["workloads"][0]["verdict"], "Approved");
    assert_eq!(report["summary"]["namespaces"], 1);
    folder.write("gold.yaml", text(&[namespace("payments")]));
    assert_eq!(folder.scan(1, ["."])["workloads"][0]["reasons"], "Unapproved");
}

#[test]
fn jobs_are_judged_where_an_approval_speaks_for_jobs() {
    let mut for_jobs = approval("payments", "other");
    set(&mut for_jobs, "/spec/match/kinds", json!(["Job"]));
    for field in ["schedules", "timeZones", "minimumInterval", "windows", "suspended"] {
        for_jobs["spec"]["expected"].as_object_mut().unwrap().remove(field);
    }
    let folder = Folder::of(&[("m.yaml", &text(&[job("payments", "migrate"), cron_job("payments", "a")]))]);
    folder.write("a.yaml", text(&[approval("payments", "a")]));
    let report = folder.scan(0, ["m.yaml", "a.yaml"]);
    assert_eq!(names(&report), ["a"]);
    assert_eq!(report["summary"]["skipped"], json!({ "batch/v1/Job": 1 }));
    folder.write("jobs.yaml", text(&[for_jobs]));
    let report = folder.scan(1, ["m.yaml", "a.yaml", "jobs.yaml"]);
    assert_eq!(names(&report), ["migrate", "a"]);
    assert_eq!(report["workloads"][0]["reasons"], "Unapproved");
}

#[test]
fn other_kinds_are_passed_over_and_counted() {
    let other = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "x" } });
    let odd = json!({ "apiVersion": "example.com/v1", "kind": "CronJob", "metadata": { "name": "x" } });
    let folder = Folder::of(&[("m.yaml", &text(&[other.clone(), odd, other, cron_job("payments", "a")]))]);
    let report = folder.scan(1, ["m.yaml"]);
    assert_eq!(report["summary"]["skipped"], json!({ "apps/v1/Deployment": 2, "example.com/v1/CronJob": 1 }));
    assert_eq!(report["summary"]["documents"], 4);
    assert_eq!(names(&report), ["a"]);
}

#[test]
fn other_yaml_in_folders_is_passed_over_and_counted() {
    let folder = Folder::of(&[
        ("app/Chart.yaml", "apiVersion: v2\nname: app\n"),
        ("app/values.yaml", "image: busybox\n"),
        (".github/workflows/ci.yaml", "on: push\njobs: {}\n"),
        ("list.yaml", "- a\n"),
        ("app/job.yaml", &workload("backup")),
    ]);
    let report = folder.scan(1, ["."]);
    assert_eq!(names(&report), ["backup"]);
    assert_eq!(report["summary"]["skipped"], json!({ "no Kubernetes object": 4 }));
    // What is named was meant to be a manifest.
    let outcome = folder.run(["scan", "app/values.yaml"]).ended_with(2);
    assert!(outcome.stdout.contains("app/values.yaml:1:1"), "{}", outcome.stdout);
}

#[test]
fn a_kustomization_beside_manifests_is_told() {
    let folder = Folder::of(&[("app/kustomization.yaml", "resources: [job.yaml]\n"), ("app/job.yaml", &workload("a"))]);
    let told = problems(&folder.scan(1, ["app"]));
    assert!(matches!(&told[..], [one] if one.starts_with("warning app/kustomization.yaml")), "{told:?}");
}
