//! What arrived, as metrics. No label is made of anything that senders choose.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::identity::Fact;

/// By which way something arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Way {
    /// The audit webhook, or whoever forwards audit events as it does.
    Webhook,
    /// An audit log that is followed.
    Log,
    /// The admission webhook.
    Admission,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Log => "log",
            Self::Admission => "admission",
        }
    }
}

/// What was read of one body, or one piece of a log.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cluster) struct Tally {
    pub(in crate::cluster) events: usize,
    pub(in crate::cluster) ignored: usize,
    pub(in crate::cluster) unreadable: usize,
}

/// The metrics of what arrives; clones share the same values.
#[derive(Clone, Debug, Default)]
pub(in crate::cluster) struct Counts {
    events: Family<Labels, Counter>,
    ignored: Family<Labels, Counter>,
    unreadable: Family<Labels, Counter>,
    facts: Family<Labels, Counter>,
    rejected: Family<RejectedLabels, Counter>,
    lag: Family<Labels, Gauge<f64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectedLabels {
    source: &'static str,
    reason: &'static str,
}

impl Counts {
    /// Adds the metrics to a registry.
    pub(in crate::cluster) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("intake");
        registry.register("events", "Audit events and admission requests received", self.events.clone());
        registry.register("ignored", "Events received that are about nothing that matters here", self.ignored.clone());
        registry.register("unreadable", "Events received that cannot be read", self.unreadable.clone());
        registry.register("facts", "Facts handed over to the ledger", self.facts.clone());
        registry.register("rejected", "Deliveries that were refused or have to be repeated", self.rejected.clone());
        registry.register_with_unit(
            "lag",
            "Age of the newest fact of the last delivery when it was kept",
            Unit::Seconds,
            self.lag.clone(),
        );
    }

    /// Something was read.
    pub(in crate::cluster) fn read(&self, way: Way, tally: Tally) {
        let add = |family: &Family<Labels, Counter>, count: usize| {
            family.get_or_create(&Labels { source: way.as_str() }).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        };
        add(&self.events, tally.events);
        add(&self.ignored, tally.ignored);
        add(&self.unreadable, tally.unreadable);
    }

    /// Facts were kept, or at least handed over where nobody waits for more.
    pub(in crate::cluster) fn handed_over(&self, way: Way, facts: usize, newest: Option<Timestamp>, now: Timestamp) {
        let labels = Labels { source: way.as_str() };
        self.facts.get_or_create(&labels).inc_by(u64::try_from(facts).unwrap_or(u64::MAX));
        if let Some(newest) = newest {
            self.lag.get_or_create(&labels).set(now.duration_since(newest).as_secs_f64().max(0.0));
        }
    }

    /// A delivery was refused, or has to be repeated.
    pub(in crate::cluster) fn rejected(&self, way: Way, reason: &'static str) {
        self.rejected.get_or_create(&RejectedLabels { source: way.as_str(), reason }).inc();
    }
}

/// When the newest of these facts happened.
pub(in crate::cluster) fn newest(facts: &[Fact]) -> Option<Timestamp> {
    facts.iter().map(|fact| fact.at).max()
}
