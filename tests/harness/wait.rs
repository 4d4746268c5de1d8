//! Waiting for conditions instead of sleeping.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How long to pause between two looks at a condition: short against anything a test waits for, long enough not to
/// starve the processes being waited for on a small machine.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Polls `check` until it returns `Ok` and hands back the value; panics with the last failure once `limit` has passed.
///
/// ```ignore
/// let job = eventually("a Job is created", Duration::from_secs(90), async || {
///     jobs.list(&all).await.map_err(|e| e.to_string())?.items.pop().ok_or("no Job yet".to_owned())
/// })
/// .await;
/// ```
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn eventually<T>(
    description: &str,
    limit: Duration,
    check: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    // An async fn would report a line of this file as the place of the panic, which helps nobody.
    let caller = Location::caller();
    async move {
        match try_eventually(description, limit, check).await {
            Ok(value) => value,
            Err(error) => panic!("{error:#}, waited for at {caller}"),
        }
    }
}

/// Like [`eventually`], but returns an error on timeout.
pub async fn try_eventually<T>(
    description: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Result<T, String>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    let mut last = "the condition was never checked to the end".to_owned();
    loop {
        // The deadline also cuts short a check that hangs, such as a request to a server that has stopped answering.
        match timeout_at(deadline, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last = error,
            Err(_) => {
                anyhow::bail!("{description}: not within {limit:?}; a check was still running; before that: {last}")
            }
        }
        if Instant::now() + POLL_INTERVAL >= deadline {
            anyhow::bail!("{description}: not within {limit:?}; last seen: {last}");
        }
        sleep(POLL_INTERVAL).await;
    }
}
