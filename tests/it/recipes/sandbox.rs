//! A repository as `docs/ci.md` describes it, with the tools that its recipes call.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Binaries, ScratchDir};

/// Stands in for Helm, whose part in a recipe is to print manifests: the chart of the examples has nothing to fill in.
const HELM: &str = "#!/bin/sh\n[ \"$1\" = template ] && [ $# = 3 ] && cat \"$3\"/templates/*.yaml\n";

/// Who commits. Nothing of the developer's own settings is read.
const GIT_CONFIG: &str = "[user]\nname = Jo\nemail = jo@example.com\n[init]\ndefaultBranch = main\n";

/// A clone of the example repository, in which a pull request is checked out.
pub struct Sandbox {
    scratch: ScratchDir,
    /// Variables that the commands see on top of the usual.
    pub variables: BTreeMap<&'static str, String>,
}

/// How commands ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Sandbox {
    /// The state of a pull request of `tests/data/recipes/pull-requests`; `None` is that of the protected branch.
    pub fn new(pull_request: Option<&str>) -> Self {
        let sandbox = Self { scratch: ScratchDir::new().unwrap(), variables: BTreeMap::new() };
        sandbox.install_tools();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recipes");
        let repository = sandbox.repository();
        copy(&examples.join("main"), &repository);
        std::fs::write(sandbox.scratch.path().join("gitconfig"), GIT_CONFIG).unwrap();
        let publish = "git init --quiet && git add . && git commit --quiet --message Start \
            && git clone --quiet --bare . ../origin.git && git remote add origin ../origin.git && git fetch --quiet";
        sandbox.run(publish).succeeded();
        if let Some(name) = pull_request {
            copy(&examples.join("pull-requests").join(name), &repository);
            let commit = "git add . && git commit --quiet --message Change";
            sandbox.run(&format!("git switch --quiet --create {name} && {commit}")).succeeded();
        }
        sandbox
    }

    /// Where the repository is checked out.
    pub fn repository(&self) -> PathBuf {
        self.scratch.path().join("repository")
    }

    /// A file of the repository.
    pub fn read(&self, path: &str) -> String {
        let path = self.repository().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repository().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a script as a CI job would, in the repository.
    pub fn run(&self, script: &str) -> Outcome {
        self.call("bash", ["--noprofile", "--norc", "-euo", "pipefail", "-c", script])
    }

    /// Runs a program in the repository.
    pub fn call<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let scratch = self.scratch.path();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.repository())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.tools().display()))
            .env("HOME", scratch)
            .env("GIT_CONFIG_GLOBAL", scratch.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // No command may reach a cluster that a test has not started.
            .env("KUBECONFIG", scratch.join("no-kubeconfig"))
            .envs(&self.variables)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        Outcome {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn tools(&self) -> PathBuf {
        self.scratch.path().join("bin")
    }

    fn install_tools(&self) {
        let tools = self.tools();
        std::fs::create_dir_all(&tools).unwrap();
        symlink(env!("CARGO_BIN_EXE_cronwarden"), tools.join("cronwarden")).unwrap();
        symlink(Binaries::find_or_build_blocking().unwrap().kubectl, tools.join("kubectl")).unwrap();
        build("github.com/itchyny/gojq/cmd/gojq", &tools.join("jq"));
        std::fs::write(tools.join("helm"), HELM).unwrap();
        std::fs::set_permissions(tools.join("helm"), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

impl Outcome {
    /// Fails with everything that was printed, unless the exit code is this one.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails with everything that was printed, unless all went well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        self.ended_with(0)
    }
}

/// Builds a Go program of `tests/controlplane/recipes`; from the second time on out of Go's cache.
pub fn build(package: &str, program: &Path) {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/recipes");
    let built = Command::new("go").args(["build", "-o"]).arg(program).arg(package).current_dir(module).status();
    assert!(built.expect("Go is installed").success(), "go build {package} failed");
}

/// Copies what is in a folder over what is in another.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
