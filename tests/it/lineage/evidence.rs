//! With audit events it is certain who created a Job, whatever is written on it.

use cronwarden::api::finding::{LinkKind, State};
use serde_json::json;

use super::{APPROVED, DAILY, EVERY_MINUTE, EVIL, approval, as_run, cron_job, daily, job, ran, tie};
use crate::cli::folder::Folder;
use crate::harness::WORKLOAD_CONTROLLERS;
use crate::identity::stage::{PATHS, Stage};
use crate::intake::Files;
use crate::operator::scene::namespace;

const CONTROLLERS: &str = r"
jobControllers:
  - name: deployer
    preset: HelmHooks
    users: [jane]
";

async fn stage() -> anyhow::Result<Stage> {
    let files = Files::make()?;
    let builder = files.control_plane()?.controllers(WORKLOAD_CONTROLLERS);
    let mut stage = Stage::prepare(files, builder, &format!("{PATHS}{CONTROLLERS}")).await?;
    let arguments = stage.files.arguments();
    stage.scene.arguments.extend(arguments);
    stage.scene.start_operator().await?;
    stage.scene.apply(&[namespace("payments"), namespace("ticking")]).await?;
    stage.listens("webhook").await;
    Ok(stage)
}

#[tokio::test]
async fn who_created_a_job_counts_for_more_than_all_that_is_written_on_it() -> anyhow::Result<()> {
    let stage = stage().await?;
    let scene = &stage.scene;
    scene.approve(&[approval("payments", "CronJob"), approval("ticking", "CronJob")]).await?;
    scene
        .apply(&[
            cron_job("payments", "nightly", DAILY, APPROVED),
            cron_job("ticking", "minutely", EVERY_MINUTE, APPROVED),
        ])
        .await?;
    // Every mark of a run, and the right template.
    let copy = as_run(scene, "payments", "nightly", daily(-1)?, APPROVED).await?;
    let forged = as_run(scene, "payments", "nightly", daily(-2)?, EVIL).await?;
    let name = |job: &serde_json::Value| job["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    stage.create("mallory", &copy).await?;
    stage.create("mallory", &forged).await?;
    let manual = stage.found(State::Open, "ManualRun", "payments", &name(&copy)).await;
    assert_eq!(manual.actor.username.as_deref(), Some("mallory"), "{manual:?}");
    let told = stage.found(State::Open, "ForgedOwner", "payments", &name(&forged)).await;
    assert_eq!(told.actor.username.as_deref(), Some("mallory"), "{told:?}");
    assert!(told.deviations[0].observed.contains("it was created by mallory"), "{told:?}");
    assert!(tie(&told, LinkKind::Job).contains("an audit event tells who created it"), "{:?}", told.lineage);

    // What the finding recorded is all that tells who created it afterwards.
    let mut folder = Folder::new();
    scene.cluster.kubeconfig().clone_into(&mut folder.kubeconfig);
    for (job, verdict) in [(&copy, "Medium"), (&forged, "Critical")] {
        let told = folder.run(["explain", &format!("Job/payments/{}", name(job))]).succeeded().stdout;
        assert!(told.contains(&format!("\nVerdict: deviates, {verdict}\n")), "{told}");
        assert!(told.contains("it was created by mallory; an audit event tells who created it"), "{told}");
    }

    // A hook of Helm counts from whoever is known to call Helm, and from nobody else.
    let hook = |name: &str| {
        let mut hook = job("payments", name, APPROVED);
        hook["metadata"]["annotations"] = json!({ "helm.sh/hook": "pre-upgrade" });
        hook
    };
    let jobs = json!([{ "apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"] }]);
    let kind = "ClusterRole";
    scene
        .apply(&[
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": "job-editor" }, "rules": jobs }),
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "job-editors" },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "job-editor" },
                "subjects": [{ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "developers" }],
            }),
        ])
        .await?;
    stage.create("jane", &hook("migrate")).await?;
    stage.create("mallory", &hook("migrate-too")).await?;
    stage.found(State::Open, "Unapproved", "payments", "migrate-too").await;

    // Real runs are the controller's, and none of them is written down, in a finding or in the ledger.
    ran(scene, "ticking", 1).await;
    scene.settled().await;
    let mut expected = [name(&copy), name(&forged), "migrate-too".to_owned()];
    expected.sort_unstable();
    stage.only_about(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let ledger = scene.cluster.kubectl(["get", "configmaps", "-n", "cronwarden", "-o", "json"]).run().await?.stdout;
    assert!(!ledger.contains("cronjob-controller"), "nothing that ticks is kept");
    Ok(())
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_who_created_a_job() -> anyhow::Result<()> {
    let mut stage = stage().await?;
    stage.scene.approve(&[approval("payments", "CronJob")]).await?;
    stage.scene.apply(&[cron_job("payments", "nightly", DAILY, APPROVED)]).await?;
    let forged = as_run(&stage.scene, "payments", "nightly", daily(-1)?, EVIL).await?;
    let name = forged["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    stage.create("mallory", &forged).await?;
    let before = stage.found(State::Open, "ForgedOwner", "payments", &name).await;
    stage.scene.settled().await;
    stage.scene.stop_operator().await?;
    let written = stage.scene.writes()?.len();
    stage.scene.start_operator().await?;
    stage.scene.settled().await;
    let after = stage.found(State::Open, "ForgedOwner", "payments", &name).await;
    assert_eq!(after, before);
    let about = |write: &crate::harness::AuditEvent| write.request_uri.contains("scheduledworkloadfindings");
    assert_eq!(stage.scene.writes()?.iter().skip(written).filter(|write| about(write)).count(), 0);
    Ok(())
}
