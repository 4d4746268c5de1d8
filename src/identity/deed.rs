//! A change, and who made it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Actor, Fact, Source, Verb};

/// A change of one object, and who made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// `auditID` of the event, or `uid` of the admission request.
    pub id: Box<str>,
    /// How it is known.
    pub source: Source,
    /// What was done.
    pub verb: Verb,
    /// Who did it. Many changes share one actor.
    pub actor: Arc<Actor>,
}

impl Deed {
    /// What was done by a fact. `actor` is its actor, shared.
    pub(super) fn of(fact: &Fact, actor: Arc<Actor>) -> Self {
        Self { at: fact.at, id: fact.id.as_str().into(), source: fact.source, verb: fact.verb, actor }
    }

    /// Whether the same person or program made both changes, in their own name or in another's. Nobody knows that of anonymous clients.
    pub fn has_actor_of(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.actor, &other.actor);
        !ours.user.is_anonymous()
            && (ours.user.username == theirs.user.username || ours.effective().username == theirs.effective().username)
    }
}
