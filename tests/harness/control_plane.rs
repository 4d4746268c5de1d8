//! Driving a control plane.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;

use super::audit::{self, AuditEvent};
use super::binaries::Binaries;
use super::builder::{Builder, MANAGER_USER, User};
use super::certificates::Certificates;
use super::kubeconfig::{client, kubeconfig};
use super::kubectl::Kubectl;
use super::ports::Port;
use super::processes::{Daemon, say};
use super::scratch::ScratchDir;

/// A running control plane. Everything stops and is removed when this is dropped.
///
/// Nothing in it belongs to an async runtime, so it can be shared by tests with runtimes of their own.
#[derive(Debug)]
pub struct ControlPlane {
    // Processes come first: fields are dropped in this order, and the directory goes last.
    pub(super) controller_manager: Option<Daemon>,
    pub(super) api_server: Option<Daemon>,
    pub(super) etcd: Option<Daemon>,
    pub(super) options: Builder,
    pub(super) binaries: Binaries,
    pub(super) certificates: Certificates,
    pub(super) ports: Ports,
    pub(super) kubeconfig: PathBuf,
    pub(super) audit_log: PathBuf,
    written_kubeconfigs: AtomicUsize,
    pub(super) scratch: ScratchDir,
}

#[derive(Debug)]
pub(super) struct Ports {
    pub(super) etcd: Port,
    pub(super) etcd_peer: Port,
    pub(super) api_server: Port,
    pub(super) controller_manager: Port,
}

impl ControlPlane {
    /// Options for a new control plane.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Kubeconfig of the administrator `admin`, in the group `system:masters`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Address of the API server.
    pub fn url(&self) -> String {
        self.ports.api_server.https()
    }

    /// PEM file with the authority that signed the API server's certificate.
    pub fn ca_file(&self) -> &Path {
        &self.certificates.ca
    }

    /// A directory for whatever belongs to this control plane; removed with it.
    pub fn scratch_dir(&self) -> &Path {
        self.scratch.path()
    }

    /// A new client of the administrator, for the async runtime that this is called in.
    pub async fn client(&self) -> anyhow::Result<kube::Client> {
        self.client_with_token(self.user_token("admin")?).await
    }

    /// A new client with a bearer token, for the async runtime that this is called in.
    pub async fn client_with_token(&self, token: &str) -> anyhow::Result<kube::Client> {
        client(kubeconfig(&self.url(), &self.certificates.ca_pem, "token", token)).await
    }

    /// Writes a kubeconfig with a bearer token into the scratch directory.
    pub fn kubeconfig_with_token(&self, token: &str) -> anyhow::Result<PathBuf> {
        let number = self.written_kubeconfigs.fetch_add(1, Ordering::Relaxed);
        self.write_kubeconfig(&format!("token-{number}.kubeconfig"), "token", token)
    }

    /// The token of a user added by [`Builder::user`], or of `admin`.
    pub fn user_token(&self, name: &str) -> anyhow::Result<&str> {
        let user = self.options.users.iter().find(|user| user.name == name);
        Ok(&user.with_context(|| format!("the control plane was started without a user {name}"))?.token)
    }

    /// A token for a service account, valid for an hour, from the `TokenRequest` API.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> anyhow::Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("cannot get a token for the service account {namespace}/{name}"))?;
        Ok(answer.status.context("the answer to a token request has no status")?.token)
    }

    /// A call of the real `kubectl`, as the administrator unless told otherwise.
    pub fn kubectl(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Kubectl {
        Kubectl::new(&self.binaries.kubectl, &self.kubeconfig, self.scratch.path()).args(args)
    }

    /// Where the audit log is, once something was logged. There is none without [`Builder::audit_policy`].
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    /// All audit events so far.
    pub fn audit_events(&self) -> anyhow::Result<Vec<AuditEvent>> {
        self.ensure_audited()?;
        audit::read(&self.audit_log)
    }

    fn ensure_audited(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.options.audit_policy.is_some(), "the control plane was started without an audit policy");
        Ok(())
    }

    /// The finished attempts of a user to change something, as far as audited: see [`audit::writes_by`].
    pub fn writes_by(&self, user: &str) -> anyhow::Result<Vec<AuditEvent>> {
        self.ensure_audited()?;
        audit::read_writes_by(&self.audit_log, user)
    }

    /// The API server's process id, unless it is stopped.
    pub fn api_server_pid(&self) -> Option<u32> {
        self.api_server.as_ref().map(Daemon::pid)
    }

    /// The API server's process, unless it is stopped: to send it signals, or to read its log.
    pub fn api_server(&mut self) -> Option<&mut Daemon> {
        self.api_server.as_mut()
    }

    /// The controller manager's process, if there is one.
    pub fn controller_manager(&mut self) -> Option<&mut Daemon> {
        self.controller_manager.as_mut()
    }

    /// Stops the API server in good order, or by force if that takes long; its port and its data stay.
    pub async fn stop_api_server(&mut self) -> anyhow::Result<ExitStatus> {
        let mut server = self.api_server.take().context("the API server is not running")?;
        // A request that never ends can hold it. Killing it then is no loss: everything it has confirmed is in etcd.
        match server.terminate(Duration::from_secs(10)).await {
            Ok(status) => Ok(status),
            Err(_) => server.kill(),
        }
    }

    /// Kills the API server as a crash would; its port and its data stay.
    pub fn kill_api_server(&mut self) -> anyhow::Result<ExitStatus> {
        self.api_server.take().context("the API server is not running")?.kill()
    }

    /// Starts the API server again after [`stop_api_server`](Self::stop_api_server) or
    /// [`kill_api_server`](Self::kill_api_server) and waits until it is ready.
    pub async fn start_api_server(&mut self) -> anyhow::Result<()> {
        self.start_api_server_with([""; 0]).await
    }

    /// The same with more flags, which then stay: for what was not known at the first start, such as an audit webhook.
    pub async fn start_api_server_with(
        &mut self,
        args: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(self.api_server.is_none(), "the API server is running already");
        self.options.api_server_args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self.spawn_api_server()?;
        self.wait_for_api_server().await
    }

    pub(super) fn prepare(options: Builder, binaries: Binaries) -> anyhow::Result<Self> {
        let scratch = ScratchDir::new()?;
        let certificates = Certificates::generate(&scratch.path().join("certificates"))?;
        let mut plane = Self {
            controller_manager: None,
            api_server: None,
            etcd: None,
            certificates,
            ports: Ports {
                etcd: Port::reserve()?,
                etcd_peer: Port::reserve()?,
                api_server: Port::reserve()?,
                controller_manager: Port::reserve()?,
            },
            kubeconfig: PathBuf::new(),
            audit_log: scratch.path().join("audit.log"),
            written_kubeconfigs: AtomicUsize::new(0),
            options,
            binaries,
            scratch,
        };
        if plane.runs_controllers() {
            let groups: &[_] = if plane.options.service_account_credentials { &[] } else { &["system:masters"] };
            plane.options.users.push(User::new(MANAGER_USER, groups));
        }
        plane.kubeconfig = plane.write_kubeconfig("admin.kubeconfig", "admin", plane.user_token("admin")?)?;
        Ok(plane)
    }

    pub(super) async fn launch(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        self.spawn_etcd()?;
        self.wait_for_etcd().await?;
        let etcd_ready = start.elapsed();
        self.spawn_api_server()?;
        self.wait_for_api_server().await?;
        let api_ready = start.elapsed();
        if self.runs_controllers() {
            self.spawn_controller_manager()?;
            self.wait_for_controllers().await?;
        }
        if self.options.verbose {
            say(&format!(
                "{} (process {}), files in {}; etcd was ready after {etcd_ready:.1?}, the API server after {api_ready:.1?}, \
                 everything after {:.1?}",
                self.url(),
                self.api_server_pid().unwrap_or_default(),
                self.scratch.path().display(),
                start.elapsed()
            ));
        }
        Ok(())
    }

    pub(super) fn runs_controllers(&self) -> bool {
        !self.options.controllers.is_empty()
    }

    pub(super) fn write_kubeconfig(&self, file: &str, user: &str, token: &str) -> anyhow::Result<PathBuf> {
        let path = self.scratch.path().join(file);
        let content = kubeconfig(&self.url(), &self.certificates.ca_pem, user, token);
        std::fs::write(&path, format!("{content:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}
