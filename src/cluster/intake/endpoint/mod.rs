//! The HTTPS endpoint for audit and admission webhooks.

mod accept;
mod admission;
mod audit;
mod body;
mod keys;
mod reception;
mod refusal;
#[cfg(test)]
pub(super) mod tests;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::post;
use hyper_util::rt::TokioTimer;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::Delivery;
use super::counts::Counts;
use super::settings::Settings;
use accept::Acceptor;
use keys::Keys;
use reception::{Patience, Reception};

/// How long a connection may be idle, or take to send the head of a request. API servers close what is idle after 90 seconds.
const IDLE: Duration = Duration::from_secs(100);

/// Starts the endpoint, and returns where it listens. Fails if the address cannot be listened on or a file cannot be used.
pub(super) async fn start(
    settings: Settings,
    deliveries: mpsc::Sender<Delivery>,
    counts: &Counts,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<SocketAddr> {
    let listen = settings.listen;
    let keys = Keys::read(settings)?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: choose another address with --intake-listen"))?;
    let address = listener.local_addr().with_context(|| format!("cannot listen on {listen}"))?;
    let reception = Reception::new(keys.secrets(), deliveries, counts.clone(), Patience::default());
    info!(%address, "taking in audit events and admission requests");
    let serving = serve(listener, Acceptor::new(keys.tls(), keys.secrets()), reception)?;
    tasks.spawn(keys.keep_up());
    tasks.spawn(serving);
    Ok(address)
}

fn serve(
    listener: tokio::net::TcpListener,
    acceptor: Acceptor,
    reception: Reception,
) -> anyhow::Result<impl Future<Output = ()>> {
    let listener = listener.into_std().context("cannot listen")?;
    let mut server = axum_server::from_tcp(listener).context("cannot listen")?.acceptor(acceptor).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    let router = router(reception);
    Ok(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            warn!(%error, "the intake has ended");
        }
    })
}

fn router(reception: Reception) -> Router {
    Router::new()
        .route("/audit", post(audit::receive))
        .route("/admission", post(admission::review))
        .route("/admission/{token}", post(admission::review_with_token))
        .with_state(Arc::new(reception))
}
