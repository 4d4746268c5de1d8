//! Cronwarden tells a platform team and its SOC which CronJobs in their cluster nobody approved, what they can do, and how
//! they differ from what was approved.
//!
//! The library is laid out as rooms through which data flows one way: [`workload`] and [`inventory`] into [`assess`], its
//! assessment into [`finding`], and from there out. Everything but `cluster` and `cli` is pure: no clock, no files, no
//! network. See `ARCHITECTURE.md`.

pub mod api;
pub mod assess;
#[cfg(feature = "operator")]
pub mod cli;
#[cfg(feature = "operator")]
pub mod cluster;
pub mod draft;
pub mod finding;
pub mod identity;
pub mod inventory;
pub mod lineage;
pub mod manifest;
pub mod report;
pub mod timeline;
pub mod workload;
