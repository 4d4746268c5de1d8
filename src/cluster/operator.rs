//! The operator's one loop: take in changes, judge whoever is concerned, have the results written.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::intake::Delivery;
use super::keeping::Keeping;
use super::metrics::Metrics;
use super::picture::{Concerned, Picture};
use super::watch::Change;
use super::writer::{WriteError, Writer, Written};
use crate::api::approval::ApprovedCronJobStatus;
use crate::finding::Write;
use crate::workload::WorkloadKind;

/// How many subjects are written at once: enough to hide the API server's latency, too few to crowd out others.
const WRITES_AT_ONCE: usize = 8;

/// How long changes of an approval's status are collected before they are written.
const STATUS_PAUSE: Duration = Duration::from_secs(1);

/// The same where Jobs come and go.
const JOBS_PAUSE: Duration = Duration::from_secs(10);

/// How many subjects are judged before new changes are looked at.
const JUDGED_AT_ONCE: usize = 256;

/// The longest sleep: after a jump of the clock, deadlines are looked at no later than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How often what changed in the ledger is kept of which nobody waits to be told that it is.
const KEEP_EVERY: Duration = Duration::from_secs(5);

type Queue = super::queue::Queue<Concerned>;
type InFlight = FuturesUnordered<Pin<Box<dyn Future<Output = (Concerned, Vec<Result<Written, WriteError>>)> + Send>>>;

/// Everything that the loop works with.
pub(super) struct Operator {
    picture: Picture,
    queue: Queue,
    in_flight: InFlight,
    writer: Writer,
    keeping: Keeping,
    metrics: Metrics,
    synced: watch::Sender<bool>,
    started: Instant,
    first_pass_done: bool,
    /// Whether the advice for an empty inventory was given.
    advised: bool,
}

impl Operator {
    pub(super) fn new(
        picture: Picture,
        writer: Writer,
        keeping: Keeping,
        metrics: Metrics,
        synced: watch::Sender<bool>,
    ) -> Self {
        Self {
            picture,
            queue: Queue::default(),
            in_flight: FuturesUnordered::new(),
            writer,
            keeping,
            metrics,
            synced,
            started: Instant::now(),
            first_pass_done: false,
            advised: false,
        }
    }

    /// Works until `stop` is ready, then finishes the writes that are under way.
    pub(super) async fn run(
        mut self,
        mut changes: mpsc::Receiver<Change>,
        mut deliveries: mpsc::Receiver<Delivery>,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut keep = tokio::time::interval(KEEP_EVERY);
        loop {
            let is_synced = *self.synced.borrow();
            self.judge();
            let sleep = self.sleep();
            tokio::select! {
                () = &mut stop => break,
                change = changes.recv() => match change {
                    Some(change) => self.take_in(change, &mut changes),
                    None => break,
                },
                Some((subject, results)) = self.in_flight.next() => self.written(&subject, results),
                // What was there before the first event is only known once all of it is.
                Some(delivery) = deliveries.recv(), if is_synced => self.take_facts(delivery),
                Some(failed) = self.keeping.done() => self.saved(failed),
                _ = keep.tick() => {
                    self.picture.tidy(Timestamp::now());
                    self.save();
                }
                () = tokio::time::sleep(sleep) => {}
            }
            let now = Timestamp::now();
            let due = self.picture.due(now);
            self.enqueue(due, STATUS_PAUSE);
        }
        info!(writes = self.in_flight.len(), "stopping: finishing the writes that are under way");
        drop((changes, deliveries));
        while self.in_flight.next().await.is_some() {}
        while let Some(failed) = self.keeping.done().await {
            self.saved(failed);
        }
        self.save();
        self.keeping.done().await;
    }

    /// Takes in what somebody did. Whoever sent it is told once that is kept.
    fn take_facts(&mut self, delivery: Delivery) {
        let Delivery { facts, kept } = delivery;
        let concerned = self.picture.take_facts(&facts, Timestamp::now());
        self.enqueue(concerned, STATUS_PAUSE);
        // Of an admission request nobody waits to be told: many of them are kept at once.
        if !kept.is_closed() {
            self.keeping.tell_when_kept(kept);
            self.save();
        }
    }

    /// Keeps what changed in the ledger. What changes meanwhile is kept afterwards.
    fn save(&mut self) {
        if !self.keeping.is_free() || !*self.synced.borrow() {
            return;
        }
        let pages = self.picture.changed_pages();
        if !pages.is_empty() || self.keeping.is_awaited() {
            self.keeping.save(pages);
        }
    }

    fn saved(&mut self, failed: Vec<u8>) {
        for number in failed {
            self.picture.page_not_kept(number);
        }
        if self.keeping.is_awaited() {
            self.save();
        }
    }

    /// Takes in a change, and whatever else is waiting.
    fn take_in(&mut self, first: Change, changes: &mut mpsc::Receiver<Change>) {
        let now = Timestamp::now();
        let mut next = Some(first);
        let mut room = JUDGED_AT_ONCE;
        while let Some(change) = next {
            let pause = if matches!(change, Change::Job(_)) { JOBS_PAUSE } else { STATUS_PAUSE };
            let concerned = self.picture.observe(change, now);
            if *self.synced.borrow() {
                self.enqueue(concerned, pause);
            } else if self.picture.synced() {
                self.begin();
            }
            room -= 1;
            next = if room > 0 { changes.try_recv().ok() } else { None };
        }
        // Somebody removed a finding: what is known of that must not be lost with this process.
        if self.picture.is_ledger_changed() {
            self.save();
        }
    }

    /// The first lists are complete: from now on there are verdicts.
    fn begin(&mut self) {
        let now = Timestamp::now();
        self.picture.settle_ledger(now);
        self.picture.survey_campaigns(now);
        let everything: Vec<Concerned> = self.picture.everything().collect();
        info!(subjects = everything.len(), "caches are complete, judging everything once");
        for concerned in everything {
            self.queue.add(concerned);
        }
        self.synced.send_replace(true);
    }

    fn enqueue(&mut self, concerned: Vec<Concerned>, pause: Duration) {
        for concerned in concerned {
            match concerned {
                Concerned::Workload(_) => self.queue.add(concerned),
                // Many workloads may change what an approval's status says: it is written once for all of them.
                Concerned::Approval(_) => self.queue.add_after(concerned, pause, Instant::now()),
            }
        }
    }

    /// Judges those who are concerned, as long as there is room for writes.
    fn judge(&mut self) {
        if !*self.synced.borrow() {
            return;
        }
        for _ in 0..JUDGED_AT_ONCE {
            if self.in_flight.len() >= WRITES_AT_ONCE {
                break;
            }
            let Some(subject) = self.queue.take(Instant::now()) else { break };
            let now = Timestamp::now();
            match &subject {
                Concerned::Workload(key) => {
                    let (writes, concerned) = self.picture.judge(key, now);
                    let pause = if key.kind == WorkloadKind::Job { JOBS_PAUSE } else { STATUS_PAUSE };
                    self.enqueue(concerned, pause);
                    self.write(subject, writes, None, now);
                }
                Concerned::Approval(name) => {
                    let writes = self.picture.judge_approval(name, now);
                    let status = self.picture.approval_status(name, now).map(|status| (name.clone(), status));
                    self.write(subject, writes, status, now);
                }
            }
        }
        if !self.first_pass_done && self.queue.is_idle() {
            self.first_pass_done = true;
            let took = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
            self.metrics.first_pass_took(took);
            info!(seconds = took.as_secs_f64(), "every workload has been judged once");
        }
        self.metrics.hold(&self.picture.held(self.queue.len()));
    }

    /// Has findings and the status of an approval written, if there is anything to write.
    fn write(
        &mut self,
        subject: Concerned,
        writes: Vec<Write>,
        status: Option<(Arc<str>, ApprovedCronJobStatus)>,
        now: Timestamp,
    ) {
        if writes.is_empty() && status.is_none() {
            self.queue.done(&subject);
            return;
        }
        let tell = self.picture.has_inventory(now);
        if !tell && !self.advised && !writes.is_empty() {
            self.advised = true;
            warn!(
                "there is no usable ApprovedCronJob yet: findings are recorded, but no Events are sent; \
                 write a first inventory with `cronwarden baseline`, review it and apply it"
            );
        }
        let writer = self.writer.clone();
        self.in_flight.push(Box::pin(async move {
            let mut results = Vec::with_capacity(writes.len());
            for write in writes {
                if let Some(notice) = write.notice() {
                    info!(finding = write.name(), note = notice.note, "{}", notice.reason.as_str());
                } else {
                    debug!(finding = write.name(), "writing");
                }
                results.push(writer.carry_out(write, tell).await);
            }
            if let Some((name, status)) = status {
                results.push(writer.approval_status(&name, status).await);
            }
            (subject, results)
        }));
    }

    fn written(&mut self, subject: &Concerned, results: Vec<Result<Written, WriteError>>) {
        let now = Timestamp::now();
        let mut failed = false;
        for result in results {
            match result {
                Ok(Written::Finding(finding)) => {
                    let decided = self.picture.put_written(*finding, now);
                    self.enqueue(decided, STATUS_PAUSE);
                }
                Ok(Written::Gone { name }) => self.picture.dropped(&name),
                Ok(Written::Approval { name, version, status }) => {
                    self.picture.put_approval_status(&name, version, status);
                }
                Err(error) => {
                    failed = true;
                    warn!(?subject, %error, "write failed, trying again");
                }
            }
        }
        if failed {
            self.queue.failed(subject, Instant::now());
        } else {
            self.queue.done(subject);
        }
    }

    /// How long nothing happens unless something comes in.
    fn sleep(&self) -> Duration {
        if !*self.synced.borrow() {
            return LONGEST_SLEEP;
        }
        if self.queue.has_ready() && self.in_flight.len() < WRITES_AT_ONCE {
            return Duration::ZERO;
        }
        let retry = self.queue.next_due().map(|at| at.saturating_duration_since(Instant::now()));
        let deadline = self
            .picture
            .next_deadline()
            .map(|at| Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default());
        [retry, deadline].into_iter().flatten().fold(LONGEST_SLEEP, Duration::min)
    }
}
