//! Bytes of a stream, some of which can be given back.

use std::io::{self, BufRead};

/// A reader that knows where it is, and to which read bytes can be given back.
pub(super) struct Source<R> {
    reader: R,
    given_back: Vec<u8>,
    /// How many of the bytes given back are read again.
    position: usize,
    /// The offset of the next byte.
    pub offset: u64,
    /// The line of the next byte, from 1.
    pub line: u64,
}

impl<R: BufRead> Source<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, given_back: Vec::new(), position: 0, offset: 0, line: 1 }
    }

    /// The next bytes, at least one unless the stream is at its end.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        if self.position < self.given_back.len() {
            return Ok(self.given_back.get(self.position..).unwrap_or_default());
        }
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reader.fill_buf()
    }

    /// Takes as many of the peeked bytes.
    pub fn take(&mut self, count: usize) {
        let lines = self.peek().map_or(0, |bytes| newlines(bytes.get(..count).unwrap_or_default()));
        self.advance(count, lines);
    }

    fn advance(&mut self, count: usize, lines: u64) {
        self.line += lines;
        self.offset += count as u64;
        if self.position < self.given_back.len() {
            self.position += count;
            if self.position >= self.given_back.len() {
                self.given_back = Vec::new();
                self.position = 0;
            }
        } else {
            self.reader.consume(count);
        }
    }

    /// Appends the rest of the line with its line feed, or so much of it that `limit` bytes are exceeded. Returns how many
    /// bytes were appended.
    pub fn line(&mut self, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        let before = into.len();
        loop {
            let bytes = self.peek()?;
            let end = bytes.iter().position(|byte| *byte == b'\n').map(|position| position + 1);
            let count = end.unwrap_or(bytes.len());
            into.extend_from_slice(bytes.get(..count).unwrap_or_default());
            self.advance(count, u64::from(end.is_some()));
            if end.is_some() || count == 0 || into.len() > limit {
                return Ok(into.len() - before);
            }
        }
    }

    /// Gives back what was taken last.
    pub fn give_back(&mut self, bytes: Vec<u8>) {
        self.offset -= bytes.len() as u64;
        self.line -= newlines(&bytes);
        let rest = self.given_back.get(self.position..).unwrap_or_default().to_vec();
        self.given_back = bytes;
        self.given_back.extend(rest);
        self.position = 0;
    }
}

pub(super) fn newlines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).count() as u64
}
