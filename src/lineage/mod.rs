//! The chain CronJob → tick → Job → Pod: what accounts for a Job, and whether what runs is what was to run.
//!
//! Whoever creates a Job writes its owner, its annotations and its name. They have to agree with each other, with the CronJob and its
//! template at that time, and above all with who created the Job, where events tell.

mod chain;
mod configuration;
mod digests;
mod drift;
pub mod injector;
mod maker;
mod marks;
mod origin;
mod pod;
pub mod run_name;
mod template;
#[cfg(test)]
mod tests;

pub use chain::{of_job, of_pod};
pub use configuration::{CommandConfiguration, ContainerConfiguration, InjectorConfiguration, VolumeConfiguration};
pub use digests::{Change, DigestVerdict, Digests, is_approved};
pub use drift::{Difference, Drift, Imitation, drift};
pub use injector::Injectors;
pub use maker::{MakerConfiguration, MakerPreset, Makers, OwnerConfiguration};
pub use marks::{ClaimedTick, Marks, Owner};
pub use origin::{Basis, Case, Contradiction, Origin, Parent, Traced, trace};
pub use pod::{Controller, RanImage, RunningPod};
pub use template::{Match, Template, Templates};
