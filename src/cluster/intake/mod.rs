//! How facts arrive: an HTTPS endpoint for audit and admission webhooks, and audit logs that are followed.
//!
//! Both turn what they read into facts and hand them over as a delivery. Whoever sent them is told that they arrived once the
//! ledger has kept them, and not before: what is lost on the way is sent again.

mod counts;
mod endpoint;
mod log;
mod settings;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::identity::Fact;

pub(super) use counts::Counts;
pub use settings::{AuditLogs, Settings, Trust};

/// How many deliveries may wait for the ledger. Those of audit events are few, because their senders wait; those of admission requests
/// are many at once where many objects are applied, and one that finds no place is lost.
const WAITING: usize = 256;

/// Facts on their way to the ledger. An empty delivery tells that there is a source.
pub(in crate::cluster) struct Delivery {
    pub(in crate::cluster) facts: Vec<Fact>,
    /// Told once whatever matters of the facts is kept durably. Dropped without a word if it could not be: then the sender has to
    /// send again.
    pub(in crate::cluster) kept: oneshot::Sender<()>,
}

/// The tasks by which facts arrive. They end when this is dropped.
pub(super) struct Arrivals {
    _tasks: JoinSet<()>,
}

/// Starts everything by which facts arrive. Fails if something that was asked for cannot work: an address that is taken, a
/// certificate that cannot be used.
pub(super) async fn start(
    endpoint: Option<Settings>,
    logs: Option<AuditLogs>,
    counts: &Counts,
) -> anyhow::Result<(mpsc::Receiver<Delivery>, Arrivals)> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    if let Some(settings) = endpoint {
        endpoint::start(settings, sender.clone(), counts, &mut tasks).await?;
    }
    if let Some(logs) = logs {
        log::start(logs, &sender, counts, &mut tasks)?;
    }
    Ok((receiver, Arrivals { _tasks: tasks }))
}
