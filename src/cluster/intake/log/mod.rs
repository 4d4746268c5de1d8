//! Audit logs that are followed.
//!
//! Each is read in pieces. A piece is read on only once the facts of the one before are kept, so nothing is lost when the ledger cannot
//! take them, and nothing piles up. How far a log was read is kept in a checkpoint, always behind the ledger and never ahead of it.

mod checkpoint;
mod follower;
mod mark;
mod siblings;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{info, warn};

use super::Delivery;
use super::counts::{Counts, Tally, Way, newest};
use super::settings::AuditLogs;
use crate::identity::{Fact, audit};
use checkpoint::Checkpoint;
use follower::{Follower, Piece};

/// How long to wait for more at the end of a log.
const POLL: Duration = Duration::from_millis(500);

/// How long to wait before the same facts are handed over again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often the checkpoint is written if nothing that matters was read.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Starts following. Fails if no checkpoint can be kept.
pub(super) fn start(
    logs: AuditLogs,
    deliveries: &mpsc::Sender<Delivery>,
    counts: &Counts,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let checkpoint = Arc::new(Checkpoint::open(&logs.state)?);
    for file in logs.files.into_iter().collect::<BTreeSet<_>>() {
        let mark = checkpoint.mark(&file);
        info!(file = %file.display(), offset = mark.as_ref().map(mark::Mark::offset), "following an audit log");
        let following = Following {
            follower: Some(Follower::new(file, mark)),
            checkpoint: Arc::clone(&checkpoint),
            deliveries: deliveries.clone(),
            counts: counts.clone(),
            kept_at: Instant::now(),
            unkept: false,
            failing: false,
        };
        tasks.spawn(following.run());
    }
    Ok(())
}

/// What one log is followed with.
struct Following {
    /// Absent only while it reads.
    follower: Option<Follower>,
    checkpoint: Arc<Checkpoint>,
    deliveries: mpsc::Sender<Delivery>,
    counts: Counts,
    kept_at: Instant,
    /// Whether more was read than the checkpoint says.
    unkept: bool,
    failing: bool,
}

/// What a piece of a log says.
struct Digest {
    facts: Vec<Fact>,
    tally: Tally,
}

impl Following {
    /// Follows for ever, or until nobody takes facts any more.
    async fn run(mut self) {
        while let Some((follower, read)) = self.read().await {
            match read {
                Ok(Some(digest)) => {
                    self.failing = false;
                    self.counts.read(Way::Log, digest.tally);
                    let matters = !digest.facts.is_empty();
                    if matters && !self.deliver(digest.facts).await {
                        return;
                    }
                    self.unkept = true;
                    self.keep(&follower, matters);
                    self.follower = Some(follower);
                }
                Ok(None) => {
                    self.failing = false;
                    self.keep(&follower, false);
                    self.follower = Some(follower);
                    tokio::time::sleep(POLL).await;
                }
                Err(error) => {
                    if !self.failing {
                        warn!(file = %follower.path().display(), %error, "cannot read an audit log, trying again");
                    }
                    self.failing = true;
                    self.follower = Some(follower);
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
            }
        }
    }

    /// Reads the next piece on a thread that may wait for a disk.
    async fn read(&mut self) -> Option<(Follower, std::io::Result<Option<Digest>>)> {
        let mut follower = self.follower.take()?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = follower.next().map(|piece| piece.as_ref().map(digest));
            (follower, read)
        });
        reading.await.ok()
    }

    /// Hands facts over as often as it takes until they are kept. `false` if nobody takes any.
    async fn deliver(&self, facts: Vec<Fact>) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            let (kept, told) = oneshot::channel();
            if self.deliveries.send(Delivery { facts: facts.clone(), kept }).await.is_err() {
                return false;
            }
            if told.await.is_ok() {
                self.counts.handed_over(Way::Log, facts.len(), newest(&facts), Timestamp::now());
                return true;
            }
            self.counts.rejected(Way::Log, "not_kept");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes the checkpoint, at once or when it is time to.
    fn keep(&mut self, follower: &Follower, now: bool) {
        let Some(mark) = follower.mark().filter(|_| self.unkept && (now || self.kept_at.elapsed() >= KEEP_EVERY))
        else {
            return;
        };
        // Reading goes on without a checkpoint: after a restart, more is read twice.
        match self.checkpoint.keep(follower.path(), mark) {
            Ok(()) => self.unkept = false,
            Err(error) => {
                warn!(file = %follower.path().display(), %error, "cannot write the checkpoint of an audit log");
            }
        }
        self.kept_at = Instant::now();
    }
}

/// Reads the lines that may matter, and counts the others.
fn digest(piece: &Piece) -> Digest {
    let mut skimmed = 0;
    let mut text = Vec::new();
    for line in piece.text.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        if audit::may_matter(line) {
            text.extend_from_slice(line);
        } else {
            skimmed += 1;
        }
    }
    let reading = audit::read(&text);
    let unreadable = reading.unreadable_count() + piece.too_long;
    Digest {
        tally: Tally { events: reading.events + skimmed, ignored: reading.ignored + skimmed, unreadable },
        facts: reading.facts,
    }
}
