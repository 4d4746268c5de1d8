//! Reading many files at once: what is in them that matters, and where each object stands.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

use super::Source;
use super::declaration::{Declaration, declaration};
use crate::inventory::Labels;
use crate::manifest::{Content, Document, DocumentError, Documents, Level, Position, Problem, read};
use crate::workload::{Packed, Unreadable, WorkloadKey};

/// How many bytes of documents a thread takes at a time: enough that threads seldom wait for one another.
const BATCH: usize = 256 * 1024;

/// How many bytes are read from a file at a time.
const BLOCK: usize = 128 * 1024;

/// Where an object was found.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Origin {
    /// The index of the file.
    pub(in crate::cli) source: usize,
    /// Where its document starts: bytes, and the line.
    pub(in crate::cli) offset: u64,
    pub(in crate::cli) line: u64,
    /// How many bytes its document has.
    pub(in crate::cli) length: usize,
    /// Which object of the document it is.
    pub(in crate::cli) index: usize,
    /// Where the object starts.
    pub(in crate::cli) position: Position,
}

impl Origin {
    /// Whether both objects are in one document.
    pub(in crate::cli) fn is_beside(&self, other: &Self) -> bool {
        (self.source, self.offset) == (other.source, other.offset)
    }
}

/// Something that was found.
#[derive(Debug)]
pub(in crate::cli) struct Found<T> {
    pub(in crate::cli) origin: Origin,
    pub(in crate::cli) object: T,
}

/// A workload that was found, or why it cannot be read.
pub(in crate::cli) type Candidate = Found<(WorkloadKey, Result<Packed, Unreadable>)>;

/// Everything that was found.
#[derive(Debug, Default)]
pub(in crate::cli) struct Gathered {
    pub(in crate::cli) workloads: Vec<Candidate>,
    pub(in crate::cli) approvals: Vec<Found<(String, Declaration)>>,
    pub(in crate::cli) namespaces: BTreeMap<String, Labels>,
    /// What could not be read, or is suspicious, with the index of the file.
    pub(in crate::cli) problems: Vec<(usize, Problem)>,
    /// Values that are no objects at all, with the index of the file and why.
    pub(in crate::cli) foreign: Vec<(usize, Problem)>,
    /// How many objects of each kind are none of ours.
    pub(in crate::cli) skipped: BTreeMap<String, u64>,
    pub(in crate::cli) documents: u64,
    /// The files in which there is an object, or a problem.
    pub(in crate::cli) speaking: BTreeSet<usize>,
}

/// Reads the files on as many threads as there are processors. `progress` is told how many bytes were read.
pub(in crate::cli) fn gather(sources: &[Source], progress: &(dyn Fn(u64) + Sync)) -> Gathered {
    let feed = Mutex::new(Feed::new(sources));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut parts: Vec<(u64, Gathered)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&feed, progress))).collect();
        workers.into_iter().flat_map(joined).collect()
    });
    parts.sort_by_key(|(number, _)| *number);
    let mut all = Gathered::default();
    for (_, part) in parts {
        all.join(part);
    }
    all
}

/// What a thread has done. A thread that panicked takes the command with it: nothing may be passed over in silence.
pub(in crate::cli) fn joined<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Takes one batch after the other until there is none left.
fn work(feed: &Mutex<Feed<'_>>, progress: &(dyn Fn(u64) + Sync)) -> Vec<(u64, Gathered)> {
    let mut parts = Vec::new();
    loop {
        // A thread that panics while it holds the lock has lost what it read, and the command has failed.
        let Some(batch) = feed.lock().ok().and_then(|mut feed| feed.next()) else { return parts };
        let speaking = batch.problems.iter().map(|(source, _)| *source).collect();
        let mut part = Gathered { problems: batch.problems, speaking, ..Gathered::default() };
        for (source, document) in &batch.documents {
            part.add(*source, document);
            progress(document.text.len() as u64);
        }
        parts.push((batch.number, part));
    }
}

impl Gathered {
    fn add(&mut self, source: usize, document: &Document) {
        self.documents += 1;
        let contents = read(document);
        let is_silent = contents.objects.is_empty() && contents.skipped.is_empty() && contents.problems.is_empty();
        if !is_silent || !contents.foreign.is_empty() {
            self.speaking.insert(source);
        }
        for kind in contents.skipped {
            *self.skipped.entry(kind).or_default() += 1;
        }
        self.problems.extend(contents.problems.into_iter().map(|problem| (source, problem)));
        self.foreign.extend(contents.foreign.into_iter().map(|problem| (source, problem)));
        for object in contents.objects {
            let origin = Origin {
                source,
                offset: document.offset,
                line: document.line,
                length: document.text.len(),
                index: object.index,
                position: object.position,
            };
            match object.content {
                Content::Workload(workload) => {
                    let packed = Packed::pack(&workload);
                    self.workloads.push(Found { origin, object: (workload.key, packed) });
                }
                Content::Unreadable { key, reason } => {
                    self.workloads.push(Found { origin, object: (key, Err(reason)) });
                }
                Content::Approval { name, value } => {
                    self.approvals.push(Found { origin, object: (name, declaration(value)) });
                }
                Content::Namespace { name, labels } => {
                    self.namespaces.insert(name, labels);
                }
            }
        }
    }

    fn join(&mut self, other: Self) {
        let Self { workloads, approvals, namespaces, problems, foreign, skipped, documents, speaking } = other;
        self.workloads.extend(workloads);
        self.approvals.extend(approvals);
        self.namespaces.extend(namespaces);
        self.problems.extend(problems);
        self.foreign.extend(foreign);
        self.documents += documents;
        self.speaking.extend(speaking);
        for (kind, count) in skipped {
            *self.skipped.entry(kind).or_default() += count;
        }
    }
}

/// A file, read in blocks.
type Reader<'a> = BufReader<Box<dyn std::io::Read + Send + 'a>>;

/// Documents of one file after the other, for several threads to take.
struct Feed<'a> {
    sources: std::iter::Enumerate<std::slice::Iter<'a, Source>>,
    current: Option<(usize, Documents<Reader<'a>>)>,
    number: u64,
}

/// What a thread takes at a time.
struct Batch {
    number: u64,
    documents: Vec<(usize, Document)>,
    problems: Vec<(usize, Problem)>,
}

impl<'a> Feed<'a> {
    fn new(sources: &'a [Source]) -> Self {
        Self { sources: sources.iter().enumerate(), current: None, number: 0 }
    }

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch { number: self.number, documents: Vec::new(), problems: Vec::new() };
        let mut size = 0;
        while size < BATCH {
            let Some((source, documents)) = &mut self.current else {
                let Some((index, source)) = self.sources.next() else { break };
                match source.open() {
                    Ok(file) => self.current = Some((index, Documents::new(BufReader::with_capacity(BLOCK, file)))),
                    Err(error) => batch.problems.push((index, cannot_read(1, &error.to_string()))),
                }
                continue;
            };
            match documents.next() {
                None => self.current = None,
                Some(Ok(document)) => {
                    size += document.text.len();
                    batch.documents.push((*source, document));
                }
                Some(Err(error)) => {
                    batch.problems.push((*source, cannot_read(line(&error), &error.to_string())));
                    if matches!(error, DocumentError::Io(_)) {
                        self.current = None;
                    }
                }
            }
        }
        self.number += 1;
        (!batch.documents.is_empty() || !batch.problems.is_empty()).then_some(batch)
    }
}

fn line(error: &DocumentError) -> u64 {
    match error {
        DocumentError::Io(_) => 1,
        DocumentError::TooLarge { line, .. }
        | DocumentError::Separator { line }
        | DocumentError::NotJson { line, .. } => *line,
    }
}

fn cannot_read(line: u64, reason: &str) -> Problem {
    Problem {
        level: Level::Error,
        position: Position { line, column: 1 },
        message: format!("cannot be read: {reason}"),
    }
}
