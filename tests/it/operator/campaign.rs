//! The same template in many namespaces is a campaign where nothing approves it, and no news where something does.

use std::time::Duration;

use cronwarden::api::code::Severity;
use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::crowd::apply_all;
use super::deviations::set;
use super::fresh::agrees;
use super::scene::{PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::{ControlPlane, eventually};

const TARGETS: [&str; 5] = ["team-a", "team-b", "team-c", "team-d", "team-e"];

/// What somebody plants.
fn planted(namespace: &str) -> Value {
    let mut job = cron_job(namespace, "log-rotate");
    set(&mut job, "/spec/jobTemplate/spec/template/spec/containers/0/image", json!("docker.io/library/xz:5"));
    job
}

/// Waits until all findings about what was planted fit, and returns what they say.
async fn all(scene: &Scene, targets: &[&str], what: &str, fits: impl Fn(&Status) -> bool) -> Vec<Status> {
    eventually(&format!("all findings are {what}"), Duration::from_mins(2), async || {
        let mut found = scene.all_findings().await.map_err(|error| format!("{error:#}"))?;
        found.retain(|finding| targets.contains(&finding.spec.workload.namespace.as_str()));
        let statuses: Vec<Status> = found.iter().filter_map(|finding| finding.status.clone()).collect();
        if statuses.len() == targets.len() && statuses.iter().all(&fits) {
            Ok(statuses)
        } else {
            Err(format!("{found:#?}"))
        }
    })
    .await
}

fn is_campaign_of(status: &Status, namespaces: i32) -> bool {
    status.campaign.as_ref().is_some_and(|campaign| campaign.namespaces == namespaces)
}

#[tokio::test]
async fn the_same_template_in_several_namespaces_is_one_campaign() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    scene.apply(&TARGETS.map(namespace)).await?;
    scene.approve(&[approval("elsewhere", "any")]).await?;

    scene.apply(&TARGETS[..2].iter().map(|target| planted(target)).collect::<Vec<_>>()).await?;
    let lonely = all(&scene, &TARGETS[..2], "open", |status| status.state == State::Open).await;
    scene.settled().await;
    assert!(lonely.iter().all(|status| status.campaign.is_none() && status.severity == Severity::Medium));

    scene.apply(&TARGETS.map(planted)).await?;
    let members = all(&scene, &TARGETS, "part of a campaign of five", |status| is_campaign_of(status, 5)).await;
    for status in &members {
        assert_eq!(status.campaign, members[0].campaign);
        assert_eq!(status.severity, Severity::High, "{status:?}");
        assert_eq!(status.severity_reasons.last().map(String::as_str), Some("High: raised by FanOut"));
        assert!(status.risk_reasons.ends_with("FanOut"), "{status:?}");
        let fingerprint = &members[0].campaign.as_ref().expect("it is there").fingerprint;
        assert!(status.template_hash.as_ref().expect("it is there").contains(fingerprint.as_str()));
        assert!(status.next_steps.iter().any(|step| step.contains(fingerprint.as_str())), "{:?}", status.next_steps);
    }
    agrees(&scene, PATIENCE).await;
    scene.wait_until_told(TARGETS[0], "log-rotate", &["FindingOpened", "FindingChanged"]).await;

    writes_nothing_after_a_restart(&mut scene).await?;
    deletion_makes_it_no_smaller(&mut scene).await?;
    approval_ends_it(&scene).await
}

async fn writes_nothing_after_a_restart(scene: &mut Scene) -> anyhow::Result<()> {
    scene.stop_operator().await?;
    let before = scene.writes()?.len();
    scene.start_operator().await?;
    scene.settled().await;
    // Longer than it takes until growth is told.
    tokio::time::sleep(Duration::from_secs(7)).await;
    scene.stop_operator().await?;
    let since = scene.writes()?.split_off(before);
    assert!(since.is_empty(), "{since:#?}");
    scene.start_operator().await
}

/// Three are gone, and two would be no campaign. They are remembered, also by their findings after a restart.
async fn deletion_makes_it_no_smaller(scene: &mut Scene) -> anyhow::Result<()> {
    for target in &TARGETS[2..4] {
        scene.cron_jobs(target).delete("log-rotate", &DeleteParams::default()).await?;
    }
    all(scene, &TARGETS[2..4], "deleted", |status| status.state == State::Deleted && is_campaign_of(status, 5)).await;
    scene.stop_operator().await?;
    scene.cron_jobs(TARGETS[4]).delete("log-rotate", &DeleteParams::default()).await?;
    scene.start_operator().await?;
    all(scene, &TARGETS[4..], "deleted", |status| status.state == State::Deleted && is_campaign_of(status, 5)).await;
    writes_nothing_after_a_restart(scene).await?;
    all(scene, &TARGETS[..2], "still part of it", |s| s.state == State::Open && is_campaign_of(s, 5)).await;
    agrees(scene, PATIENCE).await;
    Ok(())
}

async fn approval_ends_it(scene: &Scene) -> anyhow::Result<()> {
    scene.apply(&TARGETS[2..].iter().map(|target| planted(target)).collect::<Vec<_>>()).await?;
    agrees(scene, Duration::from_mins(2)).await;
    let everywhere = json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "log-rotate" },
        "spec": {
            "match": { "names": ["log-rotate"], "namespaces": ["team-*"] },
            "owner": { "team": "platform" },
            "allowed": { "secrets": ["pg-credentials"] },
        },
    });
    scene.apply(&[everywhere]).await?;
    all(scene, &TARGETS[..2], "resolved", |status| status.state == State::Resolved).await;
    agrees(scene, PATIENCE).await;
    let active = |f: &cronwarden::api::ScheduledWorkloadFinding| f.status.as_ref().is_some_and(|s| s.state.is_active());
    assert!(!scene.all_findings().await?.iter().any(active));
    Ok(())
}

#[tokio::test]
async fn what_is_approved_may_be_everywhere() -> anyhow::Result<()> {
    const NAMESPACES: usize = 300;
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    let name = |number: usize| format!("tenant-{number:03}");
    apply_all(&scene.client, (0..NAMESPACES).map(|number| namespace(&name(number)))).await?;
    let mut everywhere = approval("tenants", "nightly");
    everywhere["spec"]["match"] = json!({ "namespaces": ["tenant-*"], "names": ["nightly"] });
    apply_all(&scene.client, [everywhere]).await?;
    let mut scene = scene;
    scene.start_operator().await?;
    apply_all(&scene.client, (0..NAMESPACES).map(|number| cron_job(&name(number), "nightly"))).await?;
    let matched = i32::try_from(NAMESPACES)?;
    scene.approval_status("tenants-nightly", "matched by all", |status| status.matched_workloads == matched).await;
    agrees(&scene, PATIENCE).await;
    assert_eq!(scene.all_findings().await?, []);
    Ok(())
}
