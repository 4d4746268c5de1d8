//! Who did it: actors, what they did, and how that is known.
//!
//! A [`Fact`] is one thing that somebody did to one object, as the API server told it: by an audit event or by an admission
//! request. Neither can be forged by whoever made the request. What objects say of their makers can.
//! [`path`] has the known ways for changes to reach the cluster.

mod actor;
pub mod admission;
pub mod audit;
mod deed;
mod fact;
pub mod ledger;
pub mod path;
mod provenance;

pub use actor::{Actor, PodIdentity, User};
pub use deed::Deed;
pub use fact::{Fact, Object, ObjectKind, Source, Verb, Version};
pub use ledger::Ledger;
pub use provenance::{Account, Claim, Provenance};
