//! YAML into a tree.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::text;
use super::tree::{Builder, Fault, Items, Kind, Tree};

/// A YAML document, and what is wrong behind its end.
pub(super) struct Read<'a> {
    pub tree: Tree<'a>,
    pub behind: Option<Fault>,
}

/// Reads the first YAML document of a text, which is the only one that `kubectl` reads.
pub(super) fn read<'a, I: Items>(bytes: &'a [u8], items: &mut I) -> Result<Read<'a>, Fault> {
    let text = text::check(bytes)?;
    // `kubectl` passes over it at the start of each document.
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = text.get(mark..).unwrap_or_default();
    let options = granit_parser::options! { disallow_directives: true, emit_anchor_events: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(text.len(), items);
    let mut ended = false;
    // How many brackets are open; blocks cannot stand in them.
    let mut flow = 0_usize;
    let place = |span: &Span| {
        let range = span.byte_range().unwrap_or(0..0);
        range.start + mark..range.end + mark
    };
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) if ended => return Ok(Read { tree: builder.tree, behind: Some(behind(mark, &error)) }),
            Err(error) => return Err(fault(mark, &error)),
        };
        if ended && !matches!(event, Event::StreamEnd | Event::DocumentEnd) {
            let message = "kubectl reads only the first document of this text: put a line of `---` before the second";
            return Ok(Read { tree: builder.tree, behind: Some(Fault::new(place(&span).start, message)) });
        }
        let range = place(&span);
        if let Some(tag) = span.tag_span().filter(|_| flow > 0).as_ref().map(place)
            && bytes.get(tag.end) == Some(&b',')
        {
            return Err(Fault::new(tag.end, "kubectl takes this comma for a part of the tag: put a space before it"));
        }
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                if flow > 0 && style == ScalarStyle::Plain {
                    unambiguous(bytes, &value, &range)?;
                }
                if builder.at_root() && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    return Err(Fault::new(range.start, "a manifest is a mapping, not a single text"));
                }
                scalar(&mut builder, value, style, anchor, tag, range)?;
            }
            Event::MappingStart(style, anchor, _) => {
                flow += usize::from(style == StructureStyle::Flow && !range.is_empty());
                builder.start(Kind::Mapping, range, anchor)?;
            }
            Event::SequenceStart(style, anchor, _) => {
                flow += usize::from(style == StructureStyle::Flow);
                builder.start(Kind::Sequence, range, anchor)?;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let end = (!range.is_empty()).then_some(range.end);
                flow = flow.saturating_sub(usize::from(end.is_some()));
                builder.end(end)?;
            }
            Event::Alias(anchor) => {
                let name = bytes.get(range.start + 1..range.end).unwrap_or_default();
                named(name, range.start)?;
                builder.alias(anchor, range)?;
            }
            Event::Anchor(_, name) => named(name.as_bytes(), range.start)?,
            Event::DocumentEnd => ended = true,
            _ => {}
        }
    }
    Ok(Read { tree: builder.tree, behind: None })
}

fn scalar<'a, I: Items>(
    builder: &mut Builder<'a, '_, I>,
    text: Cow<'a, str>,
    style: ScalarStyle,
    anchor: usize,
    tag: Option<Cow<'a, Tag>>,
    range: Range<usize>,
) -> Result<(), Fault> {
    let Some(tag) = tag else {
        let kind = if style == ScalarStyle::Plain { Kind::Plain } else { Kind::Text };
        return builder.scalar(kind, text, range, anchor);
    };
    builder.tagged(format!("{}{}", tag.handle(), tag.suffix()), text, range, anchor)
}

/// Fails for a plain scalar between brackets that ends elsewhere for `kubectl`.
fn unambiguous(bytes: &[u8], value: &str, range: &Range<usize>) -> Result<(), Fault> {
    if value.contains('?') {
        return Err(Fault::new(range.start, "kubectl reads a question mark between brackets differently: use quotes"));
    }
    if value.starts_with(':') {
        return Err(Fault::new(range.start, "kubectl takes this colon for the end of a key: use quotes"));
    }
    match bytes.get(range.end..).unwrap_or_default().trim_ascii_start() {
        [b':', b',' | b'[' | b']' | b'{' | b'}', ..] => {
            Err(Fault::new(range.end, "kubectl takes this colon for a part of the text: put a space behind it"))
        }
        _ => Ok(()),
    }
}

/// Fails for the name of an anchor that ends earlier for `kubectl`.
fn named(name: &[u8], offset: usize) -> Result<(), Fault> {
    if name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)) {
        return Ok(());
    }
    Err(Fault::new(offset, "kubectl allows only letters, digits, `-` and `_` in the names of anchors"))
}

fn fault(mark: usize, error: &ScanError) -> Fault {
    Fault::new(error.marker().byte_offset().unwrap_or(0) + mark, error.info())
}

fn behind(mark: usize, error: &ScanError) -> Fault {
    let fault = fault(mark, error);
    Fault::new(fault.offset, format!("kubectl passes over this text behind the end of the document: {}", fault.message))
}
