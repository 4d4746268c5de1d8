//! The texts of `tests/data/yaml`.

use std::fs;
use std::path::{Path, PathBuf};

/// All of them: the files of snippets below headings `=== name`, the scalars in several surroundings, and the bytes.
pub fn all() -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of snippets")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !["scalars.txt", "bytes.txt", "refused.txt"].iter().any(|special| path.ends_with(special)))
        .collect();
    files.sort();
    let mut texts: Vec<Vec<u8>> = files.iter().flat_map(|file| sections(file)).collect();
    texts.extend(lines("scalars.txt").iter().flat_map(|scalar| surrounded(scalar)));
    texts.extend(lines("bytes.txt").iter().chain(&lines("refused.txt")).map(|line| bytes(line)));
    texts
}

/// A JSON string whose characters are bytes.
fn bytes(line: &str) -> Vec<u8> {
    let text: String = serde_json::from_str(line).expect("a JSON string");
    text.chars().map(|character| u8::try_from(character).expect("a byte")).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/yaml")
}

fn sections(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(file).expect("snippets");
    let sections = text.split("=== ").skip(1).map(|section| section.split_once('\n').expect("a heading").1);
    sections.map(|section| section.as_bytes().to_vec()).collect()
}

fn lines(file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder().join(file)).expect("lines");
    text.lines().skip(1).map(str::to_owned).collect()
}

fn surrounded(scalar: &str) -> [Vec<u8>; 5] {
    [
        format!("key: {scalar}\n"),
        format!("- {scalar}\n"),
        format!("{{key: {scalar}}}\n"),
        format!("[{scalar}]\n"),
        format!("{scalar}: text\n"),
    ]
    .map(String::into_bytes)
}
