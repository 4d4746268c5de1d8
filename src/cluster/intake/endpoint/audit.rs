//! `POST /audit`

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::super::counts::{Tally, Way};
use super::accept::Peer;
use super::body;
use super::reception::Reception;
use super::refusal::Refusal;
use crate::identity::audit;

/// The largest body that is read, as it is sent and once inflated. An API server sends up to 400 events of up to 100 KiB at once,
/// or splits them with `--audit-webhook-truncate-enabled`.
pub(super) const LIMIT: usize = 32 << 20;

/// Takes in audit events.
pub(super) async fn receive(
    State(reception): State<Arc<Reception>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    match take(&reception, &peer, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => {
            reception.counts.rejected(Way::Webhook, refusal.reason());
            refusal.into_response()
        }
    }
}

async fn take(reception: &Reception, peer: &Peer, request: Request) -> Result<(), Refusal> {
    let begin = Instant::now();
    reception.admit(peer, request.headers(), None)?;
    let encoding = body::examine(request.headers(), LIMIT)?;
    let place = reception.audit_place()?;
    let bytes = body::receive(request.into_body(), LIMIT, begin + reception.patience.body).await?;
    // Tens of megabytes of JSON take a while. The place is kept by whoever works on them, also if the sender goes away meanwhile.
    let reading = tokio::task::spawn_blocking(move || {
        let bytes = body::decode(bytes, encoding, LIMIT)?;
        Ok((audit::read(&bytes), place))
    });
    let (reading, _place) = reading.await.unwrap_or(Err(Refusal::NotKept))?;
    let tally = Tally { events: reading.events, ignored: reading.ignored, unreadable: reading.unreadable_count() };
    reception.counts.read(Way::Webhook, tally);
    if !reading.unreadable.is_empty() && reading.events == 0 {
        return Err(Refusal::Unreadable);
    }
    if reading.facts.is_empty() {
        return Ok(());
    }
    reception.deliver(reading.facts, begin + reception.patience.kept).await
}
