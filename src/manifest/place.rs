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
