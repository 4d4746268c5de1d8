//! Pipelines as `docs/ci.md` shows them, run step by step.

use serde_json::Value;

use super::sandbox::{Outcome, Sandbox};

/// Commands that no test can run, by their first word: `docker` fetches the image of a release.
const NOT_RUN: [&str; 1] = ["docker"];

/// What the workflow may call besides commands: a checkout, which is done with the sandbox's own Git, and an upload, of which
/// only the file is looked at.
const ACTIONS: [&str; 2] = ["actions/checkout@v5", "github/codeql-action/upload-sarif@v4"];

/// The folder into which the change is checked out, where the commands run.
const CHANGE: &str = "change";

/// Runs the only job of a GitHub Actions workflow, and returns its first step that failed, with its name.
pub fn github(sandbox: &Sandbox, workflow: &Value) -> Option<(String, Outcome)> {
    let jobs: Vec<&Value> = workflow["jobs"].as_object().unwrap().values().collect();
    let [job] = jobs[..] else { panic!("not one job: {jobs:?}") };
    assert_eq!(job["defaults"]["run"]["shell"], "bash", "the only shell that the tests run");
    assert_eq!(job["defaults"]["run"]["working-directory"], CHANGE);
    for step in job["steps"].as_array().unwrap() {
        assert_eq!(step["if"], Value::Null, "the tests know no conditions: {step}");
        let Some(run) = step["run"].as_str() else {
            act(sandbox, step);
            continue;
        };
        // Expressions are pasted into the script before it is run: texts of a pull request would become commands.
        assert!(!run.contains("${{"), "an expression in a script: {run}");
        if NOT_RUN.contains(&run.split_whitespace().next().unwrap()) {
            continue;
        }
        let outcome = sandbox.run(run);
        if outcome.code != 0 {
            return Some((step["name"].as_str().unwrap().to_owned(), outcome));
        }
    }
    None
}

fn act(sandbox: &Sandbox, step: &Value) {
    let action = step["uses"].as_str().unwrap();
    assert!(ACTIONS.contains(&action), "the tests do not know {action}");
    let with = &step["with"];
    if action == ACTIONS[1] {
        assert_eq!(with["checkout_path"], format!("${{{{ github.workspace }}}}/{CHANGE}"));
        let file = with["sarif_file"].as_str().unwrap();
        sarif(
            sandbox,
            file.strip_prefix(CHANGE).and_then(|file| file.strip_prefix('/')).expect("a file of the change"),
        );
    } else if with["ref"].is_null() {
        // The sandbox is this checkout, and others stand beside it.
        assert_eq!(with["path"], CHANGE);
    } else {
        assert_eq!(with["ref"], "${{ github.base_ref || github.ref_name }}", "not the protected branch");
        let path = with["path"].as_str().unwrap();
        let checkout = format!("rm -rf ../{path} && git worktree add --quiet --force --detach ../{path} origin/main");
        sandbox.run(&checkout).succeeded();
    }
}

/// Runs the only job of a GitLab pipeline.
pub fn gitlab(sandbox: &Sandbox, pipeline: &Value) -> Outcome {
    let jobs: Vec<&Value> = pipeline.as_object().unwrap().values().collect();
    let [job] = jobs[..] else { panic!("not one job: {jobs:?}") };
    // One shell runs them all.
    let commands: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let outcome = sandbox.run(&commands.join("\n"));
    for path in job["artifacts"]["paths"].as_array().unwrap() {
        sarif(sandbox, path.as_str().unwrap());
    }
    outcome
}

/// The words of a pre-commit hook: its entry, then the arguments of the configuration, or else its own.
pub fn pre_commit(hooks: &Value, configured: &Value) -> Vec<String> {
    let hook = hooks.as_array().unwrap().iter().find(|hook| hook["id"] == configured["id"]);
    let hook = hook.unwrap_or_else(|| panic!("there is no hook {}", configured["id"]));
    assert_eq!(hook["pass_filenames"], false, "the tests pass no names of files");
    let arguments = configured.get("args").unwrap_or(&hook["args"]).as_array().unwrap();
    let entry = hook["entry"].as_str().unwrap().split_whitespace();
    entry.chain(arguments.iter().map(|argument| argument.as_str().unwrap())).map(str::to_owned).collect()
}

/// The results in a SARIF file.
pub fn sarif(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    let log: Value = serde_json::from_str(&sandbox.read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(log["version"], "2.1.0", "{path}");
    assert_eq!(log["runs"][0]["tool"]["driver"]["name"], "cronwarden", "{path}");
    log["runs"][0]["results"].as_array().unwrap_or_else(|| panic!("{path} has no results")).clone()
}
