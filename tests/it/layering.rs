//! The rooms of the library, who may use whom, and what none of the pure ones may touch.
//!
//! The compiler proves the largest step: without the feature `operator` everything but `cluster` and `cli` builds, and no runtime,
//! HTTP stack or client is in its tree. What the compiler cannot see is read off the source here.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Each room and those that it may use. What is not listed here is not a room.
const ROOMS: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("workload", &["api"]),
    ("manifest", &["api", "workload"]),
    ("inventory", &["api", "workload"]),
    ("identity", &["api", "workload"]),
    ("lineage", &["api", "workload", "inventory", "identity"]),
    ("assess", &["api", "workload", "inventory", "identity", "lineage"]),
    ("draft", &["api", "workload", "inventory", "assess"]),
    ("finding", &["api", "workload", "identity", "lineage", "assess"]),
    ("timeline", &["api", "workload", "inventory", "identity", "lineage", "assess", "finding"]),
    ("report", &["api", "workload", "manifest", "inventory", "identity", "lineage", "assess", "finding", "timeline"]),
    ("cluster", &["api", "workload", "inventory", "identity", "lineage", "assess", "finding"]),
    (
        "cli",
        &[
            "api",
            "workload",
            "manifest",
            "inventory",
            "identity",
            "lineage",
            "assess",
            "draft",
            "finding",
            "timeline",
            "report",
            "cluster",
        ],
    ),
];

/// The rooms that may read clocks, files and sockets.
const IMPURE: &[&str] = &["cluster", "cli"];

/// What would let a pure room look at the world: its results would no longer follow from its arguments.
const WORLD: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
    "tz::db()",
    "File::",
    "tokio",
    "kube::Client",
    "kube::Api",
    "println!",
    "eprintln!",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file without its comments and without the tests in it, which stand at its end.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn read(file: &Path) -> String {
    code(&std::fs::read_to_string(file).expect("a readable source"))
}

#[test]
fn only_comments_and_tests_are_passed_over() {
    let text = "use a;\n#[cfg(test)]\nmod tests;\n// b\nfn c() {}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
    assert_eq!(code(text), "use a;\n#[cfg(test)]\nmod tests;\nfn c() {}");
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// A room as its files: `src/room.rs` and everything below `src/room`.
fn room_files(room: &str) -> Vec<PathBuf> {
    let folder = root().join("src").join(room);
    let mut files = if folder.is_dir() { sources(&folder) } else { Vec::new() };
    files.extend(Some(folder.with_extension("rs")).filter(|file| file.exists()));
    files.retain(|file| !is_test(file.strip_prefix(root()).expect("a file of this package")));
    files
}

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    let mut wrong = Vec::new();
    for (room, allowed) in ROOMS {
        let files = room_files(room);
        assert!(!files.is_empty(), "the room {room} has no files");
        for file in files {
            let code = read(&file);
            for (other, _) in ROOMS.iter().filter(|(other, _)| other != room && !allowed.contains(other)) {
                if code.contains(&format!("crate::{other}")) || code.contains(&format!("super::{other}::")) {
                    wrong.push(format!("{} uses {other}", file.display()));
                }
            }
            // A list of rooms after `crate::` would escape the check above.
            if code.contains("crate::{") {
                wrong.push(format!("{} imports several rooms at once: write one `use` for each", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "layering:\n{}", wrong.join("\n"));
}

#[test]
fn no_pure_room_looks_at_the_world() {
    let mut wrong = Vec::new();
    for (room, _) in ROOMS.iter().filter(|(room, _)| !IMPURE.contains(room)) {
        for file in room_files(room) {
            let code = read(&file);
            wrong.extend(
                WORLD.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", file.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "clocks, files, sockets or output in a pure room:\n{}", wrong.join("\n"));
}

#[test]
fn every_source_belongs_to_a_room() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).chain(["lib", "main"]).collect();
    for entry in std::fs::read_dir(root().join("src")).expect("the folder src") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(rooms.contains(&name), "{} is no room: add it to the table and to ARCHITECTURE.md", path.display());
    }
}

#[test]
fn the_pure_library_has_no_runtime_and_no_client_in_its_tree() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--no-default-features", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8_lossy(&output.stdout);
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"kube-core"), "the tree is not what it seems:\n{tree}");
    for unwanted in ["tokio", "hyper", "tower", "kube-client", "kube-runtime", "axum", "rustls", "mio"] {
        assert!(!crates.contains(&unwanted), "{unwanted} is in the tree of the pure library");
    }
}
