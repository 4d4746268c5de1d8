//! Which characters a YAML document may consist of.

use super::tree::Fault;

/// The text of a document, if it is UTF-8 and has only characters that YAML 1.1 and YAML 1.2 read alike.
pub(super) fn check(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let message = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the text is UTF-16: save it as UTF-8",
            _ => "the text is not UTF-8: save it as UTF-8",
        };
        Fault::new(error.valid_up_to(), message)
    })?;
    let mut previous = b'\n';
    let mut suspicious = None;
    for (position, byte) in bytes.iter().enumerate() {
        // One comparison for nearly all bytes.
        if ODD.get(usize::from(*byte)).is_some_and(|odd| *odd) || previous == b'\r' {
            suspicious = Some(position);
            break;
        }
        previous = *byte;
    }
    let Some(first) = suspicious else { return Ok(text) };
    let start = text.floor_char_boundary(first.saturating_sub(1));
    let mut characters = text.get(start..).unwrap_or_default().char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        let message = match character {
            '\t' | '\n' | ' '..='~' => continue,
            '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => continue,
            '\u{feff}' if start + position == 0 => continue,
            '\r' => {
                "a carriage return without a line feed: YAML takes it for a line end, most editors do not; remove it"
            }
            '\u{feff}' => "a byte order mark in the middle of the text: remove it",
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                "a character that YAML takes for a line end and most editors do not: remove it, or write it as an escape in double quotes"
            }
            '\0'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                "a control character, which YAML does not allow: remove it, or write it as an escape in double quotes"
            }
            _ => continue,
        };
        return Err(Fault::new(start + position, message));
    }
    Ok(text)
}

/// The bytes with which something may start that is not allowed, and carriage returns.
const ODD: [bool; 256] = {
    let mut odd = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        odd[byte] = (byte < 0x20 && byte != 0x09 && byte != 0x0a)
            || byte == 0x7f
            || byte == 0xc2
            || byte == 0xe2
            || byte == 0xef;
        byte += 1;
    }
    odd
};

/// The first character in a JSON text that YAML would take for a line end.
pub(super) fn line_end(bytes: &[u8]) -> Option<Fault> {
    let odd = |(start, first): (usize, &u8)| {
        let rest = bytes.get(start + 1..)?;
        let found = match first {
            0xc2 => rest.starts_with(&[0x85]),
            0xe2 => rest.starts_with(&[0x80, 0xa8]) || rest.starts_with(&[0x80, 0xa9]),
            _ => false,
        };
        found.then_some(start)
    };
    let start = bytes.iter().enumerate().find_map(odd)?;
    Some(Fault::new(start, "a character that YAML takes for a line end: write it as an escape"))
}
