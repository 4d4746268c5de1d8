//! `cronwarden run`

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::configuration::{self, Configured};
use super::connect::Cluster;
use super::intake::Evidence;
use crate::cluster::{Settings, run};

/// What `cronwarden run` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The address of the probes (/livez, /readyz) and of /metrics.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080", env = "CRONWARDEN_LISTEN")]
    listen: SocketAddr,
    /// How long findings that are resolved or deleted are kept, such as 90d or 12h.
    #[arg(long, value_name = "DURATION", default_value = "90d", env = "CRONWARDEN_RETENTION", value_parser = duration)]
    retention: SignedDuration,
    /// The configuration: a YAML file of the deployment paths that changes are to come by, of who is trusted to make Jobs, and of what adds
    /// to Pods.
    #[arg(long, value_name = "FILE", env = "CRONWARDEN_CONFIG")]
    config: Option<PathBuf>,
    /// How long the event is waited for that tells who made a change, such as 10m. After that nobody accounts for it.
    #[arg(long, value_name = "DURATION", default_value = "10m", env = "CRONWARDEN_GRACE", value_parser = duration)]
    grace: SignedDuration,
    /// Also watch ConfigMaps, for approvals with expected.configMapHashes: hashes of what they hold are kept, never the content. This needs
    /// the permission to list and watch them in all namespaces.
    #[arg(long, env = "CRONWARDEN_WATCH_CONFIG_MAPS")]
    watch_config_maps: bool,
    /// The namespace of the operator, in which it keeps who made what.
    #[arg(long, value_name = "NAME", default_value = "cronwarden", env = "POD_NAMESPACE")]
    namespace: String,
    /// The form of the log, which goes to standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Json, env = "CRONWARDEN_LOG_FORMAT")]
    log_format: LogFormat,
    /// What is logged: a level, or directives such as info,cronwarden=debug.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "CRONWARDEN_LOG")]
    log: String,
    /// The name of this process among its replicas.
    #[arg(long, value_name = "NAME", default_value = "cronwarden", env = "POD_NAME")]
    instance: String,
    #[command(flatten)]
    intake: Evidence,
    #[command(flatten)]
    cluster: Cluster,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// One JSON object for each line, for machines.
    Json,
    /// Text, for people.
    Pretty,
}

/// A number of days, hours, minutes or seconds.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let mend = || format!("{text:?} is not a duration: write a number and a unit of d, h, m or s, such as 90d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(mend)?;
    let seconds = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return Err(mend()),
    };
    let number: i64 = number.parse().ok().filter(|number| *number >= 0).ok_or_else(mend)?;
    number.checked_mul(seconds).map(SignedDuration::from_secs).ok_or_else(mend)
}

pub(super) fn main(arguments: Arguments) -> anyhow::Result<()> {
    log(arguments.log_format, &arguments.log)?;
    let (intake, audit_logs) = (arguments.intake.endpoint()?, arguments.intake.audit_logs()?);
    let Configured { paths, makers, injectors } = configuration::read(arguments.config.as_deref(), &[])?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let client = arguments.cluster.connect_to_watch().await?;
        let listener = TcpListener::bind(arguments.listen)
            .await
            .with_context(|| format!("cannot listen on {}: choose another address with --listen", arguments.listen))?;
        let settings = Settings {
            retention: arguments.retention,
            grace: arguments.grace,
            paths,
            makers,
            injectors,
            watch_config_maps: arguments.watch_config_maps,
            namespace: arguments.namespace,
            instance: arguments.instance,
            intake,
            audit_logs,
        };
        run(client, listener, settings, terminated()?).await
    })
}

fn log(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter:?} is not a filter"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Pretty => log.init(),
    }
    Ok(())
}

/// Ready when the process is asked to end.
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
