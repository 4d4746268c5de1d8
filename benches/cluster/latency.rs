//! How long it takes from creating a deviating CronJob until its finding is complete, beside a bare round trip.

use std::time::{Duration, Instant};

use anyhow::Context;
use cronwarden::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use futures::StreamExt;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::fleet::{approval, create_one, cron_job, namespace};

const NAMESPACE: &str = "latency";

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two samples, so that each finds the server at rest.
const PAUSE: Duration = Duration::from_millis(50);

/// Neither warm connections nor warm caches are what is measured.
const WARM_UP: usize = 10;

/// Every sample, sorted.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Create a CronJob, see it in a watch.
    pub round_trips: Vec<Duration>,
    /// Create a deviating CronJob, see its complete finding in a watch.
    pub findings: Vec<Duration>,
}

pub async fn measure(client: &Client, samples: usize) -> anyhow::Result<Latency> {
    create_one::<Namespace>(client, namespace(NAMESPACE)).await?;
    create_one::<ApprovedCronJob>(client, approval(NAMESPACE, "sample")).await?;
    let cron_jobs: Api<CronJob> = Api::namespaced(client.clone(), NAMESPACE);
    let mut cron_jobs = watch(cron_jobs, |cron_job: &CronJob| Some(cron_job.name_any())).await?;
    let findings: Api<ScheduledWorkloadFinding> = Api::all(client.clone());
    let mut findings = watch(findings, |finding: &ScheduledWorkloadFinding| {
        let complete = finding.status.as_ref().is_some_and(|status| !status.fingerprint.is_empty());
        complete.then(|| finding.spec.workload.name.clone())
    })
    .await?;
    let mut latency = Latency::default();
    for number in 0..WARM_UP + samples {
        let (approved, deviating) = (format!("sample-a{number}"), format!("sample-d{number}"));
        let round_trip = sample(client, &approved, "v3.2.1", &mut cron_jobs).await?;
        tokio::time::sleep(PAUSE).await;
        let finding = sample(client, &deviating, "latest", &mut findings).await?;
        tokio::time::sleep(PAUSE).await;
        if number >= WARM_UP {
            latency.round_trips.push(round_trip);
            latency.findings.push(finding);
        }
    }
    latency.round_trips.sort();
    latency.findings.sort();
    Ok(latency)
}

/// From the moment before the CronJob is created until the watch shows its name.
async fn sample(client: &Client, name: &str, tag: &str, seen: &mut Seen) -> anyhow::Result<Duration> {
    let start = Instant::now();
    create_one::<CronJob>(client, cron_job(NAMESPACE, name, tag)).await?;
    loop {
        let next = tokio::time::timeout(PATIENCE, seen.recv()).await;
        let (other, at) = next.with_context(|| format!("{name} was not seen"))?.context("a watch ended")?;
        if other == name {
            return Ok(at.duration_since(start));
        }
    }
}

type Seen = mpsc::UnboundedReceiver<(String, Instant)>;

/// Watches from now on, in a task of its own, and sends what `name` makes of each object with the time at which it came.
async fn watch<K>(api: Api<K>, name: fn(&K) -> Option<String>) -> anyhow::Result<Seen>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let list = api.list_metadata(&ListParams::default().limit(1)).await?;
    let mut version = list.metadata.resource_version.context("a list without a version")?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // The server ends each watch after some minutes; it is taken up where it ended.
        while let Ok(events) = api.watch(&WatchParams::default(), &version).await {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(event)) = events.next().await {
                let at = Instant::now();
                if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event {
                    version = object.resource_version().unwrap_or_default();
                    if let Some(name) = name(&object)
                        && sender.send((name, at)).is_err()
                    {
                        return;
                    }
                }
            }
        }
    });
    Ok(receiver)
}
