mod bounds;
mod life;

use serde_json::{Value, json};

use crate::api::ApprovedCronJob;
use crate::assess::{Assessment, assess};
use crate::inventory::{Approval, Inventory, Labels};
use crate::workload::{Workload, WorkloadKind};

const UID: &str = "6f1c2a0e-0000-4000-8000-000000000000";

fn cron_job(schedule: &str, pod: &Value) -> Workload {
    let manifest = json!({
        "metadata": {"name": "nightly-backup", "namespace": "payments", "uid": UID},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    });
    Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap()
}

/// Judges against approvals that are given by their specs.
fn judged(workload: &Workload, approvals: &[Value], now: jiff::Timestamp) -> Assessment {
    let mut inventory = Inventory::default();
    for (i, spec) in approvals.iter().enumerate() {
        let spec = serde_json::from_value(spec.clone()).unwrap();
        inventory.insert(Approval::compile(&ApprovedCronJob::new(&format!("approval-{i}"), spec)));
    }
    assess(workload, &inventory, &Labels::new(), now)
}
