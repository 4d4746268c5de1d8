//! Facts on their way to the ledger.

use tokio::sync::oneshot;

use crate::identity::Fact;

/// Facts on their way to the ledger. An empty delivery tells that there is a source.
pub(super) struct Delivery {
    pub(super) facts: Vec<Fact>,
    /// Told once whatever matters of the facts is kept. Dropped without a word if it could not be: then the sender has to send again.
    pub(super) kept: oneshot::Sender<()>,
}
