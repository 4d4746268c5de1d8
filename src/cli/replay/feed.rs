//! The logs in blocks of whole records, for several threads to take.

use std::io::{self, Read};
use std::ops::Range;

use indicatif::ProgressBar;
use memchr::{memchr, memchr_iter, memrchr};
use serde::de::IgnoredAny;

use super::elements::Elements;
use super::log::{Log, fill};

/// How much is read at a time.
const BLOCK: usize = 1024 * 1024;
/// The longest record that is read. A batch of 400 events is a few megabytes.
const LONGEST: usize = 64 * 1024 * 1024;
/// How much of a log is looked at to tell its form.
const SAMPLE: usize = 256 * 1024;

/// Some whole records of a log.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The index of the log.
    pub(super) source: usize,
    pub(super) text: Vec<u8>,
    /// The line on which the text begins, from 1.
    pub(super) line: u64,
    /// Where the records are, if each is not a line.
    pub(super) records: Option<Vec<Range<usize>>>,
}

/// Why a log could not be read to its end.
pub(super) type Failure = (usize, Option<u64>, String);

/// Blocks of one log after the other.
pub(super) struct Feed<'a> {
    logs: std::iter::Enumerate<std::slice::Iter<'a, Log>>,
    bar: &'a ProgressBar,
    current: Option<Current>,
    pub(super) failures: Vec<Failure>,
}

struct Current {
    source: usize,
    input: Box<dyn Read + Send>,
    /// What was read and not handed out.
    rest: Vec<u8>,
    /// The line on which that begins.
    line: u64,
    has_ended: bool,
    /// Why the rest cannot be read; what is before is read all the same.
    failure: Option<String>,
    /// Set unless each line is a record.
    elements: Option<Elements>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(logs: &'a [Log], bar: &'a ProgressBar) -> Self {
        Self { logs: logs.iter().enumerate(), bar, current: None, failures: Vec::new() }
    }

    /// Fills the block with the next records; says whether there were any left.
    pub(super) fn next(&mut self, block: &mut Block) -> bool {
        loop {
            let Some(current) = &mut self.current else {
                let Some((source, log)) = self.logs.next() else { return false };
                match Current::open(source, log, self.bar) {
                    Ok(current) => self.current = Some(current),
                    Err(error) => self.failures.push((source, None, format!("cannot be read: {error}"))),
                }
                continue;
            };
            let failure = match current.next(block) {
                Ok(Some(())) => return true,
                Ok(None) => None,
                Err(reason) => Some((current.source, Some(current.line), reason)),
            };
            self.failures.extend(failure);
            self.current = None;
        }
    }
}

impl Current {
    fn open(source: usize, log: &Log, bar: &ProgressBar) -> io::Result<Self> {
        let mut input = log.open(bar)?;
        let mut rest = vec![0; SAMPLE];
        let (length, result) = fill(&mut input, &mut rest);
        rest.truncate(length);
        let has_ended = length < SAMPLE;
        let failure = result.err().map(|error| cannot_be_read(&error));
        let elements = (!has_records_on_lines(&rest, has_ended)).then(Elements::default);
        Ok(Self { source, input, rest, line: 1, has_ended, failure, elements })
    }

    /// Fills the block; `None` at the end of the log.
    fn next(&mut self, block: &mut Block) -> Result<Option<()>, String> {
        block.source = self.source;
        block.line = self.line;
        block.text.clear();
        std::mem::swap(&mut block.text, &mut self.rest);
        block.records = self.elements.as_ref().map(|_| Vec::new());
        let mut seen = 0;
        let end = loop {
            if let Some(end) = self.cut(block, seen) {
                break end;
            }
            if block.text.len() > LONGEST {
                return Err(format!("a record is longer than {} MiB: is this an audit log?", LONGEST / 1024 / 1024));
            }
            seen = block.text.len();
            self.read_on(&mut block.text);
        };
        self.rest.extend_from_slice(block.text.get(end..).unwrap_or_default());
        block.text.truncate(end);
        self.line += memchr_iter(b'\n', &block.text).count() as u64;
        let is_empty = block.text.is_empty();
        if is_empty && let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if is_empty && !self.rest.is_empty() {
            return Err("is cut off in the middle of a record".to_owned());
        }
        Ok((!is_empty).then_some(()))
    }

    /// How much of the text can be handed out, of which the beginning was seen before; `None` if it has no whole record.
    fn cut(&mut self, block: &mut Block, seen: usize) -> Option<usize> {
        let (Some(elements), Some(records)) = (&mut self.elements, &mut block.records) else {
            // The last line may have no end.
            let last = memrchr(b'\n', block.text.get(seen..)?).map(|at| seen + at + 1);
            return if self.has_ended { Some(block.text.len()) } else { last };
        };
        elements.go_on(&block.text, records);
        if records.is_empty() && !self.has_ended {
            return None;
        }
        let needed = elements.forget();
        // White space and brackets at the end are not needed, and a record that has begun is.
        Some(if elements.is_open() { needed } else { block.text.len() })
    }

    fn read_on(&mut self, text: &mut Vec<u8>) {
        let before = text.len();
        text.resize(before + BLOCK, 0);
        let (read, result) = fill(&mut self.input, text.get_mut(before..).unwrap_or_default());
        self.failure = result.err().map(|error| cannot_be_read(&error));
        text.truncate(before + read);
        self.has_ended = read < BLOCK;
    }
}

fn cannot_be_read(error: &io::Error) -> String {
    format!("cannot be read to its end: {error}")
}

/// Whether each line of a log is a record, by its beginning: the first line is one, or neither it nor the second is the beginning
/// of something longer.
fn has_records_on_lines(sample: &[u8], is_whole: bool) -> bool {
    let sample = sample.strip_prefix("\u{feff}".as_bytes()).unwrap_or(sample).trim_ascii_start();
    if !sample.starts_with(b"{") && !sample.starts_with(b"[") {
        return true;
    }
    let (first, rest) = match memchr(b'\n', sample) {
        Some(end) => sample.split_at(end),
        None if is_whole => (sample, [].as_slice()),
        None => return false,
    };
    let is_list = |line: &[u8]| line.starts_with(b"[") || line.starts_with(b"{") && has_list(line);
    match serde_json::from_slice::<IgnoredAny>(first) {
        // A whole export on one line need not be parsed as one record.
        Ok(_) => !(rest.trim_ascii().is_empty() && is_list(first)),
        Err(error) if !error.is_eof() => true,
        Err(_) => {
            let second = rest.trim_ascii_start();
            let second = memchr(b'\n', second).and_then(|end| second.get(..end)).unwrap_or_default();
            second.starts_with(b"{\"") && serde_json::from_slice::<IgnoredAny>(second).is_ok()
        }
    }
}

fn has_list(line: &[u8]) -> bool {
    let mut records = Vec::new();
    let mut elements = Elements::default();
    elements.go_on(line, &mut records);
    records.len() > 1 || records.first().is_some_and(|record| record.start > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_log_is_told_by_its_beginning() {
        for (sample, expected) in [
            ("{\"a\":1}\n{\"b\":1}\n", true),
            ("{\"a\":1}", true),
            ("2026-10-01T00:00:00Z {\"a\":1}\n", true),
            ("{\"cut\": \"of\n{\"a\":1}\n", true),
            ("}]}\n{\"a\":1}\n", true),
            ("[\n{\"a\":1},\n{\"b\":1}\n]\n", false),
            ("{\n  \"kind\": \"EventList\",\n  \"items\": [\n    {}\n  ]\n}\n", false),
            ("[{\"a\":1},{\"b\":1}]", false),
            ("{\"items\":[{\"a\":1}]}\n{\"items\":[{\"a\":1}]}\n", true),
        ] {
            assert_eq!(has_records_on_lines(sample.as_bytes(), true), expected, "{sample}");
        }
        assert!(!has_records_on_lines(b"{\"items\":[", false));
    }
}
