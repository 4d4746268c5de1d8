//! The flags of each component, and what it takes for it to count as started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::Api;

use super::builder::MANAGER_USER;
use super::control_plane::ControlPlane;
use super::kubeconfig::{client, kubeconfig, probe};
use super::ports::Port;
use super::processes::Daemon;
use super::wait::try_eventually;

/// Generous, as several control planes may be starting on a small machine: it only limits how long a failure takes.
const START_LIMIT: Duration = Duration::from_mins(2);

const NO_ENV: [(&str, &str); 0] = [];

impl ControlPlane {
    pub(super) fn spawn_etcd(&mut self) -> anyhow::Result<()> {
        let Self { ports, certificates, .. } = self;
        let mut args = Args::default();
        args.path("--data-dir", &self.scratch.path().join("etcd"));
        // TLS not for secrecy: the API server must refuse another etcd that happens to listen on this port.
        args.path("--cert-file", &certificates.server);
        args.path("--key-file", &certificates.server_key);
        args.text("--listen-client-urls", ports.etcd.https());
        args.text("--advertise-client-urls", ports.etcd.https());
        args.text("--listen-peer-urls", ports.etcd_peer.http());
        args.text("--initial-advertise-peer-urls", ports.etcd_peer.http());
        args.text("--initial-cluster", format!("default={}", ports.etcd_peer.http()));
        args.text("--log-level", "warn");
        // The data need not survive a power failure, and syncing is most of what etcd waits for.
        args.flag("--unsafe-no-fsync");
        self.etcd = Some(self.spawn(&self.binaries.etcd, args)?);
        Ok(())
    }

    pub(super) async fn wait_for_etcd(&mut self) -> anyhow::Result<()> {
        let client = self.probing_client(&self.ports.etcd).await?;
        let etcd = self.etcd.as_mut().context("etcd is not running")?;
        wait_while_running(etcd, "etcd is healthy", async || probe(&client, "/health").await).await
    }

    pub(super) fn spawn_api_server(&mut self) -> anyhow::Result<()> {
        let Self { ports, certificates, options, scratch, .. } = self;
        let tokens = scratch.path().join("tokens.csv");
        let lines = options
            .users
            .iter()
            .map(|user| format!("{},{},uid-of-{},\"{}\"\n", user.token, user.name, user.name, user.groups.join(",")));
        std::fs::write(&tokens, lines.collect::<String>())?;

        let mut args = Args::default();
        args.text("--etcd-servers", ports.etcd.https());
        args.path("--etcd-cafile", &certificates.ca);
        args.text("--bind-address", "127.0.0.1");
        args.text("--secure-port", ports.api_server.number().to_string());
        // No node will ever look for the API server, and the usual reconciler insists on a network beyond loopback.
        args.text("--advertise-address", "127.0.0.1");
        args.text("--endpoint-reconciler-type", "none");
        // Otherwise a stop waits a minute for clients to end their watches by themselves.
        args.text("--shutdown-watch-termination-grace-period", "500ms");
        args.text("--service-cluster-ip-range", "10.96.0.0/16");
        args.path("--tls-cert-file", &certificates.server);
        args.path("--tls-private-key-file", &certificates.server_key);
        args.path("--token-auth-file", &tokens);
        args.text("--authorization-mode", "RBAC");
        // As every distribution does; without it the API server refuses privileged containers as invalid.
        args.text("--allow-privileged", "true");
        args.text("--service-account-issuer", "https://kubernetes.default.svc.cluster.local");
        args.path("--service-account-key-file", &certificates.service_account_public_key);
        args.path("--service-account-signing-key-file", &certificates.service_account_key);
        if let Some(policy) = &options.audit_policy {
            let file = scratch.path().join("audit-policy.yaml");
            std::fs::write(&file, policy)?;
            args.path("--audit-policy-file", &file);
            args.path("--audit-log-path", &self.audit_log);
            // Readers of the log keep an offset into it, which must not become stale.
            args.text("--audit-log-maxsize", "0");
        }
        args.0.extend(options.api_server_args.iter().map(OsString::from));
        self.api_server = Some(self.spawn(&self.binaries.kube_apiserver, args)?);
        Ok(())
    }

    pub(super) async fn wait_for_api_server(&mut self) -> anyhow::Result<()> {
        // A client of its own for each start: a pooled connection to an earlier API server would fail first.
        let client = self.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let server = self.api_server.as_mut().context("the API server is not running")?;
        wait_while_running(server, "the API server is ready", async || {
            probe(&client, "/readyz").await?;
            // Made by the API server itself, but not before it calls itself ready.
            for namespace in ["default", "kube-system"] {
                namespaces.get_metadata(namespace).await.map_err(|error| error.to_string())?;
            }
            Ok(())
        })
        .await
    }

    pub(super) fn spawn_controller_manager(&mut self) -> anyhow::Result<()> {
        let kubeconfig =
            self.write_kubeconfig("controller-manager.kubeconfig", MANAGER_USER, self.user_token(MANAGER_USER)?)?;
        let Self { ports, certificates, options, .. } = self;
        let mut args = Args::default();
        args.path("--kubeconfig", &kubeconfig);
        args.text("--controllers", options.controllers.join(","));
        args.text("--use-service-account-credentials", options.service_account_credentials.to_string());
        args.text("--leader-elect", "false");
        args.path("--root-ca-file", &certificates.ca);
        args.path("--service-account-private-key-file", &certificates.service_account_key);
        args.text("--bind-address", "127.0.0.1");
        args.text("--secure-port", ports.controller_manager.number().to_string());
        args.path("--tls-cert-file", &certificates.server);
        args.path("--tls-private-key-file", &certificates.server_key);
        // The default of 20 requests a second would make it the slowest part of every test with many objects.
        args.text("--kube-api-qps", "500");
        args.text("--kube-api-burst", "1000");
        args.0.extend(options.controller_manager_args.iter().map(OsString::from));
        self.controller_manager = Some(self.spawn(&self.binaries.kube_controller_manager, args)?);
        Ok(())
    }

    pub(super) async fn wait_for_controllers(&mut self) -> anyhow::Result<()> {
        let probing = self.probing_client(&self.ports.controller_manager).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, "default");
        let enabled =
            |name: &str| self.options.controllers.iter().any(|controller| controller == name || controller == "*");
        let with_accounts = enabled("serviceaccount-controller");
        let manager = self.controller_manager.as_mut().context("the controller manager is not running")?;
        wait_while_running(manager, "the controller manager is healthy", async || {
            probe(&probing, "/healthz").await?;
            if with_accounts {
                let found = accounts.get_metadata_opt("default").await.map_err(|error| error.to_string())?;
                found.ok_or("the namespace `default` has no service account yet")?;
            }
            Ok(())
        })
        .await
    }

    /// Whether a component could not start because its port was taken.
    pub(super) fn lost_a_port(&self) -> bool {
        [&self.etcd, &self.api_server, &self.controller_manager]
            .into_iter()
            .flatten()
            .any(|daemon| daemon.log().contains("address already in use"))
    }

    fn spawn(&self, binary: &Path, args: Args) -> anyhow::Result<Daemon> {
        let name = binary.file_name().context("a binary without a name")?;
        let mut log = PathBuf::from(name);
        log.set_extension("log");
        Daemon::spawn_in(&self.scratch, binary, args.0, NO_ENV, self.scratch.path().join(log))
    }

    /// A client that may ask for the health of another component than the API server.
    pub(super) async fn probing_client(&self, port: &Port) -> anyhow::Result<kube::Client> {
        client(kubeconfig(&port.https(), &self.certificates.ca_pem, "nobody", "none")).await
    }
}

/// Polls until `check` succeeds; fails early if the process ends, and always with the end of its log.
async fn wait_while_running(
    daemon: &mut Daemon,
    description: &str,
    mut check: impl AsyncFnMut() -> Result<(), String>,
) -> anyhow::Result<()> {
    let outcome = try_eventually(description, START_LIMIT, async || -> Result<anyhow::Result<()>, String> {
        if let Err(ended) = daemon.ensure_running() {
            return Ok(Err(ended));
        }
        check().await.map(Ok)
    })
    .await;
    match outcome {
        Ok(running_or_ended) => running_or_ended,
        Err(timeout) => Err(timeout.context(format!(
            "{} is running but of no use; its log ends with:\n{}",
            daemon.name(),
            daemon.log_tail()
        ))),
    }
}

/// Arguments of the form `--name=value`.
#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn text(&mut self, name: &str, value: impl AsRef<str>) {
        self.0.push(format!("{name}={}", value.as_ref()).into());
    }

    fn path(&mut self, name: &str, value: &Path) {
        let mut arg = OsString::from(name);
        arg.push("=");
        arg.push(value);
        self.0.push(arg);
    }
}
