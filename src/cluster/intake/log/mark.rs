//! Which file it was, and how far it was read.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::workload::redact::hex;

/// How much of the beginning of a file tells it from others. The first event has an ID and a time within that.
const HEAD: u64 = 1024;

/// Which file it was, and how far it was read.
///
/// A file is known by how it begins, so it is found again after it was renamed, or copied and truncated. As long as nothing of it was
/// read, it is known by its inode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    /// How many bytes of the beginning are hashed. Never more than were read.
    head: u64,
    /// Their SHA-256, in hexadecimal digits.
    hash: String,
    /// Where reading goes on: behind the last line that was read.
    offset: u64,
    /// When the file had last been changed, in nanoseconds since 1970: files that have changed since are newer.
    modified: i128,
}

impl Mark {
    /// The beginning of a file.
    pub(super) fn begin(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            head: 0,
            hash: String::new(),
            offset: 0,
            modified: modified(&metadata),
        })
    }

    /// Where reading goes on.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// When the file had last been changed.
    pub(super) fn modified(&self) -> i128 {
        self.modified
    }

    /// Whether reading can go on in this file: it begins in the same way, and is not shorter than what was read.
    pub(super) fn fits(&self, file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        if self.head == 0 {
            return Ok((self.device, self.inode) == (metadata.dev(), metadata.ino()) && metadata.len() >= self.offset);
        }
        Ok(metadata.len() >= self.offset && hash(file, self.head)?.is_some_and(|hash| hash == self.hash))
    }

    /// Notes that `more` bytes were read.
    pub(super) fn advance(&mut self, file: &File, more: usize) -> io::Result<()> {
        let metadata = file.metadata()?;
        self.offset += u64::try_from(more).unwrap_or(0);
        (self.device, self.inode) = (metadata.dev(), metadata.ino());
        self.modified = modified(&metadata);
        let head = self.offset.min(HEAD);
        if head > self.head
            && let Some(hash) = hash(file, head)?
        {
            (self.head, self.hash) = (head, hash);
        }
        Ok(())
    }
}

/// Whether both are about the same file.
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// When a file was last changed, in nanoseconds since 1970.
pub(super) fn modified(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// The hash of the first bytes; `None` if there are fewer.
fn hash(file: &File, length: u64) -> io::Result<Option<String>> {
    let mut bytes = vec![0; usize::try_from(length.min(HEAD)).unwrap_or(0)];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
        Ok(()) => Ok(Some(hex(&Sha256::digest(&bytes), usize::MAX))),
    }
}
