//! The history of an audit log, rendered for people and programs.

mod document;
mod phrase;
mod sarif;
mod table;

pub use document::json;
pub use sarif::sarif;
pub use table::table;

use super::{Problem, Source};
use crate::timeline::{Entry, History};

/// What a replay found.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// What happened.
    pub history: History,
    /// The logs, in the order in which entries name them.
    pub sources: Vec<Source>,
    /// How many records the logs have.
    pub records: u64,
    /// What could not be read or used.
    pub problems: Vec<Problem>,
}

impl Replay {
    /// The log that an entry comes from.
    fn source(&self, entry: &Entry) -> Source {
        self.sources.get(entry.origin.source).cloned().unwrap_or(Source::Stdin)
    }
}
