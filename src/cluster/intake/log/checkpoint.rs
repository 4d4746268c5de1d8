//! How far logs were read, kept across restarts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::mark::Mark;

/// The name of the file in the folder of the state.
const NAME: &str = "audit-logs.json";

/// How far logs were read, kept in a file.
#[derive(Debug)]
pub(super) struct Checkpoint {
    file: PathBuf,
    marks: Mutex<Marks>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Marks {
    /// By the path of the log.
    logs: BTreeMap<String, Mark>,
}

impl Checkpoint {
    /// Reads the checkpoint in a folder, which is made if there is none. One that cannot be read is as if there were none: what was read
    /// already is then read again. Fails if no checkpoint could be kept there.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("--state-dir: cannot make {}", folder.display()))?;
        let file = folder.join(NAME);
        let marks = match std::fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Marks::default(),
            other => {
                let text = other.with_context(|| format!("--state-dir: cannot read {}", file.display()))?;
                serde_json::from_slice(&text).unwrap_or_else(|error| {
                    warn!(file = %file.display(), %error, "the checkpoint cannot be used: reading audit logs from their start");
                    Marks::default()
                })
            }
        };
        write(&file, &marks).with_context(|| format!("--state-dir: cannot write {}", file.display()))?;
        Ok(Self { file, marks: Mutex::new(marks) })
    }

    /// How far a log was read.
    pub(super) fn mark(&self, log: &Path) -> Option<Mark> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).logs.get(&*log.to_string_lossy()).cloned()
    }

    /// Keeps how far a log was read.
    pub(super) fn keep(&self, log: &Path, mark: &Mark) -> std::io::Result<()> {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.logs.insert(log.to_string_lossy().into_owned(), mark.clone());
        write(&self.file, &marks)
    }
}

/// Writes the file as a whole or not at all. It is not synced: the disk may be that of etcd, and all that a power failure could cost is
/// reading again what was read.
fn write(file: &Path, marks: &Marks) -> std::io::Result<()> {
    let mut new = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
    serde_json::to_writer(&mut new, marks)?;
    new.flush()?;
    new.persist(file)?;
    Ok(())
}
