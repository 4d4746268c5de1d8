//! A temporary directory that disappears whatever happens to the process that made it.

use std::io::PipeWriter;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// Reads until every writing end of its standard input is closed, then removes the directory.
const JANITOR: &str = r#"while read -r _; do :; done; rm -rf -- "$1""#;

/// A temporary directory, readable by its owner only.
///
/// A small janitor process removes it once the last writing end of a pipe is closed. This process holds one end, and so
/// does each [`Daemon`](super::Daemon) spawned in it: the directory goes away after the last process that writes into it
/// has gone, even if this one was killed by a signal that cannot be caught.
#[derive(Debug)]
pub struct ScratchDir {
    path: PathBuf,
    /// `None` when the directory is to be kept.
    janitor: Option<Janitor>,
}

#[derive(Debug)]
struct Janitor {
    process: Child,
    /// Only ever `None` while being dropped.
    presence: Option<PipeWriter>,
}

impl ScratchDir {
    /// Makes a new directory below the system's temporary directory.
    pub fn new() -> anyhow::Result<Self> {
        let path = tempfile::Builder::new()
            .prefix("cronwarden-")
            .tempdir()
            .context("cannot make a temporary directory")?
            .keep();
        if std::env::var_os("CRONWARDEN_KEEP").is_some() {
            super::processes::say(&format!("keeping {}", path.display()));
            return Ok(Self { path, janitor: None });
        }
        let (reader, writer) = std::io::pipe()?;
        let process = Command::new("/bin/sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&path)
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of Ctrl-C, which a terminal sends to the whole foreground group.
            .process_group(0)
            .spawn()
            .context("cannot start /bin/sh")?;
        Ok(Self { path, janitor: Some(Janitor { process, presence: Some(writer) }) })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another writing end of the janitor's pipe, for a process that writes into the directory.
    pub(super) fn presence(&self) -> anyhow::Result<Option<PipeWriter>> {
        let presence = self.janitor.as_ref().and_then(|janitor| janitor.presence.as_ref());
        Ok(presence.map(PipeWriter::try_clone).transpose()?)
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.presence = None;
        // When a process spawned in the directory outlives this value, the janitor waits for it and we must not.
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
