//! The chain CronJob → tick → Job → Pod: what accounts for a Job, and whether what runs is what was to run.
//!
//! Whoever creates a Job writes its owner, its annotations and its name. They have to agree with each other, with the CronJob and its
//! template at that time, and above all with who created the Job, where events tell.

mod chain;
mod maker;
mod marks;
mod origin;
pub mod run_name;
mod template;
#[cfg(test)]
mod tests;

pub use chain::of_job;
pub use maker::{MakerConfiguration, MakerPreset, Makers, OwnerConfiguration};
pub use marks::{ClaimedTick, Marks, Owner};
pub use origin::{Basis, Case, Contradiction, Origin, Parent, Traced, trace};
pub use template::{Match, Template, Templates};
