//! The metrics of the operator. No label is made of anything that users choose, so their number is bounded.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::SignedDuration;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::intake::Counts;
use crate::api::finding::State;

/// All metrics; clones share the same values.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    judgements: Counter,
    writes: Family<WriteLabels, Counter>,
    watch_errors: Family<ResourceLabels, Counter>,
    unreadable: Family<ResourceLabels, Counter>,
    events_suppressed: Counter,
    ledger_pages_lost: Counter,
    ledger_entries_dropped: Counter,
    self_approved: Gauge,
    objects: Family<ResourceLabels, Gauge>,
    findings: Family<StateLabels, Gauge>,
    pending: Gauge,
    first_pass: Gauge<f64, AtomicU64>,
    intake: Counts,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    resource: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    resource: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// How many objects of each kind are held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) workloads: usize,
    pub(super) jobs: usize,
    pub(super) namespaces: usize,
    pub(super) approvals: usize,
    pub(super) config_maps: usize,
    pub(super) findings: [(State, usize); 4],
    pub(super) self_approved: usize,
    pub(super) pending: usize,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("cronwarden");
        let metrics = Self {
            registry: Arc::default(),
            judgements: Counter::default(),
            writes: Family::default(),
            watch_errors: Family::default(),
            unreadable: Family::default(),
            events_suppressed: Counter::default(),
            ledger_pages_lost: Counter::default(),
            ledger_entries_dropped: Counter::default(),
            self_approved: Gauge::default(),
            objects: Family::default(),
            findings: Family::default(),
            pending: Gauge::default(),
            first_pass: Gauge::default(),
            intake: Counts::default(),
        };
        registry.register("judgements", "Workloads judged", metrics.judgements.clone());
        registry.register("writes", "Writes to the API server by outcome", metrics.writes.clone());
        registry.register("watch_errors", "Interruptions of watches", metrics.watch_errors.clone());
        registry.register(
            "unreadable_objects",
            "Observations of objects that cannot be read",
            metrics.unreadable.clone(),
        );
        registry.register(
            "events_suppressed",
            "Events not sent to stay below the rate limit",
            metrics.events_suppressed.clone(),
        );
        registry.register(
            "ledger_pages_lost",
            "Pages of the ledger that could not be read at the start",
            metrics.ledger_pages_lost.clone(),
        );
        registry.register(
            "ledger_entries_dropped",
            "Entries of the ledger that were dropped because their page was full",
            metrics.ledger_entries_dropped.clone(),
        );
        registry.register(
            "self_approved_approvals",
            "Approvals that speak for a workload of their own author",
            metrics.self_approved.clone(),
        );
        registry.register("objects", "Objects that are held in memory", metrics.objects.clone());
        registry.register("findings", "Findings by state", metrics.findings.clone());
        registry.register("pending", "Workloads and approvals waiting to be looked at", metrics.pending.clone());
        registry.register_with_unit(
            "first_pass",
            "Time from the start until every workload was judged once; 0 until then",
            Unit::Seconds,
            metrics.first_pass.clone(),
        );
        metrics.intake.register(&mut registry);
        Self { registry: Arc::new(registry), ..metrics }
    }

    /// The metrics of what arrives.
    pub(super) fn intake(&self) -> &Counts {
        &self.intake
    }

    pub(super) fn judged(&self) {
        self.judgements.inc();
    }

    pub(super) fn wrote(&self, resource: &'static str, outcome: &'static str) {
        self.writes.get_or_create(&WriteLabels { resource, outcome }).inc();
    }

    pub(super) fn watch_failed(&self, resource: &'static str) {
        self.watch_errors.get_or_create(&ResourceLabels { resource }).inc();
    }

    pub(super) fn could_not_read(&self, resource: &'static str) {
        self.unreadable.get_or_create(&ResourceLabels { resource }).inc();
    }

    pub(super) fn event_suppressed(&self) {
        self.events_suppressed.inc();
    }

    pub(super) fn ledger_page_lost(&self) {
        self.ledger_pages_lost.inc();
    }

    pub(super) fn ledger_entries_dropped(&self, count: usize) {
        self.ledger_entries_dropped.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn first_pass_took(&self, duration: SignedDuration) {
        self.first_pass.set(duration.as_secs_f64());
    }

    pub(super) fn hold(&self, held: &Held) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let objects = [
            ("cronjobs", held.workloads),
            ("jobs", held.jobs),
            ("namespaces", held.namespaces),
            ("approvedcronjobs", held.approvals),
            ("configmaps", held.config_maps),
        ];
        for (resource, count) in objects {
            self.objects.get_or_create(&ResourceLabels { resource }).set(gauge(count));
        }
        for (state, count) in held.findings {
            self.findings.get_or_create(&StateLabels { state: state.as_str() }).set(gauge(count));
        }
        self.self_approved.set(gauge(held.self_approved));
        self.pending.set(gauge(held.pending));
    }

    /// The text that a Prometheus server reads.
    pub(super) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}
