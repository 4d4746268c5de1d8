//! Reading one log line by line, across rotation and truncation.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::mark::{Mark, is_same, modified};
use super::siblings::{open, siblings};

/// How much is read at once.
const CHUNK: usize = 1 << 20;

/// The longest line that is read. An API server's event is limited by what etcd takes of an object, a few megabytes.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// Complete lines of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// The lines, each with its end but for the last line of a file that has none.
    pub(super) text: Vec<u8>,
    /// How many lines were passed over as too long.
    pub(super) too_long: usize,
}

/// Reads a log that may be renamed, truncated and begun again under the same name at any time.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    /// Where reading goes on; `None` before the file was found for the first time.
    mark: Option<Mark>,
    /// The file that is being read. It stays open when it is renamed or deleted.
    file: Option<File>,
    /// What was read behind the mark: the beginning of a line.
    partial: Vec<u8>,
    /// Whether the rest of a line is passed over.
    skipping: bool,
    longest: usize,
}

impl Follower {
    /// Goes on where a mark says, or begins at the start of the file.
    pub(super) fn new(path: PathBuf, mark: Option<Mark>) -> Self {
        Self { path, mark, file: None, partial: Vec::new(), skipping: false, longest: LONGEST_LINE }
    }

    /// The same with another limit for lines.
    #[cfg(test)]
    pub(super) fn with_longest_line(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// The file that is followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Behind everything that was handed out.
    pub(super) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// The next complete lines; `None` if there are none yet.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if self.file.is_none() && !self.find()? {
                return Ok(None);
            }
            let (Some(file), Some(mark)) = (&self.file, &mut self.mark) else { return Ok(None) };
            let before = self.partial.len();
            let mut read = fill(file, mark.offset(), &mut self.partial)?;
            // Looked at after reading: then what was read is of the file that the mark is about.
            if !mark.fits(file)? {
                self.forget();
                if !self.find()? {
                    return Ok(None);
                }
                continue;
            }
            if read == 0 {
                if is_still(&self.path, file)? {
                    return Ok(None);
                }
                // It is another file by now. What was written between reading and looking is read all the same.
                read = fill(file, mark.offset(), &mut self.partial)?;
                if read == 0 {
                    match self.finish()? {
                        Finished::Piece(piece) => return Ok(Some(piece)),
                        Finished::Next => continue,
                        Finished::Wait => return Ok(None),
                    }
                }
            }
            let piece = self.cut(before)?;
            if piece != Piece::default() {
                return Ok(Some(piece));
            }
        }
    }

    /// Opens the file that the mark is about, or else the first that is newer. `false` if there is none yet.
    fn find(&mut self) -> io::Result<bool> {
        let current = open(&self.path)?;
        let Some(mark) = &self.mark else {
            return self.begin(current);
        };
        if let Some(file) = current
            && mark.fits(&file)?
        {
            self.file = Some(file);
            return Ok(true);
        }
        let siblings = siblings(&self.path)?;
        for sibling in &siblings {
            if let Some(file) = open(&sibling.path)?
                && mark.fits(&file)?
            {
                self.file = Some(file);
                return Ok(true);
            }
        }
        let since = mark.modified();
        let newer =
            siblings.iter().find(|sibling| modified(&sibling.metadata) >= since).map(|sibling| sibling.path.as_path());
        let next = open(newer.unwrap_or(&self.path))?;
        self.begin(next)
    }

    /// Begins with a file, if there is one.
    fn begin(&mut self, file: Option<File>) -> io::Result<bool> {
        let Some(file) = file else { return Ok(false) };
        self.forget();
        self.mark = Some(Mark::begin(&file)?);
        self.file = Some(file);
        Ok(true)
    }

    fn forget(&mut self) {
        self.file = None;
        self.partial.clear();
        self.skipping = false;
    }

    /// The file has come to its end and is not written to any more: hands out the line without an end, if there is one, and goes on
    /// with the next file.
    fn finish(&mut self) -> io::Result<Finished> {
        let (Some(file), Some(mark)) = (&self.file, &mut self.mark) else { return Ok(Finished::Wait) };
        if !self.partial.is_empty() {
            let text = std::mem::take(&mut self.partial);
            mark.advance(file, text.len())?;
            return Ok(Finished::Piece(Piece { text, too_long: 0 }));
        }
        let metadata = file.metadata()?;
        let siblings = siblings(&self.path)?;
        let next = match siblings.iter().position(|sibling| is_same(&sibling.metadata, &metadata)) {
            Some(i) => siblings.get(i + 1),
            // Deleted already.
            None => siblings.iter().find(|sibling| modified(&sibling.metadata) > modified(&metadata)),
        };
        let next = open(next.map_or(self.path.as_path(), |sibling| &sibling.path))?;
        Ok(if self.begin(next)? { Finished::Next } else { Finished::Wait })
    }

    /// Takes the complete lines out of what was read; `looked` bytes of it are known to have no end of a line.
    fn cut(&mut self, looked: usize) -> io::Result<Piece> {
        let (Some(file), Some(mark)) = (&self.file, &mut self.mark) else { return Ok(Piece::default()) };
        if self.skipping {
            let end = self.partial.iter().position(|byte| *byte == b'\n');
            let skipped = end.map_or(self.partial.len(), |end| end + 1);
            self.partial.drain(..skipped);
            mark.advance(file, skipped)?;
            self.skipping = end.is_none();
            if self.skipping {
                return Ok(Piece::default());
            }
        }
        let looked = looked.min(self.partial.len());
        if let Some(end) = self.partial[looked..].iter().rposition(|byte| *byte == b'\n') {
            let rest = self.partial.split_off(looked + end + 1);
            let text = std::mem::replace(&mut self.partial, rest);
            mark.advance(file, text.len())?;
            return Ok(Piece { text, too_long: 0 });
        }
        if self.partial.len() <= self.longest {
            return Ok(Piece::default());
        }
        mark.advance(file, self.partial.len())?;
        self.partial = Vec::new();
        self.skipping = true;
        Ok(Piece { text: Vec::new(), too_long: 1 })
    }
}

enum Finished {
    Piece(Piece),
    Next,
    Wait,
}

/// Reads on behind what was read already.
fn fill(file: &File, offset: u64, partial: &mut Vec<u8>) -> io::Result<usize> {
    let before = partial.len();
    partial.resize(before + CHUNK, 0);
    let read = file.read_at(&mut partial[before..], offset + u64::try_from(before).unwrap_or(0));
    partial.truncate(before + read.as_ref().copied().unwrap_or(0));
    read
}

/// Whether the name still belongs to the file that is being read.
fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(is_same(&metadata, &file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
