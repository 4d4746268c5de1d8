//! What goes wrong between the operator and the API server: it goes away, forgets, throttles, or refuses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use cronwarden::api::finding::State;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::api::ListParams;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::crowd::{Changes, NAMESPACES, apply_all, delete};
use super::fresh::agrees;
use super::observe::{Liveness, ensure_told_once, reaches};
use super::scene::{OPERATOR_USER, PATIENCE, Scene, approval, cron_job, namespace};
use crate::harness::{AuditEvent, ControlPlane, eventually};

/// How long the operator may need for the work of a whole test on a busy machine. After an outage it pauses for up to a minute
/// before it tries again.
const LONG_PATIENCE: Duration = Duration::from_mins(3);

#[tokio::test]
async fn an_api_server_that_goes_away_and_comes_back_loses_nothing() -> anyhow::Result<()> {
    const CHANGES: usize = 300;
    let mut scene = Scene::start().await?;
    apply_all(&scene.client, NAMESPACES.map(namespace)).await?;
    let liveness = Liveness::of(scene.address());
    let client = scene.client.clone();
    let mut changes = Changes::new(11);
    let started = Instant::now();
    for orderly in [true, false] {
        let done = AtomicUsize::new(0);
        let outage = async {
            eventually("the changes are under way", PATIENCE, async || {
                let changes = done.load(Ordering::Relaxed);
                if changes >= CHANGES / 4 { Ok(()) } else { Err(format!("{changes} changes")) }
            })
            .await;
            let errors = watch_errors(&scene)?;
            let stopped = if orderly { scene.cluster.stop_api_server().await } else { scene.cluster.kill_api_server() };
            stopped?;
            assert!(done.load(Ordering::Relaxed) < CHANGES, "the changes were over before the outage");
            eventually("the operator notices", PATIENCE, async || {
                let now = watch_errors(&scene).map_err(|error| format!("{error:#}"))?;
                if now > errors { Ok(()) } else { Err(format!("{now} watch errors")) }
            })
            .await;
            scene.cluster.start_api_server().await?;
            eprintln!("the API server is back after {:.1?}", started.elapsed());
            anyhow::Ok(())
        };
        tokio::try_join!(changes.make(&client, CHANGES, &done), outage)?;
    }
    eprintln!("the changes were made after {:.1?}", started.elapsed());
    agrees(&scene, LONG_PATIENCE).await;
    eprintln!("all findings were right after {:.1?}", started.elapsed());
    scene.ensure_operator_runs()?;
    liveness.ensure_always_alive()
}

/// How often any watch was interrupted.
fn watch_errors(scene: &Scene) -> anyhow::Result<usize> {
    let (_, page) = scene.http("/metrics")?;
    let lines = page.lines().filter(|line| line.starts_with("cronwarden_watch_errors_total"));
    lines.map(|line| Ok(line.rsplit(' ').next().context("a metric without a value")?.parse::<usize>()?)).sum()
}

#[tokio::test]
async fn a_history_that_was_compacted_away_meanwhile_loses_nothing() -> anyhow::Result<()> {
    // Without its cache the API server has no other history than that of etcd.
    let builder = ControlPlane::builder().api_server_args(["--watch-cache=false", "--etcd-compaction-interval=1s"]);
    let mut scene = Scene::without_operator(builder).await?;
    apply_all(&scene.client, NAMESPACES.map(namespace)).await?;
    scene.start_operator().await?;
    let mut changes = Changes::new(13);
    let done = AtomicUsize::new(0);
    changes.make(&scene.client, 200, &done).await?;
    agrees(&scene, PATIENCE).await;

    // The operator sleeps through the end of its connections and then through changes of all kinds, findings included.
    scene.signal_operator(Signal::STOP)?;
    scene.cluster.kill_api_server()?;
    scene.cluster.start_api_server().await?;
    scene.client = scene.cluster.client().await?;
    let known = scene.findings().list(&ListParams::default()).await?;
    let version = known.metadata.resource_version.context("a list without a version")?;
    let lost = known.items.iter().find(|f| f.status.as_ref().is_some_and(|s| s.state == State::Open));
    let lost = json!(lost.context("no finding is open")?);
    delete(&scene.client, &lost).await?;
    changes.make(&scene.client, 200, &done).await?;
    compacted(&scene.client, &version).await;
    scene.signal_operator(Signal::CONT)?;

    for resource in ["cronjobs", "approvedcronjobs", "scheduledworkloadfindings"] {
        reaches(&scene, &format!(r#"cronwarden_watch_errors_total{{resource="{resource}"}}"#), 1).await;
    }
    let told =
        scene.logs().lines().filter(|line| line.contains("resourceVersion for the provided watch is too old")).count();
    assert!(told >= 3, "{told} watches were told that their history is gone");
    agrees(&scene, LONG_PATIENCE).await;
    scene.ensure_operator_runs()
}

/// Waits until the API server no longer knows what was at a version.
async fn compacted(client: &Client, version: &str) {
    eventually("the history is compacted", PATIENCE, async || {
        let path = format!("/api/v1/namespaces?resourceVersionMatch=Exact&resourceVersion={version}");
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        match client.request_text(request).await {
            Err(kube::Error::Api(status)) if status.code == 410 => Ok(()),
            other => Err(format!("{:?}", other.map(|text| text.len()))),
        }
    })
    .await;
}

#[tokio::test]
async fn throttling_slows_the_operator_down_and_loses_nothing() -> anyhow::Result<()> {
    const JOBS: usize = 300;
    // The operator has a single seat at the API server, and whoever finds it taken is sent away.
    let builder = ControlPlane::builder();
    let builder = builder.api_server_args(["--max-requests-inflight=40", "--max-mutating-requests-inflight=20"]);
    let mut scene = Scene::without_operator(builder).await?;
    apply_all(&scene.client, single_seat()).await?;
    apply_all(&scene.client, [namespace("apps"), approval("apps", "another")]).await?;
    scene.start_operator().await?;
    agrees(&scene, PATIENCE).await;

    let began = Instant::now();
    apply_all(&scene.client, (0..JOBS).map(|i| cron_job("apps", &format!("job-{i:03}")))).await?;
    agrees(&scene, Duration::from_mins(5)).await;
    let took = began.elapsed();

    let requests = requests(&scene)?;
    let refused = requests.iter().filter(|event| is_refused(event)).count();
    eprintln!("{JOBS} findings within {took:.1?}: {} requests, of which {refused} were throttled", requests.len());
    assert!(refused >= 8, "hardly anything was throttled");
    let too_early = too_early(&requests);
    assert!(too_early.is_empty(), "{} of {refused}, such as {:?}", too_early.len(), too_early.first());
    // Eight findings at once, each with an Event beside it, and the statuses of the approvals: each waits a second or longer.
    assert!(refused as u64 <= 20 * (took.as_secs() + 1), "a hot loop: {refused} within {took:?}");
    ensure_told_once(&scene).await
}

/// Gives the operator the smallest share of the API server, and refuses whatever goes beyond.
fn single_seat() -> [Value; 2] {
    let operator = json!({ "namespace": "cronwarden", "name": "cronwarden" });
    [
        json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "PriorityLevelConfiguration",
            "metadata": { "name": "narrow" },
            "spec": { "type": "Limited", "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": { "type": "Reject" },
            } },
        }),
        json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": { "name": "operator" },
            "spec": {
                "priorityLevelConfiguration": { "name": "narrow" },
                "matchingPrecedence": 2,
                "rules": [{
                    "subjects": [{ "kind": "ServiceAccount", "serviceAccount": operator }],
                    "resourceRules": [{
                        "verbs": ["*"],
                        "apiGroups": ["*"],
                        "resources": ["*"],
                        "clusterScope": true,
                        "namespaces": ["*"],
                    }],
                }],
            },
        }),
    ]
}

/// Everything that the operator has asked of the API server.
fn requests(scene: &Scene) -> anyhow::Result<Vec<AuditEvent>> {
    let mut requests = scene.cluster.audit_events()?;
    requests.retain(|event| event.user == OPERATOR_USER);
    Ok(requests)
}

fn is_refused(event: &AuditEvent) -> bool {
    event.code == Some(429)
}

/// The requests that were repeated before the time that the API server had asked for was over.
fn too_early(requests: &[AuditEvent]) -> Vec<String> {
    let time = |event: &AuditEvent, field: &str| -> Option<Timestamp> { event.raw[field].as_str()?.parse().ok() };
    let mut refused: HashMap<(&str, &str), Timestamp> = HashMap::new();
    let mut too_early = Vec::new();
    let mut ordered: Vec<&AuditEvent> = requests.iter().collect();
    ordered.sort_by_key(|event| time(event, "requestReceivedTimestamp"));
    for event in ordered {
        // The name of a new object is not in the audit log if its creation is refused early.
        if event.verb == "create" || event.verb == "watch" || event.verb == "list" {
            continue;
        }
        let identity = (event.verb.as_str(), event.request_uri.as_str());
        let received = time(event, "requestReceivedTimestamp").unwrap_or_default();
        if let Some(before) = refused.remove(&identity) {
            let pause = received.duration_since(before);
            // The smallest delay that the API server asks for is a second.
            if pause < SignedDuration::from_millis(990) {
                too_early.push(format!("{identity:?} again after {pause:?}"));
            }
        }
        if is_refused(event) {
            refused.insert(identity, time(event, "stageTimestamp").unwrap_or_default());
        }
    }
    too_early
}
