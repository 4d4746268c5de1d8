use serde_json::{Value, json};

use super::*;
use crate::api::ApprovedCronJob;
use crate::api::finding::Outcome;
use crate::assess::{Assessment, CheckOutcome, ConfigMaps, Surroundings, assess, explain};
use crate::inventory::{Approval, Inventory};
use crate::workload::{Workload, WorkloadKind};

/// What one ConfigMap holds and held; the approval has room for it or not.
#[derive(Default)]
struct One {
    now: Option<ConfigMapHashes>,
    recorded: Option<ConfigMapHashes>,
    is_full: bool,
}

impl ConfigMaps for One {
    fn now(&self, namespace: &str, name: &str) -> Option<&ConfigMapHashes> {
        assert_eq!((namespace, name), ("web", "script"));
        self.now.as_ref()
    }

    fn recorded(&self, approval: &str, namespace: &str, name: &str) -> Recorded<'_> {
        assert_eq!((approval, namespace, name), ("approval", "web", "script"));
        match &self.recorded {
            Some(recorded) => Recorded::As(recorded),
            None if self.is_full => Recorded::NoRoom,
            None => Recorded::NotYet,
        }
    }
}

fn holding(data: &Value) -> Option<ConfigMapHashes> {
    ConfigMapHashes::from_json(&json!({ "data": data }).to_string()).ok()
}

fn workload(volumes: &Value) -> Workload {
    let manifest = json!({
        "metadata": { "name": "report", "namespace": "web" },
        "spec": { "schedule": "0 6 * * *", "jobTemplate": { "spec": { "template": { "spec": {
            "containers": [{ "name": "a", "image": "app:1" }], "volumes": volumes,
        } } } } },
    });
    Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap()
}

fn inventory(allowed: &str) -> Inventory {
    let spec = json!({
        "match": { "names": ["report"] },
        "expected": { "configMapHashes": true },
        "allowed": { "configMaps": [allowed] },
    });
    let mut inventory = Inventory::default();
    inventory.insert(Approval::compile(&ApprovedCronJob::new("approval", serde_json::from_value(spec).unwrap())));
    inventory
}

fn judged(volumes: &Value, allowed: &str, config_maps: Option<&dyn ConfigMaps>) -> Assessment {
    let (workload, inventory) = (workload(volumes), inventory(allowed));
    let surroundings = Surroundings { config_maps, ..Surroundings::default() };
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let assessment = assess(&workload, &inventory, surroundings, now);
    let explanation = explain(&workload, &inventory, surroundings, now);
    assert_eq!(explanation.assessment, assessment);
    assessment
}

fn script() -> Value {
    json!([{ "name": "s", "configMap": { "name": "script" } }, { "name": "t", "configMap": { "name": "script" } }])
}

#[test]
fn the_content_that_was_recorded_is_approved() {
    let (now, recorded) = (holding(&json!({ "a": "b" })), holding(&json!({ "a": "b" })));
    let one = One { recorded: recorded.map(|hashes| hashes.without_keys()), now, is_full: true };
    assert!(judged(&script(), "script", Some(&one)).is_approved());
}

#[test]
fn other_content_deviates_once_and_by_the_names_of_its_keys() {
    let recorded = holding(&json!({ "run.sh": "a", "old.sh": "b" }));
    let (now, short) = (holding(&json!({ "run.sh": "Tr0ub4dor", "extra.sh": "c" })), ConfigMapHashes::short);
    let (is, was) = (now.as_ref().map(short).unwrap(), recorded.as_ref().map(short).unwrap());
    let [deviation] = &judged(&script(), "scr*", Some(&One { now, recorded, is_full: false })).deviations[..] else {
        panic!("not one deviation")
    };
    assert_eq!(deviation.code, DeviationCode::Reference);
    assert_eq!(deviation.path, "spec.jobTemplate.spec.template.spec.volumes[0].configMap");
    assert_eq!(deviation.expected, format!("ConfigMap script as it was recorded, content {was}"));
    assert_eq!(
        deviation.observed,
        format!("ConfigMap script: key extra.sh added, key old.sh removed, key run.sh changed; now content {is}")
    );
    assert_eq!(deviation.approval.as_deref(), Some("approval"));
}

#[test]
fn a_long_list_of_changes_is_cut_and_an_unknown_one_is_told_as_such() {
    let observed = |recorded: Option<ConfigMapHashes>| {
        let keys: serde_json::Map<_, _> = (10..40).map(|i| (format!("{i}{}", "k".repeat(251)), json!(""))).collect();
        let now = holding(&json!(keys));
        judged(&script(), "script", Some(&One { now, recorded, is_full: false })).deviations[0].observed.clone()
    };
    let many = observed(holding(&json!({})));
    assert!(many.contains("and 22 more; now content ") && many.len() < 1024, "{many}");
    let unknown = observed(holding(&json!({ "a": "b" })).map(|hashes| hashes.without_keys()));
    assert!(unknown.starts_with("ConfigMap script: its keys or values changed; now content "), "{unknown}");
}

#[test]
fn what_was_recorded_and_is_gone_deviates_and_what_never_was_does_not() {
    let gone = One { recorded: holding(&json!({})), ..One::default() };
    assert_eq!(judged(&script(), "script", Some(&gone)).deviations[0].observed, "ConfigMap script is gone");
    assert!(judged(&script(), "script", Some(&One::default())).is_approved());
}

#[test]
fn nothing_is_known_where_nobody_reads_config_maps_or_no_room_is_left() {
    let full = One { now: holding(&json!({})), recorded: None, is_full: true };
    for config_maps in [None, Some(&full as &dyn ConfigMaps)] {
        let assessment = judged(&script(), "script", config_maps);
        assert_eq!(assessment.deviations, []);
        assert!(!assessment.is_approved());
        assert_eq!(assessment.approvals[0].outcome, Outcome::Unknown);
        assert_eq!(assessment.unknown[0].code, DeviationCode::Reference);
    }
}

#[test]
fn a_workload_without_config_maps_has_none_that_could_change() {
    assert!(judged(&json!([]), "script", None).is_approved());
}

#[test]
fn a_config_map_that_is_not_allowed_deviates_for_that_alone() {
    let assessment = judged(&script(), "other", None);
    assert_eq!(assessment.deviations.len(), 1);
    assert_eq!(assessment.deviations[0].observed, "ConfigMap script");
}

#[test]
fn an_explanation_shows_what_holds() {
    let one = One { now: holding(&json!({})), recorded: holding(&json!({})), is_full: false };
    let (workload, inventory) = (workload(&script()), inventory("script"));
    let surroundings = Surroundings { config_maps: Some(&one), ..Surroundings::default() };
    let explanation = explain(&workload, &inventory, surroundings, "2026-06-01T00:00:00Z".parse().unwrap());
    let check = explanation.approvals[0].checks.iter().find(|check| check.field == FIELD).unwrap();
    assert_eq!(check.outcome, CheckOutcome::Held);
    assert!(check.observed.starts_with("ConfigMap script: content "), "{}", check.observed);
}
