//! What the endpoint is told.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What the endpoint for audit and admission webhooks is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The PEM file with its certificate, and those that lead to its authority.
    pub certificate: PathBuf,
    /// The PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// Whom it takes facts from.
    pub trust: Trust,
}

/// Audit logs that are followed.
#[derive(Clone, Debug)]
pub struct AuditLogs {
    /// The files, as the API server writes them.
    pub files: Vec<PathBuf>,
    /// The folder that keeps, across restarts, how far they were read.
    pub state: PathBuf,
}

/// Whom the endpoint takes facts from. There is no such value that trusts everybody: evidence that anybody may write is none.
#[derive(Clone, Debug)]
pub struct Trust {
    client_ca: Option<PathBuf>,
    token: Option<PathBuf>,
}

impl Trust {
    /// Trusts whoever has a certificate of this authority (a PEM file), or knows the token in this file. `None` if neither is given.
    pub fn new(client_ca: Option<PathBuf>, token: Option<PathBuf>) -> Option<Self> {
        (client_ca.is_some() || token.is_some()).then_some(Self { client_ca, token })
    }

    /// The PEM file with the authority of clients.
    pub fn client_ca(&self) -> Option<&PathBuf> {
        self.client_ca.as_ref()
    }

    /// The file with the token.
    pub fn token(&self) -> Option<&PathBuf> {
        self.token.as_ref()
    }
}
