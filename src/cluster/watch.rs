//! The watches: each runs on its own, recovers by itself, and sends what it sees.

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;
use tracing::warn;

use super::metrics::Metrics;
use super::observed::{Kept, LabelsOnly, Observed};
use crate::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use crate::workload::{ConfigMapHashes, Packed};

/// How many changes may wait before the watches are held up.
const WAITING: usize = 256;

/// How many objects a page of a list holds. A page is in memory as a whole, and whoever may create objects chooses how large
/// they are, up to 1.5 MB each.
const PAGE: u32 = 50;

/// Something that a watch saw.
pub(super) enum Change {
    Workload(watcher::Event<Observed<Packed>>),
    Namespace(watcher::Event<Observed<LabelsOnly>>),
    Approval(watcher::Event<Observed<Box<ApprovedCronJob>>>),
    Finding(watcher::Event<Observed<Box<ScheduledWorkloadFinding>>>),
    ConfigMap(watcher::Event<Observed<ConfigMapHashes>>),
}

/// Starts all watches, that of ConfigMaps only if it is asked for. They end when the receiver is dropped.
pub(super) fn start(client: &Client, metrics: &Metrics, config_maps: bool) -> mpsc::Receiver<Change> {
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn(client, "cronjobs", metrics, &sender, Change::Workload);
    spawn(client, "namespaces", metrics, &sender, Change::Namespace);
    spawn(client, "approvedcronjobs", metrics, &sender, Change::Approval);
    spawn(client, "scheduledworkloadfindings", metrics, &sender, Change::Finding);
    if config_maps {
        spawn(client, "configmaps", metrics, &sender, Change::ConfigMap);
    }
    receiver
}

fn spawn<T: Kept>(
    client: &Client,
    resource: &'static str,
    metrics: &Metrics,
    sender: &mpsc::Sender<Change>,
    wrap: fn(watcher::Event<Observed<T>>) -> Change,
) {
    let api: Api<Observed<T>> = Api::all(client.clone());
    let (metrics, sender) = (metrics.clone(), sender.clone());
    tokio::spawn(async move {
        let mut events = watcher(api, watcher::Config::default().page_size(PAGE)).default_backoff().boxed();
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
