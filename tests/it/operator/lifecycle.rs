//! A finding from the first deviation to the end.

use cronwarden::api::code::{DeviationCode, Severity};
use cronwarden::api::finding::State;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::eventually;

/// One change of an approved CronJob, and the only deviation that it makes.
struct Case {
    name: &'static str,
    pointer: &'static str,
    value: Value,
    code: DeviationCode,
    path: &'static str,
    expected: &'static str,
    observed: &'static str,
}

const POD: &str = "/spec/jobTemplate/spec/template/spec";

fn cases() -> Vec<Case> {
    let case = |name, pointer, value, code, path, expected, observed| Case {
        name,
        pointer,
        value,
        code,
        path,
        expected,
        observed,
    };
    vec![
        case(
            "schedule",
            "/spec/schedule",
            json!("30 3 * * *"),
            DeviationCode::Schedule,
            "spec.schedule",
            "0 2 * * *",
            "30 3 * * *",
        ),
        case(
            "zone",
            "/spec/timeZone",
            json!("Etc/GMT-1"),
            DeviationCode::TimeZone,
            "spec.timeZone",
            "Etc/UTC",
            "Etc/GMT-1",
        ),
    ]
}

#[tokio::test]
async fn an_approved_cron_job_is_quiet_and_each_deviation_alone_is_found() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let cases = cases();
    let mut manifests = vec![namespace("payments")];
    for case in &cases {
        manifests.push(approval("payments", case.name));
        manifests.push(cron_job("payments", case.name));
    }
    scene.apply(&manifests).await?;
    eventually("every approval is matched", PATIENCE, async || {
        for case in &cases {
            let name = format!("payments-{}", case.name);
            let approval = scene.approvals().get_status(&name).await.map_err(|error| error.to_string())?;
            let status = approval.status.ok_or_else(|| format!("{name} has no status"))?;
            if status.matched_workloads != 1 {
                return Err(format!("{name}: {status:?}"));
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(scene.all_findings().await?, [], "an approved CronJob makes no finding");

    for case in &cases {
        let mut changed = cron_job("payments", case.name);
        *changed.pointer_mut(case.pointer).expect(case.pointer) = case.value.clone();
        scene.apply(&[changed]).await?;
    }
    for case in &cases {
        let finding = scene.finding_in(State::Open, "payments", case.name).await;
        let status = finding.status.expect("it is complete");
        let found: Vec<_> = status
            .deviations
            .iter()
            .map(|d| (d.code, d.path.as_str(), d.expected.as_str(), d.observed.as_str()))
            .collect();
        assert_eq!(found, [(case.code, case.path, case.expected, case.observed)], "{}", case.name);
    }
    Ok(())
}
