//! Accepting connections: how many there may be, and who is at their other end.

use std::future::{Future, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::keys::Secrets;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How many connections may be in their handshake.
const HANDSHAKES: usize = 64;

/// How many connections there may be of clients that have shown a certificate, and how many of others. Each has a share of its own:
/// whoever can open connections, but has no certificate, cannot keep API servers out.
pub(super) const CONNECTIONS: usize = 128;

type TlsStream = <RustlsAcceptor as Accept<TcpStream, Router>>::Stream;

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    /// By which authority its certificate was verified, as [`Secrets::epoch`] counts them; `None` if it has shown none.
    verified: Option<u64>,
    /// The share of the connection; it is free again when the connection ends.
    _place: Arc<OwnedSemaphorePermit>,
}

impl Peer {
    /// Whether the other end has shown a certificate that is good now.
    pub(super) fn is_verified(&self, secrets: &Secrets) -> bool {
        self.verified == Some(secrets.epoch)
    }
}

/// Accepts connections.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: RustlsAcceptor,
    secrets: watch::Receiver<Secrets>,
    handshakes: Arc<Semaphore>,
    verified: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Acceptor {
    pub(super) fn new(tls: RustlsConfig, secrets: watch::Receiver<Secrets>) -> Self {
        Self {
            tls: RustlsAcceptor::new(tls).handshake_timeout(HANDSHAKE),
            secrets,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            verified: Arc::new(Semaphore::new(CONNECTIONS)),
            others: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }
}

impl Accept<TcpStream, Router> for Acceptor {
    type Stream = TlsStream;
    type Service = Router;
    type Future = Pin<Box<dyn Future<Output = io::Result<(TlsStream, Router)>> + Send>>;

    fn accept(&self, stream: TcpStream, router: Router) -> Self::Future {
        let full = |_| io::Error::other("too many connections");
        let handshake = match Arc::clone(&self.handshakes).try_acquire_owned() {
            Ok(handshake) => handshake,
            Err(error) => return Box::pin(ready(Err(full(error)))),
        };
        // Looked at before the handshake: an authority that changes meanwhile is taken for the older one, which is not trusted.
        let epoch = self.secrets.borrow().epoch;
        let accepting = self.tls.accept(stream, router);
        let (verified, others) = (Arc::clone(&self.verified), Arc::clone(&self.others));
        Box::pin(async move {
            let (stream, router) = accepting.await?;
            let shown = stream.get_ref().1.peer_certificates().is_some_and(|certificates| !certificates.is_empty());
            let places = if shown { verified } else { others };
            let place = Arc::new(places.try_acquire_owned().map_err(full)?);
            drop(handshake);
            let peer = Peer { verified: shown.then_some(epoch), _place: place };
            Ok((stream, router.layer(Extension(peer))))
        })
    }
}
