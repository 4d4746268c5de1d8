use serde_json::json;

use super::*;
use crate::workload::WorkloadKind;

fn cron_job(schedule: &str, containers: &serde_json::Value) -> Workload {
    let object = json!({
        "metadata": {"name": "a", "namespace": "b"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {"containers": containers}}}}},
    });
    Workload::from_json(WorkloadKind::CronJob, &object.to_string()).unwrap()
}

fn texts(differences: &Differences) -> Vec<String> {
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    differences.all.iter().map(|d| format!("{}: {} -> {}", d.path, side(&d.old), side(&d.new))).collect()
}

const POD: &str = "spec.jobTemplate.spec.template.spec";

#[test]
fn fields_that_differ_are_told_with_both_values() {
    let old = cron_job("0 2 * * *", &json!([{"name": "c", "image": "a:1", "command": ["run"]}]));
    let new = cron_job("* * * * *", &json!([{"name": "c", "image": "b:1", "command": ["run"], "args": ["-x"]}]));
    let expected = [
        "spec.schedule: 0 2 * * * -> * * * * *".to_owned(),
        format!("{POD}.containers[0].image: a:1 -> b:1"),
        format!("{POD}.containers[0].args: - -> -x"),
    ];
    assert_eq!(texts(&between(&old, &new)), expected);
    assert!(between(&old, &old).is_empty());
}

#[test]
fn a_container_is_the_same_at_another_place() {
    let old = cron_job("0 2 * * *", &json!([{"name": "c", "image": "a:1"}]));
    let new = cron_job("0 2 * * *", &json!([{"name": "x", "image": "evil:1"}, {"name": "c", "image": "a:1"}]));
    let paths: Vec<String> = between(&old, &new).all.into_iter().map(|difference| difference.path).collect();
    assert!(paths.iter().all(|path| path.starts_with(&format!("{POD}.containers[0]."))), "{paths:?}");
}

#[test]
fn secrets_are_compared_and_not_shown() {
    let with = |value: &str| {
        let env = json!([{"name": "TOKEN", "value": value}]);
        let command = json!(["run", "--password", value, format!("--token={value}")]);
        cron_job("0 2 * * *", &json!([{"name": "c", "image": "a:1", "command": command, "env": env}]))
    };
    let differences = between(&with("hunter2-first"), &with("hunter2-second"));
    let text = format!("{differences:?}");
    assert!(text.contains("env[TOKEN]") && text.contains("command"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn what_is_shown_is_harmless_and_bounded() {
    let env: Vec<_> = (0..100).map(|i| json!({"name": format!("N{i}\u{1b}[31m"), "value": "x"})).collect();
    let old = cron_job("0 2 * * *", &json!([{"name": "c", "image": "a:1"}]));
    let new = cron_job(&"\u{202e}".repeat(5000), &json!([{"name": "c", "image": "a:1", "env": env}]));
    let differences = between(&old, &new);
    assert_eq!((differences.all.len(), differences.more), (MOST, 101 - MOST));
    assert!(texts(&differences).iter().all(|text| !text.contains(['\u{1b}', '\u{202e}']) && text.len() < 5000));
}

#[test]
fn specs_of_approvals_are_compared_by_value() {
    let old = json!({"match": {"names": ["a"]}, "expected": {"images": [{"repository": "r", "tags": ["1"]}]}});
    let new = json!({"match": {"names": ["*"]}, "expected": {"images": [{"repository": "r", "tags": ["1"]}]}});
    let differences = between_specs(&old.to_string(), &new.to_string());
    assert_eq!(texts(&differences), [r#"spec.match.names: ["a"] -> ["*"]"#]);
}

#[test]
fn a_variable_that_is_set_twice_is_the_same_twice() {
    let with = |values: &[&str]| {
        let env: Vec<_> = values.iter().map(|value| json!({"name": "A", "value": value})).collect();
        cron_job("0 2 * * *", &json!([{"name": "c", "image": "a:1", "env": env}]))
    };
    assert!(between(&with(&["1", "2"]), &with(&["1", "2"])).is_empty());
    assert_eq!(between(&with(&["1"]), &with(&["1", "2"])).all.len(), 1);
}

#[test]
fn mounts_and_roles_are_told_one_by_one() {
    let with = |container: &serde_json::Value| {
        let spec = json!({"spec": {"initContainers": [container], "containers": [{"name": "c", "image": "a:1"}]}});
        Pod::from_json_of_pod(&spec.to_string()).unwrap()
    };
    let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path, "readOnly": true});
    let old = with(&json!({"name": "i", "image": "a:1", "volumeMounts": [mount("v", "/a")]}));
    let mounts = [mount("v", "/a"), mount("w", "/usr/bin")];
    let new = with(&json!({"name": "i", "image": "a:1", "restartPolicy": "Always", "volumeMounts": mounts}));
    let expected = [
        "spec.initContainers[0].restartPolicy: - -> Always",
        "spec.initContainers[0].volumeMounts[/usr/bin]: - -> volume w, read-only",
    ];
    assert_eq!(texts(&between_pods(&old, &new)), expected);
}
