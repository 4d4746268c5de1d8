//! Facts on their way from a real API server to the operator: by its audit webhook, its audit log and its admission webhooks, with the
//! files that `cronwarden certificates` makes and the policy of `deploy/intake`.

mod deploy;
mod ways;

use std::path::PathBuf;

use crate::harness::ports::Port;
use crate::harness::{Builder, ControlPlane, ScratchDir};

/// What connects an API server to an operator.
pub struct Files {
    folder: ScratchDir,
    /// Where the operator is to listen.
    port: Port,
}

impl Files {
    /// Makes them as users do.
    pub fn make() -> anyhow::Result<Self> {
        let (folder, port) = (ScratchDir::new()?, Port::reserve()?);
        let files = Self { folder, port };
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_cronwarden"))
            .args(["certificates", "--address", &files.address(), "--output"])
            .arg(files.path(""))
            .output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(files)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("files").join(name)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    pub fn token(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.path("token"))?)
    }

    /// A control plane that audits what it should, and sends it to the operator.
    pub fn control_plane(&self) -> anyhow::Result<Builder> {
        let policy = std::fs::read_to_string(self.path("audit-policy.yaml"))?;
        Ok(ControlPlane::builder().audit_policy(policy).audit_webhook(&self.path("audit-webhook.kubeconfig")))
    }

    /// The arguments of an operator with an endpoint.
    pub fn arguments(&self) -> Vec<&'static str> {
        let file = |name: &str| self.path(name).display().to_string();
        [
            ("--intake-listen", self.address()),
            ("--tls-cert", file("tls.crt")),
            ("--tls-key", file("tls.key")),
            ("--intake-client-ca", file("ca.crt")),
            ("--intake-token-file", file("token")),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option, leaked(value)])
        .collect()
    }
}

/// The arguments of a scene live as long as the tests.
pub fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
