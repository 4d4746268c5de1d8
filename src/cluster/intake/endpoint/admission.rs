//! `POST /admission` and `POST /admission/{token}`
//!
//! Whatever is asked is allowed. Nobody waits for the ledger here: what it cannot take at once is lost, as an API server does not ask
//! twice.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::super::counts::{Tally, Way};
use super::accept::Peer;
use super::body;
use super::reception::Reception;
use super::refusal::Refusal;
use crate::identity::admission;

/// The largest body that is read: it holds an object twice, before and after.
pub(super) const LIMIT: usize = 8 << 20;

/// Takes in an admission request of a sender that shows its credentials.
pub(super) async fn review(
    State(reception): State<Arc<Reception>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    answer(&reception, &peer, None, request).await
}

/// Takes in an admission request of a sender that has the token in its path.
pub(super) async fn review_with_token(
    State(reception): State<Arc<Reception>>,
    Extension(peer): Extension<Peer>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    answer(&reception, &peer, Some(&token), request).await
}

async fn answer(reception: &Reception, peer: &Peer, token: Option<&str>, request: Request) -> Response {
    match take(reception, peer, token, request).await {
        Ok(uid) => {
            let answer = json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": { "uid": uid, "allowed": true },
            });
            ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
        }
        Err(refusal) => {
            reception.counts.rejected(Way::Admission, refusal.reason());
            refusal.into_response()
        }
    }
}

/// The uid of the request, after handing over what it tells.
async fn take(reception: &Reception, peer: &Peer, token: Option<&str>, request: Request) -> Result<String, Refusal> {
    let begin = Instant::now();
    reception.admit(peer, request.headers(), token)?;
    let encoding = body::examine(request.headers(), LIMIT)?;
    let place = reception.admission_place()?;
    let bytes = body::receive(request.into_body(), LIMIT, begin + reception.patience.review).await?;
    let now = Timestamp::now();
    let reading = tokio::task::spawn_blocking(move || {
        let bytes = body::decode(bytes, encoding, LIMIT)?;
        Ok((admission::read(&bytes, now), place))
    });
    let (review, _place) = reading.await.unwrap_or(Err(Refusal::Busy))?;
    let Some(review) = review else {
        reception.counts.read(Way::Admission, Tally { unreadable: 1, ..Tally::default() });
        return Err(Refusal::Unreadable);
    };
    let ignored = usize::from(review.fact.is_none());
    reception.counts.read(Way::Admission, Tally { events: 1, ignored, unreadable: 0 });
    if let Some(fact) = review.fact
        && let Err(refusal) = reception.mention(fact)
    {
        reception.counts.rejected(Way::Admission, refusal.reason());
    }
    Ok(review.uid)
}
