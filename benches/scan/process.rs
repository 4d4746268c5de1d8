//! A child process, measured: how long it ran and how much memory it had at its peak.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

/// How often the peak is read. The kernel keeps it, so only what is added after the last reading is missed.
const INTERVAL: Duration = Duration::from_millis(2);

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// From before the process is started until it has ended.
    pub wall: Duration,
    /// The largest resident set in bytes, where the system tells (Linux).
    pub peak: Option<u64>,
}

/// Runs the command with its output in the files `stdout` and `stderr` of the folder.
///
/// The peak is the child's own, read from `/proc` while it runs. What `wait4` tells would not do: a process inherits the peak of
/// the one that started it.
pub fn run(command: &mut Command, folder: &Path) -> anyhow::Result<(Run, ExitStatus)> {
    let create = |name: &str| File::create(folder.join(name)).with_context(|| format!("cannot write {name}"));
    command.stdin(Stdio::null()).stdout(create("stdout")?).stderr(create("stderr")?);
    let ended = AtomicBool::new(false);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let status = format!("/proc/{}/status", child.id());
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = None;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(high_water(&status));
                std::thread::sleep(INTERVAL);
            }
            peak
        });
        let exit = child.wait();
        let wall = start.elapsed();
        ended.store(true, Ordering::Relaxed);
        let peak = watch.join().ok().flatten();
        Ok((Run { wall, peak }, exit?))
    })
}

fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
