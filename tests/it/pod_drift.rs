//! Pods beside the templates of their Jobs: those that the Job controller and the API server make of `tests/data/manifests`
//! and of the corpus do not differ, and every judged field that is changed does.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use cronwarden::lineage::RunningPod;
use cronwarden::lineage::drift;
use cronwarden::lineage::injector::Injectors;
use cronwarden::workload::{Pod, Workload, WorkloadKind};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{ControlPlane, WORKLOAD_CONTROLLERS, eventually};
use crate::mutations::{Place, changes, manifests, set};
use crate::rest::{repository, send};

/// Which of the changes say where a Pod runs or what it is called.
const LEFT_ASIDE: [&str; 9] = [
    "/metadata/labels/changed",
    "/metadata/annotations/changed",
    "/affinity/nodeAffinity/changed",
    "/hostname",
    "/nodeName",
    "/nodeSelector/changed",
    "/priorityClassName",
    "/imagePullSecrets/-",
    "/tolerations/-",
];

/// Whether a change is to be drift.
fn counts(field: &str, template: &Value) -> bool {
    let spec = &template["spec"];
    match field {
        // An id that nobody chose can be filled in.
        "/securityContext/runAsUser" => spec["securityContext"]["runAsUser"].is_i64(),
        // The container listens on all ports of the node anyway.
        "/containers/0/ports/-" => spec["hostNetwork"] != true,
        "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1x" => {
            let named = |list: &str| spec[list].as_array().is_some_and(|list| list.iter().any(|c| c["name"] == "x"));
            named("containers") || named("initContainers")
        }
        field => !LEFT_ASIDE.contains(&field),
    }
}

/// So that the set does not shrink unnoticed.
const FEWEST_PODS: usize = 200;

/// The template of each workload of the manifests and of the corpus, with its name.
fn templates() -> anyhow::Result<Vec<(String, Value)>> {
    let mut objects: Vec<(String, Value)> =
        manifests()?.into_iter().map(|manifest| (manifest.name, manifest.object)).collect();
    for entry in std::fs::read_dir(repository("tests/data/corpus"))? {
        let file = entry?.path().join("workloads.yaml");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).with_context(|| file.display().to_string())?;
        objects.extend(
            documents.into_iter().map(|object| (format!("{}: {}", file.display(), object["metadata"]), object)),
        );
    }
    let template = |object: &Value| {
        let job = if object["kind"] == "CronJob" { &object["spec"]["jobTemplate"]["spec"] } else { &object["spec"] };
        job["template"].clone()
    };
    Ok(objects.iter().map(|(name, object)| (name.clone(), template(object))).collect())
}

#[test]
fn every_judged_field_of_a_pod_is_drift() -> anyhow::Result<()> {
    let injectors = Injectors::default();
    let mut templates = Vec::new();
    for (name, template) in self::templates()?.into_iter().filter(|(_, template)| template["spec"].is_object()) {
        let read = Pod::from_json_of_pod(&template.to_string())?;
        templates.push((name, template, read));
    }
    let mut wrong = BTreeSet::new();
    for (place, field, new) in changes() {
        let start = match place {
            Place::Pod => "/spec",
            Place::Template => "",
            _ => continue,
        };
        let mut changed = 0;
        for (name, template, read) in &templates {
            let mut pod = template.clone();
            if !set(&mut pod, &format!("{start}{field}"), &new) {
                continue;
            }
            changed += 1;
            let is_drift = !drift(read, &Pod::from_json_of_pod(&pod.to_string())?, &injectors).is_none();
            if is_drift != counts(field, template) {
                wrong.insert(format!("{field} set to {new}: drift is {is_drift}, {name}"));
            }
        }
        assert!(changed > templates.len() / 3, "{field} was changed in {changed} Pods only");
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// The Jobs of the manifests and the corpus, so that every one of them gets Pods here: in one namespace, without what only
/// other objects can give.
fn jobs() -> anyhow::Result<Vec<Value>> {
    let mut jobs = Vec::new();
    for (index, (_, mut template)) in templates()?.into_iter().enumerate() {
        let Some(spec) = template["spec"].as_object_mut() else { continue };
        for field in ["serviceAccount", "serviceAccountName", "priorityClassName", "runtimeClassName"] {
            spec.remove(field);
        }
        let mode = if index % 3 == 0 { "Indexed" } else { "NonIndexed" };
        jobs.push(json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": format!("job-{index}"), "namespace": "default"},
            "spec": {"completionMode": mode, "completions": 1, "template": template},
        }));
    }
    Ok(jobs)
}

#[tokio::test]
async fn pods_that_the_cluster_makes_are_no_drift() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder()
        .api_server_arg("--enable-admission-plugins=AlwaysPullImages,PodTolerationRestriction,PodNodeSelector")
        .controllers(WORKLOAD_CONTROLLERS)
        .start()
        .await?;
    let client = cluster.client().await?;
    eventually("the service account of the namespace", Duration::from_mins(1), async || {
        let path = "/api/v1/namespaces/default/serviceaccounts/default";
        send(&client, Method::GET, path, &Value::Null).await.map_err(|error| error.to_string())
    })
    .await;
    let mut stored = Vec::new();
    for job in jobs()? {
        // Some templates of the corpus are such as the API server refuses.
        if let Ok(job) = send(&client, Method::POST, "/apis/batch/v1/namespaces/default/jobs", &job).await {
            stored.push(job);
        }
    }
    // Some Jobs can be stored, and their Pods cannot: an Event says so.
    let list = async |resource: &str| -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/namespaces/default/{resource}");
        let list = send(&client, Method::GET, &path, &Value::Null).await.map_err(|error| error.to_string())?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    };
    let pods = eventually("a Pod of each Job", Duration::from_mins(2), async || {
        let (pods, events) = (list("pods").await?, list("events").await?);
        let refused: BTreeSet<&str> = events
            .iter()
            .filter(|event| event["reason"] == "FailedCreate")
            .filter_map(|event| event["involvedObject"]["name"].as_str())
            .collect();
        let count = pods.len() + refused.len();
        if count >= stored.len() { Ok(pods) } else { Err(format!("{count} of {}", stored.len())) }
    })
    .await;
    assert!(pods.len() >= FEWEST_PODS, "only {} Pods", pods.len());
    let injectors = Injectors::default();
    let mut wrong = Vec::new();
    for pod in &pods {
        let running = RunningPod::from_json(&pod.to_string())?;
        let name = running.job_name.clone().context("no label names the Job")?;
        let job = stored.iter().find(|job| job["metadata"]["name"] == *name).context("no such Job")?;
        assert_eq!(running.job_uid.as_deref(), job["metadata"]["uid"].as_str());
        assert_eq!(running.controller.as_ref().map(|owner| owner.kind.as_str()), Some("Job"));
        let template = Workload::from_json(WorkloadKind::Job, &job.to_string())?.pod;
        let found = drift(&template, &running.pod, &injectors);
        if !found.is_none() {
            wrong.push(format!("{name}: {:#?}", found.differences));
        }
    }
    assert!(wrong.is_empty(), "{} of {} drift:\n{}", wrong.len(), pods.len(), wrong.join("\n"));
    Ok(())
}
