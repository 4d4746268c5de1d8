//! An endpoint on loopback with certificates of its own, a client for it, and a ledger that does as it is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::accept::Acceptor;
use super::super::keys::Keys;
use super::super::reception::{Patience, Reception};
use crate::cluster::intake::counts::Counts;
use crate::cluster::intake::{Delivery, Settings, Trust};
use crate::identity::Fact;

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// As much as it takes: for tests that no time limit is the subject of.
pub(super) const PATIENT: Patience =
    Patience { body: Duration::from_mins(1), kept: Duration::from_mins(2), review: Duration::from_mins(1) };

/// Waits for the ledger only for a moment.
pub(super) const HURRIED: Patience = Patience { kept: Duration::from_millis(300), ..PATIENT };

/// Waits for bodies only for a moment.
pub(super) const IMPATIENT: Patience = Patience { body: Duration::from_millis(300), ..PATIENT };

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, both PEM.
pub(super) fn signed(by: &Authority, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// What the endpoint asks of senders.
#[derive(Clone, Copy)]
pub(super) struct Asks {
    pub(super) certificate: bool,
    pub(super) token: bool,
}

pub(super) const BOTH: Asks = Asks { certificate: true, token: true };

pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) address: SocketAddr,
    pub(super) keys: Keys,
    pub(super) counts: Counts,
    pub(super) deliveries: Option<mpsc::Receiver<Delivery>>,
    pub(super) servers: Authority,
    pub(super) clients: Authority,
    tasks: JoinSet<()>,
}

impl Bench {
    pub(super) async fn start(asks: Asks, patience: Patience) -> Self {
        let folder = TempDir::new().unwrap();
        let (servers, clients) = (authority("servers"), authority("clients"));
        let (certificate, key) = signed(&servers, &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
        let write = |name: &str, text: &str| -> PathBuf {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let client_ca = asks.certificate.then(|| write("ca.crt", &clients.pem()));
        let token = asks.token.then(|| write("token", TOKEN));
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            certificate: write("tls.crt", &certificate),
            key: write("tls.key", &key),
            trust: Trust::new(client_ca, token).unwrap(),
        };
        let listener = tokio::net::TcpListener::bind(settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let keys = Keys::read(settings).unwrap();
        let (sender, receiver) = mpsc::channel(1);
        let counts = Counts::default();
        let reception = Reception::new(keys.secrets(), sender, counts.clone(), patience);
        let acceptor = Acceptor::new(keys.tls(), keys.secrets());
        let mut tasks = JoinSet::new();
        tasks.spawn(super::super::serve(listener, acceptor, reception).unwrap());
        Self { folder, address, keys, counts, deliveries: Some(receiver), servers, clients, tasks }
    }

    /// Keeps everything from now on, and passes it on.
    pub(super) fn keep_everything(&mut self) -> mpsc::UnboundedReceiver<Fact> {
        let mut deliveries = self.deliveries.take().unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        self.tasks.spawn(async move {
            while let Some(Delivery { facts, kept }) = deliveries.recv().await {
                for fact in facts {
                    let _ = sender.send(fact);
                }
                let _ = kept.send(());
            }
        });
        receiver
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client without a certificate.
    pub(super) fn client(&self) -> Client {
        Client::new(self.address, &self.servers, None)
    }

    /// A client with a certificate of an authority.
    pub(super) fn client_of(&self, authority: &Authority) -> Client {
        let identity = signed(authority, &["kube-apiserver"], ExtendedKeyUsagePurpose::ClientAuth);
        Client::new(self.address, &self.servers, Some(identity))
    }
}

pub(super) fn replace(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[derive(Clone)]
pub(super) struct Client {
    address: SocketAddr,
    connector: TlsConnector,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Client {
    pub(super) fn new(address: SocketAddr, servers: &Authority, identity: Option<(String, String)>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(servers.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        Self { address, connector: TlsConnector::from(Arc::new(config)) }
    }

    pub(super) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    pub(super) async fn post(&self, path: &str, headers: &[&str], body: &[u8]) -> std::io::Result<Answer> {
        let length = format!("Content-Length: {}", body.len());
        self.send("POST", path, &[headers, &[&length]].concat(), body).await
    }

    /// Sends a request as it is, and reads until the other end closes the connection.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut stream = self.connect().await?;
        let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        stream.flush().await?;
        answer(&mut stream).await
    }
}

/// Reads an answer until the other end closes the connection.
pub(super) async fn answer(stream: &mut TlsStream<TcpStream>) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Err(read.err().unwrap_or_else(|| std::io::Error::other("no answer")));
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

/// An audit event of somebody who created a CronJob, on one line.
pub(in crate::cluster::intake) fn event(name: &str) -> String {
    serde_json::json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": format!("id-of-{name}"),
        "stage": "ResponseComplete", "requestURI": "/apis/batch/v1/namespaces/payments/cronjobs", "verb": "create",
        "user": { "username": "jane", "groups": ["system:authenticated"] },
        "sourceIPs": ["10.0.0.1"], "userAgent": "kubectl",
        "objectRef": { "resource": "cronjobs", "namespace": "payments", "name": name, "apiGroup": "batch", "apiVersion": "v1" },
        "responseStatus": { "metadata": {}, "code": 201 },
        "requestReceivedTimestamp": "2026-11-24T10:00:00.000000Z", "stageTimestamp": "2026-11-24T10:00:00.000000Z",
    })
    .to_string()
}
