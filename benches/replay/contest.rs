//! Who takes part, and the runs of all of them by turns.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::log::Log;
use crate::process::{Run, run};
use crate::progress;

/// What `jq` selects.
const SELECTION: &str = r#"select(.objectRef.resource == "cronjobs" or .objectRef.resource == "jobs" or .objectRef.resource == "approvedcronjobs")"#;

/// One who takes part and how it did.
pub struct Contestant {
    pub label: String,
    /// Every run, or why there is none.
    pub outcome: Result<Vec<Run>, String>,
}

/// Runs everybody by turns, so that whatever else the machine does meets all of them. The first is `cronwarden replay`.
pub fn measure(log: &Log, runs: usize, folder: &Path) -> anyhow::Result<Vec<Contestant>> {
    let mut replay = Command::new(env!("CARGO_BIN_EXE_cronwarden"));
    replay.args(["replay", "--output", "json"]).arg(&log.file);
    let mut jq = Command::new("jq");
    jq.arg("-c").arg(SELECTION).arg(&log.file);
    let mut replayed = Contestant { label: "cronwarden replay".to_owned(), outcome: Ok(Vec::new()) };
    let mut selected = match Command::new("jq").arg("--version").output() {
        Ok(version) => Contestant {
            label: format!("jq -c select, {}", String::from_utf8_lossy(&version.stdout).trim()),
            outcome: Ok(Vec::new()),
        },
        Err(error) => {
            progress(&format!("going on without jq: {error}"));
            Contestant { label: "jq -c select".to_owned(), outcome: Err(error.to_string()) }
        }
    };
    // Read once, so that the file is in memory for everybody.
    std::io::copy(&mut File::open(&log.file)?, &mut std::io::sink())?;
    for round in 0..runs {
        replayed.run(round, &mut replay, folder, |folder| replay_finds(log, folder));
        selected.run(round, &mut jq, folder, |folder| jq_finds(log, folder));
    }
    Ok(vec![replayed, selected])
}

impl Contestant {
    fn run(&mut self, round: usize, command: &mut Command, folder: &Path, check: impl Fn(&Path) -> anyhow::Result<()>) {
        let Ok(done) = &mut self.outcome else { return };
        progress(&format!("round {}: {}", round + 1, self.label));
        let once = run(command, folder).and_then(|(run, status)| {
            anyhow::ensure!(status.success(), "{status}");
            check(folder).map(|()| run)
        });
        match once {
            Ok(run) => done.push(run),
            Err(error) => self.outcome = Err(format!("{error:#}")),
        }
    }
}

fn replay_finds(log: &Log, folder: &Path) -> anyhow::Result<()> {
    let output = std::fs::read(folder.join("stdout")).context("the output has gone")?;
    let output: Value = serde_json::from_slice(&output).context("the output is no JSON")?;
    let found = |field: &str| output["summary"][field].as_u64();
    let expected = (Some(log.changes as u64), Some(log.runs as u64));
    anyhow::ensure!((found("entries"), found("runs")) == expected, "it finds {}, not {expected:?}", output["summary"]);
    Ok(())
}

fn jq_finds(log: &Log, folder: &Path) -> anyhow::Result<()> {
    let output = BufReader::new(File::open(folder.join("stdout")).context("the output has gone")?);
    let lines = output.lines().count();
    anyhow::ensure!(lines == log.relevant, "it selects {lines} events instead of {}", log.relevant);
    Ok(())
}
