//! Who is concerned, and what is recorded when, in orders of events that a server would show only by luck.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::super::metrics::Metrics;
use super::super::super::watch::Change;
use super::super::Standards;
use super::*;
use crate::api::approval::ApprovedCronJobStatus;
use crate::identity::Ledger;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn config_map(name: &str, version: u64, script: &str) -> Event<Observed<ConfigMapHashes>> {
    let metadata = json!({ "namespace": "apps", "name": name, "uid": name, "resourceVersion": version.to_string() });
    Event::Apply(read(&json!({ "metadata": metadata, "data": { "run.sh": script } })))
}

fn cron_job(name: &str, script: &str) -> Change {
    Change::Workload(Event::Apply(read(&json!({
        "metadata": { "namespace": "apps", "name": name, "uid": name, "resourceVersion": "1", "generation": 1 },
        "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": { "spec": {
            "containers": [{ "name": "c", "image": "i" }],
            "volumes": [{ "name": "s", "configMap": { "name": script } }],
        } } } } },
    }))))
}

fn approval(version: u64, generation: i64, status: &Value) -> Change {
    Change::Approval(Event::Apply(read(&json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "a", "uid": "a", "resourceVersion": version.to_string(), "generation": generation },
        "spec": {
            "match": { "names": ["*"] },
            "expected": { "configMapHashes": true },
            "allowed": { "configMaps": ["script*"] },
        },
        "status": status,
    }))))
}

/// A picture that is complete, of a namespace.
fn picture() -> Picture {
    let standards = Standards { retention: SignedDuration::from_hours(1), config_maps: true, ..Standards::default() };
    let mut picture = Picture::new(standards, Ledger::default(), Metrics::new());
    let lists = [
        Change::Workload(Event::InitDone),
        Change::Job(Event::InitDone),
        Change::Pod(Event::InitDone),
        Change::Namespace(Event::InitDone),
        Change::Approval(Event::InitDone),
        Change::Finding(Event::InitDone),
    ];
    for list in lists {
        picture.observe(list, NOW);
    }
    assert!(!picture.synced(), "the list of ConfigMaps is not complete");
    picture.observe(Change::ConfigMap(Event::InitDone), NOW);
    assert!(picture.synced());
    picture.observe(Change::Namespace(Event::Apply(read(&json!({ "metadata": { "name": "apps" } })))), NOW);
    picture
}

/// Judges whoever is concerned until nobody is, and returns the workloads in the order in which they were judged.
fn settle(picture: &mut Picture, change: Change, now: Timestamp) -> Vec<String> {
    let mut judged = Vec::new();
    let mut waiting = picture.observe(change, now);
    while let Some(concerned) = waiting.pop() {
        if let Concerned::Workload(key) = concerned {
            judged.push(key.name.clone());
            let (_, more) = picture.judge(&key, now);
            waiting.extend(more.into_iter().filter(|more| matches!(more, Concerned::Approval(_))));
        }
    }
    judged
}

fn observe(picture: &mut Picture, name: &str, version: u64, script: &str) -> Vec<String> {
    settle(picture, Change::ConfigMap(config_map(name, version, script)), NOW)
}

fn status(picture: &Picture) -> ApprovedCronJobStatus {
    picture.approval_status("a", NOW).unwrap()
}

/// The ConfigMaps that are recorded, each with whether it is so now.
fn recorded(picture: &Picture) -> Vec<(String, bool)> {
    let of = |recorded: &crate::api::approval::RecordedConfigMap| {
        let place = Place::new(&recorded.namespace, &recorded.name);
        let now = picture.config_maps.now.get(&place);
        let is_so = now.is_some_and(|now| now.hashes.recorded("apps", &recorded.name) == *recorded);
        (recorded.name.clone(), is_so)
    };
    picture.config_maps.recorded_for("a").recorded.iter().map(of).collect()
}

fn names(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(name, is_so)| ((*name).to_owned(), *is_so)).collect()
}

#[test]
fn a_change_concerns_those_that_refer_to_it_and_nobody_else() {
    let mut picture = picture();
    settle(&mut picture, approval(1, 1, &json!(null)), NOW);
    for (name, script) in [("one", "script"), ("two", "script-2"), ("both", "script"), ("other", "leader")] {
        settle(&mut picture, cron_job(name, script), NOW);
    }
    let mut judged = observe(&mut picture, "script", 2, "a");
    judged.sort();
    assert_eq!(judged, ["both", "one"]);
    assert_eq!(observe(&mut picture, "script", 3, "a"), [""; 0], "nothing about the content is new");
    assert_eq!(observe(&mut picture, "script", 2, "older"), [""; 0]);
    assert_eq!(observe(&mut picture, "leader", 4, "a"), [""; 0], "the approval does not allow it");
    assert_eq!(observe(&mut picture, "nobody", 5, "a"), [""; 0]);
    settle(&mut picture, cron_job("one", "script-2"), NOW);
    assert_eq!(observe(&mut picture, "script", 6, "b"), ["both"]);
    let gone = Change::Workload(Event::Delete(read(&json!({ "metadata": { "namespace": "apps", "name": "both" } }))));
    settle(&mut picture, gone, NOW);
    assert_eq!(observe(&mut picture, "script", 7, "c"), [""; 0]);
    assert_eq!(recorded(&picture), names(&[("script", false)]));
    settle(&mut picture, Change::Approval(Event::Delete(read(&json!({ "metadata": { "name": "a" } })))), NOW);
    assert_eq!(observe(&mut picture, "script-2", 8, "c"), [""; 0], "nobody asks any more");
}

#[test]
fn what_is_recorded_stays_until_the_spec_changes() {
    let mut picture = picture();
    observe(&mut picture, "script", 1, "a");
    settle(&mut picture, approval(2, 1, &json!(null)), NOW);
    settle(&mut picture, cron_job("one", "script"), NOW);
    assert_eq!(recorded(&picture), names(&[("script", true)]));
    observe(&mut picture, "script", 3, "b");
    assert_eq!(recorded(&picture), names(&[("script", false)]));
    // Somebody empties the status: what this process recorded counts.
    settle(&mut picture, approval(4, 1, &json!({ "observedGeneration": 1 })), NOW);
    assert_eq!(recorded(&picture), names(&[("script", false)]));
    // The workload refers to another one, which comes later, and back to the first.
    settle(&mut picture, cron_job("one", "script-2"), NOW);
    observe(&mut picture, "script-2", 5, "b");
    settle(&mut picture, cron_job("one", "script"), NOW);
    assert_eq!(recorded(&picture), names(&[("script", false), ("script-2", true)]));
    settle(&mut picture, approval(6, 2, &json!(null)), NOW);
    assert_eq!(recorded(&picture), names(&[("script", true)]), "only what is referred to is recorded anew");
}

#[test]
fn after_a_start_the_status_says_what_was_recorded_for_the_same_spec() {
    let mut before = picture();
    observe(&mut before, "script", 1, "a");
    settle(&mut before, approval(2, 1, &json!(null)), NOW);
    settle(&mut before, cron_job("one", "script"), NOW);
    let written = json!(status(&before));
    for (generation, is_so) in [(1, false), (2, true)] {
        let mut picture = picture();
        settle(&mut picture, approval(3, generation, &written), NOW);
        observe(&mut picture, "script", 4, "b");
        settle(&mut picture, cron_job("one", "script"), NOW);
        assert_eq!(recorded(&picture), names(&[("script", is_so)]), "generation {generation}");
        assert_eq!(picture.approval_status("a", NOW).is_none(), generation == 1, "there is nothing to write");
    }
}

#[test]
fn a_config_map_that_was_changed_before_the_approval_and_is_seen_after_it_is_what_was_approved() {
    let mut picture = picture();
    observe(&mut picture, "script", 1, "a");
    settle(&mut picture, approval(2, 1, &json!(null)), NOW);
    settle(&mut picture, cron_job("one", "script"), NOW);
    settle(&mut picture, approval(11, 2, &json!(null)), NOW);
    observe(&mut picture, "script", 10, "b");
    assert_eq!(recorded(&picture), names(&[("script", true)]));
    observe(&mut picture, "script", 12, "c");
    assert_eq!(recorded(&picture), names(&[("script", false)]), "it was changed after the approval");
}

#[test]
fn versions_of_different_kinds_are_not_compared_for_ever() {
    let mut picture = picture();
    observe(&mut picture, "script", 1, "a");
    settle(&mut picture, approval(100, 1, &json!(null)), NOW);
    settle(&mut picture, cron_job("one", "script"), NOW);
    let later = NOW + SignedDuration::from_mins(2);
    settle(&mut picture, Change::ConfigMap(config_map("script", 50, "b")), later);
    assert_eq!(recorded(&picture), names(&[("script", false)]));
}

#[test]
fn the_record_of_an_approval_is_bounded_and_says_so() {
    let mut picture = picture();
    settle(&mut picture, approval(1, 1, &json!(null)), NOW);
    for i in 0..300 {
        let name = format!("script-{i}");
        observe(&mut picture, &name, 2, "a");
        settle(&mut picture, cron_job(&name, &name), NOW);
    }
    let status = status(&picture);
    assert_eq!(status.config_maps.len(), 256);
    let checked = status.conditions.iter().find(|condition| condition.type_ == "FullyChecked").unwrap();
    assert_eq!((checked.status.as_str(), checked.reason.as_str()), ("False", "TooManyConfigMaps"));
}
