//! The watches: each runs on its own, recovers by itself, and sends what it sees.

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;
use tracing::warn;

use super::job::ObservedJob;
use super::metrics::Metrics;
use super::observed::{Kept, LabelsOnly, Observed};
use crate::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use crate::lineage::RunningPod;
use crate::workload::{ConfigMapHashes, Packed};

/// How many changes may wait before the watches are held up.
const WAITING: usize = 256;

/// How many objects a page of a list holds. A page is in memory as a whole, and whoever may create objects chooses how large
/// they are, up to 1.5 MB each.
const PAGE: u32 = 50;

/// The Pods of Jobs: those that have the label which the Job controller gives to all of them.
const OF_JOBS: &str = "batch.kubernetes.io/job-name";

/// Something that a watch saw.
pub(super) enum Change {
    Workload(watcher::Event<Observed<Packed>>),
    Job(watcher::Event<Observed<ObservedJob>>),
    Pod(watcher::Event<Observed<RunningPod>>),
    Namespace(watcher::Event<Observed<LabelsOnly>>),
    Approval(watcher::Event<Observed<Box<ApprovedCronJob>>>),
    Finding(watcher::Event<Observed<Box<ScheduledWorkloadFinding>>>),
    ConfigMap(watcher::Event<Observed<ConfigMapHashes>>),
}

/// Starts all watches, that of ConfigMaps only if it is asked for. They end when the receiver is dropped.
pub(super) fn start(client: &Client, metrics: &Metrics, config_maps: bool) -> mpsc::Receiver<Change> {
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn(client, "cronjobs", watcher::Config::default(), metrics, &sender, Change::Workload);
    spawn(client, "jobs", watcher::Config::default(), metrics, &sender, Change::Job);
    spawn(client, "pods", watcher::Config::default().labels(OF_JOBS), metrics, &sender, Change::Pod);
    spawn(client, "namespaces", watcher::Config::default(), metrics, &sender, Change::Namespace);
    spawn(client, "approvedcronjobs", watcher::Config::default(), metrics, &sender, Change::Approval);
    spawn(client, "scheduledworkloadfindings", watcher::Config::default(), metrics, &sender, Change::Finding);
    if config_maps {
        spawn(client, "configmaps", watcher::Config::default(), metrics, &sender, Change::ConfigMap);
    }
    receiver
}

fn spawn<T: Kept>(
    client: &Client,
    resource: &'static str,
    which: watcher::Config,
    metrics: &Metrics,
    sender: &mpsc::Sender<Change>,
    wrap: fn(watcher::Event<Observed<T>>) -> Change,
) {
    let api: Api<Observed<T>> = Api::all(client.clone());
    let (metrics, sender) = (metrics.clone(), sender.clone());
    tokio::spawn(async move {
        let mut events = watcher(api, which.page_size(PAGE)).default_backoff().boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if sender.send(wrap(event)).await.is_err() {
                        return;
                    }
                }
                // The watcher starts again by itself after a pause. Nothing is lost: it resumes, or lists anew.
                Err(error) => {
                    metrics.watch_failed(resource);
                    warn!(resource, error = %error, "watch interrupted, trying again");
                }
            }
        }
    });
}
