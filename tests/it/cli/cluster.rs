//! The command line and a cluster: one control plane for all that it is asked.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use cronwarden::api::finding::State;
use serde_json::{Value, json};

use super::folder::{Folder, documents, names, problems};
use crate::corpus::read::corpus;
use crate::harness::{ControlPlane, Kubectl};
use crate::operator::deviations::{container, set};
use crate::operator::scene::{Scene, approval, cron_job, namespace};

/// The scenarios that run in the cluster.
const SCENARIOS: [&str; 3] = ["payments-backups", "billing-close", "certificate-renewal"];

/// A cluster in which a part of the corpus runs, with the namespaces as their labels are there.
async fn scene() -> anyhow::Result<(Scene, String)> {
    let scene = Scene::without_operator(ControlPlane::builder().user("stranger", &[])).await?;
    let mut objects: Vec<Value> = Vec::new();
    for scenario in corpus()?.into_iter().filter(|scenario| SCENARIOS.contains(&&*scenario.name)) {
        let used: BTreeSet<&String> = scenario.workloads.iter().map(|(_, workload)| &workload.key.namespace).collect();
        let namespaces = used.into_iter().map(|name| {
            let mut object = namespace(name);
            let labels = scenario.namespaces.get(name).cloned().unwrap_or_default();
            set(&mut object, "/metadata/labels", json!(labels));
            object
        });
        scene.apply(&namespaces.collect::<Vec<_>>()).await?;
        let workloads = scenario.workloads.iter().filter(|(object, _)| object["kind"] == "CronJob");
        objects.extend(workloads.map(|(object, _)| object.clone()));
    }
    scene.apply(&objects).await?;
    Ok((scene, documents(&objects)))
}

fn folder(scene: &Scene, workloads: &str) -> Folder {
    let mut folder = Folder::of(&[("workloads.yaml", workloads)]);
    scene.cluster.kubeconfig().clone_into(&mut folder.kubeconfig);
    folder
}

/// Applies what a command printed, as the administrator.
async fn apply(scene: &Scene, text: &str) -> anyhow::Result<()> {
    scene.cluster.kubectl(["apply", "-f", "-"]).stdin(text).run().await?;
    Ok(())
}

#[tokio::test]
async fn a_cluster_is_asked_as_a_folder_is() -> anyhow::Result<()> {
    let (mut scene, workloads) = scene().await?;
    let folder = folder(&scene, &workloads);

    baselines(&scene, &folder);
    readers_of_less(&scene, &folder).await?;

    let inventory = folder.run(["baseline", "-A", "--accept-risk", "all"]).succeeded().stdout;
    apply(&scene, &inventory).await?;
    let report = folder.scan(0, ["workloads.yaml", "--inventory", "cluster"]);
    assert_eq!(report["summary"]["approved"], report["summary"]["workloads"]);
    let key = "CronJob/payments/pg-backup-orders";
    let explained = folder.run(["explain", key]).succeeded().stdout;
    assert!(explained.contains("payments-pg-backup-orders") && explained.contains("<cluster>"), "{explained}");
    let nothing = folder.run(["approve", key]).succeeded();
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("deviates from nothing"), "{}", nothing.stderr);
    assert!(
        folder
            .run(["explain", "cj/payments/nobody"])
            .ended_with(2)
            .stderr
            .contains("there is no CronJob/payments/nobody")
    );
    assert!(folder.run(["approve", "nobody"]).ended_with(2).stderr.contains("there is no finding nobody"));

    scene.start_operator().await?;
    scene.settled().await;
    let open: Vec<_> = scene.all_findings().await?.into_iter().filter_map(|finding| finding.metadata.name).collect();
    assert_eq!(open, [""; 0], "a baseline leaves nothing open");

    findings_are_approved(&scene, &folder).await
}

/// What is drafted follows the scope that was asked for.
fn baselines(scene: &Scene, folder: &Folder) {
    let kubeconfig = scene.cluster.kubeconfig().display().to_string();
    let namespaces = |arguments: &[&str]| {
        let outcome = folder.run(["baseline"].into_iter().chain(arguments.iter().copied())).succeeded();
        let mut all = BTreeSet::new();
        for approval in serde_saphyr::from_multiple::<Value>(&outcome.stdout).unwrap() {
            let list = approval["spec"]["match"]["namespaces"].as_array().cloned().unwrap_or_default();
            all.extend(list.iter().map(|name| name.as_str().unwrap().to_owned()));
        }
        (all, outcome.stdout)
    };
    let (all, text) = namespaces(&["-A"]);
    assert!(all.contains("payments") && all.contains("billing") && all.contains("edge-public"), "{all:?}");
    assert_eq!(namespaces(&["-A", "--kubeconfig", &kubeconfig, "--context", "cronwarden-test"]).1, text);
    // From manifests comes the same.
    assert_eq!(namespaces(&["workloads.yaml"]).1, text);
    assert_eq!(namespaces(&["-n", "payments"]).0, BTreeSet::from(["payments".to_owned()]));
    assert_eq!(namespaces(&[]).0, BTreeSet::new(), "the namespace of the context is empty");
    folder.run(["baseline", "-A", "-n", "payments"]).ended_with(2);
    let outcome = folder.run(["baseline", "-A", "--context", "nobody"]).ended_with(2);
    assert!(outcome.stderr.contains("nobody") && outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
}

/// Says what is missing to those who may not read everything, and does what can be done without.
async fn readers_of_less(scene: &Scene, folder: &Folder) -> anyhow::Result<()> {
    let token = scene.cluster.user_token("stranger")?;
    let mut stranger = Folder::of(&[("workloads.yaml", &std::fs::read_to_string(folder.path("workloads.yaml"))?)]);
    stranger.kubeconfig = scene.cluster.kubeconfig_with_token(token)?;
    for (arguments, missing) in [
        (&["baseline", "-A"][..], "cronjobs.batch is forbidden"),
        (&["scan", "workloads.yaml", "--inventory", "cluster"], "approvedcronjobs.cronwarden.dev is forbidden"),
        (&["explain", "cj/payments/pg-backup-orders"], "cronjobs.batch \"pg-backup-orders\" is forbidden"),
        (&["approve", "some-finding"], "scheduledworkloadfindings.cronwarden.dev \"some-finding\" is forbidden"),
    ] {
        let outcome = stranger.run(arguments.iter().copied()).ended_with(2);
        assert!(outcome.stderr.starts_with("error: cannot ") && outcome.stderr.contains(missing), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    let binding = ["create", "clusterrolebinding", "stranger", "--clusterrole=cronwarden-view", "--user=stranger"];
    scene.cluster.kubectl(binding).run().await?;
    let mut by_name = approval("shop", "dump");
    set(&mut by_name, "/metadata/name", json!("by-name"));
    let mut by_label = approval("shop", "other");
    set(&mut by_label, "/metadata/name", json!("by-label"));
    let selected = json!({ "namespaceSelector": { "matchLabels": { "tier": "gold" } }, "names": ["other"] });
    set(&mut by_label, "/spec/match", selected);
    scene.apply(&[by_name, by_label]).await?;
    stranger.write("shop.yaml", documents(&[cron_job("shop", "dump"), cron_job("shop", "other")]));
    let arguments = ["shop.yaml", "--inventory", "cluster"];
    // The role may have come into force for one server-side cache and not for another: the verdict is what counts.
    let report = crate::harness::eventually("the role is in force", Duration::from_mins(1), async || {
        let outcome = stranger.run(["scan", "-o", "json"].into_iter().chain(arguments));
        serde_json::from_str::<Value>(&outcome.stdout).map_err(|_| outcome.stderr)
    })
    .await;
    assert_eq!(names(&report), ["dump", "other"]);
    let verdicts: Vec<&str> =
        report["workloads"].as_array().unwrap().iter().filter_map(|w| w["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["Approved", "Unknown"]);
    let problems = problems(&report);
    assert!(
        matches!(&problems[..], [one] if one.starts_with("warning <cluster> the labels of namespaces are unknown")),
        "{problems:?}"
    );
    stranger.run(["scan"].into_iter().chain(arguments)).succeeded();
    // With a namespace in the input there is nothing unknown.
    let mut gold = namespace("shop");
    set(&mut gold, "/metadata/labels", json!({ "tier": "gold" }));
    stranger.write("gold.yaml", documents(&[gold]));
    assert_eq!(stranger.scan(0, ["gold.yaml"].into_iter().chain(arguments))["summary"]["approved"], 2);
    Kubectl::run(scene.cluster.kubectl(["delete", "approvedcronjobs", "by-name", "by-label"])).await?;
    Ok(())
}

/// From a finding to its approval and its end.
async fn findings_are_approved(scene: &Scene, folder: &Folder) -> anyhow::Result<()> {
    let mut changed = cron_job("billing", "brand-new");
    scene.apply(&[changed.clone()]).await?;
    let finding = scene.finding_in(State::Open, "billing", "brand-new").await;
    let name = finding.metadata.name.context("a finding has a name")?;
    // Nobody is known, but what the object says of itself.
    let explained = folder.run(["explain", "cj/billing/brand-new"]).succeeded().stdout;
    let told = format!("\nFinding {name}: Open\n  last changed: by (");
    assert!(explained.contains(&told) && explained.contains("which proves nothing"), "{explained}");
    let drafted = folder.run(["approve", &name]).succeeded().stdout;
    let diff = folder.run(["approve", &name, "-o", "diff"]).succeeded().stdout;
    assert!(diff.starts_with("--- a/billing-brand-new.yaml"), "{diff}");
    let by_key = folder.run(["approve", "CronJob/billing/brand-new"]).succeeded().stdout;
    assert_eq!(by_key, drafted);
    apply(scene, &drafted).await?;
    scene.finding_in(State::Resolved, "billing", "brand-new").await;

    // The approval follows the workload, and stays one.
    set(&mut changed, &container("image"), json!("registry.example.com/backup/pgdump:v4.0"));
    scene.apply(&[changed.clone()]).await?;
    let finding = scene.finding_in(State::Open, "billing", "brand-new").await;
    assert_eq!(finding.metadata.name.as_deref(), Some(&*name));
    let drafted = folder.run(["approve", &name]).succeeded().stdout;
    assert!(drafted.contains("name: billing-brand-new\n") && drafted.contains("v4.0"), "{drafted}");
    assert!(!drafted.contains("resourceVersion") && !drafted.contains("managedFields"), "{drafted}");
    apply(scene, &drafted).await?;
    scene.finding_in(State::Resolved, "billing", "brand-new").await;

    // What is risky is refused until it is accepted by name.
    set(&mut changed, "/spec/jobTemplate/spec/template/spec/hostPID", json!(true));
    scene.apply(&[changed]).await?;
    scene.finding_in(State::Open, "billing", "brand-new").await;
    let refused = folder.run(["approve", &name]).ended_with(1);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("HostNamespace"), "{}", refused.stderr);
    apply(scene, &folder.run(["approve", &name, "--accept-risk", "HostNamespace"]).succeeded().stdout).await?;
    scene.finding_in(State::Resolved, "billing", "brand-new").await;
    Ok(())
}

/// A kubeconfig for an address.
fn kubeconfig(server: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "a", "cluster": { "server": server, "insecure-skip-tls-verify": true } }],
        "users": [{ "name": "a", "user": { "token": "a" } }],
        "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
        "current-context": "a",
    })
    .to_string()
}

#[test]
fn a_cluster_that_is_not_there_is_said_so_soon() {
    let folder = Folder::new();
    let outcome = folder.run(["baseline", "--kubeconfig", "missing"]).ended_with(2);
    assert!(
        outcome.stderr.starts_with("error: --kubeconfig: ") && outcome.stderr.contains("missing"),
        "{}",
        outcome.stderr
    );
    folder.write("broken", "a: [");
    let outcome = folder.run(["baseline", "--kubeconfig", "broken"]).ended_with(2);
    assert!(outcome.stderr.starts_with("error: --kubeconfig: "), "{}", outcome.stderr);
    folder.write("config", kubeconfig("https://127.0.0.1:9"));
    let outcome = folder.run(["baseline", "--kubeconfig", "config", "--context", "nobody"]).ended_with(2);
    assert!(outcome.stderr.contains("nobody"), "{}", outcome.stderr);
    let refused = folder.run(["baseline", "--kubeconfig", "config"]).ended_with(2);
    assert!(refused.stderr.contains("refused") && refused.stderr.matches("refused").count() == 1, "{}", refused.stderr);
    folder.write("m.yaml", documents(&[cron_job("payments", "a")]));
    let arguments = ["scan", "m.yaml", "--inventory", "cluster", "--kubeconfig", "config"];
    assert_eq!(folder.run(arguments).ended_with(2).stdout, "");

    // They take the connection and say nothing, before and after the handshake.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["https", "http"] {
        folder.write("config", kubeconfig(&format!("{scheme}://{}", silent.local_addr().unwrap())));
        let start = Instant::now();
        let (outcome, _) = folder.measured(["baseline", "--kubeconfig", "config"], Path::new("/dev/null"));
        let outcome = outcome.ended_with(2);
        assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
        assert!(outcome.stderr.starts_with("error: cannot list CronJobs: "), "{}", outcome.stderr);
    }
}
