//! What became of the workloads of a cluster over time, from the facts that an audit log tells.
//!
//! A [`Collector`] takes facts in any order and as often as they come, and keeps little of each. [`Collector::replay`] puts them in
//! order and judges every version of every workload at its time: by an inventory that is given, or by the one that the approvals of
//! the log made up at that moment. What comes of it is a [`History`].

mod approvals;
mod collect;
mod entry;
mod job;
mod judge;
mod record;
mod replay;
mod state;
mod summary;
mod window;

pub use collect::Collector;
pub use entry::{Effect, Entry, History, Inventories, Life, Remark, Subject, Verdict, What};
pub use judge::Known;
pub use record::{Origin, Record};
pub use summary::{ActorSummary, Summary};
pub use window::Window;
