//! What must hold whatever the input is. The fuzz targets in `fuzz/` try these checks on inputs that they make up, and the tests on
//! those that once failed, in `tests/data/fuzz`.
//!
//! Each check takes any bytes, and panics where something does not hold.

pub mod admission;
pub mod approval;
pub mod audit;
pub mod image;
pub mod manifest;
pub mod pattern;
pub mod schedule;

/// What may be shown on a terminal: one line of a bounded length without control characters.
fn assert_harmless(text: &str) {
    assert!(text.len() <= 8192, "a message of {} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "a control character in {text:?}");
}
