//! What else watches the same objects: `kubectl`, once as people use it, and once only receiving.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::harness::{Binaries, ControlPlane};
use crate::process::processor_time;

/// What is watched: its path, and how it is given to `kubectl get`.
pub struct Watched {
    pub path: &'static str,
    pub resource: &'static [&'static str],
}

pub const JOBS: Watched = Watched { path: "/apis/batch/v1/jobs?watch=1", resource: &["jobs"] };

/// The Pods that the operator watches too.
pub const PODS: Watched = Watched {
    path: "/api/v1/pods?watch=1&labelSelector=batch.kubernetes.io/job-name",
    resource: &["pods", "--selector=batch.kubernetes.io/job-name"],
};

/// How long a start takes at most. What is spent on it does not count.
const START: Duration = Duration::from_secs(5);

/// Processes that watch.
pub struct Beside {
    printing: Vec<Watcher>,
    receiving: Vec<Watcher>,
}

/// What such processes took, and for how many events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    pub processor: Duration,
    pub events: usize,
}

impl Beside {
    pub async fn start(plane: &ControlPlane, watched: &[&Watched]) -> anyhow::Result<Self> {
        let kubectl = Binaries::find_or_build().await?.kubectl;
        let (mut printing, mut receiving) = (Vec::new(), Vec::new());
        for watched in watched {
            let mut arguments = vec!["get"];
            arguments.extend(watched.resource);
            arguments.extend(["--all-namespaces", "--watch", "--output=json"]);
            // An object that is printed ends with a brace at the beginning of a line.
            printing.push(Watcher::start(plane, &kubectl, &arguments, b'}'));
            // An event that is received begins with one.
            receiving.push(Watcher::start(plane, &kubectl, &["get", "--raw", watched.path], b'{'));
        }
        tokio::time::sleep(START).await;
        for watcher in printing.iter_mut().chain(&mut receiving) {
            watcher.before = watcher.taken()?;
        }
        Ok(Self { printing, receiving })
    }

    /// What `kubectl get --watch -o json` and `kubectl get --raw` took since then.
    pub fn end(self) -> anyhow::Result<[Taken; 2]> {
        let sum = |watchers: Vec<Watcher>| {
            watchers.iter().try_fold(Taken::default(), |sum, watcher| {
                let (now, before) = (watcher.taken()?, watcher.before);
                let processor = sum.processor + now.processor.saturating_sub(before.processor);
                anyhow::Ok(Taken { processor, events: sum.events + now.events - before.events })
            })
        };
        Ok([sum(self.printing)?, sum(self.receiving)?])
    }
}

/// `kubectl`, started again when the API server ends its watch: it does that to whoever is slow.
struct Watcher {
    state: Arc<Mutex<State>>,
    before: Taken,
    task: JoinHandle<anyhow::Result<()>>,
}

#[derive(Default)]
struct State {
    /// The process that runs now.
    pid: Option<u32>,
    /// Those before it, and all events.
    taken: Taken,
}

impl Watcher {
    fn start(plane: &ControlPlane, kubectl: &Path, arguments: &[&str], mark: u8) -> Self {
        let mut command = Command::new(kubectl);
        command.args(arguments).env("KUBECONFIG", plane.kubeconfig()).env("HOME", plane.scratch_dir());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let state = Arc::default();
        let task = tokio::spawn(watch(command, mark, Arc::clone(&state)));
        Self { state, before: Taken::default(), task }
    }

    fn taken(&self) -> anyhow::Result<Taken> {
        let State { pid, taken } = &*self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = pid.map_or(Ok(Duration::ZERO), processor_time)?;
        Ok(Taken { processor: taken.processor + running, ..*taken })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts the lines that begin with a mark, and what the processes take that print them.
async fn watch(mut command: Command, mark: u8, state: Arc<Mutex<State>>) -> anyhow::Result<()> {
    let state = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut child = command.spawn().context("cannot start kubectl")?;
        let pid = child.id().context("kubectl has ended")?;
        state().pid = Some(pid);
        let mut output = child.stdout.take().context("standard output is piped")?;
        let mut last = b'\n';
        while let Ok(length @ 1..) = output.read(&mut buffer).await {
            let mut events = 0;
            for byte in buffer.iter().take(length) {
                events += usize::from(last == b'\n' && *byte == mark);
                last = *byte;
            }
            state().taken.events += events;
        }
        // Until it is waited for, what it took can still be read.
        let taken = processor_time(pid)?;
        {
            let mut state = state();
            state.pid = None;
            state.taken.processor += taken;
        }
        child.wait().await?;
    }
}
