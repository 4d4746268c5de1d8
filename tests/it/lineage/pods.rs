//! The Pods of Jobs, made by the Job controller. No kubelet runs them: their status is patched as it would.

use cronwarden::api::finding::{LinkKind, State};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{
    APPROVED, DAILY, EVIL, approval, as_run, cron_job, daily, found, jobs, only_about, restart_quietly, scene,
};
use crate::harness::eventually;
use crate::operator::scene::{PATIENCE, Scene};

fn pods(scene: &Scene, namespace: &str) -> Api<Pod> {
    Api::namespaced(scene.client.clone(), namespace)
}

/// Makes a run of a CronJob, and waits for its Pod.
async fn run(scene: &Scene, namespace: &str, tick: Timestamp) -> anyhow::Result<(String, String)> {
    let run = as_run(scene, namespace, "nightly", tick, APPROVED).await?;
    scene.apply(std::slice::from_ref(&run)).await?;
    let job = run["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let which = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
    let pod = eventually("the Job has a Pod", PATIENCE, async || {
        let found = pods(scene, namespace).list(&which).await.map_err(|error| error.to_string())?;
        found.items.first().map(ResourceExt::name_any).ok_or_else(|| "none".to_owned())
    })
    .await;
    Ok((job, pod))
}

/// Tells what a node pulled for a Pod.
async fn pulled(scene: &Scene, namespace: &str, pod: &str, digest: &str) -> anyhow::Result<()> {
    let now = Timestamp::now().to_string();
    let status = json!({ "status": { "phase": "Running", "containerStatuses": [{
        "name": "dump", "image": APPROVED, "imageID": format!("registry.example.com/backup/pgdump@{digest}"),
        "ready": true, "restartCount": 0, "state": { "running": { "startedAt": now } },
    }] } });
    let parameters = PatchParams::default();
    pods(scene, namespace).patch_status(pod, &parameters, &Patch::Strategic(&status)).await?;
    Ok(())
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

#[tokio::test]
async fn pods_that_are_not_what_their_job_is_are_found() -> anyhow::Result<()> {
    let namespaces = ["clean", "patched", "debugged", "joined", "hidden", "left"];
    let mut scene = scene(&namespaces).await?;
    scene.approve(&namespaces.map(|namespace| approval(namespace, "CronJob"))).await?;
    scene.apply(&namespaces.map(|namespace| cron_job(namespace, "nightly", DAILY, APPROVED))).await?;
    let (_, clean) = run(&scene, "clean", daily(-1)?).await?;
    pulled(&scene, "clean", &clean, &digest('a')).await?;
    let (_, patched) = run(&scene, "patched", daily(-1)?).await?;
    let (_, debugged) = run(&scene, "debugged", daily(-1)?).await?;
    let (left_job, left) = run(&scene, "left", daily(-1)?).await?;
    let (_, hidden) = run(&scene, "hidden", daily(-1)?).await?;
    let (job, _) = run(&scene, "joined", daily(-1)?).await?;
    only_about(&scene, &[]).await?;

    // The image of a Pod can be changed while it runs.
    let image = json!({ "spec": { "containers": [{ "name": "dump", "image": EVIL }] } });
    pods(&scene, "patched").patch(&patched, &PatchParams::default(), &Patch::Strategic(&image)).await?;
    let status = found(&scene, "patched", "nightly-*", "PodDrift").await;
    assert_eq!(status.deviations[0].path, "pod.spec.containers[0].image");
    assert_eq!((status.deviations[0].expected.as_str(), status.deviations[0].observed.as_str()), (APPROVED, EVIL));
    let kinds: Vec<LinkKind> = status.lineage.iter().map(|link| link.kind).collect();
    assert_eq!(kinds, [LinkKind::CronJob, LinkKind::Tick, LinkKind::Job, LinkKind::Pod]);
    assert_eq!(status.lineage[3].name, patched);
    // Changed back, it ran it all the same.
    let image = json!({ "spec": { "containers": [{ "name": "dump", "image": APPROVED }] } });
    pods(&scene, "patched").patch(&patched, &PatchParams::default(), &Patch::Strategic(&image)).await?;

    // A Pod can be made to outlive its Job, and be changed then.
    scene.cluster.kubectl(["delete", "job", &left_job, "-n", "left", "--cascade=orphan"]).run().await?;
    eventually("the Job is gone", PATIENCE, async || match jobs(&scene, "left").get_opt(&left_job).await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    scene.settled().await;
    assert_eq!(scene.findings_about("left", &left_job).await?.len(), 0, "that alone is no news");
    let image = json!({ "spec": { "containers": [{ "name": "dump", "image": EVIL }] } });
    pods(&scene, "left").patch(&left, &PatchParams::default(), &Patch::Strategic(&image)).await?;
    found(&scene, "left", &left_job, "PodDrift").await;

    let debug = ["debug", "-n", "debugged", &debugged, "--image", EVIL, "-c", "debugger", "--profile=general"];
    scene.cluster.kubectl(debug).run().await?;
    let status = found(&scene, "debugged", "nightly-*", "PodDrift").await;
    assert!(status.deviations.iter().any(|d| d.path.starts_with("pod.spec.ephemeralContainers[0]")), "{status:?}");

    // Without the labels of its Job it is not seen any more: that they were taken away is.
    let unlabel = ["label", "pod", "-n", "hidden", &hidden, "batch.kubernetes.io/job-name-"];
    scene.cluster.kubectl(unlabel).run().await?;
    let status = found(&scene, "hidden", "nightly-*", "PodDrift").await;
    assert!(status.deviations[0].observed.contains("taken away while it ran"), "{status:?}");

    // A Pod of somebody else's making, with the labels by which the Job controller knows its own: it adopts it.
    let uid = jobs(&scene, "joined").get(&job).await?.uid().unwrap_or_default();
    let labels = json!({
        "batch.kubernetes.io/job-name": job, "job-name": job, "batch.kubernetes.io/controller-uid": uid, "controller-uid": uid,
    });
    let pod = |namespace: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "namespace": namespace, "name": "guest", "labels": labels },
            "spec": { "restartPolicy": "Never", "containers": [{ "name": "dump", "image": EVIL }] },
        })
    };
    scene.apply(&[pod("joined", labels)]).await?;
    let status = found(&scene, "joined", "nightly-*", "PodDrift").await;
    assert_eq!(status.lineage.last().map(|link| link.name.as_str()), Some("guest"), "{:?}", status.lineage);

    // One whose Job never was.
    let nowhere = "00000000-0000-4000-8000-00000000000a";
    let labels = json!({ "batch.kubernetes.io/job-name": "nowhere", "batch.kubernetes.io/controller-uid": nowhere });
    scene.apply(&[pod("clean", labels)]).await?;
    let status = found(&scene, "clean", "nowhere", "PodDrift").await;
    assert!(status.deviations[0].observed.contains("which is not there"), "{status:?}");
    assert!(status.snapshot.is_some_and(|snapshot| snapshot.containers[0].image == EVIL));
    pods(&scene, "clean").delete("guest", &DeleteParams::default().grace_period(0)).await?;
    scene.finding_in(State::Deleted, "clean", "nowhere").await;
    only_about(&scene, &["nightly-*", "nightly-*", "nightly-*", "nightly-*", &left_job, "nowhere"]).await?;
    found(&scene, "patched", "nightly-*", "PodDrift").await;

    // A restart knows all of it again.
    restart_quietly(&mut scene).await
}

#[tokio::test]
async fn what_a_node_pulled_is_compared_with_approvals_and_with_earlier_ticks() -> anyhow::Result<()> {
    let mut scene = scene(&["moved", "pinned"]).await?;
    let mut pinned = approval("pinned", "CronJob");
    pinned["spec"]["expected"]["images"][0]["digests"] = json!([digest('a')]);
    scene.approve(&[approval("moved", "CronJob"), pinned]).await?;
    for namespace in ["moved", "pinned"] {
        scene.apply(&[cron_job(namespace, "nightly", DAILY, APPROVED)]).await?;
    }
    // Somebody pushed another image under the same tag between two ticks.
    for (days, of) in [(-4, 'a'), (-3, 'a'), (-2, 'b')] {
        let (_, pod) = run(&scene, "moved", daily(days)?).await?;
        pulled(&scene, "moved", &pod, &digest(of)).await?;
        scene.settled().await;
    }
    let status = found(&scene, "moved", "nightly-*", "ImageDigest").await;
    assert_eq!(status.deviations[0].path, "pod.spec.containers[0].image");
    assert!(status.deviations[0].expected.starts_with(&digest('a')), "{status:?}");
    assert!(status.deviations[0].observed.contains(&digest('b')), "{status:?}");
    assert_eq!(status.lineage.last().map(|link| link.name.clone()), Some(digest('b')));
    assert_eq!(status.runs.map(|runs| runs.count), Some(1), "the same digest again is no news");

    // The CronJob names no digest, which the approval asks for; of the runs only that is found which pulled another one.
    scene.finding_in(State::Open, "pinned", "nightly").await;
    let (_, good) = run(&scene, "pinned", daily(-3)?).await?;
    pulled(&scene, "pinned", &good, &digest('a')).await?;
    let (bad_job, bad) = run(&scene, "pinned", daily(-2)?).await?;
    pulled(&scene, "pinned", &bad, &digest('c')).await?;
    let status = found(&scene, "pinned", "nightly-*", "ImageDigest").await;
    assert_eq!(status.deviations[0].approval.as_deref(), Some("pinned-cronjob"));
    assert_eq!(status.runs.map(|runs| runs.latest), Some(vec![bad_job]));
    only_about(&scene, &["nightly", "nightly-*", "nightly-*"]).await?;

    // A restart over all this changes nothing.
    restart_quietly(&mut scene).await?;
    found(&scene, "moved", "nightly-*", "ImageDigest").await;
    Ok(())
}
