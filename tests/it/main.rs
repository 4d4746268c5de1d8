//! The integration tests, in one binary with one harness.

#[path = "../harness/mod.rs"]
mod harness;

mod fixtures;
#[cfg(feature = "operator")]
mod operator;
