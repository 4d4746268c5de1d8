//! One judgement in full, and what a code means.

mod document;
mod lineage;
mod page;
mod recorded;
mod text;

use crate::api::ScheduledWorkloadFinding;
use crate::manifest::Position;
use crate::workload::WorkloadKey;

use super::Source;

pub use document::json;
pub use lineage::{Lineage, Run};
pub use page::code;
pub use text::text;

/// What is explained.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its kind, namespace and name.
    pub key: &'a WorkloadKey,
    /// Where it comes from.
    pub source: &'a Source,
    /// Where it stands there; absent for an object from a cluster.
    pub position: Option<Position>,
    /// When it runs next, as text; empty for a Job, and for a schedule that never ticks.
    pub ticks: &'a [String],
    /// The finding about it, if it comes from a cluster that has one.
    pub finding: Option<&'a ScheduledWorkloadFinding>,
    /// Where a Job of a cluster comes from, and what ran of it.
    pub lineage: Option<Lineage<'a>>,
    /// The last Jobs of a CronJob of a cluster, newest first.
    pub runs: &'a [Run],
}
