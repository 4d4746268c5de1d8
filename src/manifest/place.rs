//! Places in a text.

use std::ops::Range;

/// A position in a text. Both count from 1, columns in characters, as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where it starts.
    pub start: Position,
    /// Where it ends: the position after its last character.
    pub end: Position,
    /// The bytes of the document that it covers.
    pub bytes: Range<usize>,
}

/// Turns offsets into positions; fast for offsets in rising order.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    first: u64,
    offset: usize,
    at: Position,
}

impl<'t> Lines<'t> {
    /// For a text whose first line has this number in its source.
    pub fn new(text: &'t [u8], first: u64) -> Self {
        Self { text, first, offset: 0, at: Position { line: first, column: 1 } }
    }

    pub fn position(&mut self, offset: usize) -> Position {
        if offset < self.offset {
            *self = Self::new(self.text, self.first);
        }
        let offset = offset.min(self.text.len());
        for byte in self.text.get(self.offset..offset).unwrap_or_default() {
            if *byte == b'\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else if *byte & 0xc0 != 0x80 {
                // Not a byte in the middle of a character.
                self.at.column += 1;
            }
        }
        self.offset = offset;
        self.at
    }
}
