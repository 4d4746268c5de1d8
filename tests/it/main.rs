//! The integration tests, in one binary with one harness.

// A test fails by panicking, in its helpers too.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../checks/mod.rs"]
mod checks;
#[path = "../harness/mod.rs"]
mod harness;

#[cfg(feature = "operator")]
mod cli;
mod codes;
mod corpus;
mod crds;
mod draft;
mod fixtures;
mod fuzz_regressions;
#[cfg(feature = "operator")]
mod identity;
#[cfg(feature = "operator")]
mod intake;
mod jobs;
mod layering;
#[cfg(feature = "operator")]
mod lineage;
mod mutations;
mod normal_form;
#[cfg(feature = "operator")]
mod operator;
mod pod_drift;
mod pod_security;
#[cfg(feature = "operator")]
mod recipes;
mod report;
mod rest;
mod schedule_differential;
mod timeline;
mod validation;
mod yaml_differential;

#[path = "../harness/selftest.rs"]
mod selftest;
#[path = "../harness/selftest_processes.rs"]
mod selftest_processes;
