//! What the fuzz targets run. The repository's tests run the same over inputs that once failed.

#[path = "../../tests/checks/mod.rs"]
pub mod checks;
