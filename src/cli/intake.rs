//! How facts about who did what arrive, as options of `cronwarden run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

use crate::cluster::intake::{AuditLogs, Settings, Trust};

/// How facts about who did what arrive.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Who did it")]
pub(super) struct Evidence {
    /// The address of the HTTPS endpoint for audit and admission webhooks, such as 0.0.0.0:8443. There is none by default.
    #[arg(long, value_name = "ADDRESS", env = "CRONWARDEN_INTAKE_LISTEN")]
    intake_listen: Option<SocketAddr>,
    /// The certificate of the endpoint, in PEM form. It is read again when it changes.
    #[arg(long, value_name = "FILE", env = "CRONWARDEN_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM form.
    #[arg(long, value_name = "FILE", env = "CRONWARDEN_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Take facts from clients with a certificate of this authority, in PEM form.
    ///
    /// Every certificate of the authority counts: use one that signs nothing else, never that of the cluster.
    #[arg(long, value_name = "FILE", env = "CRONWARDEN_INTAKE_CLIENT_CA")]
    intake_client_ca: Option<PathBuf>,
    /// Take facts from clients that know the token in this file.
    #[arg(long, value_name = "FILE", env = "CRONWARDEN_INTAKE_TOKEN_FILE")]
    intake_token_file: Option<PathBuf>,
    /// Follow this audit log of an API server. Can be given several times.
    #[arg(long, value_name = "FILE")]
    audit_log: Vec<PathBuf>,
    /// The folder for what has to outlive the process: how far audit logs were read.
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/cronwarden", env = "CRONWARDEN_STATE_DIR")]
    state_dir: PathBuf,
}

impl Evidence {
    /// The endpoint, if there is to be one.
    pub(super) fn endpoint(&self) -> anyhow::Result<Option<Settings>> {
        let Some(listen) = self.intake_listen else {
            let others = [
                ("--tls-cert", &self.tls_cert),
                ("--tls-key", &self.tls_key),
                ("--intake-client-ca", &self.intake_client_ca),
                ("--intake-token-file", &self.intake_token_file),
            ];
            if let Some((option, _)) = others.iter().find(|(_, value)| value.is_some()) {
                bail!("{option} is of no use without --intake-listen, such as --intake-listen 0.0.0.0:8443");
            }
            return Ok(None);
        };
        let needed = "--intake-listen needs --tls-cert and --tls-key: `cronwarden certificates` makes them";
        let trust = Trust::new(self.intake_client_ca.clone(), self.intake_token_file.clone()).context(
            "--intake-listen needs --intake-client-ca or --intake-token-file: whoever can write evidence can accuse others and \
             hide behind them, so there is no endpoint that anybody may write to",
        )?;
        Ok(Some(Settings {
            listen,
            certificate: self.tls_cert.clone().context(needed)?,
            key: self.tls_key.clone().context(needed)?,
            trust,
        }))
    }

    /// The audit logs that are followed, if any.
    pub(super) fn audit_logs(&self) -> anyhow::Result<Option<AuditLogs>> {
        if self.audit_log.is_empty() {
            return Ok(None);
        }
        for file in &self.audit_log {
            ensure!(!file.is_dir(), "--audit-log: {} is a folder: name the file in it", file.display());
            ensure!(file.file_name().is_some(), "--audit-log: {} is not a file", file.display());
        }
        Ok(Some(AuditLogs { files: self.audit_log.clone(), state: self.state_dir.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        PathBuf::from(name)
    }

    fn listening() -> Evidence {
        Evidence { intake_listen: Some(([127, 0, 0, 1], 0).into()), ..Evidence::default() }
    }

    #[test]
    fn nothing_is_served_by_default() {
        let intake = Evidence::default();
        assert!(intake.endpoint().unwrap().is_none());
        assert!(intake.audit_logs().unwrap().is_none());
    }

    #[test]
    fn there_is_no_endpoint_that_anybody_may_write_to() {
        let open = Evidence { tls_cert: Some(file("c")), tls_key: Some(file("k")), ..listening() };
        let error = open.endpoint().unwrap_err().to_string();
        assert!(error.contains("anybody may write"), "{error}");
        let by_token = Evidence { intake_token_file: Some(file("t")), ..open.clone() };
        assert!(by_token.endpoint().unwrap().is_some());
        let by_certificate = Evidence { intake_client_ca: Some(file("ca")), ..open };
        assert!(by_certificate.endpoint().unwrap().is_some());
    }

    #[test]
    fn what_is_missing_or_of_no_use_is_said() {
        let half = Evidence { tls_cert: Some(file("c")), intake_token_file: Some(file("t")), ..listening() };
        assert!(half.endpoint().unwrap_err().to_string().contains("--tls-key"));
        let useless = Evidence { intake_token_file: Some(file("t")), ..Evidence::default() };
        assert!(useless.endpoint().unwrap_err().to_string().contains("--intake-listen"));
        let folder = Evidence { audit_log: vec![PathBuf::from("/")], ..Evidence::default() };
        assert!(folder.audit_logs().unwrap_err().to_string().contains("folder"));
    }
}
