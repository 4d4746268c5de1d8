//! Child processes that never outlive the process that started them.
//!
//! A `Drop` is not enough: it does not run when a test is killed. So each child starts as a small shell that first puts a
//! watchdog beside itself and then becomes the wanted program by `exec`. The watchdog reads from a pipe whose only
//! writing end this process holds. However this process ends, the kernel closes that end, the watchdog reads the end of
//! the file and kills the child. When the child ends first, it is told so and ends quietly: it never signals a process
//! id that may belong to somebody else by then.
//!
//! As the shell becomes the program, the process id and the exit status are the program's own. Nothing inherits the
//! standard output or error of this process; a leftover there would keep `cargo test | tail` waiting.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use super::scratch::ScratchDir;

/// Descriptor 3 is the watchdog's pipe; descriptor 4, in child and watchdog, keeps the scratch directory alive.
const WATCHDOG: &str = r#"
exec 3<&0 </dev/null 4>&1 1>&2
(read -r _ <&3 || kill -9 $$) &
exec 3<&-
exec "$@"
"#;

/// A running program whose output goes to a file and which is killed on drop, or when this process dies.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    leash: Option<ChildStdin>,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Daemon {
    /// Starts `binary`, appending its standard output and error to the file `log`.
    ///
    /// The environment is this process's own plus `env`; standard input is empty. The program gets a process group of its
    /// own, so that Ctrl-C reaches this process only.
    pub fn spawn(
        binary: impl AsRef<Path>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        env: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
        log: impl Into<PathBuf>,
    ) -> anyhow::Result<Self> {
        Self::spawn_with(binary.as_ref(), args, env, log.into(), None)
    }

    /// Like [`Daemon::spawn`] for a program that writes into `scratch`: the directory is only removed after it has gone.
    pub fn spawn_in(
        scratch: &ScratchDir,
        binary: impl AsRef<Path>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        env: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
        log: impl Into<PathBuf>,
    ) -> anyhow::Result<Self> {
        Self::spawn_with(binary.as_ref(), args, env, log.into(), Some(scratch))
    }

    fn spawn_with(
        binary: &Path,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        env: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
        log: PathBuf,
        scratch: Option<&ScratchDir>,
    ) -> anyhow::Result<Self> {
        let name = binary.file_name().unwrap_or(binary.as_os_str()).to_string_lossy().into_owned();
        // The shell would only say so in the log and exit with 127.
        anyhow::ensure!(
            binary.components().count() == 1 || binary.is_file(),
            "cannot start {name}: there is no file {}",
            binary.display()
        );
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write the log of {name}, {}", log.display()))?;
        let presence = match scratch.map(ScratchDir::presence).transpose()?.flatten() {
            Some(pipe) => Stdio::from(pipe),
            None => Stdio::null(),
        };
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(binary)
            .args(args)
            .envs(env)
            .stdin(Stdio::piped())
            .stdout(presence)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let leash = child.stdin.take();
        Ok(Self { name, child, leash, log, status: None })
    }

    /// The program's file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file that standard output and error go to.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// What the program has written so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of the log, as needed in an error message.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// The exit status if the program has ended, without waiting.
    pub fn try_wait(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait().with_context(|| format!("cannot wait for {}", self.name))?;
            if self.status.is_some() {
                self.dismiss_watchdog();
            }
        }
        Ok(self.status)
    }

    /// Fails, with the end of the log, if the program has ended.
    pub fn ensure_running(&mut self) -> anyhow::Result<()> {
        match self.try_wait()? {
            None => Ok(()),
            Some(status) => {
                anyhow::bail!("{} ended early ({status}); its log ends with:\n{}", self.name, self.log_tail())
            }
        }
    }

    /// Waits for the program to end by itself. It goes on running if it does not do so within `limit`.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if tokio::time::Instant::now() >= deadline {
                anyhow::bail!("{} did not end within {limit:?}; its log ends with:\n{}", self.name, self.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a signal, unless the program has ended already.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        // A child that was not waited for keeps its process id, so this cannot hit another process.
        if self.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.child), signal)
                .with_context(|| format!("cannot send {signal:?} to {}", self.name))?;
        }
        Ok(())
    }

    /// Asks the program to end (SIGTERM) and waits for that. If it does not obey within `limit` it is killed and this is an
    /// error.
    pub async fn terminate(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let ended = self.wait(limit).await;
        if ended.is_err() {
            self.kill()?;
        }
        ended.context("SIGTERM was not obeyed")
    }

    /// Ends the program at once (SIGKILL) and waits until it has gone.
    pub fn kill(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        let status = self.child.wait()?;
        self.status = Some(status);
        self.dismiss_watchdog();
        Ok(status)
    }

    fn dismiss_watchdog(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            // Fails only if somebody killed the watchdog, in which case it need not be told.
            let _ = leash.write_all(b"ended\n");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The last 30 lines of a file.
pub fn tail(path: &Path) -> String {
    const BYTES: u64 = 16 * 1024;
    const LINES: usize = 30;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.is_empty() => "  (empty)".to_owned(),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<_> = text.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LINES)..];
            shown.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
        }
        Err(error) => format!("  (cannot read {}: {error})", path.display()),
    }
}

/// Writes a line to standard error past the capture of the test runner, which would hide it until the test has failed.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "harness: {text}");
}
