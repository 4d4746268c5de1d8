//! Where fields stand.

use super::super::{Position, locate, locate_all, locate_anywhere};
use super::{CRON_JOB, document, list};

/// The texts that the places of paths cover.
fn covered(text: &str, index: usize, paths: &[&str]) -> Vec<String> {
    let places = locate(&document(text), index, paths);
    assert_eq!(places.len(), paths.len());
    places.into_iter().map(|place| text[place.bytes].to_owned()).collect()
}

#[test]
fn fields_stand_where_their_values_are() {
    let paths = [
        "metadata.name",
        "metadata.labels[app.kubernetes.io/name]",
        "spec.jobTemplate.spec.template.spec.containers[0].image",
        "spec.jobTemplate.spec.template.spec.containers[1].image",
        "spec.jobTemplate.spec.template.spec.containers[1]",
        "spec.suspend",
    ];
    let expected =
        ["backup", "backup", "registry.example.com/backup:1.2", "busybox", "{name: side, image: busybox}", "suspend"];
    assert_eq!(covered(CRON_JOB, 0, &paths), expected);
}

#[test]
fn absent_fields_stand_at_the_key_above_them() {
    let paths = ["metadata.annotations[a.b/c]", "spec.jobTemplate.spec.ttlSecondsAfterFinished", "spec.schedule.x"];
    assert_eq!(covered(CRON_JOB, 0, &paths), ["metadata", "spec", "schedule"]);
    let item = "spec.jobTemplate.spec.template.spec.containers[0].securityContext.runAsUser";
    assert!(covered(CRON_JOB, 0, &[item])[0].starts_with("name: main"));
    assert!(covered(CRON_JOB, 0, &["nothing"])[0].starts_with("apiVersion"));
}

#[test]
fn positions_count_characters() {
    let text = "apiVersion: batch/v1\r\nkind: Job\r\nmetadata: {labels: {é: ü, x: yes}, name: n}\r\n";
    let place = &locate(&document(text), 0, &["metadata.labels[x]"])[0];
    assert_eq!((place.start, place.end), (Position { line: 3, column: 30 }, Position { line: 3, column: 33 }));
    assert_eq!(&text[place.bytes.clone()], "yes");
}

#[test]
fn objects_of_a_list_are_told_apart() {
    let other = CRON_JOB.replace("busybox", "alpine");
    let text = list(&[CRON_JOB, "kind: A\napiVersion: v1\n", &other]);
    let image = "spec.jobTemplate.spec.template.spec.containers[1].image";
    assert_eq!(covered(&text, 2, &[image]), ["alpine"]);
    let both = locate_all(&document(text.as_str()), &[(2, &[image]), (0, &[image, "kind"]), (9, &["kind"])]);
    let texts: Vec<Vec<&str>> =
        both.iter().map(|places| places.iter().map(|place| &text[place.bytes.clone()]).collect()).collect();
    assert_eq!(texts[..2], [vec!["alpine"], vec!["busybox", "CronJob"]]);
    assert_eq!(texts[2], [text.as_str()]);
}

#[test]
fn values_behind_an_alias_stand_at_their_anchor() {
    let text = "x: &x {name: a}\nkind: Job\napiVersion: batch/v1\nmetadata: *x\nspec: {y: *x}\n";
    assert_eq!(covered(text, 0, &["metadata.name", "metadata"]), ["a", "*x"]);
}

#[test]
fn json_has_places_too() {
    let text = r#"{"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": "n"}, "spec": {"completions": 3}}"#;
    assert_eq!(covered(text, 0, &["metadata.name", "spec.completions", "spec.template"]), ["\"n\"", "3", "\"spec\""]);
}

#[test]
fn documents_that_are_no_objects_have_places_too() {
    let text = "# paths\n---\npaths:\n- name: a\n  users: [b, c]\n";
    let places = locate_anywhere(&document(text), &["paths[0].users[1]", "paths[0]", "paths[1]", "x"]);
    assert_eq!(places.iter().map(|place| place.start.line).collect::<Vec<_>>(), [5, 4, 3, 3]);
    for unreadable in ["", "# nothing", "a: ["] {
        assert_eq!(locate_anywhere(&document(unreadable), &["x"])[0].start, Position { line: 1, column: 1 });
    }
}
