//! Cutting a stream of JSON into records, without ever holding more of it than one.

use std::ops::Range;

use memchr::memchr2;

/// The lists of which each entry is a record of its own, by the key that they have in the outermost object: those of `EventList`, of
/// `CloudWatch` Logs and of Azure's diagnostic logs.
const LISTS: [&[u8]; 4] = [b"items", b"events", b"logEvents", b"records"];

/// Finds the records in a stream of JSON values: the values themselves, the entries of an outermost array, or the entries of a list
/// that an export wraps them in.
///
/// It looks at no more than brackets and quotes: whether a record is valid is for its reader to say.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// Where the next byte is that was not looked at.
    at: usize,
    /// How many brackets are open.
    depth: usize,
    /// How many are open where records begin.
    outside: usize,
    /// Where the record begins that is not complete.
    start: Option<usize>,
    /// The text of the last string in the outermost object.
    key: Option<Range<usize>>,
    string: Option<usize>,
    is_escaped: bool,
}

impl Elements {
    /// Goes on with the text, of which what was looked at before is the beginning, and adds the records that end in it.
    pub(super) fn go_on(&mut self, text: &[u8], records: &mut Vec<Range<usize>>) {
        while let Some(&byte) = text.get(self.at) {
            if let Some(start) = self.string {
                self.within_string(text, start, records);
                continue;
            }
            match byte {
                b'"' => {
                    self.string = Some(self.at);
                    if self.depth == self.outside && self.start.is_none() {
                        self.start = Some(self.at);
                    }
                }
                b'{' | b'[' => self.open(text, byte),
                b'}' | b']' => self.close(records),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Says from where on the text is still needed, and forgets what is before.
    pub(super) fn forget(&mut self) -> usize {
        // The key of a list may be before the end of the text, and its bracket behind it.
        let key = self.key.as_ref().map(|key| key.start).filter(|_| self.depth == 1);
        let needed = [self.start, key, self.string].into_iter().flatten().min().unwrap_or(self.at);
        self.at -= needed;
        for position in [&mut self.start, &mut self.string].into_iter().flatten() {
            *position -= needed;
        }
        self.key = self.key.take().filter(|key| key.start >= needed).map(|key| key.start - needed..key.end - needed);
        needed
    }

    /// Whether a value has begun that has not ended.
    pub(super) fn is_open(&self) -> bool {
        self.depth > 0 || self.string.is_some()
    }

    fn within_string(&mut self, text: &[u8], start: usize, records: &mut Vec<Range<usize>>) {
        if std::mem::take(&mut self.is_escaped) {
            self.at += 1;
            return;
        }
        let rest = text.get(self.at.max(start + 1)..).unwrap_or_default();
        self.at = self.at.max(start + 1);
        let Some(found) = memchr2(b'"', b'\\', rest) else {
            self.at = text.len();
            return;
        };
        self.at += found + 1;
        if rest.get(found) == Some(&b'\\') {
            self.is_escaped = true;
            return;
        }
        self.string = None;
        if self.depth == 1 && self.outside == 0 {
            self.key = Some(start + 1..self.at - 1);
        }
        if self.depth == self.outside && self.start == Some(start) {
            self.start = None;
            records.push(start..self.at);
        }
    }

    fn open(&mut self, text: &[u8], byte: u8) {
        let is_list = byte == b'[';
        let is_outermost = self.depth == 0;
        let is_wrapped = self.depth == 1 && self.outside == 0 && self.is_list(text);
        if is_list && (is_outermost || is_wrapped) {
            // Its entries are the records, and what is around it is none.
            self.start = None;
            self.key = None;
            self.outside = self.depth + 1;
        } else if self.depth == self.outside && self.start.is_none() {
            self.start = Some(self.at);
        }
        self.depth += 1;
    }

    fn is_list(&self, text: &[u8]) -> bool {
        let key = self.key.clone().and_then(|key| text.get(key));
        key.is_some_and(|key| LISTS.contains(&key))
    }

    fn close(&mut self, records: &mut Vec<Range<usize>>) {
        // A bracket too many opens nothing.
        self.depth = self.depth.saturating_sub(1);
        if self.depth < self.outside {
            self.outside = 0;
            self.key = None;
        } else if self.depth == self.outside
            && let Some(start) = self.start.take()
        {
            records.push(start..self.at + 1);
        }
        if self.depth == 0 {
            self.key = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text that comes in pieces of so many bytes.
    fn records(text: &str, piece: usize) -> Vec<String> {
        let mut elements = Elements::default();
        let mut kept = Vec::new();
        let mut all = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            kept.extend_from_slice(piece);
            let mut found = Vec::new();
            elements.go_on(&kept, &mut found);
            all.extend(found.into_iter().map(|record| String::from_utf8(kept[record].to_vec()).unwrap()));
            let needed = elements.forget();
            kept.drain(..needed);
        }
        assert!(!elements.is_open(), "{text}");
        all
    }

    #[test]
    fn records_are_cut_wherever_the_pieces_end() {
        for (text, expected) in [
            (r#"{"a":[1,{"b":"}"}]} {"c":"\"]"}"#, vec![r#"{"a":[1,{"b":"}"}]}"#, r#"{"c":"\"]"}"#]),
            (r#"[{"a":{"items":[1]}}, {"b":2}]"#, vec![r#"{"a":{"items":[1]}}"#, r#"{"b":2}"#]),
            (
                r#"{"kind":"EventList", "items" : [{"a":[[]]},{"items":[{}]}], "x":{"y":"z"}} {"b":1}"#,
                vec![r#"{"a":[[]]}"#, r#"{"items":[{}]}"#, r#"{"b":1}"#],
            ),
            (r#"{"owner":"items","logEvents":[{"m":"[{\\"}],"z":[1]}"#, vec![r#"{"m":"[{\\"}"#]),
            (r#"["one", "t\"wo"]"#, vec![r#""one""#, r#""t\"wo""#]),
            (r#"{"items":[]}[]"#, vec![]),
        ] {
            for piece in [1, 2, 3, 7, 1000] {
                assert_eq!(records(text, piece), expected, "in pieces of {piece}");
            }
        }
    }
}
