//! Inputs on which a fuzz target once failed, in `tests/data/fuzz/<target>`: what was found stays mended without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use crate::checks;
use crate::rest::repository;

type Check = fn(&[u8]);

const CHECKS: &[(&str, Check)] = &[
    ("admission", checks::admission::check),
    ("approval", checks::approval::check),
    ("audit", checks::audit::check),
    ("image", checks::image::check),
    ("manifest", checks::manifest::check),
    ("pattern", checks::pattern::check),
    ("schedule", checks::schedule::check),
];

fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[test]
fn what_once_failed_holds() {
    let mut failed = Vec::new();
    for folder in inside(&repository("tests/data/fuzz")) {
        let check = CHECKS.iter().find(|(target, _)| folder.ends_with(target)).expect("a folder named like a target").1;
        for file in inside(&folder) {
            let input = fs::read(&file).expect("a readable file");
            if std::panic::catch_unwind(|| check(&input)).is_err() {
                failed.push(file);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
