//! The operator, as a process of this machine that is its service account to the cluster.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::cluster::Cluster;
use crate::harness::ports::Port;
use crate::harness::{Daemon, try_eventually};
use crate::screen::Screen;

const PATIENCE: Duration = Duration::from_mins(2);

/// A running operator.
pub struct Operator {
    daemon: Daemon,
    port: Port,
    started: Instant,
    /// Whether it is told who did what.
    is_told: bool,
}

impl Operator {
    /// The binary to start: as told, or the one that was built beside this program.
    pub fn find(told: Option<&Path>) -> anyhow::Result<PathBuf> {
        if let Some(binary) = told {
            anyhow::ensure!(binary.is_file(), "--operator: there is no file {}", binary.display());
            return std::path::absolute(binary).context("--operator");
        }
        let own = std::env::current_exe().context("cannot tell where this program is")?;
        // target/release/examples/demo and target/release/cronwarden
        let binary =
            own.parent().and_then(Path::parent).context("this program is in no build folder")?.join("cronwarden");
        anyhow::ensure!(
            binary.is_file(),
            "there is no {}: run `cargo build --release --bin cronwarden`, or name a binary with --operator",
            binary.display()
        );
        Ok(binary)
    }

    pub async fn start(binary: &Path, cluster: &Cluster, screen: &Screen) -> anyhow::Result<Self> {
        screen.step("Starting the operator as the service account cronwarden/cronwarden");
        let kubeconfig = cluster.operator_kubeconfig().await?;
        let port = Port::reserve()?;
        let listen = format!("127.0.0.1:{}", port.number());
        let instance = cluster.instance();
        let mut arguments: Vec<OsString> =
            ["run", "--listen", &listen, "--log-format", "pretty", "--instance", &instance].map(OsString::from).into();
        if let Some(audit_log) = cluster.audit_log() {
            screen.note("who did it comes from the audit log of the API server");
            let state = cluster.scratch().join("state");
            arguments.extend(["--audit-log".into(), audit_log.into(), "--state-dir".into(), state.into()]);
        }
        let log = cluster.scratch().join("operator.log");
        let started = Instant::now();
        let daemon = Daemon::spawn(binary, arguments, [("KUBECONFIG", kubeconfig.as_os_str())], log)?;
        Ok(Self { daemon, port, started, is_told: cluster.audit_log().is_some() })
    }

    /// Waits until everything was judged and written.
    pub async fn settled(&mut self, screen: &Screen) -> anyhow::Result<()> {
        let waited = try_eventually("the operator has settled", PATIENCE, async || {
            if let Err(ended) = self.daemon.ensure_running() {
                return Ok(Err(ended));
            }
            let page = page(self.port.number()).map_err(|error| format!("{error:#}"))?;
            let value = |name: &str| {
                let value =
                    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
                value.ok_or_else(|| format!("no {name} yet"))
            };
            let (pending, first_pass) = (value("cronwarden_pending")?, value("cronwarden_first_pass_seconds")?);
            let told = value(r#"cronwarden_intake_facts_total{source="log"}"#);
            if self.is_told && !told.is_ok_and(|facts| facts > 0.0) {
                return Err("the audit log was not read yet".to_owned());
            }
            if pending == 0.0 && first_pass > 0.0 { Ok(Ok(())) } else { Err(format!("{pending} pending")) }
        });
        match waited.await {
            Ok(settled) => settled?,
            Err(error) => return Err(error.context(format!("its log ends with:\n{}", self.daemon.log_tail()))),
        }
        screen.note(&format!("everything is judged and recorded {:.1?} after its start", self.started.elapsed()));
        Ok(())
    }

    pub fn log(&self) -> &Path {
        self.daemon.log_path()
    }

    pub fn metrics(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.port.number())
    }

    pub async fn stop(mut self) {
        // Whether it obeyed is of no consequence here: it is gone either way.
        let _ = self.daemon.terminate(Duration::from_secs(10)).await;
    }
}

fn page(port: u16) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("it does not listen yet")?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
