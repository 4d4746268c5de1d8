//! Who takes part, and the runs of all of them by turns.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::files::Files;
use crate::fleet::Fleet;
use crate::process::{Run, run};
use crate::progress;
use crate::tools::{CONFTEST, GATOR, Tool};

/// What takes longer is run once, unless the caller says how often.
const SLOW: Duration = Duration::from_secs(20);

/// How often each is run, unless it is slow or the caller says how often.
const RUNS: usize = 3;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    Scan,
    ScanJson,
    EventsOneThread,
    EventsAllThreads,
    SerdeJson,
    Gator,
    Conftest,
}

/// One who takes part and how it did.
pub struct Contestant {
    pub key: Key,
    pub label: String,
    /// Every run, or why there is none.
    pub outcome: Result<Vec<Run>, String>,
    command: Option<Command>,
    /// Whether it judges: then it ends with 1 and names the workloads that deviate.
    judges: bool,
}

impl Contestant {
    fn new(key: Key, label: String, command: Command, judges: bool) -> Self {
        Self { key, label, outcome: Ok(Vec::new()), command: Some(command), judges }
    }

    fn tool(key: Key, tool: [&'static str; 3], command: impl Fn(&Tool) -> Command) -> Self {
        match Tool::find_or_build(tool) {
            Ok(tool) => Self::new(key, format!("{} test, {}", tool.name, tool.version), command(&tool), true),
            Err(error) => {
                progress(&format!("going on without {}: {error:#}", tool[0]));
                let label = format!("{} test", tool[0]);
                Self { key, label, outcome: Err(error.to_string()), command: None, judges: true }
            }
        }
    }
}

/// Everybody, in the order of the table.
pub fn contestants(files: &Files, threads: usize) -> anyhow::Result<Vec<Contestant>> {
    let scan = |manifests: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cronwarden"));
        command.args(["scan", "--output", "json", "--inventory"]).arg(&files.approvals).arg(manifests);
        command
    };
    let myself = std::env::current_exe().context("the path of this program is unknown")?;
    let events = |threads: usize| {
        let mut command = Command::new(&myself);
        command.arg("--events").arg(&files.cron_jobs_yaml).args(["--threads", &threads.to_string()]);
        command
    };
    let mut serde_json = Command::new(&myself);
    serde_json.arg("--serde-json").arg(&files.cron_jobs_json);
    Ok(vec![
        Contestant::new(Key::Scan, "cronwarden scan, YAML".to_owned(), scan(&files.cron_jobs_yaml), true),
        Contestant::new(Key::EventsAllThreads, format!("bare YAML events, {threads} threads"), events(threads), false),
        Contestant::new(Key::EventsOneThread, "bare YAML events, 1 thread".to_owned(), events(1), false),
        Contestant::tool(Key::Gator, GATOR, |tool| tool.gator(files)),
        Contestant::tool(Key::Conftest, CONFTEST, |tool| tool.conftest(files)),
        Contestant::new(Key::ScanJson, "cronwarden scan, JSON".to_owned(), scan(&files.cron_jobs_json), true),
        Contestant::new(Key::SerdeJson, "serde_json into a narrow type".to_owned(), serde_json, false),
    ])
}

/// Runs everybody by turns, so that whatever else the machine does meets all of them.
pub fn measure(contestants: &mut [Contestant], runs: Option<usize>, fleet: Fleet, folder: &Path) {
    let expected = fleet.deviating();
    for round in 0..runs.unwrap_or(RUNS) {
        for Contestant { label, outcome, command, judges, .. } in &mut *contestants {
            let (Ok(done), Some(command)) = (&mut *outcome, command) else { continue };
            if runs.is_none() && done.first().is_some_and(|run| run.wall > SLOW) {
                continue;
            }
            progress(&format!("round {}: {label}", round + 1));
            match run_once(command, judges.then_some(&expected), folder) {
                Ok(run) => done.push(run),
                Err(error) => *outcome = Err(format!("{error:#}")),
            }
        }
    }
}

/// One run. It fails if the process does, or if it should name the deviating workloads and names others.
fn run_once(command: &mut Command, expected: Option<&BTreeSet<String>>, folder: &Path) -> anyhow::Result<Run> {
    let (run, status) = run(command, folder)?;
    let wanted = i32::from(expected.is_some());
    if status.code() != Some(wanted) {
        let stderr = std::fs::read_to_string(folder.join("stderr")).unwrap_or_default();
        let line = stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing on its standard error");
        anyhow::bail!("{status} instead of exit code {wanted}: {line}");
    }
    if let Some(expected) = expected {
        let output = std::fs::read(folder.join("stdout")).context("the output has gone")?;
        let output: Value = serde_json::from_slice(&output).context("the output is no JSON")?;
        let mut named = BTreeSet::new();
        collect_names(&output, &mut named);
        let all = named.len();
        named.retain(|name| !expected.contains(name));
        let wrong = named.len();
        anyhow::ensure!(
            wrong == 0 && all == expected.len(),
            "it names {} of {} deviating workloads and {wrong} others",
            all - wrong,
            expected.len()
        );
    }
    Ok(run)
}

/// Every text in a report that has the form of the name of a generated workload, whatever the form of the report, but for what is
/// approved.
fn collect_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if crate::fleet::is_name(text) {
                names.insert(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        // A scan also lists what is fine.
        Value::Object(fields) if fields.get("verdict").is_some_and(|verdict| verdict == "Approved") => {}
        Value::Object(fields) => fields.values().for_each(|field| collect_names(field, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
