//! The logs that are read: files and the standard input, compressed or not.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, stdin};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

/// How the standard input is named.
const STANDARD_INPUT: &str = "-";
/// What a compressed file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How much is read from a compressed file at a time.
const BUFFER: usize = 128 * 1024;

/// One log.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The path as it is shown; `-` is the standard input.
    pub(super) name: String,
    path: Option<PathBuf>,
}

/// The logs that paths lead to, each once, and what cannot be used, with the reason.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) all: Vec<Log>,
    pub(super) problems: Vec<(String, String)>,
    seen: HashSet<PathBuf>,
}

impl Logs {
    pub(super) fn of(paths: &[String]) -> Self {
        let mut logs = Self::default();
        for path in paths {
            logs.add(path);
        }
        logs
    }

    fn add(&mut self, path: &str) {
        if path == STANDARD_INPUT {
            if self.seen.insert(PathBuf::from(path)) {
                self.all.push(Log { name: path.to_owned(), path: None });
            }
            return;
        }
        if !path.contains(['*', '?', '[']) || Path::new(path).exists() {
            return self.add_file(Path::new(path));
        }
        let matched = match glob::glob(path) {
            Ok(matched) => matched,
            Err(error) => return self.problem(path, format!("is not a valid pattern: {error}")),
        };
        let mut any = false;
        for found in matched {
            any = true;
            match found {
                Ok(found) => self.add_file(&found),
                Err(error) => self.problem(path, error.to_string()),
            }
        }
        if !any {
            self.problem(path, "matches no file: check the pattern".to_owned());
        }
    }

    fn add_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match path.metadata() {
            Err(error) => self.problem(&name, format!("cannot be read: {error}")),
            Ok(metadata) if metadata.is_dir() => {
                let hint = "is a folder: name the logs in it, such as";
                self.problem(&name, format!("{hint} {}/*.log", name.trim_end_matches('/')));
            }
            Ok(_) => {
                let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                if self.seen.insert(canonical) {
                    self.all.push(Log { name, path: Some(path.to_owned()) });
                }
            }
        }
    }

    fn problem(&mut self, path: &str, reason: String) {
        self.problems.push((path.to_owned(), reason));
    }

    /// How many bytes there are to read, as far as is known.
    pub(super) fn size(&self) -> u64 {
        let sizes = self.all.iter().filter_map(|log| log.path.as_ref()?.metadata().ok());
        sizes.map(|metadata| metadata.len()).sum()
    }
}

impl Log {
    /// Opens it for reading what is in it, unpacked. The bar is told how much was read.
    pub(super) fn open(&self, bar: &ProgressBar) -> io::Result<Box<dyn Read + Send>> {
        let input: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(stdin()),
        };
        let mut start = [0; GZIP.len()];
        let mut counted = Counted { input, bar: bar.clone() };
        let (length, result) = fill(&mut counted, &mut start);
        result?;
        let start: Vec<u8> = start.into_iter().take(length).collect();
        let is_compressed = start == GZIP;
        let whole = io::Cursor::new(start).chain(counted);
        Ok(if is_compressed {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)))
        } else {
            Box::new(whole)
        })
    }
}

/// Reads until the buffer is full, the input ends or reading fails; says how much was read until then.
pub(super) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (length, Err(error)),
        }
    }
    (length, Ok(()))
}

/// Tells a bar how much is read.
struct Counted {
    input: Box<dyn Read + Send>,
    bar: ProgressBar,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}
