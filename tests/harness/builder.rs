//! What a control plane is to be like.

use std::path::Path;

use super::binaries::Binaries;
use super::control_plane::ControlPlane;
use super::processes::say;

/// The controllers that a test about `CronJob`s and Jobs wants.
///
/// | controller | without it |
/// |---|---|
/// | `cronjob-controller` | `CronJob`s never create Jobs |
/// | `job-controller` | Jobs never create Pods |
/// | `garbage-collector-controller` | what a deleted object owned stays |
/// | `namespace-controller` | deleted namespaces stay in `Terminating` |
/// | `serviceaccount-controller` | namespaces have no account `default`, and Pods are refused for want of it |
/// | `root-ca-certificate-publisher-controller` | namespaces have no config map `kube-root-ca.crt` |
/// | `ttl-after-finished-controller` | `ttlSecondsAfterFinished` does nothing |
/// | `clusterrole-aggregation-controller` | the roles `view`, `edit` and `admin` stay empty |
pub const WORKLOAD_CONTROLLERS: &[&str] = &[
    "cronjob-controller",
    "job-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "ttl-after-finished-controller",
    "clusterrole-aggregation-controller",
];

/// How often to try again with other ports when a stranger took one.
const ATTEMPTS: usize = 5;

/// Who the controller manager is to the API server.
pub(super) const MANAGER_USER: &str = "system:kube-controller-manager";

/// What a control plane is to be like; made by [`ControlPlane::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `start` is called"]
pub struct Builder {
    pub(super) api_server_args: Vec<String>,
    pub(super) audit_policy: Option<String>,
    pub(super) controllers: Vec<String>,
    pub(super) controller_manager_args: Vec<String>,
    pub(super) service_account_credentials: bool,
    pub(super) users: Vec<User>,
    pub(super) verbose: bool,
}

/// A user in the API server's token file.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) token: String,
}

impl User {
    pub(super) fn new(name: &str, groups: &[&str]) -> Self {
        // Guarding nothing but a server on loopback, and easy to recognise in a log.
        let token = format!("token-of-{}", name.replace(':', "-"));
        Self { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect(), token }
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            api_server_args: Vec::new(),
            audit_policy: None,
            controllers: Vec::new(),
            controller_manager_args: Vec::new(),
            service_account_credentials: true,
            users: vec![User::new("admin", &["system:masters"])],
            verbose: false,
        }
    }

    /// Adds a flag for the API server, such as `--audit-webhook-config-file=…`.
    pub fn api_server_arg(mut self, arg: impl Into<String>) -> Self {
        self.api_server_args.push(arg.into());
        self
    }

    /// Adds flags for the API server.
    pub fn api_server_args(mut self, args: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.api_server_args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Turns auditing on with this policy (YAML) and a log at [`ControlPlane::audit_log`].
    pub fn audit_policy(mut self, yaml: impl Into<String>) -> Self {
        self.audit_policy = Some(yaml.into());
        self
    }

    /// The same unless a policy was chosen already.
    pub fn audit_policy_or(self, yaml: &str) -> Self {
        if self.audit_policy.is_some() { self } else { self.audit_policy(yaml) }
    }

    /// Also sends what is audited to a webhook, which need not be there yet. The policy is that of [`Self::audit_policy`], and the
    /// kubeconfig says where the webhook is and what it is shown.
    ///
    /// Events are sent within a second, and what is not taken is sent again for most of a minute.
    pub fn audit_webhook(self, kubeconfig: &Path) -> Self {
        self.api_server_arg(format!("--audit-webhook-config-file={}", kubeconfig.display()))
            .api_server_args(["--audit-webhook-batch-max-wait=1s", "--audit-webhook-initial-backoff=5s"])
    }

    /// Runs a controller manager with exactly these controllers, see [`WORKLOAD_CONTROLLERS`]. With none, the default,
    /// there is no controller manager.
    pub fn controllers(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.controllers = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self
    }

    /// Adds a flag for the controller manager.
    pub fn controller_manager_arg(mut self, arg: impl Into<String>) -> Self {
        self.controller_manager_args.push(arg.into());
        self
    }

    /// Whether each controller acts as its own service account in `kube-system`, as in most clusters and by default here,
    /// or all of them as `system:kube-controller-manager`. In the latter case that user is an administrator, as it must
    /// be in real clusters run that way: its own role does not allow what the controllers do.
    pub fn use_service_account_credentials(mut self, yes: bool) -> Self {
        self.service_account_credentials = yes;
        self
    }

    /// Adds a user that the API server knows by the token [`ControlPlane::user_token`]. Permissions are up to the test.
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push(User::new(name, groups));
        self
    }

    /// Says on standard error where things are and how long each step took. Quiet by default.
    pub fn verbose(mut self, yes: bool) -> Self {
        self.verbose = yes;
        self
    }

    /// Starts everything and waits until it is of use: the API server is ready, the namespace `default` exists and, when
    /// controllers run that would make it, its service account too.
    pub async fn start(self) -> anyhow::Result<ControlPlane> {
        let binaries = Binaries::find_or_build().await?;
        let mut attempt = 1;
        loop {
            let mut plane = ControlPlane::prepare(self.clone(), binaries.clone())?;
            match plane.launch().await {
                Ok(()) => return Ok(plane),
                Err(error) if attempt < ATTEMPTS && plane.lost_a_port() => {
                    say(&format!("a port was taken, starting again with others (attempt {attempt}): {error:#}"));
                    attempt += 1;
                }
                Err(error) => return Err(error.context("the control plane did not start")),
            }
        }
    }
}
