//! A finding about a workload that is gone names whoever deleted it.

use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use kube::api::{DeleteParams, PostParams};

use super::stage::{PATHS, Stage};
use crate::operator::scene::{cron_job, namespace};

/// Waits until it is known who deleted a workload.
async fn deleted_by(stage: &Stage, user: &str, verb: &str, namespace: &str, name: &str) -> Status {
    let by = |s: &Status| {
        let deleter = s.deleter.as_deref();
        s.state == State::Deleted
            && deleter.is_some_and(|d| d.username.as_deref() == Some(user) && d.verb.as_deref() == Some(verb))
    };
    stage.status(namespace, name, &format!("deleted by {user}"), by).await
}

#[tokio::test]
async fn a_finding_names_who_deleted_the_workload() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&["collected", "listed", "moments"].map(namespace)).await?;
    let names = ["one", "two", "three"];
    for name in names {
        stage.create("jane", &cron_job("collected", name)).await?;
        stage.create("john", &cron_job("listed", name)).await?;
    }
    for name in names {
        stage.made_by("jane", "collected", name).await;
        stage.made_by("john", "listed", name).await;
    }
    stage.run("mallory", &["delete", "--raw", "/apis/batch/v1/namespaces/collected/cronjobs"]).await?;
    stage.run("mallory", &["delete", "cronjobs", "--all", "-n", "listed"]).await?;
    for name in names {
        let status = deleted_by(&stage, "mallory", "deletecollection", "collected", name).await;
        assert_eq!(status.actor.username.as_deref(), Some("jane"), "who made it is kept");
        assert!(status.next_steps.iter().any(|step| step.contains("status.deleter")), "{status:?}");
        deleted_by(&stage, "mallory", "delete", "listed", name).await;
    }

    // Its events arrive when it is gone.
    stage.create("jane", &cron_job("moments", "brief")).await?;
    stage.run("mallory", &["delete", "cronjob", "brief", "-n", "moments"]).await?;
    let brief = deleted_by(&stage, "mallory", "delete", "moments", "brief").await;
    assert_eq!(brief.actor.username.as_deref(), Some("jane"), "{brief:?}");

    let token = stage.scene.cluster.user_token("mallory")?;
    let client = stage.scene.cluster.client_with_token(token).await?;
    let cron_jobs: kube::Api<k8s_openapi::api::batch::v1::CronJob> = kube::Api::namespaced(client, "moments");
    let at_once: Vec<String> = (0..10).map(|number| format!("at-once-{number}")).collect();
    for name in &at_once {
        cron_jobs.create(&PostParams::default(), &serde_json::from_value(cron_job("moments", name))?).await?;
        cron_jobs.delete(name, &DeleteParams::default()).await?;
    }
    for name in &at_once {
        let status = deleted_by(&stage, "mallory", "delete", "moments", name).await;
        assert_eq!(status.actor.username.as_deref(), Some("mallory"), "{status:?}");
        assert!(status.snapshot.is_some(), "what it looked like is kept");
    }
    Ok(())
}
