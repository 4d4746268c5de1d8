//! The files that the endpoint lives by: its certificate, and what senders have to show. They are read again when they change, as
//! mounted Secrets and certificates do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::{info, warn};

use super::super::settings::Settings;
use super::token::Token;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What a sender has to show.
#[derive(Clone)]
pub(super) struct Secrets {
    /// The token, if there is one.
    pub(super) token: Option<Token>,
    /// Counts the authorities of clients: what was verified by an earlier one is not trusted any more.
    pub(super) epoch: u64,
}

/// The content of the files.
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
    token: Option<Vec<u8>>,
}

/// Keeps what is in use up to date with the files.
pub(super) struct Keys {
    settings: Settings,
    tls: RustlsConfig,
    secrets: watch::Sender<Secrets>,
    /// A hash of the content that was looked at last, whether it could be used or not.
    seen: [u8; 32],
    /// The authority of clients that is in use.
    client_ca: Option<Vec<u8>>,
    failing: bool,
}

impl Keys {
    /// Reads the files for the first time.
    pub(super) fn read(settings: Settings) -> anyhow::Result<Self> {
        let content = Content::read(&settings)?;
        let token = content.token(&settings)?;
        let tls = RustlsConfig::from_config(Arc::new(content.tls(&settings)?));
        let (secrets, _) = watch::channel(Secrets { token, epoch: 0 });
        Ok(Self { seen: content.hash(), client_ca: content.client_ca, settings, tls, secrets, failing: false })
    }

    /// What connections are accepted with.
    pub(super) fn tls(&self) -> RustlsConfig {
        self.tls.clone()
    }

    /// What senders have to show, always as it is now.
    pub(super) fn secrets(&self) -> watch::Receiver<Secrets> {
        self.secrets.subscribe()
    }

    /// Looks at the files again and again.
    pub(super) async fn keep_up(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let looking = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            let Ok(keys) = looking.await else { return };
            self = keys;
        }
    }

    /// Looks at the files, and uses what is new. What cannot be used is said once, and what was in use stays.
    pub(super) fn look(&mut self) {
        match self.take_in() {
            Ok(false) => {}
            Ok(true) => {
                self.failing = false;
                info!("using the new certificate, authority or token of the intake");
            }
            Err(error) => {
                if !self.failing {
                    warn!(error = format!("{error:#}"), "going on with the old certificate, authority and token");
                }
                self.failing = true;
            }
        }
    }

    fn take_in(&mut self) -> anyhow::Result<bool> {
        let content = Content::read(&self.settings)?;
        let hash = content.hash();
        if hash == self.seen {
            return Ok(false);
        }
        self.seen = hash;
        self.failing = false;
        let token = content.token(&self.settings)?;
        self.tls.reload_from_config(Arc::new(content.tls(&self.settings)?));
        // Only after the connections are verified by the new authority: whoever was verified by the old one is then not mistaken.
        let other_authority = content.client_ca != self.client_ca;
        self.secrets.send_modify(|secrets| {
            secrets.token = token;
            secrets.epoch += u64::from(other_authority);
        });
        self.client_ca = content.client_ca;
        Ok(true)
    }
}

impl Content {
    fn read(settings: &Settings) -> anyhow::Result<Self> {
        let read = |option: &str, file: &Path| {
            std::fs::read(file).with_context(|| format!("{option}: cannot read {}", file.display()))
        };
        let optional = |option: &str, file: Option<&PathBuf>| file.map(|file| read(option, file)).transpose();
        Ok(Self {
            certificate: read("--tls-cert", &settings.certificate)?,
            key: read("--tls-key", &settings.key)?,
            client_ca: optional("--intake-client-ca", settings.trust.client_ca())?,
            token: optional("--intake-token-file", settings.trust.token())?,
        })
    }

    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref(), self.token.as_ref()] {
            hash.update(Sha256::digest(part.map_or(&[][..], Vec::as_slice)));
        }
        hash.finalize().into()
    }

    fn token(&self, settings: &Settings) -> anyhow::Result<Option<Token>> {
        let Some((text, file)) = self.token.as_ref().zip(settings.trust.token()) else { return Ok(None) };
        Ok(Some(Token::read(text).with_context(|| format!("--intake-token-file: {}", file.display()))?))
    }

    fn tls(&self, settings: &Settings) -> anyhow::Result<ServerConfig> {
        let certificates = certificates(&self.certificate)
            .with_context(|| format!("--tls-cert: {}", settings.certificate.display()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .with_context(|| format!("--tls-key: {} has no private key in PEM form", settings.key.display()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match self.client_ca.as_ref().zip(settings.trust.client_ca()) {
            None => builder.with_no_client_auth(),
            Some((authority, file)) => builder.with_client_cert_verifier(
                verifier(authority, provider).with_context(|| format!("--intake-client-ca: {}", file.display()))?,
            ),
        };
        let mut config = builder.with_single_cert(certificates, key).with_context(|| {
            format!("{} and {} do not belong together", settings.certificate.display(), settings.key.display())
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Verifies the certificates of clients that show one; those that show none have to know the token.
fn verifier(
    authority: &[u8],
    provider: Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn rustls::server::danger::ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority)? {
        roots.add(certificate).context("not usable as an authority")?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    Ok(verifier.allow_unauthenticated().build()?)
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().context("is not PEM")?;
    ensure!(!certificates.is_empty(), "has no certificate in PEM form");
    Ok(certificates)
}
