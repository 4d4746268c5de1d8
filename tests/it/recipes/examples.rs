//! The example repository is what the recipes take it for: clean, but for what its pull requests bring.

use std::path::{Path, PathBuf};

use cronwarden::api::ApprovedCronJob;
use cronwarden::api::code::DeviationCode;
use cronwarden::assess::{Assessment, assess};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::workload::{Workload, WorkloadKind};
use serde_json::Value;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recipes").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn inventory(folders: &[&str]) -> Inventory {
    let mut inventory = Inventory::default();
    for file in folders.iter().flat_map(|folder| files(folder)) {
        let approval: ApprovedCronJob = serde_saphyr::from_str(&read(&file)).unwrap();
        inventory.insert(Approval::compile(&approval));
    }
    assert!(inventory.iter().all(|approval| approval.rules.is_ok()), "an approval that cannot be used");
    inventory
}

fn judge(folder: &str, inventory: &Inventory) -> Vec<Assessment> {
    let manifests: Vec<Value> = files(folder).iter().map(|file| serde_saphyr::from_str(&read(file)).unwrap()).collect();
    let cron_jobs = manifests.iter().filter(|manifest| manifest["kind"] == "CronJob");
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    cron_jobs
        .map(|manifest| {
            let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap();
            assess(&workload, inventory, &Labels::new(), now)
        })
        .collect()
}

fn codes(assessments: &[Assessment]) -> Vec<DeviationCode> {
    let deviations = assessments.iter().flat_map(|assessment| &assessment.deviations);
    deviations.map(|deviation| deviation.code).collect()
}

#[test]
fn the_protected_branch_is_clean() {
    let assessments = judge("main/manifests", &inventory(&["main/inventory"]));
    assert_eq!(assessments.len(), 2);
    for assessment in &assessments {
        assert!(assessment.is_approved(), "{assessment:#?}");
        assert_eq!(assessment.risks, [], "a baseline would ask for --accept-risk");
    }
}

#[test]
fn pull_requests_deviate_as_they_are_meant_to() {
    let approved = inventory(&["main/inventory"]);
    let own = judge("pull-requests/own-approval/manifests", &approved);
    assert_eq!(codes(&own), [DeviationCode::Unapproved]);
    let both = inventory(&["main/inventory", "pull-requests/own-approval/inventory"]);
    assert!(judge("pull-requests/own-approval/manifests", &both).iter().all(Assessment::is_approved));

    let changed = judge("pull-requests/changed/manifests", &approved);
    assert_eq!(codes(&changed), [DeviationCode::Schedule, DeviationCode::ImageDigest]);
    assert_eq!(changed[0].risks, [], "an approval would ask for --accept-risk");
}
