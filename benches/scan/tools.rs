//! The tools that `cronwarden scan` is compared with: each built from its published Go module, with a policy written for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::Files;
use crate::harness::GoModule;

/// A tool that is ready to run.
pub struct Tool {
    pub name: &'static str,
    pub version: String,
    binary: PathBuf,
}

/// The name, the Go package and the Go module of each tool.
pub const GATOR: [&str; 3] =
    ["gator", "github.com/open-policy-agent/gatekeeper/v3/cmd/gator", "github.com/open-policy-agent/gatekeeper/v3"];
pub const CONFTEST: [&str; 3] =
    ["conftest", "github.com/open-policy-agent/conftest", "github.com/open-policy-agent/conftest"];

impl Tool {
    /// Finds the tool in the cache, or builds it.
    pub fn find_or_build([name, package, module]: [&'static str; 3]) -> anyhow::Result<Self> {
        let tools = GoModule::load("benches/scan/tools", "scan-bench", GATOR[2])?.with_notice(
            "on 2 cores gator and conftest take about 6 minutes together, plus the download of their source",
        );
        let version = tools.version_of(module).unwrap_or("unknown").to_owned();
        let [binary] = tools.find_or_build(None, [(name, package)])?;
        Ok(Self { name, version, binary })
    }

    /// `gator test` with the approvals as objects that Gatekeeper has synchronised.
    pub fn gator(&self, files: &Files) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["test", "--output=json"]);
        for file in [&policy("template.yaml"), &files.approvals, &files.cron_jobs_yaml] {
            command.arg("--filename").arg(file);
        }
        command
    }

    /// `conftest test` with the approvals as data.
    pub fn conftest(&self, files: &Files) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["test", "--output=json", "--no-color", "--parser=yaml", "--policy"]);
        command.arg(policy("cronjob.rego")).arg("--data").arg(&files.data).arg(&files.cron_jobs_yaml);
        command
    }
}

fn policy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scan/policy").join(name)
}
