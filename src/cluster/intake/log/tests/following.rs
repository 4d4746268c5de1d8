//! From a log to the ledger: nothing is lost if the ledger cannot keep it, and nothing is repeated once it has.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::{Delivery, start};
use crate::cluster::intake::AuditLogs;
use crate::cluster::intake::counts::Counts;
use crate::cluster::intake::endpoint::tests::bench::event;

struct Scene {
    folder: TempDir,
    counts: Counts,
}

impl Scene {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), counts: Counts::default() }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn append(&self, text: &str) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        writeln!(file, "{text}").unwrap();
    }

    /// Follows as long as the tasks live.
    fn follow(&self) -> (mpsc::Receiver<Delivery>, JoinSet<()>) {
        let (sender, receiver) = mpsc::channel(4);
        let mut tasks = JoinSet::new();
        let logs = AuditLogs { files: vec![self.log(), self.log()], state: self.folder.path().join("state") };
        start(logs, &sender, &self.counts, &mut tasks).unwrap();
        (receiver, tasks)
    }
}

fn names(delivery: &Delivery) -> Vec<&str> {
    delivery.facts.iter().map(|fact| fact.object.name.as_str()).collect()
}

#[tokio::test]
async fn what_is_not_kept_is_handed_over_again_and_nothing_else_meanwhile() {
    let scene = Scene::new();
    scene.append(&event("a"));
    scene.append(r#"{"kind":"Event","verb":"get","objectRef":{"resource":"pods"}}"#);
    scene.append("not JSON about cronjobs");
    let (mut deliveries, _tasks) = scene.follow();
    let first = deliveries.recv().await.unwrap();
    assert_eq!(names(&first), ["a"]);
    scene.append(&event("b"));
    drop(first);
    let again = deliveries.recv().await.unwrap();
    assert_eq!(names(&again), ["a"]);
    again.kept.send(()).unwrap();
    let next = deliveries.recv().await.unwrap();
    assert_eq!(names(&next), ["b"]);
}

#[tokio::test]
async fn after_a_restart_only_what_was_not_kept_is_handed_over() {
    let scene = Scene::new();
    scene.append(&event("a"));
    let (mut deliveries, tasks) = scene.follow();
    deliveries.recv().await.unwrap().kept.send(()).unwrap();
    scene.append(&event("b"));
    // The piece after the one that was kept: by now the checkpoint is written.
    let unkept = deliveries.recv().await.unwrap();
    assert_eq!(names(&unkept), ["b"]);
    drop(tasks);
    scene.append(&event("c"));
    let (mut deliveries, _tasks) = scene.follow();
    assert_eq!(names(&deliveries.recv().await.unwrap()), ["b", "c"]);
}
