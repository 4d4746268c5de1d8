//! Streams into documents.

use std::io::{BufReader, Read};

use super::super::{Document, DocumentError, Documents, LARGEST_DOCUMENT};
use super::documents;

fn texts(text: &str) -> Vec<(String, u64, u64)> {
    let text_of =
        |document: Document| (String::from_utf8(document.text).expect("UTF-8"), document.offset, document.line);
    documents(text.as_bytes()).into_iter().map(text_of).collect()
}

fn all(text: &str) -> Vec<String> {
    let told = |result| match result {
        Ok(Document { text, .. }) => String::from_utf8(text).expect("UTF-8"),
        Err(DocumentError::Separator { line }) => format!("separator {line}"),
        Err(DocumentError::NotJson { line, .. }) => format!("not JSON {line}"),
        Err(error) => error.to_string(),
    };
    Documents::new(text.as_bytes()).map(told).collect()
}

#[test]
fn separators_end_documents_wherever_a_line_starts_with_one() {
    let documents = texts("# head\n---\na: 1\n--- # tail\r\nb: 2\n---\n---\nc: |\n---\n  3");
    let expected =
        [("# head\n", 0, 1), ("a: 1\n", 11, 3), ("b: 2\n", 28, 5), ("---\nc: |\n", 37, 7), ("  3\n", 50, 10)];
    let expected: Vec<_> = expected.map(|(text, offset, line)| (text.to_owned(), offset, line)).to_vec();
    assert_eq!(documents, expected);
}

#[test]
fn text_behind_a_separator_is_told_and_nothing_else_is_lost() {
    assert_eq!(all("a: 1\n--- b: 2\nc: 3\n---\nd: 4\n"), ["a: 1\n", "separator 2", "c: 3\n", "d: 4\n"]);
    assert_eq!(all("--- a\nb: 1\n"), ["separator 1", "b: 1\n"]);
    assert_eq!(all("----\n"), ["separator 1"]);
}

#[test]
fn json_values_stand_one_after_another() {
    let documents = texts("\n{\"a\": \"}\\\"{\"}{\"b\": 2}\n [3] \"4\" 5\n{\"c\": 3}\n");
    let expected = [
        ("{\"a\": \"}\\\"{\"}", 1, 2),
        ("{\"b\": 2}", 14, 2),
        ("[3]", 24, 3),
        ("\"4\"", 28, 3),
        ("5", 32, 3),
        ("{\"c\": 3}", 34, 4),
    ];
    assert_eq!(documents, expected.map(|(text, offset, line)| (text.to_owned(), offset, line)));
}

#[test]
fn after_at_most_one_json_value_comes_yaml() {
    assert_eq!(all("{\"a\": 1}\n---\nb: 2\n"), ["{\"a\": 1}", "---\nb: 2\n"]);
    assert_eq!(all("{\"a\": 1}  \n  b: 2\n  c: 3\n"), ["{\"a\": 1}", "  b: 2\n  c: 3\n"]);
    assert_eq!(all("{a: 1}\n---\nb: 2\n"), ["{a: 1}\n", "b: 2\n"]);
    assert_eq!(all("\u{a0}{\"a\": 1}"), ["{\"a\": 1}\n"]);
    assert_eq!(all("{}{}\nb: 2\n"), ["{}", "{}", "not JSON 2", "b: 2\n"]);
}

#[test]
fn nothing_is_no_document() {
    for text in ["", "---", "---\n"] {
        assert!(documents(text.as_bytes()).iter().all(|document| document.text == b"---\n"), "{text:?}");
    }
    assert_eq!(documents(b"").len(), 0);
}

#[test]
fn documents_of_any_size_are_split_in_blocks() {
    // The smallest blocks that a reader can give.
    let text = "a: 1\n---\nb: 2\n--- # c\n".repeat(50);
    let small = Documents::new(BufReader::with_capacity(1, text.as_bytes()));
    let small: Vec<Document> = small.map(|document| document.expect("a document")).collect();
    assert_eq!(small, documents(text.as_bytes()));
    assert_eq!(small.len(), 100);
    let json = "{\"a\": \"\u{e9}\\\\\"} ".repeat(50);
    let small = Documents::new(BufReader::with_capacity(1, json.as_bytes()));
    assert_eq!(small.map(|document| document.expect("a document")).collect::<Vec<_>>(), documents(json.as_bytes()));
}

#[test]
fn a_document_that_is_too_large_is_passed_over() {
    let size = u64::try_from(LARGEST_DOCUMENT).expect("64 bits") + 10;
    let line = std::io::repeat(b'x').take(size);
    let stream = (&b"a: 1\n---\nb: "[..]).chain(line).chain(&b"\n---\nc: 3\n"[..]);
    let read: Vec<_> = Documents::new(BufReader::new(stream)).collect();
    assert!(matches!(&read[0], Ok(document) if document.text == b"a: 1\n"));
    assert!(matches!(read[1], Err(DocumentError::TooLarge { line: 3, limit: LARGEST_DOCUMENT })), "{:?}", read[1]);
    assert!(matches!(&read[2], Ok(document) if document.text == b"c: 3\n" && document.line == 5), "{:?}", read[2]);
    assert_eq!(read.len(), 3);
}

#[test]
fn a_broken_source_ends_the_stream() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let read: Vec<_> = Documents::new(BufReader::new((&b"a: 1\n"[..]).chain(Broken))).collect();
    assert!(matches!(read.as_slice(), [Err(DocumentError::Io(_))]), "{read:?}");
}
