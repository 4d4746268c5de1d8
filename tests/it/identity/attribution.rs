//! A finding names whoever made the workload what it is.

use cronwarden::api::finding::Actor;
use jiff::Timestamp;
use serde_json::json;

use super::stage::{PATHS, Stage, risks};
use crate::harness::AuditEvent;
use crate::operator::scene::{cron_job, namespace};

#[tokio::test]
async fn a_finding_names_who_made_the_workload_what_it_is() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    creator_and_last_changer(&stage).await?;
    changes_of_nothing_but_metadata(&stage).await?;
    impersonation(&stage).await?;
    dry_runs(&stage).await
}

async fn creator_and_last_changer(stage: &Stage) -> anyhow::Result<()> {
    stage.create("jane", &cron_job("payments", "nightly")).await?;
    let created = stage.made_by("jane", "payments", "nightly").await;
    is_as_audited(stage, &created.actor, "jane", "create")?;
    assert_eq!(created.actor.shown, "jane");
    assert_eq!(created.creator, None, "it is the same");
    assert!(risks(&created).contains(&"HumanActor"), "{created:?}");

    stage.patch("john", "payments", "nightly", json!({ "schedule": "0 3 * * *" })).await?;
    let changed = stage.made_by("john", "payments", "nightly").await;
    is_as_audited(stage, &changed.actor, "john", "patch")?;
    let creator = changed.creator.expect("somebody else created it");
    assert_eq!(*creator, created.actor);

    let mut replaced = cron_job("payments", "nightly");
    replaced["spec"]["schedule"] = json!("0 4 * * *");
    stage.send("mallory", &["replace"], &replaced).await?;
    let replaced = stage.made_by("mallory", "payments", "nightly").await;
    is_as_audited(stage, &replaced.actor, "mallory", "update")?;
    assert!(replaced.actor.groups.contains(&"administrators".to_owned()), "{replaced:?}");
    assert_eq!(replaced.creator, Some(creator));
    Ok(())
}

/// Compares what a finding says with the one audit event that it refers to.
fn is_as_audited(stage: &Stage, actor: &Actor, user: &str, verb: &str) -> anyhow::Result<()> {
    let mut events = stage.scene.cluster.audit_events()?;
    events.retain(|event| Some(&event.audit_id) == actor.audit_id.as_ref());
    let [event] = events.as_slice() else { panic!("{} events for {actor:?}", events.len()) };
    let AuditEvent { user: audited, verb: done, raw, .. } = event;
    assert_eq!((audited.as_str(), done.as_str()), (user, verb));
    assert_eq!((actor.username.as_deref(), actor.verb.as_deref()), (Some(user), Some(verb)));
    assert_eq!(json!(actor.groups), raw["user"]["groups"]);
    assert_eq!(json!(actor.source_ips), raw["sourceIPs"]);
    assert_eq!(actor.source_ips, ["127.0.0.1"]);
    assert_eq!(json!(actor.user_agent), raw["userAgent"]);
    assert!(actor.user_agent.as_deref().is_some_and(|agent| agent.starts_with("kubectl")), "{actor:?}");
    let reason = raw["annotations"]["authorization.k8s.io/reason"].as_str().unwrap_or_default();
    assert_eq!(actor.authorized_by.as_deref(), Some(reason));
    let binding = if user == "mallory" { "administrators" } else { "developers" };
    assert!(reason.contains(&format!("ClusterRoleBinding \"{binding}\"")), "{reason}");
    let told: Option<Timestamp> = raw["stageTimestamp"].as_str().and_then(|time| time.parse().ok());
    let (told, time) = (told.expect("a time"), actor.time.as_ref().expect("a time").0);
    assert_eq!(time.as_second(), told.as_second());
    Ok(())
}

async fn changes_of_nothing_but_metadata(stage: &Stage) -> anyhow::Result<()> {
    stage.run("jane", &["label", "cronjob", "nightly", "-n", "payments", "stage=production"]).await?;
    stage.run("jane", &["annotate", "cronjob", "nightly", "-n", "payments", "note=looked-at"]).await?;
    // What comes after it is known, so it is known too.
    stage.create("jane", &cron_job("payments", "afterwards")).await?;
    stage.made_by("jane", "payments", "afterwards").await;
    stage.scene.settled().await;
    let status = stage.status("payments", "nightly", "there", |_| true).await;
    assert_eq!(status.actor.username.as_deref(), Some("mallory"), "labels are not what runs");
    Ok(())
}

async fn impersonation(stage: &Stage) -> anyhow::Result<()> {
    let create = ["create", "--as=jane", "--as-group=developers"];
    stage.send("mallory", &create, &cron_job("payments", "borrowed")).await?;
    let status = stage.made_by("jane", "payments", "borrowed").await;
    assert_eq!(status.actor.impersonator.as_deref(), Some("mallory"));
    assert_eq!(status.actor.shown, "jane, impersonated by mallory");
    assert!(risks(&status).contains(&"Impersonation"), "{status:?}");
    Ok(())
}

async fn dry_runs(stage: &Stage) -> anyhow::Result<()> {
    stage.send("john", &["create", "--dry-run=server"], &cron_job("payments", "rehearsed")).await?;
    let patch = r#"{"spec":{"schedule":"0 5 * * *"}}"#;
    let args = ["patch", "cronjob", "nightly", "-n", "payments", "--dry-run=server", "-p", patch];
    stage.run("john", &args).await?;
    stage.run("john", &["delete", "cronjob", "nightly", "-n", "payments", "--dry-run=server"]).await?;
    stage.create("jane", &cron_job("payments", "in-earnest")).await?;
    stage.made_by("jane", "payments", "in-earnest").await;
    stage.scene.settled().await;
    assert_eq!(stage.scene.findings_about("payments", "rehearsed").await?, []);
    let status = stage.status("payments", "nightly", "there", |_| true).await;
    assert_eq!((status.actor.username.as_deref(), status.deleter), (Some("mallory"), None));
    Ok(())
}
