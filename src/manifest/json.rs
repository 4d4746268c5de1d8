//! JSON into a tree, as Go's `encoding/json` reads it.

use std::borrow::Cow;

use super::tree::{Builder, DEEPEST, Fault, Id, Items, Kind, Tree};

/// White space in JSON.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a text is one JSON value. Fails with what is wrong with it.
pub(super) fn check(text: &[u8]) -> Result<(), Fault> {
    read(text, 0, &mut Nothing).map(|_| ())
}

/// Takes no items.
pub(super) struct Nothing;

impl Items for Nothing {
    fn begin(&mut self, _sequence: Id) {}

    fn item(&mut self, _tree: &mut Tree<'_>, _item: Id) -> bool {
        // Everything can be forgotten: whoever wants nothing of the items checks the syntax only.
        true
    }
}

/// Reads the JSON value that starts at an offset, and says where it ends.
pub(super) fn read<'a, I: Items>(text: &'a [u8], offset: usize, items: &mut I) -> Result<(Tree<'a>, usize), Fault> {
    let builder = Builder::new(text.len() - offset.min(text.len()), items);
    let mut reader = Reader { text, position: offset, builder };
    reader.value()?;
    Ok((reader.builder.tree, reader.position))
}

struct Reader<'a, 'i, I> {
    text: &'a [u8],
    position: usize,
    builder: Builder<'a, 'i, I>,
}

impl<'a, I: Items> Reader<'a, '_, I> {
    /// One value, without recursion: texts of nothing but brackets come deep.
    fn value(&mut self) -> Result<(), Fault> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            // Where a value is expected.
            self.space();
            let start = self.position;
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() >= DEEPEST {
                        return Err(self.fault(&format!("values are nested deeper than {DEEPEST}")));
                    }
                    self.position += 1;
                    let kind = if bracket == b'{' { Kind::Mapping } else { Kind::Sequence };
                    self.builder.start(kind, start..start + 1, 0)?;
                    open.push(bracket);
                    self.space();
                    if self.peek() != Some(closing(bracket)) {
                        self.key(bracket)?;
                        continue;
                    }
                }
                Some(b'"') => {
                    let text = self.string()?;
                    self.builder.scalar(Kind::Text, text, start..self.position, 0)?;
                }
                _ => self.literal()?,
            }
            // Where a value has ended.
            loop {
                let Some(bracket) = open.last().copied() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.position += 1;
                        self.key(bracket)?;
                        break;
                    }
                    Some(end) if end == closing(bracket) => {
                        self.position += 1;
                        open.pop();
                        self.builder.end(Some(self.position))?;
                    }
                    _ => return Err(self.fault("JSON expects a comma or a closing bracket here")),
                }
            }
        }
    }

    /// The key and the colon before a value of an object; nothing in an array.
    fn key(&mut self, bracket: u8) -> Result<(), Fault> {
        if bracket == b'[' {
            return Ok(());
        }
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.fault("JSON expects a key in double quotes here"));
        }
        let start = self.position;
        let text = self.string()?;
        self.builder.scalar(Kind::Text, text, start..self.position, 0)?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.fault("JSON expects a colon here"));
        }
        self.position += 1;
        Ok(())
    }

    fn literal(&mut self) -> Result<(), Fault> {
        let start = self.position;
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| !word(byte)).unwrap_or(rest.len());
        let text = rest.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        if !matches!(text, "true" | "false" | "null") && !is_number(text.as_bytes()) {
            return Err(self.fault("JSON expects a value here"));
        }
        self.position += length;
        self.builder.scalar(Kind::Literal, Cow::Borrowed(text), start..self.position, 0)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let start = self.position + 1;
        let mut text = String::new();
        // From where on nothing was copied yet.
        let mut pending = start;
        let mut position = start;
        loop {
            match self.text.get(position) {
                Some(b'"') => break,
                Some(b'\\') => {
                    text.push_str(&lossy(self.text.get(pending..position).unwrap_or_default()));
                    self.position = position;
                    let (character, length) = self.escape()?;
                    text.push(character);
                    position += length;
                    pending = position;
                }
                Some(0..=0x1f) => {
                    self.position = position;
                    return Err(self.fault("JSON allows no control characters in strings: write an escape"));
                }
                Some(_) => position += 1,
                None => {
                    self.position = position;
                    return Err(self.fault("this string has no end"));
                }
            }
        }
        self.position = position + 1;
        let rest = lossy(self.text.get(pending..position).unwrap_or_default());
        if pending == start {
            return Ok(rest);
        }
        text.push_str(&rest);
        Ok(Cow::Owned(text))
    }

    /// The character of the escape at the current position, and the length of the escape.
    fn escape(&self) -> Result<(char, usize), Fault> {
        let character = match self.text.get(self.position + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.fault("JSON does not know this escape")),
        };
        Ok((character, 2))
    }

    fn unicode(&self) -> Result<(char, usize), Fault> {
        let unit = |position: usize| {
            let digits = self.text.get(position..position + 6)?.strip_prefix(b"\\u")?;
            let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|d| d.is_ascii_hexdigit()))?;
            u32::from_str_radix(digits, 16).ok()
        };
        let high = unit(self.position).ok_or_else(|| self.fault("JSON expects four hexadecimal digits here"))?;
        if let Some(character) = char::from_u32(high) {
            return Ok((character, 6));
        }
        // Half of a pair stands for a character that cannot be shown.
        let low = unit(self.position + 6).filter(|low| high < 0xdc00 && (0xdc00..0xe000).contains(low));
        let pair = low.and_then(|low| char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
        Ok(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |character| (character, 12)))
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.position += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn fault(&self, message: &str) -> Fault {
        Fault::new(self.position, message)
    }
}

fn closing(bracket: u8) -> u8 {
    if bracket == b'{' { b'}' } else { b']' }
}

/// Text with a replacement character for each byte that is not UTF-8, as Go reads it.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

/// Whether a text is a number in the grammar of JSON.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || whole > 1 && text.starts_with(b"0") {
        return false;
    }
    let mut rest = text.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
