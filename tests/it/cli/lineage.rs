//! Where the Jobs of a real cluster come from, as `cronwarden explain` tells.

use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::folder::{Folder, documents};
use crate::harness::{ControlPlane, WORKLOAD_CONTROLLERS, eventually};
use crate::lineage::{APPROVED, DAILY, EVIL, approval, as_run, cron_job, daily, job};
use crate::operator::scene::{PATIENCE, Scene, namespace};

const NAMESPACE: &str = "payments";

/// The chain of an explanation, as kinds and names.
fn chain(explained: &Value) -> Vec<(String, String)> {
    let text = |link: &Value, field: &str| link[field].as_str().unwrap_or_default().to_owned();
    let links = explained["chain"].as_array().cloned().unwrap_or_default();
    links.iter().map(|link| (text(link, "kind"), text(link, "name"))).collect()
}

fn kinds(explained: &Value) -> Vec<String> {
    chain(explained).into_iter().map(|(kind, _)| kind).collect()
}

fn explained(folder: &Folder, target: &str) -> Value {
    let outcome = folder.run(["explain", target, "-o", "json"]).succeeded();
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// Writes into the status of the Pod of a Job what a node would, and returns its name.
async fn ran(scene: &Scene, job: &str, digest: &str) -> anyhow::Result<String> {
    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), NAMESPACE);
    let labelled = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
    let name = eventually(&format!("{job} has a Pod"), PATIENCE, async || {
        let found = pods.list(&labelled).await.map_err(|error| error.to_string())?;
        found.items.into_iter().find_map(|pod| pod.metadata.name).ok_or_else(|| "none".to_owned())
    })
    .await;
    let status = json!({ "status": { "phase": "Running", "containerStatuses": [{
        "name": "dump", "image": EVIL, "imageID": format!("docker.io/xmrig/xmrig@{digest}"),
        "ready": true, "restartCount": 0, "state": {},
    }] } });
    pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(name)
}

fn name(job: &Value) -> String {
    job["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_job_is_explained_by_the_chain_that_it_stands_in() -> anyhow::Result<()> {
    let builder = ControlPlane::builder().controllers(WORKLOAD_CONTROLLERS).user("viewer", &[]);
    let mut scene = Scene::without_operator(builder).await?;
    let mut folder = Folder::new();
    scene.cluster.kubeconfig().clone_into(&mut folder.kubeconfig);
    scene.apply(&[namespace(NAMESPACE)]).await?;
    scene.apply(&[approval(NAMESPACE, "CronJob"), cron_job(NAMESPACE, "nightly", DAILY, APPROVED)]).await?;

    let run = as_run(&scene, NAMESPACE, "nightly", daily(-1)?, APPROVED).await?;
    let other = as_run(&scene, NAMESPACE, "nightly", daily(-2)?, EVIL).await?;
    let off = jiff::Timestamp::from_second(daily(-1)?.as_second() + 3600)?;
    let forged = as_run(&scene, NAMESPACE, "nightly", off, EVIL).await?;
    scene.apply(&[run.clone(), other.clone(), forged.clone(), job(NAMESPACE, "import", EVIL)]).await?;
    let by_hand = ["create", "job", "--from=cronjob/nightly", "by-hand", "-n", NAMESPACE];
    scene.cluster.kubectl(by_hand).run().await?;
    let digest = format!("sha256:{}", "0f".repeat(32));
    let pod = ran(&scene, &name(&forged), &digest).await?;

    a_run(&folder, &name(&run))?;
    no_runs(&folder, &name(&forged), &pod, &digest);
    a_cron_job(&folder, &[&name(&run), &name(&other), &name(&forged), "by-hand"]);
    a_file(&folder, &run);
    without_permissions(&scene, &name(&forged)).await?;

    // The finding about Jobs that deviate alike is that of each of them.
    scene.start_operator().await?;
    let open = |finding: &cronwarden::api::ScheduledWorkloadFinding| finding.status.is_some();
    let finding = scene.finding(NAMESPACE, "nightly-*", "there", open).await.metadata.name.context("a name")?;
    let told = folder.run(["explain", &format!("Job/{NAMESPACE}/{}", name(&other))]).succeeded().stdout;
    let about = format!("\nFinding {finding}: Open\n  about the Jobs nightly-* that deviate alike, 1 so far\n");
    assert!(told.contains(&about), "{told}");
    assert!(told.contains("✗ TemplateDrift at spec.template.spec.containers[0].image"), "{told}");
    scene.cluster.kubectl(["delete", "cronjob", "nightly", "-n", NAMESPACE, "--cascade=orphan"]).run().await?;
    let orphan = explained(&folder, &format!("Job/{NAMESPACE}/{}", name(&run)));
    assert_ne!(orphan["verdict"], "AccountedFor", "{orphan}");
    Ok(())
}

fn a_run(folder: &Folder, run: &str) -> anyhow::Result<()> {
    let target = format!("Job/{NAMESPACE}/{run}");
    let json = explained(folder, &target);
    assert_eq!((&json["origin"], &json["verdict"]), (&json!("Run"), &json!("AccountedFor")), "{json}");
    assert_eq!(json["cronJob"], json!({ "verdict": "Approved" }));
    let tick = daily(-1)?.to_string();
    let up = [("CronJob", "nightly"), ("Tick", &tick), ("Job", run)];
    let up: Vec<(String, String)> = up.iter().map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())).collect();
    assert!(chain(&json).starts_with(&up), "{json}");
    let text = folder.run(["explain", &target]).succeeded().stdout;
    assert!(text.contains("\nChain\n  CronJob  nightly\n  Tick     "), "{text}");
    assert!(text.contains(&format!("\nVerdict: accounted for by CronJob nightly, as its run of {tick}\n")), "{text}");
    assert!(!text.contains("Unapproved"), "{text}");
    Ok(())
}

fn no_runs(folder: &Folder, forged: &str, pod: &str, digest: &str) {
    let json = explained(folder, &format!("Job/{NAMESPACE}/{forged}"));
    assert_eq!((&json["origin"], &json["severity"]), (&json!("Forged"), &json!("Critical")), "{json}");
    assert_eq!(kinds(&json), ["Controller", "Job", "Pod", "Digest"], "{json}");
    let down = [("Pod".to_owned(), pod.to_owned()), ("Digest".to_owned(), digest.to_owned())];
    assert!(chain(&json).ends_with(&down), "{json}");

    let manual = folder.run(["explain", &format!("job/{NAMESPACE}/by-hand")]).succeeded().stdout;
    assert!(manual.contains("Verdict: deviates, Medium\nIts CronJob: approved"), "{manual}");
    assert!(
        manual.contains("✗ ManualRun at metadata.ownerReferences") && manual.contains("(approval payments-"),
        "{manual}"
    );

    let standalone = folder.run(["explain", &format!("job/{NAMESPACE}/import")]).succeeded().stdout;
    assert!(standalone.contains("✗ Unapproved") && standalone.contains("nothing accounts for it"), "{standalone}");
    assert!(
        standalone.contains("\nApprovals that do not select it\n  payments-cronjob: spec.match.kinds"),
        "{standalone}"
    );
}

fn a_cron_job(folder: &Folder, names: &[&str]) {
    let json = explained(folder, &format!("CronJob/{NAMESPACE}/nightly"));
    let runs = json["runs"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<&str> = runs.iter().filter_map(|run| run["name"].as_str()).collect();
    found.sort_unstable();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{json}");
    assert!(json["chain"].is_null(), "{json}");
    let text = folder.run(["explain", &format!("CronJob/{NAMESPACE}/nightly")]).succeeded().stdout;
    for told in [
        "\nRuns\n",
        "run of the schedule  ",
        "run of the schedule: High, TemplateDrift",
        "run by hand: Medium, ManualRun",
        "forged owner: Critical, ForgedOwner",
        "sha256:0f0f0f0f0f0f…\n",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
}

/// What a manifest says of where it comes from is looked at no further.
fn a_file(folder: &Folder, run: &Value) {
    folder.write("run.yaml", documents(std::slice::from_ref(run)));
    let target = format!("Job/{NAMESPACE}/{}", name(run));
    let outcome = folder.run(["explain", &target, "-f", "run.yaml", "-o", "json"]).succeeded();
    let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(json["chain"].is_null() && json["origin"].is_null() && json["runs"].is_null(), "{json}");
    assert_eq!(json["verdict"], "Deviating");
}

/// Whoever may not read Pods is told what is missing, and gets the rest.
async fn without_permissions(scene: &Scene, forged: &str) -> anyhow::Result<()> {
    let mut viewer = Folder::new();
    viewer.kubeconfig = scene.cluster.kubeconfig_with_token(scene.cluster.user_token("viewer")?)?;
    for arguments in [
        &["create", "clusterrole", "batch", "--verb=get,list", "--resource=cronjobs,jobs,namespaces"][..],
        &["create", "clusterrolebinding", "batch", "--clusterrole=batch", "--user=viewer"],
        &["create", "clusterrolebinding", "view", "--clusterrole=cronwarden-view", "--user=viewer"],
    ] {
        scene.cluster.kubectl(arguments).run().await?;
    }
    let target = format!("Job/{NAMESPACE}/{forged}");
    let outcome = eventually("the roles are in force", Duration::from_mins(1), async || {
        let outcome = viewer.run(["explain", &target, "-o", "json"]);
        if outcome.code == 0 { Ok(outcome) } else { Err(outcome.stderr) }
    })
    .await;
    let json: Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(kinds(&json), ["Controller", "Job"], "{json}");
    let told = &outcome.stderr;
    assert!(told.starts_with("warning: <cluster>: what ran in the Pods of ") && told.contains("forbidden"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    let runs = viewer.run(["explain", &format!("CronJob/{NAMESPACE}/nightly")]).succeeded();
    assert!(
        runs.stdout.contains("no digest is known") && runs.stderr.contains("what ran in the Pods"),
        "{}",
        runs.stdout
    );
    Ok(())
}
