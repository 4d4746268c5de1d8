//! Logs that grow, are renamed, truncated and deleted.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::super::checkpoint::Checkpoint;
use super::super::follower::{Follower, Piece};
use super::super::mark::Mark;

struct Log {
    folder: TempDir,
    /// Files are changed one after another, each at a time of its own, however fast the test is.
    clock: SystemTime,
}

impl Log {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), clock: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self) -> PathBuf {
        self.file("audit.log")
    }

    fn append_to(&mut self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.file(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.touch(&file);
    }

    fn append(&mut self, text: &str) {
        self.append_to("audit.log", text);
    }

    fn touch(&mut self, file: &File) {
        self.clock += Duration::from_secs(1);
        file.set_modified(self.clock).unwrap();
    }

    /// As kube-apiserver rotates.
    fn rotate(&self, to: &str) {
        fs::rename(self.path(), self.file(to)).unwrap();
    }

    /// As logrotate does with `copytruncate`.
    fn copy_and_truncate(&mut self, to: &str) {
        fs::copy(self.path(), self.file(to)).unwrap();
        let copy = OpenOptions::new().append(true).open(self.file(to)).unwrap();
        self.touch(&copy);
        self.truncate();
    }

    fn truncate(&mut self) {
        let file = OpenOptions::new().write(true).truncate(true).open(self.path()).unwrap();
        self.touch(&file);
    }

    fn follow(&self, mark: Option<Mark>) -> Follower {
        Follower::new(self.path(), mark)
    }
}

/// Everything that can be read now, as lines.
fn read(follower: &mut Follower) -> Vec<String> {
    let mut text = Vec::new();
    while let Some(Piece { text: piece, too_long }) = follower.next().unwrap() {
        assert_eq!(too_long, 0);
        text.extend(piece);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// What is left for a follower that begins where another one stopped, after both a restart and writing the mark down.
fn restarted(log: &Log, follower: &Follower) -> Follower {
    let mark = serde_json::to_string(follower.mark().unwrap()).unwrap();
    log.follow(Some(serde_json::from_str(&mark).unwrap()))
}

#[test]
fn lines_are_read_once_they_are_complete() {
    let mut log = Log::new();
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), [""; 0], "there is no file yet");
    log.append("");
    assert_eq!(read(&mut follower), [""; 0], "it is empty");
    log.append("one\ntw");
    assert_eq!(read(&mut follower), ["one"]);
    log.append("o");
    assert_eq!(read(&mut follower), [""; 0]);
    log.append("\n\nthree\n");
    assert_eq!(read(&mut follower), ["two", "", "three"]);
    assert_eq!(read(&mut follower), [""; 0]);
}

#[test]
fn the_folder_may_come_later_too() {
    let log = Log::new();
    let path = log.file("later").join("audit.log");
    let mut follower = Follower::new(path.clone(), None);
    assert_eq!(read(&mut follower), [""; 0]);
    fs::create_dir(log.file("later")).unwrap();
    fs::write(&path, "one\n").unwrap();
    assert_eq!(read(&mut follower), ["one"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_first() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.append("two\nthr");
    log.rotate("audit-2026-11-24T10-00-00.000.log");
    assert_eq!(read(&mut follower), ["two", "thr"], "it is not written to any more, and there is no new file yet");
    log.append("four\n");
    assert_eq!(read(&mut follower), ["four"]);
}

#[test]
fn several_rotations_between_two_looks_lose_nothing() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.append("two\n");
    log.rotate("audit-2026-11-24T10-00-00.000.log");
    log.append("three\n");
    log.rotate("audit-2026-11-24T11-00-00.000.log");
    log.append("four\n");
    assert_eq!(read(&mut follower), ["two", "three", "four"]);
}

#[test]
fn a_file_that_was_renamed_and_deleted_is_still_read_to_its_end() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.append("two\n");
    log.rotate("audit-2026-11-24T10-00-00.000.log");
    log.append("three\n");
    log.rotate("audit-2026-11-24T11-00-00.000.log");
    log.append("four\n");
    fs::remove_file(log.file("audit-2026-11-24T10-00-00.000.log")).unwrap();
    assert_eq!(read(&mut follower), ["two", "three", "four"]);
}

#[test]
fn after_a_restart_reading_goes_on_where_it_stopped() {
    let mut log = Log::new();
    log.append("one\ntw");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.append("o\nthree\n");
    let mut follower = restarted(&log, &follower);
    assert_eq!(read(&mut follower), ["two", "three"]);
    assert_eq!(read(&mut restarted(&log, &follower)), [""; 0]);
}

#[test]
fn what_was_rotated_while_nobody_looked_is_read_first() {
    let mut log = Log::new();
    log.append_to("audit-2026-11-24T09-00-00.000.log", "zero\n");
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"], "what was rotated before the first start is left");
    log.append("two\n");
    log.rotate("audit-2026-11-24T10-00-00.000.log");
    log.append("three\n");
    log.rotate("audit-2026-11-24T11-00-00.000.log");
    log.append_to("audit-2026-11-24T11-30-00.000.log.gz", "compressed");
    log.append_to("other.log", "other\n");
    log.append("four\n");
    let mut follower = restarted(&log, &follower);
    assert_eq!(read(&mut follower), ["two", "three", "four"]);
    assert_eq!(read(&mut follower), [""; 0]);
}

#[test]
fn if_the_file_of_the_checkpoint_is_gone_everything_newer_is_read() {
    let mut log = Log::new();
    log.append_to("audit-2026-11-24T09-00-00.000.log", "zero\n");
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    fs::remove_file(log.path()).unwrap();
    log.append_to("audit-2026-11-24T11-00-00.000.log", "two\n");
    log.append("three\n");
    assert_eq!(read(&mut restarted(&log, &follower)), ["two", "three"]);
}

#[test]
fn a_truncated_file_is_read_from_its_start() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.truncate();
    assert_eq!(read(&mut follower), [""; 0]);
    log.append("two\n");
    assert_eq!(read(&mut follower), ["two"]);
    log.truncate();
    log.append("longer than what was there before\n");
    assert_eq!(read(&mut follower), ["longer than what was there before"]);
}

#[test]
fn a_copied_and_truncated_file_is_read_to_its_end_in_the_copy() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    log.append("two\n");
    log.copy_and_truncate("audit.log.1");
    log.append("three\n");
    assert_eq!(read(&mut follower), ["two", "three"]);
    log.append("four\n");
    let before = restarted(&log, &follower);
    fs::rename(log.file("audit.log.1"), log.file("audit.log.2")).unwrap();
    log.copy_and_truncate("audit.log.1");
    log.append("a fifth line that is longer than all others\n");
    for mut follower in [follower, before] {
        assert_eq!(read(&mut follower), ["four", "a fifth line that is longer than all others"]);
        log.append("");
        assert_eq!(read(&mut follower), [""; 0]);
    }
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let mut log = Log::new();
    let mut follower = log.follow(None).with_longest_line(10);
    log.append("one\n0123456789abc");
    assert_eq!(follower.next().unwrap(), Some(Piece { text: b"one\n".to_vec(), too_long: 0 }));
    log.append("d");
    assert_eq!(follower.next().unwrap(), Some(Piece { text: Vec::new(), too_long: 1 }));
    log.append("efghijklmnopqrstuvwxyz");
    assert_eq!(follower.next().unwrap(), None);
    log.append("the end\ntwo\n");
    assert_eq!(read(&mut follower), ["two"]);
    assert_eq!(read(&mut restarted(&log, &follower)), [""; 0]);
}

#[test]
fn large_logs_are_read_in_pieces() {
    let mut log = Log::new();
    let line = format!("{}\n", "x".repeat(99_999));
    log.append(&line.repeat(50));
    let mut follower = log.follow(None);
    let mut pieces = 0;
    let mut bytes = 0;
    while let Some(piece) = follower.next().unwrap() {
        pieces += 1;
        bytes += piece.text.len();
        assert!(piece.text.len() <= 2 << 20 && piece.text.ends_with(b"\n"));
    }
    assert_eq!(bytes, 5_000_000);
    assert!(pieces > 3, "{pieces}");
}

#[test]
fn a_checkpoint_outlives_the_process_and_its_own_damage() {
    let mut log = Log::new();
    log.append("one\n");
    let mut follower = log.follow(None);
    assert_eq!(read(&mut follower), ["one"]);
    let folder = log.file("state");
    let checkpoint = Checkpoint::open(&folder).unwrap();
    assert_eq!(checkpoint.mark(&log.path()), None);
    checkpoint.keep(&log.path(), follower.mark().unwrap()).unwrap();
    let mark = Checkpoint::open(&folder).unwrap().mark(&log.path());
    assert_eq!(mark.as_ref(), follower.mark());
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "nothing is left over: {files:?}");
    for damage in ["", "{", "[]", r#"{"logs":{"x":{}}}"#] {
        fs::write(&files[0], damage).unwrap();
        let checkpoint = Checkpoint::open(&folder).unwrap();
        assert_eq!(read(&mut log.follow(checkpoint.mark(&log.path()))), ["one"], "{damage:?}");
    }
    let error = Checkpoint::open(Path::new("/proc/nothing/here")).unwrap_err();
    assert!(error.to_string().contains("--state-dir"), "{error:#}");
}
