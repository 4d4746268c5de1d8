//! The cluster that a command talks to, found as kubectl finds it.

use std::path::PathBuf;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::Runtime;

/// Which cluster, and with whose credentials.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct Cluster {
    /// The kubeconfig to use. Without it: the environment variable KUBECONFIG, ~/.kube/config, or the service account of the pod.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl Cluster {
    /// A client with these credentials.
    pub(super) async fn connect(&self) -> anyhow::Result<Client> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let config = match &self.kubeconfig {
            Some(file) => {
                // The error names the file and the reason, which would be said twice as its source.
                let kubeconfig =
                    Kubeconfig::read_from(file).map_err(|error| anyhow::anyhow!("--kubeconfig: {error}"))?;
                Config::from_custom_kubeconfig(kubeconfig, &options)
                    .await
                    .with_context(|| format!("cannot use {}", file.display()))?
            }
            None if options.context.is_some() => {
                Config::from_kubeconfig(&options).await.context("cannot use the kubeconfig")?
            }
            None => Config::infer().await.context("found neither a kubeconfig nor the service account of a pod")?,
        };
        Client::try_from(config).context("cannot make a client")
    }
}

/// A runtime for commands that ask a cluster a few questions.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// Which namespaces.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct Scope {
    /// The namespace. Without it: that of the context.
    #[arg(short, long, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub(super) namespace: Option<String>,
    /// Every namespace.
    #[arg(short = 'A', long)]
    pub(super) all_namespaces: bool,
}

impl Scope {
    /// The namespace to look into; `None` for all.
    pub(super) fn of<'a>(&'a self, client: &'a Client) -> Option<&'a str> {
        let named = self.namespace.as_deref().unwrap_or_else(|| client.default_namespace());
        (!self.all_namespaces).then_some(named)
    }
}
