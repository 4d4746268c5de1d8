//! The Go program that reads as `kubectl` does.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// What the libraries of `kubectl` make of a text.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The documents up to the first that cannot be read.
    pub documents: Vec<Value>,
    /// Why that one cannot be read.
    #[serde(default)]
    pub error: String,
    /// The objects of each document.
    pub objects: Vec<Objects>,
}

/// The objects of a document, lists taken apart; none if it cannot be taken apart.
#[derive(Debug, Deserialize)]
pub struct Objects {
    pub objects: Vec<Value>,
}

/// Runs the program once on all texts.
pub fn ask(texts: &[Vec<u8>]) -> Vec<Answer> {
    let mut oracle =
        Command::new(build()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let mut input = oracle.stdin.take().expect("standard input");
    let questions: String = texts.iter().map(|text| json!({ "text": base64(text) }).to_string() + "\n").collect();
    // In a thread of its own: the oracle answers while it still reads, and the pipes hold only so much.
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = oracle.wait_with_output().expect("the oracle ends");
    writer.join().expect("no panic").expect("the oracle reads all questions");
    assert!(output.status.success(), "the oracle failed: {}", output.status);
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("an answer")).collect()
}

/// Builds the Go program; from the second time on out of Go's cache.
fn build() -> PathBuf {
    let test = std::thread::current().name().unwrap_or("main").replace("::", "-");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifests").join(test).join("oracle");
    let mut go = Command::new("go");
    go.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane"));
    let built = go.args(["build", "-o"]).arg(&program).arg("./oracle/manifest").status();
    assert!(built.expect("Go is installed").success(), "go build failed");
    program
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 0x3f;
            text.push(if digit <= chunk.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}
