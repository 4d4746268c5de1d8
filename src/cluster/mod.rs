//! Everything that talks to an API server: the watches, the caches, the writer, the Events and the operator's loop.

mod events;
mod http;
pub mod intake;
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
use metrics::Metrics;
use operator::Operator;
use picture::Picture;
use writer::Writer;

use crate::identity::path::Paths;

/// What the operator is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long findings that are over are kept.
    pub retention: SignedDuration,
    /// The name of this process among its replicas, for Events.
    pub instance: String,
    /// The endpoint for audit and admission webhooks, if there is to be one.
    pub intake: Option<intake::Settings>,
    /// The audit logs that are followed, if any.
    pub audit_logs: Option<intake::AuditLogs>,
    /// The deployment paths.
    pub paths: Paths,
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
    let events = Events::new(client.clone(), settings.instance, metrics.clone());
    let writer = Writer::new(&client, events, metrics.clone());
    let picture = Picture::new(settings.retention, metrics.clone());
    let operator = Operator::new(picture, writer, metrics.clone(), synced);
    let address = listener.local_addr().context("cannot serve the probes")?;
    info!(%address, "serving probes and metrics");
    let (deliveries, _arrivals) = intake::start(settings.intake, settings.audit_logs, metrics.intake()).await?;
    // The ledger is not there yet: facts are taken for kept and dropped.
    let forgetting = intake::forget(deliveries);
    tokio::select! {
        served = http::serve(listener, health) => served.context("cannot serve the probes"),
        () = forgetting => Ok(()),
        () = operator.run(watch::start(&client, &metrics), stop) => Ok(()),
    }
}
