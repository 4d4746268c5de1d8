//! Where in the files the fields stand that a verdict is about.

use std::io;
use std::ops::Range;

use super::{Input, Origin};
use crate::manifest::{Document, Place, locate_all};
use crate::report::{self, Excerpt, Spot};

/// The most bytes of a source that an excerpt takes along.
const LONGEST_EXCERPT: usize = 4096;

/// What is looked for in one object: its number in the document, and the paths of fields.
pub(in crate::cli) type Wanted<'a> = (usize, Vec<&'a str>);

impl Input {
    /// The file of an object, as it is shown.
    pub(in crate::cli) fn source(&self, origin: &Origin) -> report::Source {
        self.sources.get(origin.source).map_or(report::Source::Stdin, |source| report::Source::of(&source.name))
    }

    /// Where fields of several objects of one document stand: the document is read again, which few need. Fails if it cannot be.
    pub(in crate::cli) fn spots(
        &self,
        origin: &Origin,
        wanted: &[Wanted<'_>],
        with_excerpts: bool,
    ) -> io::Result<Vec<Vec<Spot>>> {
        let source = self.sources.get(origin.source).ok_or(io::ErrorKind::NotFound)?;
        let text = source.part(origin.offset, origin.length)?;
        let document = Document { text, offset: origin.offset, line: origin.line };
        let wanted: Vec<(usize, &[&str])> = wanted.iter().map(|(index, paths)| (*index, paths.as_slice())).collect();
        let spot = |place: Place| {
            let excerpt = if with_excerpts { excerpt(&document, &place) } else { None };
            Spot { place, excerpt }
        };
        let places = locate_all(&document, &wanted);
        Ok(places.into_iter().map(|places| places.into_iter().map(spot).collect()).collect())
    }
}

/// The lines of a place.
fn excerpt(document: &Document, place: &Place) -> Option<Excerpt> {
    let Range { start, end } = place.bytes.clone();
    let before = document.text.get(..start)?;
    let first = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let after = document.text.get(end..)?;
    let last = end + after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
    let text = document.text.get(first..last.min(first + LONGEST_EXCERPT).max(end.min(first + LONGEST_EXCERPT)))?;
    // A character may be cut in two at the end.
    let text = text.utf8_chunks().next().map(|chunk| chunk.valid())?.to_owned();
    let highlight = start.checked_sub(first)?..end.checked_sub(first)?.min(text.len());
    (highlight.start <= highlight.end).then_some(Excerpt { first_line: place.start.line, text, highlight })
}
