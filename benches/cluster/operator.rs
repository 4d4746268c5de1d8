//! The operator as a process that is its service account to the cluster.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::Value;

use crate::harness::ports::Port;
use crate::harness::{ControlPlane, Daemon, try_eventually};

/// How long a start may take before something must be wrong.
const PATIENCE: Duration = Duration::from_mins(10);

/// Allocators give memory back some time after it was freed.
const REST: Duration = Duration::from_secs(10);

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

/// What a process takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub rss: usize,
    pub pss: usize,
    pub peak: usize,
}

impl Operator {
    pub async fn start(plane: &ControlPlane) -> anyhow::Result<Self> {
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
        let daemon = Daemon::spawn(binary, ["run", "--listen", &listen], environment, log)?;
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
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.daemon.pid());
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}, which only Linux has"))
        };
        let (status, rollup) = (read("status")?, read("smaps_rollup")?);
        let kilobytes = |text: &str, field: &str| -> anyhow::Result<usize> {
            let value =
                text.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
            Ok(value.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
        };
        Ok(Memory {
            rss: kilobytes(&status, "VmRSS:")?,
            pss: kilobytes(&rollup, "Pss:")?,
            peak: kilobytes(&status, "VmHWM:")?,
        })
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.daemon.terminate(Duration::from_secs(20)).await.map(drop)
    }
}
