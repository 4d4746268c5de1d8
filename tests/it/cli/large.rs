//! Large files take time, but not memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::folder::{Folder, documents};
use crate::operator::scene::{approval, cron_job};

const MEGABYTE: u64 = 1024 * 1024;

/// How large the files are.
const SIZE: u64 = 100 * MEGABYTE;

/// The most memory that reading one may take.
const MOST: u64 = 300 * MEGABYTE;

/// Writes a file out of one text again and again, with something else at its end.
fn write(path: &Path, part: &str, end: &str) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for _ in 0..SIZE / part.len() as u64 {
        file.write_all(part.as_bytes()).unwrap();
    }
    file.write_all(end.as_bytes()).unwrap();
    file.flush().unwrap();
}

fn scanned(folder: &Folder, code: i32) -> String {
    let arguments = ["scan", "large.yaml", "inventory.yaml"];
    let (outcome, peak) = folder.measured(arguments, Path::new("/dev/null"));
    let peak = peak.unwrap_or_default();
    assert!(peak < MOST, "{} MB", peak / MEGABYTE);
    outcome.ended_with(code).stdout
}

fn folder() -> Folder {
    Folder::of(&[("inventory.yaml", &documents(&[approval("payments", "last")]))])
}

#[test]
fn many_documents_are_read_one_after_the_other() {
    let folder = folder();
    let note = "nothing of interest ".repeat(200);
    let part = format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: notes}}\ndata:\n  note: {note}\n");
    write(&folder.path("large.yaml"), &part, &documents(&[cron_job("payments", "last")]));
    let table = scanned(&folder, 0);
    assert!(table.contains("1 workload: 1 approved"), "{table}");
}

#[test]
fn one_line_is_refused_before_it_fills_the_memory() {
    let folder = folder();
    write(&folder.path("large.yaml"), "xxxxxxxxxxxxxxxx", "");
    let table = scanned(&folder, 2);
    assert!(table.contains("large.yaml:1:1") && table.contains("larger than"), "{table}");
}

#[test]
fn one_line_does_not_hide_what_is_behind_it() {
    let folder = folder();
    write(&folder.path("large.yaml"), "xxxxxxxxxxxxxxxx", &format!("\n{}", documents(&[cron_job("payments", "last")])));
    let table = scanned(&folder, 2);
    assert!(table.contains("1 workload: 1 approved"), "{table}");
}
