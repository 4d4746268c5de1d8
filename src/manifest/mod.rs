//! Manifests as text: what `kubectl apply` would read from them, and where each field stands.
//!
//! A stream is split into [`Documents`] as `kubectl` splits it, and [`read`] gives the objects of one document. Both formats,
//! YAML and JSON, become one compact tree, from which the fields that are judged are read as `kubectl` would send them to
//! the API server. What `kubectl` would read differently, or not at all, is a problem and never passed over in silence.

mod document;
mod json;
mod key;
mod list;
mod locate;
mod object;
mod place;
mod scalar;
mod source;
mod split;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod value;
mod yaml;

pub use document::{Document, DocumentError, LARGEST_DOCUMENT};
pub use locate::{locate, locate_all, locate_anywhere};
pub use object::{Content, Contents, Level, Object, Problem, read, values};
pub use place::{Place, Position};
pub use split::Documents;
