//! Any change has exactly the workloads judged again that it concerns.

use std::future::Future;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::deviations::{container, pod, set};
use super::scene::{Scene, approval, cron_job, namespace};

const NAMESPACES: [&str; 5] = ["shop-a", "shop-b", "shop-c", "office-a", "office-b"];
const IN_EACH: usize = 10;

#[tokio::test]
async fn a_change_has_exactly_those_judged_again_that_it_concerns() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let mut sentinels = Sentinels::prepare(&scene).await?;
    scene.apply(&NAMESPACES.map(namespace)).await?;
    scene.approve(&[general("shops", "shop-*"), general("offices", "office-*")]).await?;
    assert_eq!(sentinels.judged(async { Ok(()) }).await?, 0, "the sentinels count themselves");

    let all = NAMESPACES.iter().flat_map(|namespace| (0..IN_EACH).map(|number| cron_job(namespace, &name(number))));
    let all: Vec<Value> = all.collect();
    assert_eq!(sentinels.judged(scene.apply(&all)).await?, 50, "every CronJob once, when it appears");

    of_a_workload(&scene, &mut sentinels).await?;
    of_an_approval(&scene, &mut sentinels).await?;
    of_a_namespace(&scene, &mut sentinels).await?;
    assert_eq!(scene.all_findings().await?, [], "all were approved all the time, so no finding adds to the counts");
    Ok(())
}

async fn of_a_workload(scene: &Scene, sentinels: &mut Sentinels<'_>) -> anyhow::Result<()> {
    let mut manifest = cron_job("shop-a", &name(3));
    set(&mut manifest, "/spec/schedule", json!("@daily"));
    assert_eq!(sentinels.judged(scene.apply(&[manifest.clone()])).await?, 1, "the CronJob that changed");
    assert_eq!(sentinels.judged(scene.apply(&[manifest.clone()])).await?, 0, "it is as it was");

    set(&mut manifest, "/metadata/annotations", json!({ "kubernetes.io/change-cause": "none" }));
    assert_eq!(sentinels.judged(scene.apply(&[manifest.clone()])).await?, 0, "annotations are not judged");
    set(&mut manifest, &container("resources"), json!({ "limits": { "cpu": "1" } }));
    assert_eq!(sentinels.judged(scene.apply(&[manifest.clone()])).await?, 0, "resources are not judged");
    set(&mut manifest, &pod("terminationGracePeriodSeconds"), json!(5));
    assert_eq!(sentinels.judged(scene.apply(&[manifest])).await?, 0, "nor is how a run ends");

    let run = async {
        let patch = Patch::Merge(json!({ "status": { "lastScheduleTime": "2026-01-01T02:00:00Z" } }));
        scene.cron_jobs("shop-a").patch_status(&name(3), &PatchParams::default(), &patch).await?;
        Ok(())
    };
    assert_eq!(sentinels.judged(run).await?, 0, "every run changes the status");

    let gone = async {
        scene.cron_jobs("shop-c").delete(&name(9), &DeleteParams::default()).await?;
        Ok(())
    };
    assert_eq!(sentinels.judged(gone).await?, 1, "the place where it was");
    assert_eq!(sentinels.judged(scene.apply(&[cron_job("shop-c", &name(9))])).await?, 1, "it is back");
    Ok(())
}

async fn of_an_approval(scene: &Scene, sentinels: &mut Sentinels<'_>) -> anyhow::Result<()> {
    let apply = async |approval: Value| scene.apply(&[approval]).await;
    let delete = async |name: &str| {
        scene.approvals().delete(name, &DeleteParams::default()).await?;
        Ok(())
    };
    let one = selecting("one", json!({ "namespaces": ["shop-b"], "names": [name(7)] }));
    assert_eq!(sentinels.judged(apply(one.clone())).await?, 1, "the only one that it names");
    let mut labelled = one;
    set(&mut labelled, "/metadata/labels", json!({ "owned-by": "platform" }));
    assert_eq!(sentinels.judged(apply(labelled)).await?, 0, "its own labels mean nothing");
    let moved = selecting("one", json!({ "namespaces": ["office-b"], "names": [name(7)] }));
    assert_eq!(sentinels.judged(apply(moved)).await?, 2, "the one that it named and the one that it names now");
    assert_eq!(sentinels.judged(delete("one")).await?, 1, "the one that it named");

    let mut shops = general("shops", "shop-*");
    set(&mut shops, "/spec/expected/minimumInterval", json!("30m"));
    assert_eq!(sentinels.judged(apply(shops)).await?, 30, "all in the three shops");
    assert_eq!(sentinels.judged(apply(general("second", "office-*"))).await?, 20, "all in the two offices");
    assert_eq!(sentinels.judged(delete("second")).await?, 20, "all in the two offices");

    let everywhere = selecting("everywhere", json!({ "names": [name(1)] }));
    assert_eq!(sentinels.judged(apply(everywhere)).await?, 5, "one in each namespace");
    assert_eq!(sentinels.judged(delete("everywhere")).await?, 5, "one in each namespace");
    let nobody = selecting("nobody", json!({ "selector": { "matchLabels": { "team": "nobody" } } }));
    assert_eq!(sentinels.judged(apply(nobody)).await?, 0, "no workload has the label");
    Ok(())
}

async fn of_a_namespace(scene: &Scene, sentinels: &mut Sentinels<'_>) -> anyhow::Result<()> {
    assert_eq!(sentinels.judged(label(scene, "office-a", "prod")).await?, 10, "all in the namespace");
    assert_eq!(sentinels.judged(label(scene, "office-a", "prod")).await?, 0, "it is as it was");
    let annotate = async {
        let patch = Patch::Merge(json!({ "metadata": { "annotations": { "note": "none" } } }));
        let namespaces: Api<Namespace> = Api::all(scene.client.clone());
        namespaces.patch("office-a", &PatchParams::default(), &patch).await?;
        Ok(())
    };
    assert_eq!(sentinels.judged(annotate).await?, 0, "its annotations mean nothing");
    let selecting = selecting("prod", json!({ "namespaceSelector": { "matchLabels": { "tier": "prod" } } }));
    assert_eq!(sentinels.judged(scene.apply(&[selecting])).await?, 10, "all in the namespaces with the label");
    Ok(())
}

fn name(number: usize) -> String {
    format!("backup-{number}")
}

fn selecting(name: &str, matches: Value) -> Value {
    let mut approval = approval("any", name);
    approval["metadata"]["name"] = json!(name);
    approval["spec"]["match"] = matches;
    approval
}

/// An approval for all namespaces of a pattern, which does not say when they run.
fn general(name: &str, pattern: &str) -> Value {
    let mut approval = selecting(name, json!({ "namespaces": [pattern] }));
    for field in ["schedules", "windows"] {
        set(&mut approval, &format!("/spec/expected/{field}"), Value::Null);
    }
    approval
}

async fn label(scene: &Scene, namespace: &str, value: &str) -> anyhow::Result<()> {
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "tier": value } } }));
    let namespaces: Api<Namespace> = Api::all(scene.client.clone());
    namespaces.patch(namespace, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// Changes at the end of every watch that can have something judged: once they have taken effect, so has everything before.
struct Sentinels<'a> {
    scene: &'a Scene,
    round: u32,
    judgements: f64,
}

impl<'a> Sentinels<'a> {
    /// How many judgements a round costs: of one CronJob for its own label, of another for that of its namespace.
    const COST: f64 = 2.0;

    async fn prepare(scene: &'a Scene) -> anyhow::Result<Self> {
        scene.apply(&["sentinel", "sentinel-namespace"].map(namespace)).await?;
        let odd = json!({ "matchLabels": { "tier": "odd" } });
        let by_label = selecting("odd-label", json!({ "namespaces": ["sentinel"], "selector": odd }));
        let by_namespace =
            selecting("odd-namespace", json!({ "namespaces": ["sentinel-namespace"], "namespaceSelector": odd }));
        scene.approve(&[general("sentinels", "sentinel*"), by_label, by_namespace]).await?;
        scene.apply(&[cron_job("sentinel", "sentinel"), cron_job("sentinel-namespace", "sentinel")]).await?;
        let mut sentinels = Self { scene, round: 0, judgements: 0.0 };
        sentinels.pass().await?;
        Ok(sentinels)
    }

    /// How many judgements a change leads to.
    async fn judged(&mut self, change: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<u32> {
        let before = self.judgements;
        change.await?;
        self.pass().await?;
        let judged = self.judgements - before - Self::COST;
        (0..=1000).find(|n| (f64::from(*n) - judged).abs() < 0.5).ok_or_else(|| anyhow::anyhow!("{judged} judgements"))
    }

    async fn pass(&mut self) -> anyhow::Result<()> {
        self.round += 1;
        let is_odd = self.round % 2 == 1;
        let tier = if is_odd { "odd" } else { "even" };
        let mut labelled = cron_job("sentinel", "sentinel");
        set(&mut labelled, "/metadata/labels/tier", json!(tier));
        self.scene.apply(&[labelled]).await?;
        label(self.scene, "sentinel-namespace", tier).await?;
        let mut nowhere = selecting("nowhere", json!({ "namespaces": ["nowhere"] }));
        set(&mut nowhere, "/spec/change", json!({ "ticket": format!("ROUND-{}", self.round) }));
        self.scene.approve(&[nowhere]).await?;
        for approval in ["odd-label", "odd-namespace"] {
            let fits = |matched: i32| matched == i32::from(is_odd);
            self.scene.approval_status(approval, tier, |status| fits(status.matched_workloads)).await;
        }
        self.judgements = self.scene.metric("cronwarden_judgements_total")?;
        Ok(())
    }
}
