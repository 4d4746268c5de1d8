//! The probes and the metrics page.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::metrics::Metrics;

/// What the operator tells about itself.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) metrics: Metrics,
    /// Whether every cache that a verdict needs is complete.
    pub(super) synced: watch::Receiver<bool>,
}

/// Serves until the future is dropped.
pub(super) async fn serve(listener: TcpListener, health: Health) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    axum::serve(listener, router).await
}

async fn ready(State(health): State<Health>) -> Response {
    if *health.synced.borrow() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "waiting for the first lists from the API server\n").into_response()
    }
}

async fn metrics(State(health): State<Health>) -> Response {
    match health.metrics.render() {
        Ok(page) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page)
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
