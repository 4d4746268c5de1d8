//! The operator as a process that is its service account to the cluster.

// Several benchmarks include this module and none of them uses all of it.
#![allow(dead_code)]

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::Value;

use crate::harness::ports::Port;
use crate::harness::{ControlPlane, Daemon, try_eventually};
use crate::process::Memory;

/// How long a start may take before something must be wrong.
const PATIENCE: Duration = Duration::from_mins(10);

/// Allocators give memory back some time after it was freed.
const REST: Duration = Duration::from_secs(10);

/// The user that the operator is to the API server.
pub const USER: &str = "system:serviceaccount:cronwarden:cronwarden";

/// A running operator.
pub struct Operator {
    daemon: Daemon,
    port: Port,
    spawned: SystemTime,
}

/// How long a start took, from the start of the process.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Until every list was read.
    pub synced: Duration,
    /// Until every verdict was made, and whatever followed from it was written.
    pub judged: Duration,
    /// The same as the operator's own metric tells it.
    pub metric: Duration,
}

/// Installs what the operator needs, as people do.
pub async fn install(plane: &ControlPlane) -> anyhow::Result<()> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    plane.kubectl(["apply", "--server-side", "-k"]).arg(deploy).run().await?;
    let definitions = ["crd/approvedcronjobs.cronwarden.dev", "crd/scheduledworkloadfindings.cronwarden.dev"];
    plane.kubectl(["wait", "--for=condition=established", "--timeout=60s"]).args(definitions).run().await?;
    Ok(())
}

impl Operator {
    pub async fn start(plane: &ControlPlane) -> anyhow::Result<Self> {
        Self::start_with(plane, [""; 0]).await
    }

    /// Starts it with more arguments.
    pub async fn start_with(
        plane: &ControlPlane,
        more: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> anyhow::Result<Self> {
        let token = plane.service_account_token("cronwarden", "cronwarden").await?;
        let kubeconfig = plane.kubeconfig_with_token(&token)?;
        let port = Port::reserve()?;
        let listen = format!("127.0.0.1:{}", port.number());
        let log = plane.scratch_dir().join(format!("operator-{}.log", port.number()));
        // The log is appended to, and the port may have been an earlier operator's.
        let _ = std::fs::remove_file(&log);
        let spawned = SystemTime::now();
        let binary = env!("CARGO_BIN_EXE_cronwarden");
        let environment = [("KUBECONFIG", kubeconfig.as_os_str())];
        let mut arguments: Vec<OsString> = ["run", "--listen", &listen].map(OsString::from).into();
        arguments.extend(more.into_iter().map(|argument| argument.as_ref().to_owned()));
        let daemon = Daemon::spawn(binary, arguments, environment, log)?;
        Ok(Self { daemon, port, spawned })
    }

    /// Waits until everything was judged and written.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let settled = try_eventually("the operator has settled", PATIENCE, async || {
            let pending = self.metric("cronwarden_pending").map_err(|error| format!("{error:#}"))?;
            let first_pass = self.metric("cronwarden_first_pass_seconds").map_err(|error| format!("{error:#}"))?;
            if pending == 0.0 && first_pass > 0.0 { Ok(()) } else { Err(format!("{pending} pending")) }
        });
        settled.await.with_context(|| format!("the log ends with:\n{}", self.daemon.log_tail()))
    }

    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port.number())).context("it does not listen yet")?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    /// How long the start took, by the times of the log: polling would take time from the operator.
    pub fn times(&self) -> anyhow::Result<Start> {
        let log = self.daemon.log();
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let spawned = Timestamp::try_from(self.spawned)?;
        let at = |message: &str| -> anyhow::Result<Duration> {
            let line = lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message)));
            let line = line.with_context(|| format!("no {message:?} in the log"))?;
            let at: Timestamp = line["timestamp"].as_str().context("a line without a time")?.parse()?;
            Ok(Duration::try_from(at.duration_since(spawned))?)
        };
        Ok(Start {
            synced: at("caches are complete")?,
            judged: at("every workload has been judged once")?,
            metric: Duration::from_secs_f64(self.metric("cronwarden_first_pass_seconds")?),
        })
    }

    /// What it takes once it has come to rest.
    pub async fn memory(&self) -> anyhow::Result<Memory> {
        tokio::time::sleep(REST).await;
        Memory::of(self.daemon.pid())
    }

    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.daemon.terminate(Duration::from_secs(20)).await.map(drop)
    }
}
