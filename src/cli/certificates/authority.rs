//! Keys, certificates and a token.

use anyhow::{Context, anyhow};
use jiff::civil::Date;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::workload::redact::hex;

/// How many random bytes the token is made of.
const TOKEN_BYTES: usize = 32;

/// Everything that is made, as text. The key of the authority is not kept: nobody can sign more.
pub(super) struct Made {
    /// The certificate of the authority.
    pub(super) authority: String,
    /// The endpoint.
    pub(super) server: Identity,
    /// The API servers.
    pub(super) client: Identity,
    /// For those who cannot show a certificate.
    pub(super) token: String,
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Made {
    /// Makes everything anew, for an endpoint with these names.
    pub(super) fn new(names: &[String], today: Date, until: Date) -> anyhow::Result<Self> {
        let mut params = between(CertificateParams::new(Vec::new())?, today, until)?;
        params.distinguished_name.push(DnType::CommonName, "cronwarden-intake");
        // It signs certificates of servers and clients, and no other authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let server =
            CertificateParams::new(names).with_context(|| format!("--host: not usable: {}", names.join(", ")))?;
        let client = CertificateParams::new(Vec::new())?;
        let sign = |params, name: &str, purpose| signed(&authority, between(params, today, until)?, name, purpose);
        Ok(Self {
            server: sign(server, "cronwarden", ExtendedKeyUsagePurpose::ServerAuth)?,
            client: sign(client, "kube-apiserver", ExtendedKeyUsagePurpose::ClientAuth)?,
            authority: authority.pem(),
            token: token()?,
        })
    }
}

fn signed(
    authority: &CertifiedIssuer<'_, KeyPair>,
    mut params: CertificateParams,
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
) -> anyhow::Result<Identity> {
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok(Identity { certificate: params.signed_by(&key, authority)?.pem(), key: key.serialize_pem() })
}

/// Good from the day before, as clocks differ, to the end.
fn between(mut params: CertificateParams, today: Date, until: Date) -> anyhow::Result<CertificateParams> {
    let date = |date: Date| -> anyhow::Result<_> {
        Ok(date_time_ymd(date.year().into(), date.month().try_into()?, date.day().try_into()?))
    };
    params.not_before = date(today.yesterday()?)?;
    params.not_after = date(until)?;
    Ok(params)
}

fn token() -> anyhow::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| anyhow!("the system has no random numbers"))?;
    Ok(hex(&bytes, 2 * TOKEN_BYTES))
}
