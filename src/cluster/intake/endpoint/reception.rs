//! What all requests have in common: who may send, how much at once, and handing facts over.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::super::Delivery;
use super::super::counts::{self, Counts, Way};
use super::accept::Peer;
use super::keys::Secrets;
use super::refusal::Refusal;
use crate::identity::Fact;

/// How many requests with audit events are taken in a second, and how many at once after a quiet time.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);

/// How many bodies with audit events are in memory at most.
const AUDIT_BODIES: usize = 3;

/// How many bodies with admission requests are in memory at most.
const ADMISSION_BODIES: usize = 8;

/// The largest object that waits for the ledger, in bytes of JSON: many may wait at once. Of a larger one nobody can tell afterwards
/// whether it is what was admitted, so nobody accounts for it.
const LARGEST_OBJECT: usize = 512 * 1024;

/// How often it is said in the log that somebody was refused.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long the body of an audit request may take to arrive.
    pub(super) body: Duration,
    /// How long an audit request may take as a whole. API servers wait 30 seconds.
    pub(super) kept: Duration,
    /// How long the body of an admission request may take to arrive.
    pub(super) review: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { body: Duration::from_secs(15), kept: Duration::from_secs(25), review: Duration::from_secs(5) }
    }
}

/// Where requests are received.
pub(super) struct Reception {
    secrets: watch::Receiver<Secrets>,
    deliveries: mpsc::Sender<Delivery>,
    pub(super) counts: Counts,
    pub(super) patience: Patience,
    rate: DefaultDirectRateLimiter,
    audit: Arc<Semaphore>,
    admission: Arc<Semaphore>,
    said: DefaultDirectRateLimiter,
}

impl Reception {
    pub(super) fn new(
        secrets: watch::Receiver<Secrets>,
        deliveries: mpsc::Sender<Delivery>,
        counts: Counts,
        patience: Patience,
    ) -> Self {
        let said = Quota::with_period(SAID_EVERY).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        Self {
            secrets,
            deliveries,
            counts,
            patience,
            rate: RateLimiter::direct(Quota::per_second(RATE).allow_burst(BURST)),
            audit: Arc::new(Semaphore::new(AUDIT_BODIES)),
            admission: Arc::new(Semaphore::new(ADMISSION_BODIES)),
            said: RateLimiter::direct(said),
        }
    }

    /// Whether the sender may send: it has shown a certificate, or knows the token, which may also be in the path.
    pub(super) fn admit(&self, peer: &Peer, headers: &HeaderMap, in_path: Option<&str>) -> Result<(), Refusal> {
        let secrets = self.secrets.borrow();
        let knows = |candidate: Option<&str>| {
            secrets.token.as_ref().zip(candidate).is_some_and(|(token, candidate)| token.is(candidate))
        };
        if peer.is_verified(&secrets) || knows(bearer(headers)) || knows(in_path) {
            return Ok(());
        }
        if self.said.check().is_ok() {
            warn!("refused a request to the intake without a usable certificate or token");
        }
        Err(Refusal::Credentials)
    }

    /// A place for the body of an audit request.
    pub(super) fn audit_place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.rate.check().map_err(|_| Refusal::Rate)?;
        Arc::clone(&self.audit).try_acquire_owned().map_err(|_| Refusal::Busy)
    }

    /// A place for the body of an admission request.
    pub(super) fn admission_place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.admission).try_acquire_owned().map_err(|_| Refusal::Busy)
    }

    /// Hands facts over, and waits until they are kept.
    pub(super) async fn deliver(&self, facts: Vec<Fact>, deadline: Instant) -> Result<(), Refusal> {
        let (count, newest) = (facts.len(), counts::newest(&facts));
        let (kept, told) = oneshot::channel();
        let keeping = async {
            self.deliveries.send(Delivery { facts, kept }).await.map_err(|_| Refusal::NotKept)?;
            told.await.map_err(|_| Refusal::NotKept)
        };
        timeout_at(deadline, keeping).await.unwrap_or(Err(Refusal::NotKept))?;
        self.counts.handed_over(Way::Webhook, count, newest, Timestamp::now());
        Ok(())
    }

    /// Hands a fact over if that is possible at once, without waiting for anything.
    pub(super) fn mention(&self, mut fact: Fact) -> Result<(), Refusal> {
        let at = fact.at;
        fact.body = fact.body.filter(|body| body.len() <= LARGEST_OBJECT);
        let (kept, _) = oneshot::channel();
        self.deliveries.try_send(Delivery { facts: vec![fact], kept }).map_err(|_| Refusal::NotKept)?;
        self.counts.handed_over(Way::Admission, 1, Some(at), Timestamp::now());
        Ok(())
    }
}

/// The token of an `Authorization` header, if there is exactly one such header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
