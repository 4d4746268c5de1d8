//! What is known of who made an object what it is.

use jiff::Timestamp;

use super::Deed;
use super::ledger::Attempt;

/// What is known of who made an object what it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Who created it.
    pub creator: Option<Deed>,
    /// Who last changed its spec; the creator, if nobody changed it since.
    pub changer: Option<Deed>,
    /// Who deleted it.
    pub deleter: Option<Deed>,
    /// Whether somebody accounts for its spec as it is now.
    pub account: Account,
    /// What the object itself says of who last changed its spec.
    pub claim: Option<Claim>,
    /// Who tried to remove or change the record about it.
    pub tampering: Vec<Attempt>,
}

/// Whether somebody accounts for the spec of an object as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    /// There is neither an audit nor an admission source, so nobody can tell.
    #[default]
    NoSource,
    /// It became what it is before the first event was received.
    BeforeSource,
    /// The event may still come.
    Awaited {
        /// Until when it is waited for.
        until: Timestamp,
    },
    /// No event tells of the change, and none is to be expected any more.
    Unaccounted {
        /// The generation of the spec that nobody accounts for.
        generation: i64,
    },
    /// Somebody does: `changer`.
    Known,
}

/// What an object says of who last changed its spec: an entry of `metadata.managedFields`. Whoever makes a request chooses the name
/// of the manager, so this proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The name of the manager.
    pub manager: Box<str>,
}

impl Provenance {
    /// Everybody who is known to have made the object what it is: creator and last changer, each once.
    pub fn makers(&self) -> impl Iterator<Item = &Deed> {
        let changer = self.changer.as_ref().filter(|changer| Some(*changer) != self.creator.as_ref());
        self.creator.iter().chain(changer)
    }
}
