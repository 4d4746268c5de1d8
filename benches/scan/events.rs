//! The floor: the bare events of the YAML parser that `cronwarden scan` uses, over the same file, with nothing made of them.
//!
//! The file is split at its `---` lines into documents, which are shared out over the threads one batch after the other.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use granit_parser::Parser;

/// How many documents a thread takes at once.
const BATCH: usize = 64;

/// Pulls all events of the file. How many there were.
pub fn pull(file: &Path, threads: usize) -> anyhow::Result<usize> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let documents = documents(&text);
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<usize> {
        let mut count = 0;
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = documents.get(first..) else { return Ok(count) };
            for document in rest.iter().take(BATCH) {
                for event in Parser::new_from_str(document) {
                    black_box(event?);
                    count += 1;
                }
            }
        }
    };
    if threads == 1 {
        return work();
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let counts =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")));
        counts.sum()
    })
}

fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line == "---\n" {
            documents.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    // What stands before the first separator.
    documents.retain(|document| !document.is_empty());
    documents
}
