//! The chain CronJob → tick → Job → Pod: what accounts for a Job, and whether what runs is what was to run.
//!
//! Whoever creates a Job writes its owner, its annotations and its name. They have to agree with each other, with the CronJob and its
//! template at that time, and above all with who created the Job, where events tell.

pub mod configuration;
pub mod digests;
pub mod drift;
pub mod injector;
pub mod pod;
pub mod run_name;
