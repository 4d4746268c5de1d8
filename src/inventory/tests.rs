use proptest::prelude::*;

use super::*;
use crate::api::ApprovedCronJob;
use crate::api::approval::{ApprovedCronJobSpec, Expected, Match};
use crate::workload::WorkloadKind;

/// Few letters, so that exact names, prefixes and wildcards meet often; one of them takes two bytes.
const PATTERN: &str = "[ab\u{e9}*?]{1,4}";
const NAME: &str = "[ab\u{e9}]{0,5}";

fn approval(name: &str, matches: Match) -> Approval {
    Approval::compile(&ApprovedCronJob::new(name, ApprovedCronJobSpec { matches, ..ApprovedCronJobSpec::default() }))
}

fn workload(kind: WorkloadKind, namespace: &str, name: &str) -> Workload {
    let key = WorkloadKey { kind, namespace: namespace.to_owned(), name: name.to_owned() };
    Workload { key, ..Workload::default() }
}

fn patterns() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(PATTERN, 0..4)
}

fn kinds() -> impl Strategy<Value = Vec<WorkloadKind>> {
    use WorkloadKind::{CronJob, Job};
    prop_oneof![Just(vec![CronJob]), Just(vec![Job]), Just(vec![CronJob, Job])]
}

/// One change of the inventory: an approval of one of a few names is put in, or taken out.
#[derive(Clone, Debug)]
enum Change {
    Insert(u8, Match),
    Remove(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let insert = (0u8..6, kinds(), patterns(), patterns()).prop_map(|(name, kinds, namespaces, names)| {
        Change::Insert(name, Match { kinds, namespaces, names, ..Match::default() })
    });
    prop_oneof![3 => insert, 1 => (0u8..6).prop_map(Change::Remove)]
}

proptest! {
    #[test]
    fn the_index_finds_what_a_look_at_every_approval_finds(
        changes in proptest::collection::vec(change(), 1..24),
        keys in proptest::collection::vec((kinds(), NAME, NAME), 1..12),
    ) {
        let mut inventory = Inventory::default();
        let mut naive: BTreeMap<String, Approval> = BTreeMap::new();
        for change in changes {
            let (previous, expected) = match change {
                Change::Insert(name, matches) => {
                    let compiled = approval(&name.to_string(), matches);
                    (inventory.insert(compiled.clone()), naive.insert(name.to_string(), compiled))
                }
                Change::Remove(name) => (inventory.remove(&name.to_string()), naive.remove(&name.to_string())),
            };
            prop_assert_eq!(previous.map(|a| a.name.clone()), expected.map(|a| a.name));
            prop_assert_eq!(inventory.len(), naive.len());
        }
        for (kinds, namespace, name) in &keys {
            let workload = workload(kinds[0], namespace, name);
            let found: Vec<&str> =
                inventory.selecting(&workload, &Labels::new()).iter().map(|approval| &*approval.name).collect();
            let expected: Vec<&str> = naive
                .values()
                .filter(|approval| approval.matcher.selects(&workload, &Labels::new()))
                .map(|approval| &*approval.name)
                .collect();
            prop_assert_eq!(&found, &expected, "{}", workload.key);
            for approval in naive.values() {
                let reasons = approval.matcher.mismatches(&workload, &Labels::new());
                prop_assert_eq!(found.contains(&&*approval.name), reasons.is_empty(), "{}: {:?}", workload.key, reasons);
            }
        }
        for name in 0..6 {
            inventory.remove(&name.to_string());
        }
        prop_assert_eq!(format!("{:?}", inventory.index), format!("{:?}", Index::default()), "something is left behind");
    }
}

#[test]
fn the_candidates_do_not_grow_with_the_inventory() {
    let exact = |i: usize| Match {
        kinds: vec![WorkloadKind::CronJob],
        namespaces: vec![format!("team-{i}")],
        names: vec!["nightly-backup".to_owned(), format!("job-{i}-*")],
        ..Match::default()
    };
    let mut inventory = Inventory::default();
    let mut counts = Vec::new();
    for i in 0..5_000 {
        inventory.insert(approval(&format!("approval-{i}"), exact(i)));
        if [9, 99, 4_999].contains(&i) {
            let key = workload(WorkloadKind::CronJob, "team-7", "nightly-backup").key;
            counts.push(inventory.index.candidates(&key).len());
        }
    }
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn a_workload_is_required_by_usable_approvals_and_by_each_once() {
    let requiring = |name: &str, names: &[&str], expires_at: Option<&str>| {
        let matches = Match {
            kinds: vec![WorkloadKind::CronJob],
            namespaces: vec!["payments".to_owned(), "payments-*".to_owned()],
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Match::default()
        };
        let expires_at = expires_at.map(|at| serde_json::from_value(at.into()).unwrap());
        let expected = Expected { required: true, ..Expected::default() };
        Approval::compile(&ApprovedCronJob::new(
            name,
            ApprovedCronJobSpec { matches, expires_at, expected, ..ApprovedCronJobSpec::default() },
        ))
    };
    let mut inventory = Inventory::default();
    inventory.insert(requiring("b", &["backup", "backup"], None));
    inventory.insert(requiring("a", &["backup", "other"], None));
    inventory.insert(requiring("expired", &["backup"], Some("2026-01-01T00:00:00Z")));
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let names = |inventory: &Inventory, key: &WorkloadKey| -> Vec<String> {
        inventory.requiring(key, now).iter().map(|approval| approval.name.to_string()).collect()
    };
    let key = workload(WorkloadKind::CronJob, "payments", "backup").key;
    assert_eq!(names(&inventory, &key), ["a", "b"]);
    assert!(names(&inventory, &workload(WorkloadKind::Job, "payments", "backup").key).is_empty());
    inventory.remove("b");
    assert_eq!(names(&inventory, &key), ["a"]);
    inventory.insert(requiring("a", &["other"], None));
    assert!(names(&inventory, &key).is_empty());
}

#[test]
fn what_cannot_be_compiled_is_named_and_approves_nothing() {
    let cases: &[(serde_json::Value, &str)] = &[
        (serde_json::json!({"match": {"names": ["a[b]"]}}), "spec.match.names[0]"),
        (serde_json::json!({"match": {"namespaces": ["a", ""]}}), "spec.match.namespaces[1]"),
        (
            serde_json::json!({"match": {"selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}}),
            "spec.match.selector",
        ),
        (serde_json::json!({"match": {}, "expected": {"schedules": ["61 * * * *"]}}), "spec.expected.schedules[0]"),
        (serde_json::json!({"match": {}, "expected": {"timeZones": ["Mars/Base"]}}), "spec.expected.timeZones[0]"),
        (serde_json::json!({"match": {}, "expected": {"minimumInterval": "1d"}}), "spec.expected.minimumInterval"),
        (serde_json::json!({"match": {}, "expected": {"minimumInterval": "0s"}}), "spec.expected.minimumInterval"),
        (serde_json::json!({"match": {}, "expected": {"windows": ["22:00"]}}), "spec.expected.windows[0]"),
        (
            serde_json::json!({"match": {}, "expected": {"images": [{"repository": "registry.*/app"}]}}),
            "spec.expected.images[0].repository",
        ),
        (
            serde_json::json!({"match": {}, "expected": {"images": [{"repository": "nginx", "digests": ["sha256:1"]}]}}),
            "spec.expected.images[0].digests[0]",
        ),
        (serde_json::json!({"match": {}, "allowed": {"hostPaths": ["/var/**"]}}), "spec.allowed.hostPaths[0]"),
        (serde_json::json!({"match": {}, "allowed": {"secrets": ["a{b}"]}}), "spec.allowed.secrets[0]"),
    ];
    for (spec, field) in cases {
        let compiled = Approval::compile(&ApprovedCronJob::new("a", serde_json::from_value(spec.clone()).unwrap()));
        let problems = compiled.rules.as_ref().unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), [*field], "{problems:?}");
        let selects = compiled.matcher.selects(&workload(WorkloadKind::CronJob, "a", "a"), &Labels::new());
        assert_eq!(selects, !field.starts_with("spec.match"), "{field}: half a match could select too much");
    }
}

#[test]
fn an_approval_says_what_of_it_is_not_checked_and_why() {
    let checked = |expected: serde_json::Value, evidence: PathEvidence, are_read: bool, is_full: bool| {
        let spec = serde_json::json!({ "match": {}, "expected": expected });
        let approval = Approval::compile(&ApprovedCronJob::new("a", serde_json::from_value(spec).unwrap()));
        let config_maps = RecordedConfigMaps { are_read, is_full, recorded: Vec::new() };
        let known = Known { evidence, config_maps, ..Known::default() };
        let conditions = status(&approval, known, None, Timestamp::UNIX_EPOCH).conditions;
        let checked = conditions.into_iter().find(|condition| condition.type_ == "FullyChecked").unwrap();
        (checked.status == "True", checked.reason, checked.message)
    };
    let hashes = serde_json::json!({ "configMapHashes": true });
    let both = serde_json::json!({ "configMapHashes": true, "deploymentPaths": ["a", "b"] });
    let some = || PathEvidence::Without(vec!["b".to_owned()]);
    for (expected, evidence, are_read, is_full, holds, reason) in [
        (&serde_json::json!({}), PathEvidence::None, false, false, true, "AllRulesApply"),
        (&hashes, PathEvidence::None, true, false, true, "AllRulesApply"),
        (&hashes, PathEvidence::None, false, false, false, "ConfigMapsNotWatched"),
        (&hashes, PathEvidence::None, true, true, false, "TooManyConfigMaps"),
        (&both, PathEvidence::None, false, false, false, "NoIdentityEvidence"),
        (&both, PathEvidence::None, true, false, false, "NoIdentityEvidence"),
        (&both, some(), true, false, true, "UnknownDeploymentPath"),
        (&both, some(), false, false, false, "ConfigMapsNotWatched"),
        (&both, PathEvidence::Complete, false, false, false, "ConfigMapsNotWatched"),
        (&both, PathEvidence::Complete, true, false, true, "AllRulesApply"),
    ] {
        let (held, told, message) = checked(expected.clone(), evidence.clone(), are_read, is_full);
        assert_eq!((held, told.as_str()), (holds, reason), "{expected} {evidence:?} {are_read} {is_full}: {message}");
        assert_eq!(message.matches("Everything else is judged.").count(), usize::from(!holds), "{message}");
        let asks = expected["configMapHashes"] == true;
        assert_eq!(message.contains("--watch-config-maps"), asks && !are_read, "{message}");
    }
}
