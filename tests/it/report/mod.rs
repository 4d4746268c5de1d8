//! Reports and explanations as people and programs see them.
//!
//! `UPDATE_FIXTURES=1` rewrites what is expected, for review with `git diff`; the tests that differ fail then.

mod explain;
mod forms;
mod harmless;
mod lineage;
mod sample;
pub mod sarif;

/// Compares a text with the file that holds what is expected.
fn expect(file: &str, text: &str) {
    let path = sample::folder().join(file);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&path, text).expect("an expectation can be written");
        }
        panic!("{file} differs:\n{text}");
    }
}
