//! The files that a log became when it was rotated.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::mark::modified;

/// The ends of names of files that are compressed, or not complete yet.
const PASSED_OVER: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".tmp", ".swp"];

/// One of the files that a log became.
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

/// Opens a file; `None` if there is none.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// The files that a log became when it was rotated, those first that were changed first.
///
/// They are named as kube-apiserver does (`audit-2026-11-24T10-00-00.000.log`), or as logrotate does (`audit.log.1`,
/// `audit.log-20261124`).
pub(super) fn siblings(log: &Path) -> io::Result<Vec<Sibling>> {
    let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Some(name), Some(stem)) = (log.file_name().and_then(|n| n.to_str()), log.file_stem().and_then(|s| s.to_str()))
    else {
        return Ok(Vec::new());
    };
    let end = &name[stem.len()..];
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut siblings = Vec::new();
    for entry in entries {
        let entry = entry?;
        let other = entry.file_name();
        let Some(other) = other.to_str().filter(|other| is_rotated(other, name, stem, end)) else { continue };
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => {
                siblings.push(Sibling { path: folder.join(other), metadata });
            }
            // Gone meanwhile, or nothing to read.
            _ => {}
        }
    }
    siblings.sort_by(|a, b| (modified(&a.metadata), &a.path).cmp(&(modified(&b.metadata), &b.path)));
    Ok(siblings)
}

fn is_rotated(other: &str, name: &str, stem: &str, end: &str) -> bool {
    let by_api_server = other.strip_prefix(stem).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(end));
    let by_logrotate = other.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '-']));
    other != name && (by_api_server || by_logrotate) && !PASSED_OVER.iter().any(|end| other.ends_with(end))
}
