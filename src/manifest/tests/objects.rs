//! Documents into objects.

use super::super::{Content, Contents, Document, Position, read};
use super::{CRON_JOB, contents, documents, errors, list};
use crate::workload::WorkloadKind;

/// Index, kind and name of the objects.
fn named(contents: &Contents) -> Vec<(usize, String)> {
    let name = |content: &Content| match content {
        Content::Workload(workload) => workload.key.to_string(),
        Content::Unreadable { key, .. } => format!("unreadable {key}"),
        Content::Approval { name, .. } => format!("approval {name}"),
        Content::Namespace { name, .. } => format!("namespace {name}"),
    };
    contents.objects.iter().map(|object| (object.index, name(&object.content))).collect()
}

fn owned(expected: &[(usize, &str)]) -> Vec<(usize, String)> {
    expected.iter().map(|(index, name)| (*index, (*name).to_owned())).collect()
}

#[test]
fn a_manifest_has_the_same_normal_form_as_its_json() {
    let read = contents(CRON_JOB);
    let [object] = read.objects.as_slice() else { panic!("{read:?}") };
    let Content::Workload(workload) = &object.content else { panic!("{read:?}") };
    let json = super::super::values(&super::document(CRON_JOB)).expect("a value").remove(0);
    let expected = crate::workload::Workload::from_json(WorkloadKind::CronJob, &json.to_string());
    assert_eq!(Ok((**workload).clone()), expected);
    assert_eq!(workload.pod.containers.len(), 2);
    assert_eq!(object.position, Position { line: 1, column: 1 });
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}

#[test]
fn positions_count_from_the_start_of_the_source() {
    let text = format!("a: 1\n---\n{}", list(&[CRON_JOB]));
    let documents = documents(text.as_bytes());
    let read = read(&documents[1]);
    assert_eq!(read.objects[0].position, Position { line: 5, column: 3 });
    let wrong = Document { line: 10, ..super::document("a:\n  é: [\n") };
    assert!(super::super::read(&wrong).problems[0].position.line >= 11);
}

#[test]
fn lists_are_taken_apart() {
    let other = CRON_JOB.replace("name: backup", "name: other");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n";
    let read = contents(&list(&[CRON_JOB, service, &other]));
    assert_eq!(named(&read), owned(&[(0, "CronJob/default/backup"), (2, "CronJob/default/other")]));
    assert_eq!(read.skipped, ["v1/Service"]);
    assert!(read.problems.is_empty(), "{:?}", read.problems);

    let nested = contents(&list(&[&list(&[CRON_JOB, service]), &other]));
    assert_eq!(named(&nested), owned(&[(0, "CronJob/default/backup"), (2, "CronJob/default/other")]));
}

#[test]
fn items_of_typed_lists_have_the_kind_of_the_list() {
    let bare = CRON_JOB.split_once("metadata").map_or("", |(_, rest)| rest);
    let bare = format!("metadata{bare}");
    let expected = owned(&[(0, "CronJob/default/backup")]);
    let last = list(&[&bare]).replace("kind: List", "kind: CronJobList").replace("v1\n", "batch/v1\n");
    assert_eq!(named(&contents(&last)), expected, "{last}");
    let first = format!("kind: CronJobList\n{}", last.replace("kind: CronJobList\n", ""));
    assert_eq!(named(&contents(&first)), expected);
    let twice = contents(&format!("{first}kind: JobList\n"));
    assert!(errors(&twice).iter().any(|error| error.contains("stands twice")), "{twice:?}");
    let json = r#"{"kind": "JobList", "apiVersion": "batch/v1", "items": [{"metadata": {"name": "x"}, "spec": {}}]}"#;
    assert_eq!(named(&contents(json)), owned(&[(0, "Job/default/x")]));
}

#[test]
fn the_last_items_count_wherever_they_come_from() {
    let other = list(&[&CRON_JOB.replace("name: backup", "name: other")]);
    let other_items =
        other.split_once("items").map_or("", |(_, rest)| rest).split_once("kind: List").expect("a kind").0;
    let twice = format!("{}items{other_items}", list(&[CRON_JOB, CRON_JOB]));
    assert_eq!(named(&contents(&twice)), owned(&[(0, "CronJob/default/other")]));
    let anchored = list(&[CRON_JOB]).replace("items:\n", "items: &i\n") + "x: {<<: {items: 1}}\nitems: *i\n";
    assert_eq!(named(&contents(&anchored)), owned(&[(0, "CronJob/default/backup")]));
    let alias =
        list(&[CRON_JOB]).replace("- apiVersion", "- &c\n  apiVersion").replace("kind: List", "- *c\nkind: List");
    assert_eq!(named(&contents(&alias)), owned(&[(0, "CronJob/default/backup"), (1, "CronJob/default/backup")]));
}

#[test]
fn a_field_items_makes_a_list_of_anything() {
    let hidden = contents(&format!("{CRON_JOB}items: []\n"));
    assert!(hidden.objects.is_empty());
    assert!(errors(&hidden)[0].contains("list"), "{hidden:?}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let missing = [
        ("kind: CronJob\n", "'apiVersion' is missing"),
        ("kind: [CronJob]\n", "'Kind' is missing"),
        ("kind: List\napiVersion: v1\nitems: [1]\n", "not an object"),
        ("kind: List\napiVersion: v1\nitems: x\n", "not a list"),
        ("a: 1\n...\nb: 2\n", "only the first document"),
        ("{a: 1} b\n", "behind the end"),
        ("{\"a\": 1, 2]", "JSON expects a key"),
    ];
    for (text, message) in missing {
        let read = contents(text);
        assert!(errors(&read).iter().any(|error| error.contains(message)), "{text:?}: {read:?}");
    }
    for text in ["", "\n", "# c\n", "---\n", "~\n", "null\n"] {
        let read = contents(text);
        assert!(read.objects.is_empty() && read.problems.is_empty() && read.foreign.is_empty(), "{text:?}: {read:?}");
    }
    for text in ["- a\n", "a\n", "image: busybox\n", "apiVersion: v2\nname: chart\n", "{\"image\": \"busybox\"}"] {
        let read = contents(text);
        assert!(read.objects.is_empty() && read.problems.is_empty(), "{text:?}: {read:?}");
        assert!(read.foreign.iter().all(|problem| problem.message.contains("no Kubernetes object")), "{text:?}");
        assert_eq!(read.foreign.len(), 1, "{text:?}");
    }
}

#[test]
fn an_unreadable_workload_keeps_its_name() {
    let read = contents(&CRON_JOB.replace("image: busybox", "image: 12"));
    assert_eq!(named(&read), owned(&[(0, "unreadable CronJob/default/backup")]));
    let list_for_struct = contents(&CRON_JOB.replace("{name: side, image: busybox}", "[]"));
    assert_eq!(named(&list_for_struct), owned(&[(0, "unreadable CronJob/default/backup")]));
}

#[test]
fn generated_names_are_empty() {
    let read = contents(&CRON_JOB.replace("name: backup", "generateName: backup-"));
    assert_eq!(named(&read), owned(&[(0, "CronJob/default/")]));
}

#[test]
fn approvals_and_namespaces_are_read_too() {
    let approval =
        "apiVersion: cronwarden.dev/v1alpha1\nkind: ApprovedCronJob\nmetadata: {name: a}\nspec: {x: [1, yes]}\n";
    let read = contents(approval);
    let Content::Approval { name, value } = &read.objects[0].content else { panic!("{read:?}") };
    assert_eq!((name.as_str(), &value["spec"]), ("a", &serde_json::json!({"x": [1, true]})));
    let namespace = contents("apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {a: b, c: }}\n");
    let Content::Namespace { name, labels } = &namespace.objects[0].content else { panic!("{namespace:?}") };
    assert_eq!(name, "ns");
    assert_eq!(labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(), ["a=b", "c="]);
}
