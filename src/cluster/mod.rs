//! Everything that talks to an API server: the watches, the caches, the writer, the Events and the operator's loop.

mod claim;
mod config_map;
mod events;
mod http;
pub mod intake;
mod job;
mod keeper;
mod keeping;
mod metrics;
mod observed;
mod operator;
mod picture;
mod queue;
pub mod read;
mod store;
mod watch;
mod writer;

use std::future::Future;

use anyhow::Context;
use jiff::SignedDuration;
use kube::Client;
use tokio::net::TcpListener;
use tracing::info;

use events::Events;
use http::Health;
use keeper::Keeper;
use keeping::Keeping;
use metrics::Metrics;
use operator::Operator;
use picture::{Picture, Standards};
use writer::Writer;

use crate::identity::path::Paths;
use crate::lineage::{Injectors, Makers};

/// What the operator is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long findings that are over are kept.
    pub retention: SignedDuration,
    /// How long the event is waited for that tells who made a change.
    pub grace: SignedDuration,
    /// The known ways for changes to reach the cluster.
    pub paths: Paths,
    /// Who makes Jobs.
    pub makers: Makers,
    /// What is known to add to Pods.
    pub injectors: Injectors,
    /// Whether ConfigMaps are watched, as `expected.configMapHashes` of an approval needs.
    pub watch_config_maps: bool,
    /// The namespace of the operator, where its ledger is kept.
    pub namespace: String,
    /// The name of this process among its replicas, for Events.
    pub instance: String,
    /// The endpoint for audit and admission webhooks, if there is to be one.
    pub intake: Option<intake::Settings>,
    /// The audit logs that are followed, if any.
    pub audit_logs: Option<intake::AuditLogs>,
}

/// Runs the operator until `stop` is ready. Fails only if the probes cannot be served: an API server that cannot be reached is
/// waited for.
pub async fn run(
    client: Client,
    listener: TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let metrics = Metrics::new();
    let (synced, is_synced) = tokio::sync::watch::channel(false);
    let health = Health { metrics: metrics.clone(), synced: is_synced };
    let Settings {
        retention,
        grace,
        paths,
        makers,
        injectors,
        watch_config_maps: config_maps,
        namespace,
        instance,
        intake,
        audit_logs,
    } = settings;
    let events = Events::new(client.clone(), instance, metrics.clone());
    let writer = Writer::new(&client, events, metrics.clone());
    let keeper = Keeper::new(&client, &namespace, metrics.clone());
    let address = listener.local_addr().context("cannot serve the probes")?;
    info!(%address, "serving probes and metrics");
    let receives = intake.is_some() || audit_logs.is_some();
    let (deliveries, _arrivals) = intake::start(intake, audit_logs, metrics.intake()).await?;
    let mut stop = std::pin::pin!(stop);
    let operate = async {
        let ((ledger, keeper), own) = tokio::select! {
            () = &mut stop => return,
            known = async { (keeper.load(receives).await, read::own_name(&client).await) } => known,
        };
        let standards = Standards { retention, grace, paths, makers, injectors, own, config_maps };
        let picture = Picture::new(standards, ledger, metrics.clone());
        let operator = Operator::new(picture, writer, Keeping::new(keeper), metrics.clone(), synced);
        operator.run(watch::start(&client, &metrics, config_maps), deliveries, stop).await;
    };
    tokio::select! {
        served = http::serve(listener, health) => served.context("cannot serve the probes"),
        () = operate => Ok(()),
    }
}
