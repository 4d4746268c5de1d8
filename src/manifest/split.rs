//! A stream into documents, as `kubectl` splits it.
//!
//! Follows `YAMLOrJSONDecoder` and `YAMLReader` of `k8s.io/apimachinery/pkg/util/yaml`: a stream that starts with `{` is a
//! series of JSON values, until at most one value was read and the next is no JSON; everything else is YAML, where a line
//! that starts with `---` separates documents whatever YAML makes of that line.

use std::io::BufRead;

use super::json;
use super::source::{Source, newlines};
use super::{Document, DocumentError, LARGEST_DOCUMENT};

/// How far `kubectl` looks for the brace that makes a stream JSON.
const GUESSED_FROM: usize = 4096;

/// The documents of a stream. It holds one of them at a time.
pub struct Documents<R> {
    source: Source<R>,
    format: Format,
    /// What is told after the document before it.
    next: Option<DocumentError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Unknown,
    /// And how many values were read.
    Json(usize),
    Yaml,
    Ended,
}

impl<R: BufRead> Documents<R> {
    /// The documents of this stream.
    pub fn new(reader: R) -> Self {
        Self { source: Source::new(reader), format: Format::Unknown, next: None }
    }

    fn document(&mut self) -> Result<Option<Document>, DocumentError> {
        if let Some(error) = self.next.take() {
            return Err(error);
        }
        if self.format == Format::Unknown {
            self.format = self.guess()?;
        }
        match self.format {
            Format::Json(count) => self.json(count),
            Format::Yaml => self.yaml(),
            Format::Unknown | Format::Ended => Ok(None),
        }
    }

    fn guess(&mut self) -> Result<Format, DocumentError> {
        let mut start = Vec::new();
        while start.len() < GUESSED_FROM {
            let bytes = self.source.peek()?;
            let count = bytes.len().min(GUESSED_FROM - start.len());
            start.extend_from_slice(bytes.get(..count).unwrap_or_default());
            self.source.take(count);
            if count == 0 {
                break;
            }
        }
        let is_json = start.get(blank(&start)..).is_some_and(|rest| rest.starts_with(b"{"));
        self.source.give_back(start);
        Ok(if is_json { Format::Json(0) } else { Format::Yaml })
    }

    fn json(&mut self, count: usize) -> Result<Option<Document>, DocumentError> {
        let (offset, line) = (self.source.offset, self.source.line);
        let mut text = Vec::new();
        let complete = self.value(&mut text)?;
        let start = text.iter().position(|byte| !json::is_space(*byte)).unwrap_or(text.len());
        if start == text.len() {
            self.format = Format::Ended;
            return Ok(None);
        }
        let value_line = line + newlines(text.get(..start).unwrap_or_default());
        let reason = if complete { json::check(text.get(start..).unwrap_or_default()).err() } else { None };
        if complete && reason.is_none() {
            self.format = Format::Json(count + 1);
            text.drain(..start);
            return Ok(Some(Document { text, offset: offset + start as u64, line: value_line }));
        }
        self.format = Format::Yaml;
        // White space up to the end of the line belongs to the value before.
        let blanks = blank(&text);
        let end = text.iter().take(blanks).position(|byte| *byte == b'\n').map_or(blanks, |position| position + 1);
        let rest = text.split_off(end);
        self.source.give_back(rest);
        if count > 1 {
            let reason = reason.map_or_else(|| "a value is not complete".to_owned(), |fault| fault.message);
            return Err(DocumentError::NotJson { line: value_line, reason });
        }
        self.yaml()
    }

    /// Takes white space and what may be one JSON value. Returns whether it is complete.
    fn value(&mut self, text: &mut Vec<u8>) -> Result<bool, DocumentError> {
        let mut scan = Scan::default();
        loop {
            let bytes = self.source.peek()?;
            let end = if bytes.is_empty() { Some((0, scan.in_word)) } else { scan.end(bytes) };
            let taken = end.map_or(bytes.len(), |(taken, _)| taken);
            text.extend_from_slice(bytes.get(..taken).unwrap_or_default());
            self.source.take(taken);
            if let Some((_, complete)) = end {
                return Ok(complete);
            }
            if text.len() > LARGEST_DOCUMENT {
                return Ok(false);
            }
        }
    }

    fn yaml(&mut self) -> Result<Option<Document>, DocumentError> {
        let (mut offset, mut line) = (self.source.offset, self.source.line);
        let mut text = Vec::new();
        loop {
            let before = (text.len(), self.source.line);
            let count = self.source.line(&mut text, LARGEST_DOCUMENT)?;
            if text.len() > LARGEST_DOCUMENT {
                self.skip()?;
                return Err(DocumentError::TooLarge { line, limit: LARGEST_DOCUMENT });
            }
            if count == 0 {
                break;
            }
            let Some(behind) = text.get(before.0..).and_then(|line| line.strip_prefix(b"---")) else { continue };
            let error = (!is_comment(behind)).then_some(DocumentError::Separator { line: before.1 });
            if before.0 == 0 && error.is_none() {
                // The first line of a document, and part of it.
                continue;
            }
            text.truncate(before.0);
            if !text.is_empty() {
                self.next = error;
                return Ok(Some(Document { text, offset, line }));
            }
            if let Some(error) = error {
                return Err(error);
            }
            (offset, line) = (self.source.offset, self.source.line);
        }
        self.format = Format::Ended;
        if text.is_empty() {
            return Ok(None);
        }
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        Ok(Some(Document { text, offset, line }))
    }

    /// Goes on to the next separator.
    fn skip(&mut self) -> Result<(), DocumentError> {
        let mut line = Vec::new();
        let mut at_start = false;
        loop {
            line.clear();
            let before = self.source.line;
            let count = self.source.line(&mut line, GUESSED_FROM)?;
            if count == 0 {
                return Ok(());
            }
            if at_start && line.starts_with(b"---") {
                let text = std::mem::take(&mut line);
                let ends = text.ends_with(b"\n");
                if !is_comment(text.get(3..).unwrap_or_default()) {
                    self.next = Some(DocumentError::Separator { line: before });
                }
                if ends {
                    return Ok(());
                }
            }
            at_start = line.ends_with(b"\n");
        }
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = Result<Document, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.document();
        if matches!(result, Err(DocumentError::Io(_))) {
            self.format = Format::Ended;
        }
        result.transpose()
    }
}

/// Looks for the end of a JSON value without looking at what is in it.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// In a number, `true`, `false` or `null` that is no part of anything else.
    in_word: bool,
}

impl Scan {
    /// How many of the next bytes still belong to the value, if it ends within them, and whether it is complete.
    fn end(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        for (index, byte) in bytes.iter().enumerate() {
            if self.in_string {
                self.in_string = self.escaped || *byte != b'"';
                self.escaped = !self.escaped && *byte == b'\\';
                if self.in_string || self.depth > 0 {
                    continue;
                }
                return Some((index + 1, true));
            }
            let is_word = byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            if self.in_word && !is_word {
                return Some((index, true));
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' => return Some((index + 1, self.depth == 1)),
                _ if self.depth > 0 => {}
                _ if is_word => self.in_word = true,
                // What JSON does not take for white space may still be some.
                _ if json::is_space(*byte) || !byte.is_ascii() => {}
                _ => return Some((index + 1, false)),
            }
        }
        None
    }
}

/// Whether nothing or a comment stands behind a separator.
fn is_comment(behind: &[u8]) -> bool {
    behind.get(blank(behind)..).is_none_or(|rest| rest.is_empty() || rest.starts_with(b"#"))
}

/// How many bytes of white space, as Unicode knows it, a text starts with.
fn blank(text: &[u8]) -> usize {
    let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    valid.len() - valid.trim_start().len()
}
