//! Only those come by a deployment path whom the API server authenticated as the path asks for.

use cronwarden::api::finding::{Evidence, State};
use serde_json::{Value, json};

use super::stage::{PATHS, Stage, risks};
use crate::operator::scene::{approval, cron_job, namespace};

/// An approval of all CronJobs of a namespace, which have to come by a path.
fn by_path(namespace: &str, paths: &[&str]) -> Value {
    let mut approval = approval(namespace, "all");
    approval["spec"]["match"] = json!({ "namespaces": [namespace], "names": ["*"] });
    approval["spec"]["expected"]["deploymentPaths"] = json!(paths);
    approval
}

/// A CronJob as Argo CD applies it.
fn tracked(namespace: &str, name: &str) -> Value {
    let mut job = cron_job(namespace, name);
    let id = format!("app:batch/CronJob:{namespace}/{name}");
    job["metadata"]["annotations"] = json!({ "argocd.argoproj.io/tracking-id": id });
    job["spec"]["successfulJobsHistoryLimit"] = json!(3);
    job
}

/// The same with a spec that is approved too.
fn changed(job: &Value) -> Value {
    let mut job = job.clone();
    job["spec"]["successfulJobsHistoryLimit"] = json!(5);
    job
}

const AS_ARGOCD: [&str; 4] = ["apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller"];

/// With the accounts of Argo CD, Flux and a pipeline.
async fn stage() -> anyhow::Result<Stage> {
    let mut stage = Stage::start(PATHS).await?;
    stage
        .account("argocd", ("argocd", "argocd-application-controller"), Some("argocd-application-controller-0"))
        .await?;
    stage.account("flux", ("flux-system", "kustomize-controller"), Some("kustomize-controller-5d8f9")).await?;
    stage.account("runner", ("ci", "deployer"), Some("runner-1")).await?;
    stage.account("minted", ("ci", "deployer"), None).await?;
    Ok(stage)
}

#[tokio::test]
async fn whoever_edits_what_a_path_deployed_is_found_until_the_path_reverts_it() -> anyhow::Result<()> {
    let stage = stage().await?;
    stage.scene.apply(&[namespace("payments")]).await?;
    stage.scene.approve(&[by_path("payments", &["argocd"])]).await?;
    let names = ["patched", "replaced", "applied", "server-applied", "impersonated", "forged"];
    for name in names {
        stage.send("argocd", &AS_ARGOCD, &tracked("payments", name)).await?;
    }
    let matched = |s: &cronwarden::api::approval::ApprovedCronJobStatus| s.matched_workloads == 6;
    let status = stage.scene.approval_status("payments-all", "matched", matched).await;
    let checked = status.conditions.iter().find(|c| c.type_ == "FullyChecked").expect("a condition");
    assert_eq!((checked.status.as_str(), checked.reason.as_str()), ("True", "AllRulesApply"));

    stage.patch("jane", "payments", "patched", json!({ "successfulJobsHistoryLimit": 5 })).await?;
    let edited = |name| changed(&tracked("payments", name));
    stage.send("jane", &["replace"], &edited("replaced")).await?;
    stage.send("jane", &["apply"], &edited("applied")).await?;
    stage.send("jane", &["apply", "--server-side", "--force-conflicts"], &edited("server-applied")).await?;
    let account = "--as=system:serviceaccount:argocd:argocd-application-controller";
    stage
        .kubectl("mallory", AS_ARGOCD)?
        .args([account, "-f", "-"])
        .stdin(edited("impersonated").to_string())
        .run()
        .await?;
    stage.send("jane", &AS_ARGOCD, &edited("forged")).await?;

    for name in names {
        let status = stage.found(State::Open, "DeploymentPath", "payments", name).await;
        assert_eq!((status.actor.evidence, status.actor.deployment_path.as_deref()), (Evidence::Audit, None), "{name}");
        let [deviation] = status.deviations.as_slice() else { panic!("{status:?}") };
        assert_eq!(deviation.expected, "deployed by argocd");
        assert_eq!(deviation.approval.as_deref(), Some("payments-all"));
        let creator = status.creator.as_ref().expect("Argo CD created it");
        assert_eq!(creator.deployment_path.as_deref(), Some("argocd"), "{creator:?}");
        assert!(creator.pod.as_deref().is_some_and(|pod| pod.starts_with("argocd-application-controller-0")));
        let observed = deviation.observed.as_str();
        if name == "impersonated" {
            assert_eq!(status.actor.impersonator.as_deref(), Some("mallory"));
            assert!(risks(&status).contains(&"Impersonation"), "{status:?}");
            assert!(observed.contains("mallory acted as system:serviceaccount:argocd"), "{observed}");
        } else {
            assert_eq!(status.actor.username.as_deref(), Some("jane"), "{name}");
            assert!(observed.contains("jane is none of the identities of argocd"), "{observed}");
            assert!(risks(&status).contains(&"HumanActor"), "{status:?}");
        }
    }

    for name in names {
        stage.send("argocd", &AS_ARGOCD, &tracked("payments", name)).await?;
    }
    for name in names {
        stage.found(State::Resolved, "DeploymentPath", "payments", name).await;
    }
    Ok(())
}

#[tokio::test]
async fn tools_deploy_quietly_and_nobody_else_with_their_marks_or_tokens() -> anyhow::Result<()> {
    const TEAMS: usize = 10;
    let mut stage = stage().await?;
    let teams: Vec<String> = (0..TEAMS).map(|team| format!("team-{team}-jobs")).collect();
    let namespaces: Vec<Value> = teams.iter().map(String::as_str).chain(["fluxed", "built"]).map(namespace).collect();
    stage.scene.apply(&namespaces).await?;
    let mut approvals: Vec<Value> = teams.iter().map(|team| by_path(team, &["argocd"])).collect();
    approvals.extend([by_path("fluxed", &["flux"]), by_path("built", &["ci"])]);
    stage.scene.approve(&approvals).await?;

    let jobs = teams.iter().flat_map(|team| ["one", "two"].map(|name| tracked(team, name)));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": jobs.collect::<Vec<_>>() });
    stage.send("argocd", &AS_ARGOCD, &list).await?;
    let as_flux = ["apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller"];
    stage.send("flux", &as_flux, &owned_by_flux("itself")).await?;
    let tenant = "--as=system:serviceaccount:team-a:reconciler";
    stage
        .kubectl("flux", as_flux)?
        .args([tenant, "-f", "-"])
        .stdin(owned_by_flux("as-tenant").to_string())
        .run()
        .await?;
    stage.send("runner", &["apply"], &cron_job("built", "by-runner")).await?;

    // The same accounts, marks and managers, and not the same evidence.
    stage.send("minted", &["apply"], &cron_job("built", "by-minted-token")).await?;
    stage.send("jane", &as_flux, &owned_by_flux("by-jane")).await?;
    let mut copied = cron_job(&teams[0], "copied");
    copied["metadata"]["annotations"] = tracked(&teams[0], "one")["metadata"]["annotations"].clone();
    stage.send("argocd", &AS_ARGOCD, &copied).await?;
    stage.send("argocd", &AS_ARGOCD, &cron_job(&teams[0], "unmarked")).await?;
    let cases = [
        ("built", "by-minted-token", "the token of system:serviceaccount:ci:deployer is not bound to a pod"),
        ("fluxed", "by-jane", "jane is none of the identities of flux"),
        (&teams[0], "copied", "Argo CD's tracking id names CronJob/team-0-jobs/one"),
        (&teams[0], "unmarked", "the object does not carry the markers of Argo CD"),
    ];
    for (namespace, name, why) in cases {
        let status = stage.found(State::Open, "DeploymentPath", namespace, name).await;
        assert!(status.deviations[0].observed.ends_with(why), "{status:?}");
    }
    let found = ["by-jane", "by-minted-token", "copied", "unmarked"];
    stage.scene.settled().await;
    stage.only_about(&found).await?;

    // An operator that waits for nothing would find whatever is not known to have come by its path.
    stage.scene.stop_operator().await?;
    stage.scene.arguments.extend(["--grace", "0s"]);
    let before = stage.scene.writes()?.len();
    stage.scene.start_operator().await?;
    stage.scene.settled().await;
    stage.only_about(&found).await?;
    stage.scene.stop_operator().await?;
    let since = stage.scene.writes()?.split_off(before);
    assert!(since.is_empty(), "{since:#?}");
    Ok(())
}

/// A CronJob as Flux applies it.
fn owned_by_flux(name: &str) -> Value {
    let mut job = cron_job("fluxed", name);
    job["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = json!("apps");
    job["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"] = json!("flux-system");
    job
}

#[tokio::test]
async fn a_path_that_is_not_configured_is_unknown() -> anyhow::Result<()> {
    let stage = Stage::start(PATHS).await?;
    stage.scene.apply(&[namespace("payments"), namespace("orders")]).await?;
    stage.scene.approve(&[by_path("payments", &["spinnaker"]), by_path("orders", &["spinnaker", "argocd"])]).await?;
    for namespace in ["payments", "orders"] {
        stage.create("jane", &cron_job(namespace, "nightly")).await?;
    }
    stage.found(State::Open, "DeploymentPath", "orders", "nightly").await;
    for (approval, holds) in [("payments-all", "False"), ("orders-all", "True")] {
        let fits = |status: &cronwarden::api::approval::ApprovedCronJobStatus| {
            let mut conditions = status.conditions.iter().filter(|c| c.type_ == "FullyChecked");
            conditions
                .any(|c| c.status == holds && c.reason == "UnknownDeploymentPath" && c.message.contains("spinnaker"))
        };
        stage.scene.approval_status(approval, "told that a path is unknown", fits).await;
    }
    stage.scene.settled().await;
    assert_eq!(stage.scene.findings_about("payments", "nightly").await?, []);
    Ok(())
}
