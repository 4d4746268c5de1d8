//! What else watches the same objects: `kubectl`, once as people use it, and once only receiving.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::harness::{Binaries, ControlPlane, try_eventually};
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

const PATIENCE: Duration = Duration::from_mins(2);

/// Processes that watch, and what they took before the first event.
pub struct Beside {
    printing: Vec<(Child, Duration)>,
    receiving: Vec<(Child, Duration)>,
    events: Vec<Arc<AtomicUsize>>,
}

/// What they took in the end.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// `kubectl get --watch -o json`.
    pub printing: Duration,
    /// `kubectl get --raw`.
    pub receiving: Duration,
    /// How many events were received of each kind of object.
    pub events: Vec<usize>,
}

impl Beside {
    pub async fn start(plane: &ControlPlane, watched: &[&Watched]) -> anyhow::Result<Self> {
        let kubectl = Binaries::find_or_build().await?.kubectl;
        let (mut printing, mut receiving, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for watched in watched {
            let mut arguments = vec!["get"];
            arguments.extend(watched.resource);
            arguments.extend(["--all-namespaces", "--watch", "--output=json"]);
            printing.push(spawn(plane, &kubectl, &arguments, Stdio::null())?);
            let mut child = spawn(plane, &kubectl, &["get", "--raw", watched.path], Stdio::piped())?;
            let count = Arc::new(AtomicUsize::new(0));
            let output = child.stdout.take().context("standard output is piped")?;
            tokio::spawn(count_lines(output, count.clone()));
            receiving.push(child);
            events.push(count);
        }
        tokio::time::sleep(START).await;
        let started = |children: Vec<Child>| {
            let timed = children.into_iter().map(|child| {
                let taken = taken(&child)?;
                anyhow::Ok((child, taken))
            });
            timed.collect::<anyhow::Result<Vec<_>>>()
        };
        Ok(Self { printing: started(printing)?, receiving: started(receiving)?, events })
    }

    /// Waits until so many events of each kind were received, and ends the processes. Fails if there were more or fewer: what was not
    /// the same work cannot be compared.
    pub async fn end(self, expected: &[usize]) -> anyhow::Result<Taken> {
        let events = || self.events.iter().map(|count| count.load(Ordering::Relaxed)).collect::<Vec<_>>();
        try_eventually("kubectl has received every event", PATIENCE, async || {
            let events = events();
            if events == expected { Ok(()) } else { Err(format!("{events:?} of {expected:?}")) }
        })
        .await?;
        let since = |children: &[(Child, Duration)]| {
            let taken = children.iter().map(|(child, before)| anyhow::Ok(taken(child)?.saturating_sub(*before)));
            taken.sum::<anyhow::Result<Duration>>()
        };
        Ok(Taken { printing: since(&self.printing)?, receiving: since(&self.receiving)?, events: events() })
    }
}

fn spawn(plane: &ControlPlane, kubectl: &Path, arguments: &[&str], output: Stdio) -> anyhow::Result<Child> {
    Command::new(kubectl)
        .args(arguments)
        .env("KUBECONFIG", plane.kubeconfig())
        .env("HOME", plane.scratch_dir())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start kubectl")
}

fn taken(child: &Child) -> anyhow::Result<Duration> {
    processor_time(child.id().context("kubectl has ended")?)
}

/// The API server sends one event a line.
async fn count_lines(mut output: tokio::process::ChildStdout, count: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = output.read(&mut buffer).await {
        let lines = buffer.iter().take(length).filter(|byte| **byte == b'\n').count();
        count.fetch_add(lines, Ordering::Relaxed);
    }
}
