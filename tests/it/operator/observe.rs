//! Watching the operator at work.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;

use super::scene::{PATIENCE, Scene, page};
use crate::harness::eventually;

/// Asks for /livez all the time, as the kubelet does only now and then.
pub struct Liveness {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Liveness {
    pub fn of(address: SocketAddr) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        let thread = std::thread::spawn(move || {
            let (mut asked, mut failures) = (0, Vec::new());
            while !seen.load(Ordering::Relaxed) {
                asked += 1;
                match page(address, "/livez") {
                    Ok((200, _)) => {}
                    other => failures.push(format!("{other:?}")),
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            (asked, failures)
        });
        Self { ended, thread }
    }

    /// Fails unless every answer was good.
    pub fn ensure_always_alive(self) -> anyhow::Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        let (asked, failures) = self.thread.join().ok().context("the thread has panicked")?;
        anyhow::ensure!(asked > 0 && failures.is_empty(), "{} of {asked} failed: {failures:?}", failures.len());
        Ok(())
    }
}

/// Waits until a metric is at least so high. One that does not exist yet counts as 0.
pub async fn reaches(scene: &Scene, metric: &str, value: usize) {
    eventually(&format!("{metric} reaches {value}"), PATIENCE, async || match scene.count(metric) {
        Ok(seen) if seen >= value => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// Fails if people were told of a transition more than once.
pub async fn ensure_told_once(scene: &Scene) -> anyhow::Result<()> {
    let mut told: HashMap<(Option<String>, Option<String>), usize> = HashMap::new();
    for event in scene.events("apps").await? {
        let workload = event.regarding.and_then(|regarding| regarding.name);
        *told.entry((workload, event.reason)).or_default() += 1;
    }
    let twice: Vec<_> = told.iter().filter(|(_, count)| **count > 1).collect();
    anyhow::ensure!(!told.is_empty(), "nobody was told of anything");
    anyhow::ensure!(twice.is_empty(), "told more than once: {twice:?}");
    Ok(())
}
