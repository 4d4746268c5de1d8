//! Jobs that pass themselves off as runs, where no event tells who created them.

use cronwarden::api::finding::{LinkKind, State};
use serde_json::json;

use super::{APPROVED, DAILY, EVIL, approval, as_run, cron_job, daily, found, job, jobs, only_about, scene, tie};
use crate::harness::eventually;
use crate::operator::scene::PATIENCE;

#[tokio::test]
async fn who_forges_the_owner_or_takes_the_name_of_a_run_is_found() -> anyhow::Result<()> {
    let scene = scene(&["payments", "reaped"]).await?;
    scene.approve(&[approval("payments", "CronJob"), approval("reaped", "CronJob")]).await?;
    let mut short = cron_job("reaped", "nightly", DAILY, APPROVED);
    short["spec"]["successfulJobsHistoryLimit"] = json!(0);
    scene.apply(&[cron_job("payments", "nightly", DAILY, APPROVED), short]).await?;

    // The name of the next run, with and without the owner: the one is adopted as the run, the other keeps it from starting.
    let next = daily(1)?;
    let adopted = as_run(&scene, "payments", "nightly", next, APPROVED).await?;
    let mut blocking = as_run(&scene, "payments", "nightly", daily(2)?, EVIL).await?;
    blocking["metadata"]["ownerReferences"] = json!([]);
    // All that the controller writes, and another template.
    let forged = as_run(&scene, "payments", "nightly", daily(-1)?, EVIL).await?;
    // No such tick.
    let off = jiff::Timestamp::from_second(daily(-1)?.as_second() + 3600)?;
    let undue = as_run(&scene, "payments", "nightly", off, EVIL).await?;
    // An owner that never was. The garbage collector removes it within moments: it is recorded all the same.
    let mut homeless = as_run(&scene, "payments", "nightly", daily(-2)?, APPROVED).await?;
    homeless["metadata"]["ownerReferences"][0]["uid"] = json!("00000000-0000-4000-8000-000000000000");
    scene.apply(&[adopted.clone(), blocking.clone(), forged.clone(), undue.clone(), homeless.clone()]).await?;
    let name = |job: &serde_json::Value| job["metadata"]["name"].as_str().unwrap_or_default().to_owned();

    for squatting in [&adopted, &blocking] {
        let status = found(&scene, "payments", &name(squatting), "TickSquatting").await;
        assert!(status.severity.as_str() == "Critical", "{status:?}");
        assert!(status.lineage.iter().any(|link| link.kind == LinkKind::Tick), "{:?}", status.lineage);
    }
    let status = found(&scene, "payments", &name(&undue), "ForgedOwner").await;
    assert!(status.deviations[0].observed.contains("the CronJob was not due at that time"), "{status:?}");
    assert!(status.deviations[0].observed.contains("no event tells who created it"), "{status:?}");
    // The marks of this one agree in everything, so all that can be said is that it is a run with another template.
    let status = found(&scene, "payments", "nightly-*", "TemplateDrift").await;
    assert_eq!(status.deviations[0].path, "spec.template.spec.containers[0].image");
    assert_eq!(status.deviations[0].expected, APPROVED);
    assert!(status.deviations[0].observed.starts_with(EVIL), "{status:?}");
    assert!(tie(&status, LinkKind::Job).contains("what it says of itself"), "{:?}", status.lineage);
    let runs = status.runs.expect("they are counted");
    assert_eq!((runs.count, runs.latest), (1, vec![name(&forged)]));
    let gone = scene.finding_in(State::Deleted, "payments", &name(&homeless)).await.status.expect("a status");
    assert_eq!(gone.reasons, "ForgedOwner", "{gone:?}");

    // A forged Job that the CronJob controller reaps as soon as it is done.
    let reaped = as_run(&scene, "reaped", "nightly", daily(-1)?, EVIL).await?;
    scene.apply(std::slice::from_ref(&reaped)).await?;
    let jobs = jobs(&scene, "reaped");
    // The Job controller may have begun with it, or begin at this moment.
    eventually("the forged Job is done", PATIENCE, async || {
        let known =
            jobs.get(&name(&reaped)).await.map_err(|error| error.to_string())?.status.and_then(|s| s.start_time);
        let now = jiff::Timestamp::now().to_string();
        let done = json!({ "status": {
            "startTime": known.map_or(now.clone(), |time| time.0.to_string()), "completionTime": now, "succeeded": 1,
            "active": 0, "ready": 0, "uncountedTerminatedPods": {},
            "conditions": [
                { "type": "SuccessCriteriaMet", "status": "True", "lastProbeTime": now, "lastTransitionTime": now },
                { "type": "Complete", "status": "True", "lastProbeTime": now, "lastTransitionTime": now },
            ],
        } });
        let (patch, parameters) = (kube::api::Patch::Merge(&done), kube::api::PatchParams::default());
        let patched = jobs.patch_status(&name(&reaped), &parameters, &patch).await;
        patched.map_err(|error| error.to_string())
    })
    .await;
    let drifted = |status: &cronwarden::api::finding::ScheduledWorkloadFindingStatus| status.reasons == "TemplateDrift";
    scene.finding("reaped", "nightly-*", "there", |finding| finding.status.as_ref().is_some_and(drifted)).await;
    let mut names = [&adopted, &blocking, &undue, &homeless].map(name).to_vec();
    names.extend(["nightly-*".to_owned(), "nightly-*".to_owned()]);
    names.sort_unstable();
    only_about(&scene, &names.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn jobs_that_nothing_accounts_for_are_judged_by_the_inventory() -> anyhow::Result<()> {
    let scene = scene(&["shop"]).await?;
    scene.approve(&[approval("shop", "Job")]).await?;
    let mut owned = job("shop", "owned", EVIL);
    let config =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": "shop", "name": "owner" } });
    scene.apply(&[config]).await?;
    let uid = scene.cluster.kubectl(["get", "configmap", "owner", "-n", "shop", "-o", "jsonpath={.metadata.uid}"]);
    let uid = uid.run().await?.stdout;
    owned["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": true }]);
    let mut unseen = job("shop", "unseen", APPROVED);
    unseen["spec"]["manualSelector"] = json!(true);
    unseen["spec"]["selector"] = json!({ "matchLabels": { "app": "x" } });
    unseen["spec"]["template"]["metadata"] = json!({ "labels": { "app": "x" } });
    scene.apply(&[job("shop", "import", APPROVED), job("shop", "planted", EVIL), owned, unseen]).await?;
    found(&scene, "shop", "unseen", "PodDrift").await;
    let status = found(&scene, "shop", "planted", "Image").await;
    assert!(tie(&status, LinkKind::Job).contains("nothing accounts for it"), "{:?}", status.lineage);
    let owned = found(&scene, "shop", "owned", "Image").await;
    assert!(tie(&owned, LinkKind::Job).contains("no trusted controller stands behind"), "{:?}", owned.lineage);
    only_about(&scene, &["owned", "planted", "unseen"]).await?;
    let matched = |s: &cronwarden::api::approval::ApprovedCronJobStatus| s.matched_workloads == 4;
    scene.approval_status("shop-job", "matched", matched).await;
    // Without an approval for Jobs, each is a finding.
    scene.cluster.kubectl(["delete", "acj", "shop-job"]).run().await?;
    found(&scene, "shop", "import", "Unapproved").await;
    Ok(())
}
