//! Saving the ledger: one save at a time, and whoever sent facts is told once they are in one.

use std::pin::Pin;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::oneshot;

use super::keeper::Keeper;
use crate::identity::ledger::Page;

type Save = Pin<Box<dyn Future<Output = (Vec<u8>, Vec<oneshot::Sender<()>>)> + Send>>;

/// The saves of the ledger.
pub(super) struct Keeping {
    /// Absent where nothing is received that would have to be kept, and nothing can be.
    keeper: Option<Keeper>,
    /// At most one. Gives the pages that could not be kept, and who waits for them.
    under_way: FuturesUnordered<Save>,
    /// Who waits for the next one.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Keeping {
    pub(super) fn new(keeper: Option<Keeper>) -> Self {
        Self { keeper, under_way: FuturesUnordered::new(), waiting: Vec::new() }
    }

    /// Tells somebody once the next save is done.
    pub(super) fn tell_when_kept(&mut self, who: oneshot::Sender<()>) {
        self.waiting.push(who);
    }

    /// Whether somebody waits for the next save.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether a save could begin.
    pub(super) fn is_free(&self) -> bool {
        self.keeper.is_some() && self.under_way.is_empty()
    }

    /// Saves pages for everybody who waits.
    pub(super) fn save(&mut self, pages: Vec<(u8, Page)>) {
        let Some(keeper) = self.keeper.clone() else { return };
        let waiting = std::mem::take(&mut self.waiting);
        self.under_way.push(Box::pin(async move {
            let failed = if pages.is_empty() { Vec::new() } else { keeper.save(pages).await };
            (failed, waiting)
        }));
    }

    /// The pages that could not be kept by the save that is under way; nothing if none is. Whoever waits for it is told if all were, and
    /// otherwise has to send again.
    pub(super) async fn done(&mut self) -> Option<Vec<u8>> {
        let (failed, waiting) = self.under_way.next().await?;
        if failed.is_empty() {
            for who in waiting {
                // One that has gone away sends it again.
                let _ = who.send(());
            }
        }
        Some(failed)
    }
}
