//! A folder of manifests in which the binary runs, and what came of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::ScratchDir;
use crate::recipes::sandbox::Outcome;

/// How long a run may take on a busy machine before it counts as one that never ends.
const LIMIT: Duration = Duration::from_mins(2);

/// How often a run is looked at.
const INTERVAL: Duration = Duration::from_millis(2);

/// A folder that goes away with the test.
pub struct Folder {
    scratch: ScratchDir,
    /// The kubeconfig of the runs; none at first, so that no cluster is asked that a test has not started.
    pub kubeconfig: PathBuf,
    /// The program that is run.
    pub program: PathBuf,
}

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        let scratch = ScratchDir::new().unwrap();
        std::fs::create_dir(scratch.path().join("work")).unwrap();
        let kubeconfig = scratch.path().join("no-kubeconfig");
        Self { scratch, kubeconfig, program: env!("CARGO_BIN_EXE_cronwarden").into() }
    }

    /// One with these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    /// Where a file is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.scratch.path().join("work").join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs it with an empty standard input.
    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        self.measured(arguments, Path::new("/dev/null")).0
    }

    /// Runs it with a text as standard input.
    pub fn run_with<'a>(&self, stdin: &str, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let file = self.scratch.path().join("stdin");
        std::fs::write(&file, stdin).unwrap();
        self.measured(arguments, &file).0
    }

    /// What `scan -o json` prints, with the exit code that it has to have.
    #[track_caller]
    pub fn scan<'a>(&self, code: i32, arguments: impl IntoIterator<Item = &'a str>) -> Value {
        let outcome = self.run(["scan", "-o", "json"].into_iter().chain(arguments)).ended_with(code);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Runs it, and returns the largest resident set in bytes, too, where the system tells (Linux). Fails if it does not end.
    ///
    /// The kernel keeps the peak, so only what is added after the last reading is missed.
    pub fn measured<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, stdin: &Path) -> (Outcome, Option<u64>) {
        let out = |name: &str| self.scratch.path().join(name);
        let mut child = Command::new(&self.program)
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.scratch.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::from(File::open(stdin).unwrap()))
            .stdout(Stdio::from(File::create(out("stdout")).unwrap()))
            .stderr(Stdio::from(File::create(out("stderr")).unwrap()))
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let start = Instant::now();
        let mut peak = None;
        let exit = loop {
            peak = peak.max(high_water(&status));
            if let Some(exit) = child.try_wait().unwrap() {
                break exit;
            }
            if start.elapsed() > LIMIT {
                child.kill().unwrap();
                panic!("it did not end within {LIMIT:?}");
            }
            std::thread::sleep(INTERVAL);
        };
        let read = |name: &str| String::from_utf8_lossy(&std::fs::read(out(name)).unwrap()).into_owned();
        let code = exit.code().expect("no signal");
        (Outcome { code, stdout: read("stdout"), stderr: read("stderr") }, peak)
    }
}

fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The names of the workloads of a report, in its order.
pub fn names(report: &Value) -> Vec<&str> {
    report["workloads"].as_array().unwrap().iter().map(|w| w["workload"]["name"].as_str().unwrap()).collect()
}

/// The problems of a report, each as `level source:line:column message`.
pub fn problems(report: &Value) -> Vec<String> {
    let one = |problem: &Value| {
        let mut place = problem["source"].as_str().unwrap().to_owned();
        for field in ["line", "column"] {
            if let Some(number) = problem[field].as_u64() {
                place = format!("{place}:{number}");
            }
        }
        format!("{} {place} {}", problem["level"].as_str().unwrap(), problem["message"].as_str().unwrap())
    };
    report["problems"].as_array().unwrap().iter().map(one).collect()
}

/// Several objects in one text of YAML.
pub fn documents(objects: &[Value]) -> String {
    let texts: Vec<String> = objects.iter().map(|object| serde_saphyr::to_string(object).unwrap()).collect();
    format!("---\n{}", texts.join("---\n"))
}
