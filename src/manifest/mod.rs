//! Manifests as text: what `kubectl apply` would read from them, and where each field stands.

mod place;

pub use place::{Place, Position};
