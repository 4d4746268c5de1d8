//! Writing files that nobody else is to read.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};

/// A file that is written.
pub(super) struct File {
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    text: String,
    mode: u32,
}

impl File {
    /// A file that everybody may read.
    pub(super) fn public(name: &'static str, text: &str, about: &'static str) -> Self {
        Self { name, about, text: text.to_owned(), mode: 0o644 }
    }

    /// A file that only its owner may read.
    pub(super) fn secret(name: &'static str, text: &str, about: &'static str) -> Self {
        Self { name, about, text: text.to_owned(), mode: 0o600 }
    }
}

/// Writes all of them into a folder. If one is there already, none is written, unless `force` says to replace it.
pub(super) fn write(folder: &Path, files: &[File], force: bool) -> anyhow::Result<()> {
    if !folder.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    if !force && let Some(file) = files.iter().find(|file| folder.join(file.name).symlink_metadata().is_ok()) {
        bail!(
            "{} is there already: senders trust it; choose another folder, or replace everything with --force",
            folder.join(file.name).display()
        );
    }
    for file in files {
        let path = folder.join(file.name);
        write_one(&path, file).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The file is made anew: one that was there may be open to others, or a link to somewhere else.
fn write_one(path: &Path, file: &File) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut created = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(path)?;
    created.write_all(file.text.as_bytes())
}
