//! Running the real `kubectl`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A `kubectl` call being put together; made by [`ControlPlane::kubectl`](super::ControlPlane::kubectl).
#[derive(Debug)]
#[must_use = "nothing happens until `run` or `output` is called"]
pub struct Kubectl {
    pub(super) binary: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) home: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) stdin: Vec<u8>,
    pub(super) limit: Duration,
}

/// What a `kubectl` call has printed.
#[derive(Debug)]
pub struct KubectlOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Kubectl {
    /// A call of any `kubectl`, with a kubeconfig of any cluster and a home directory.
    pub fn new(binary: impl Into<PathBuf>, kubeconfig: impl Into<PathBuf>, home: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            kubeconfig: kubeconfig.into(),
            home: home.into(),
            args: Vec::new(),
            stdin: Vec::new(),
            limit: Duration::from_mins(1),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Text for standard input, as read by `kubectl apply -f -`.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Another kubeconfig than the administrator's, such as one from
    /// [`kubeconfig_with_token`](super::ControlPlane::kubeconfig_with_token).
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = path.into();
        self
    }

    /// How long the call may take before it is killed and counts as failed; one minute by default.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it and fails, with everything it printed, unless it succeeds.
    pub async fn run(self) -> anyhow::Result<KubectlOutput> {
        let shown = self.shown();
        let output = self.output().await?;
        anyhow::ensure!(
            output.status.success(),
            "{shown} failed ({}):\n{}{}",
            output.status,
            output.stderr,
            output.stdout
        );
        Ok(output)
    }

    /// Runs it and hands back the output however it ended, for calls that are expected to be refused.
    pub async fn output(self) -> anyhow::Result<KubectlOutput> {
        let shown = self.shown();
        let mut child = Command::new(&self.binary)
            .args(&self.args)
            .env("KUBECONFIG", &self.kubeconfig)
            // Discovery caches and a user's own preferences live in the home directory.
            .env("HOME", &self.home)
            .env_remove("KUBECACHEDIR")
            .env_remove("KUBERC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let mut pipe = child.stdin.take().context("standard input is piped")?;
        let feed = async {
            // kubectl may end without reading it all, after a usage error for instance: its message is worth more.
            let _ = pipe.write_all(&self.stdin).await;
            drop(pipe);
        };
        let both = async { tokio::join!(feed, child.wait_with_output()).1 };
        let output = tokio::time::timeout(self.limit, both)
            .await
            .with_context(|| format!("{shown} did not end within {:?}", self.limit))?
            .with_context(|| format!("cannot wait for {shown}"))?;
        Ok(KubectlOutput {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn shown(&self) -> String {
        let args: Vec<_> = self.args.iter().map(|arg| arg.to_string_lossy()).collect();
        format!("`kubectl {}`", args.join(" "))
    }
}

impl KubectlOutput {
    /// Standard output as JSON, for calls with `-o json`.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("kubectl did not print JSON:\n{}", self.stdout))
    }
}
