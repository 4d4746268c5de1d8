//! The cluster that a command talks to, found as kubectl finds it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::Runtime;

use crate::cluster::read::told;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may take until it answers, or goes on with an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Which cluster, and with whose credentials.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct Cluster {
    /// The kubeconfig to use.
    ///
    /// Without it: what the variable KUBECONFIG names, ~/.kube/config, or the service account of the pod.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl Cluster {
    /// A client with these credentials for a few questions. A server that does not answer them is an error.
    pub(super) async fn connect(&self) -> anyhow::Result<Client> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(ANSWER);
        client(config)
    }

    /// A client with these credentials for watches, which wait as long as nothing happens.
    pub(super) async fn connect_to_watch(&self) -> anyhow::Result<Client> {
        client(self.config().await?)
    }

    async fn config(&self) -> anyhow::Result<Config> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        match &self.kubeconfig {
            Some(file) => {
                let kubeconfig =
                    Kubeconfig::read_from(file).map_err(|error| anyhow!("--kubeconfig: {}", told(&error)))?;
                let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
                config.map_err(|error| anyhow!("cannot use {}: {}", file.display(), told(&error)))
            }
            None if options.context.is_some() => {
                let config = Config::from_kubeconfig(&options).await;
                config.map_err(|error| anyhow!("cannot use the kubeconfig: {}", told(&error)))
            }
            None => {
                let config = Config::infer().await;
                config.map_err(|error| anyhow!("found no cluster to ask, name one with --kubeconfig: {}", told(&error)))
            }
        }
    }
}

fn client(config: Config) -> anyhow::Result<Client> {
    Client::try_from(config).map_err(|error| anyhow!("cannot make a client: {}", told(&error)))
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
