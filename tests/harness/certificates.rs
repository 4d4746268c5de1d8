//! The few keys and certificates that a control plane needs, made without external programs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// The names under which the API server and the controller manager are reached.
const SERVER_NAMES: [&str; 4] = ["127.0.0.1", "localhost", "kubernetes.default", "kubernetes.default.svc"];

/// Paths of PEM files in one folder.
#[derive(Debug)]
pub struct Certificates {
    /// The authority that clients trust.
    pub ca: PathBuf,
    /// Serving certificate for [`SERVER_NAMES`].
    pub server: PathBuf,
    /// Private key of the serving certificate.
    pub server_key: PathBuf,
    /// Private key that signs service account tokens.
    pub service_account_key: PathBuf,
    /// Public key that service account tokens are checked with.
    pub service_account_public_key: PathBuf,
    /// The content of `ca`.
    pub ca_pem: String,
}

impl Certificates {
    /// Makes an authority, a serving certificate and a service account key in `folder`, which is created.
    pub fn generate(folder: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "cronwarden-test-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut params = CertificateParams::new(SERVER_NAMES.map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let server_key = KeyPair::generate()?;
        let server = params.signed_by(&server_key, &ca)?;

        let service_account_key = KeyPair::generate()?;

        std::fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let write = |name: &str, pem: &str| -> anyhow::Result<PathBuf> {
            let path = folder.join(name);
            std::fs::write(&path, pem).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        Ok(Self {
            ca: write("ca.crt", &ca.pem())?,
            server: write("server.crt", &server.pem())?,
            server_key: write("server.key", &server_key.serialize_pem())?,
            service_account_key: write("service-account.key", &service_account_key.serialize_pem())?,
            service_account_public_key: write("service-account.pub", &service_account_key.public_key_pem())?,
            ca_pem: ca.pem(),
        })
    }
}
