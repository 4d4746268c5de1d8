//! `deploy` as it is applied: the operator's pod is admitted where it is to run, and its permissions end where they should.

use cronwarden::workload::pod_security::level;
use cronwarden::workload::{Workload, WorkloadKind};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::scene::{OPERATOR_USER, Scene};
use crate::harness::ControlPlane;

#[tokio::test]
async fn the_pod_is_restricted_and_the_permissions_are_least() -> anyhow::Result<()> {
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    let deployments: Api<Deployment> = Api::namespaced(scene.client.clone(), "cronwarden");
    let deployment = serde_json::to_value(deployments.get("cronwarden").await?)?;
    let template = &deployment["spec"]["template"];

    let job = json!({ "metadata": { "name": "x" }, "spec": { "template": template } });
    let workload = Workload::from_json(WorkloadKind::Job, &job.to_string())?;
    assert_eq!(level(&workload.pod).as_str(), "Restricted");
    // The namespace enforces the restricted standard, so admission is the judge.
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "probe", "labels": template["metadata"]["labels"] },
        "spec": template["spec"],
    }))?;
    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), "cronwarden");
    pods.create(&PostParams { dry_run: true, ..PostParams::default() }, &pod).await?;

    let as_operator = format!("--as={OPERATOR_USER}");
    for (verb, resource, allowed) in [
        ("list", "cronjobs.batch", true),
        ("watch", "namespaces", true),
        ("create", "scheduledworkloadfindings.cronwarden.dev", true),
        ("create", "events.events.k8s.io", true),
        ("patch", "cronjobs.batch", false),
        ("delete", "cronjobs.batch", false),
        ("get", "secrets", false),
        ("list", "configmaps", false),
        ("create", "approvedcronjobs.cronwarden.dev", false),
        ("patch", "approvedcronjobs.cronwarden.dev", false),
        ("delete", "events.events.k8s.io", false),
        ("create", "pods", false),
    ] {
        let answer = scene.cluster.kubectl(["auth", "can-i", verb, resource, "-A", &as_operator]).output().await?;
        assert_eq!(answer.stdout.trim() == "yes", allowed, "{verb} {resource}: {}{}", answer.stdout, answer.stderr);
    }
    Ok(())
}
