//! Every way by which facts arrive.

use k8s_openapi::api::batch::v1::CronJob;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{Files, leaked};
use crate::harness::eventually;
use crate::operator::scene::{PATIENCE, Scene, cron_job, namespace};

fn metric(scene: &Scene, name: &str, source: &str) -> usize {
    scene.count(&format!("cronwarden_intake_{name}_total{{source=\"{source}\"}}")).unwrap_or(0)
}

/// Waits until so many facts arrived.
async fn arrived(scene: &Scene, source: &str, facts: usize) {
    eventually(&format!("{facts} facts by the {source}"), PATIENCE, async || {
        let arrived = metric(scene, "facts", source);
        if arrived >= facts {
            Ok(())
        } else {
            Err(format!("{arrived}\n{}", scene.http("/metrics").unwrap_or_default().1))
        }
    })
    .await;
}

fn create(name: &str) -> CronJob {
    serde_json::from_value(cron_job("payments", name)).expect("a CronJob")
}

#[tokio::test]
async fn the_webhook_the_log_and_admission_bring_facts() -> anyhow::Result<()> {
    let files = Files::make()?;
    let mut scene = Scene::without_operator(files.control_plane()?).await?;
    scene.arguments = files.arguments();
    let log = scene.cluster.audit_log().display().to_string();
    let state = scene.cluster.scratch_dir().join("state").display().to_string();
    scene.arguments.extend(["--audit-log", leaked(log), "--state-dir", leaked(state)]);
    scene.start_operator().await?;

    // The Secret is as a cluster takes it. The webhook has an address instead of a Service, as there is no network for Services here.
    let apply = |name: &str| scene.cluster.kubectl(["apply", "-f"]).arg(files.path(name));
    apply("secret.yaml").run().await?;
    apply("validating-webhook.yaml").run().await?;
    let url = format!("https://{}/admission/{}", files.address(), files.token()?);
    let patch = json!([
        { "op": "remove", "path": "/webhooks/0/clientConfig/service" },
        { "op": "add", "path": "/webhooks/0/clientConfig/url", "value": url },
    ]);
    let configuration =
        ["patch", "validatingwebhookconfiguration", "cronwarden", "--type=json", "-p", &patch.to_string()];
    scene.cluster.kubectl(configuration).run().await?;

    scene.apply(&[namespace("payments")]).await?;
    let cron_jobs = scene.cron_jobs("payments");
    // An API server learns of a webhook some moments after it was registered.
    let mut probes = 0;
    eventually("the API server asks the operator", PATIENCE, async || {
        probes += 1;
        cron_jobs
            .create(&PostParams::default(), &create(&format!("probe-{probes}")))
            .await
            .map_err(|e| e.to_string())?;
        if metric(&scene, "facts", "admission") > 0 { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    let before = metric(&scene, "facts", "admission");
    cron_jobs.create(&PostParams::default(), &create("nightly")).await?;
    let schedule = Patch::Merge(json!({ "spec": { "schedule": "0 3 * * *" } }));
    cron_jobs.patch("nightly", &PatchParams::default(), &schedule).await?;
    cron_jobs.delete("nightly", &DeleteParams::default()).await?;
    // Findings that the operator writes come on top of these.
    arrived(&scene, "admission", before + 3).await;
    arrived(&scene, "webhook", 3 + probes).await;
    arrived(&scene, "log", 3 + probes).await;
    for source in ["webhook", "log", "admission"] {
        assert_eq!(metric(&scene, "unreadable", source), 0, "{source}");
    }

    // Nobody has to wait for an operator that is not there.
    scene.stop_operator().await?;
    cron_jobs.create(&PostParams::default(), &create("meanwhile")).await?;
    assert!(!scene.logs().contains(&files.token()?), "the token is not logged");
    Ok(())
}

#[tokio::test]
async fn what_happens_while_the_operator_is_away_arrives_later() -> anyhow::Result<()> {
    let files = Files::make()?;
    let mut scene = Scene::without_operator(files.control_plane()?).await?;
    scene.arguments = files.arguments();
    scene.apply(&[namespace("payments")]).await?;
    scene.start_operator().await?;
    scene.cron_jobs("payments").create(&PostParams::default(), &create("before")).await?;
    arrived(&scene, "webhook", 1).await;
    scene.settled().await;
    scene.kill_operator()?;
    scene.cron_jobs("payments").create(&PostParams::default(), &create("meanwhile")).await?;
    let failed = format!("host=\"{}\"", files.address());
    eventually("the API server has tried, and failed", PATIENCE, async || {
        let page =
            scene.cluster.kubectl(["get", "--raw", "/metrics"]).run().await.map_err(|error| format!("{error:#}"))?;
        let is_failure = |line: &str| {
            line.starts_with("rest_client_requests_total") && line.contains(&failed) && line.contains("<error>")
        };
        if page.stdout.lines().any(is_failure) { Ok(()) } else { Err("no failure yet".to_owned()) }
    })
    .await;
    scene.start_operator().await?;
    arrived(&scene, "webhook", 1).await;
    Ok(())
}
