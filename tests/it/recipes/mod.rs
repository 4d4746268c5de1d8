//! The recipes of `docs`, run as they stand there: a command that the documentation shows is a command that works.
//!
//! Nothing of a recipe is repeated here: scripts, workflows and hooks are read from the documents, and run in a repository
//! made of `tests/data/recipes`. What cannot be run is listed in [`pipeline`].

mod cluster;
mod document;
mod examples;
mod health;
mod pipeline;
pub mod sandbox;

use serde_json::Value;

use document::{Block, blocks, file};
use pipeline::sarif;
use sandbox::Sandbox;

/// The headings under which `docs/ci.md` calls `cronwarden`, and the files that are shown there. A test runs each of them.
const RECIPES: [(&str, &[&str]); 9] = [
    ("An inventory in Git", &[]),
    ("From a cluster", &[]),
    ("Nobody approves their own CronJob", &[]),
    ("GitHub Actions", &[".github/workflows/cronwarden.yaml"]),
    ("GitLab CI", &[".gitlab-ci.yml"]),
    ("pre-commit", &[".pre-commit-config.yaml"]),
    ("Rendered manifests", &[]),
    ("Argo CD", &["manifests/kustomization.yaml", "manifests/cronwarden-check.yaml", "platform/cronwarden-check.yaml"]),
    ("After a finding", &[]),
];

/// The languages of blocks that are not run: listings, and the image of a job, for which a registry would be needed.
const NOT_RUN: [&str; 2] = ["text", "dockerfile"];

#[test]
fn every_block_that_calls_cronwarden_is_run() {
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    for block in blocks("ci.md") {
        let is_yaml = block.language == "yaml";
        if !(block.is_shell() || is_yaml) {
            assert!(NOT_RUN.contains(&block.language.as_str()), "what is this?\n{}", block.text);
            continue;
        }
        if shown.last().is_none_or(|(heading, _)| *heading != block.heading) {
            shown.push((block.heading.clone(), Vec::new()));
        }
        if is_yaml {
            let path = block.path().unwrap_or_else(|| panic!("which file is this?\n{}", block.text));
            shown.last_mut().unwrap().1.push(path.to_owned());
        }
    }
    let expected: Vec<(String, Vec<String>)> = RECIPES
        .iter()
        .map(|(heading, files)| ((*heading).to_owned(), files.iter().map(|path| (*path).to_owned()).collect()))
        .collect();
    assert_eq!(shown, expected);
}

/// The scripts under a heading of `docs/ci.md`.
fn scripts(heading: &str) -> Vec<String> {
    let found: Vec<String> =
        blocks("ci.md").iter().filter(|b| b.heading == heading && b.is_shell()).map(Block::script).collect();
    assert!(!found.is_empty(), "no scripts under {heading}");
    found
}

/// A file that `docs/ci.md` shows, as YAML.
fn shown(path: &str) -> Value {
    yaml(&file(&blocks("ci.md"), path).text)
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn a_baseline_approves_what_there_is() {
    let sandbox = Sandbox::new(None);
    sandbox.run("git rm --quiet -r inventory && mkdir inventory").succeeded();
    // An inventory without a file is one that was not found.
    sandbox.run("cronwarden scan manifests --inventory inventory").ended_with(2);
    let [script] = &scripts("An inventory in Git")[..] else { panic!("not one script") };
    sandbox.run(script).succeeded();
    let pushed = sandbox.run("git show origin/baseline:inventory/baseline.yaml").succeeded();
    assert!(pushed.stdout.contains("kind: ApprovedCronJob"), "{}", pushed.stdout);
}

#[test]
fn a_pull_request_cannot_bring_its_own_approval() {
    let [script] = &scripts("Nobody approves their own CronJob")[..] else { panic!("not one script") };
    let sandbox = Sandbox::new(Some("own-approval"));
    // The approval is a good one: only where it comes from is wrong.
    sandbox.run("cronwarden scan manifests --inventory inventory").succeeded();
    let outcome = sandbox.run(script).ended_with(1);
    assert!(outcome.stdout.contains("node-sync"), "{}", outcome.stdout);
    // On a machine that keeps its folders the worktree of the last time is there already, or just its registration.
    sandbox.run(script).ended_with(1);
    sandbox.run("rm -r ../approved").succeeded();
    sandbox.run(script).ended_with(1);

    forge_links(&sandbox);
    sandbox.run(script).ended_with(1);

    Sandbox::new(None).run(script).succeeded();
}

/// Makes the manifests of the pull request a link to where the protected branch might be checked out: what is read through it has to be
/// what is merged.
fn forge_links(sandbox: &Sandbox) {
    let forge = "mkdir -p .approved approved && cp -r inventory .approved/ && cp -r inventory approved/ \
        && git mv manifests .approved/manifests && ln -s .approved/manifests manifests \
        && git add --force . && git commit --quiet --message forged";
    sandbox.run(forge).succeeded();
}

#[test]
fn github_actions() {
    let workflow = shown(".github/workflows/cronwarden.yaml");
    assert_eq!(workflow["on"].get("pull_request_target"), None);
    let permissions = &workflow["jobs"]["scan"]["permissions"];
    assert_eq!(*permissions, serde_json::json!({"contents": "read", "security-events": "write"}));
    assert_eq!(workflow["permissions"], serde_json::json!({}));

    let clean = Sandbox::new(None);
    assert!(pipeline::github(&clean, &workflow).is_none());
    assert_eq!(sarif(&clean, "cronwarden.sarif"), Vec::<Value>::new());

    let deviating = Sandbox::new(Some("own-approval"));
    let (step, outcome) = pipeline::github(&deviating, &workflow).expect("a step fails");
    assert_eq!(step, "Verdict");
    outcome.ended_with(1);
    let results = sarif(&deviating, "cronwarden.sarif");
    assert_eq!(results[0]["ruleId"], "Unapproved");
    let file = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(file, "manifests/node-sync.yaml", "not a path of the repository");

    forge_links(&deviating);
    let (step, outcome) = pipeline::github(&deviating, &workflow).expect("a step fails");
    assert_eq!(step, "Verdict");
    outcome.ended_with(1);

    let (step, outcome) = pipeline::github(&Sandbox::new(Some("unreadable")), &workflow).expect("a step fails");
    assert_eq!(step, "Report", "--fail-on never is no excuse for what cannot be read");
    outcome.ended_with(2);
}

#[test]
fn gitlab_ci() {
    let pipeline = shown(".gitlab-ci.yml");
    let run = |pull_request, target: Option<&str>| {
        let mut sandbox = Sandbox::new(pull_request);
        sandbox.variables.insert("CI_DEFAULT_BRANCH", "main".to_owned());
        if let Some(target) = target {
            sandbox.variables.insert("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", target.to_owned());
        }
        let outcome = pipeline::gitlab(&sandbox, &pipeline);
        let report = pipeline["cronwarden"]["artifacts"]["reports"]["codequality"].as_str().unwrap();
        (outcome, serde_json::from_str::<Vec<Value>>(&sandbox.read(report)).unwrap(), sandbox)
    };
    let (outcome, issues, _) = run(None, None);
    outcome.succeeded();
    assert_eq!(issues, Vec::<Value>::new());

    let (outcome, issues, sandbox) = run(Some("changed"), Some("main"));
    outcome.ended_with(1);
    assert_eq!(issues.len(), sarif(&sandbox, "cronwarden.sarif").len());
    for issue in &issues {
        assert!(issue["description"].as_str().is_some_and(|text| !text.is_empty()), "{issue}");
        assert!(issue["check_name"].as_str().is_some_and(|text| !text.is_empty()), "{issue}");
        assert!(issue["fingerprint"].as_str().is_some_and(|text| !text.is_empty()), "{issue}");
        assert!(["minor", "major", "critical"].map(Value::from).contains(&issue["severity"]), "{issue}");
        assert_eq!(issue["location"]["path"], "manifests/stock-sync.yaml", "{issue}");
        assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0), "{issue}");
    }
    let mut fingerprints: Vec<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), issues.len(), "GitLab shows one of those that have the same fingerprint");

    let (outcome, _, sandbox) = run(Some("own-approval"), Some("main"));
    outcome.ended_with(1);
    forge_links(&sandbox);
    pipeline::gitlab(&sandbox, &pipeline).ended_with(1);
}

#[test]
fn pre_commit() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let hooks = yaml(&std::fs::read_to_string(root.join(".pre-commit-hooks.yaml")).unwrap());
    let configured = &shown(".pre-commit-config.yaml")["repos"][0]["hooks"][0];
    let by_default = serde_json::json!({"id": configured["id"]});
    for hook in [configured, &by_default] {
        let words = pipeline::pre_commit(&hooks, hook);
        let (program, arguments) = words.split_first().expect("an entry");
        let run = |pull_request| Sandbox::new(pull_request).call(program, arguments.iter().map(String::as_str));
        run(None).succeeded();
        run(Some("changed")).ended_with(1);
        run(Some("unreadable")).ended_with(2);
    }
}

#[test]
fn rendered_manifests() {
    let scripts = scripts("Rendered manifests");
    assert_eq!(scripts.len(), 2, "kustomize and Helm");
    for script in scripts {
        let clean = Sandbox::new(None);
        clean.run("git worktree add --quiet --detach ../approved origin/main").succeeded();
        clean.run(&script).succeeded();
        // What the renderer cannot render is no success.
        clean.run("rm -r overlays charts").succeeded();
        assert_ne!(clean.run(&script).code, 0, "{script}");
    }
    let changed = Sandbox::new(Some("changed"));
    changed.run("git worktree add --quiet --detach ../approved origin/main").succeeded();
    changed.run("cp manifests/stock-sync.yaml charts/app/templates/").succeeded();
    for script in self::scripts("Rendered manifests") {
        changed.run(&script).ended_with(1);
    }
}

#[test]
fn an_approval_follows_a_finding() {
    let sandbox = Sandbox::new(Some("changed"));
    sandbox.run("cronwarden scan manifests --inventory inventory").ended_with(1);
    let scripts = scripts("After a finding");
    assert_eq!(scripts.len(), 2, "look, then approve");
    let told = sandbox.run(&scripts[0]).succeeded();
    assert!(told.stdout.contains("shop-stock-sync"), "the approval is not named:\n{}", told.stdout);
    sandbox.run(&scripts[1]).succeeded();
    let pushed = sandbox.run("git show origin/approve-stock-sync:inventory/shop-stock-sync.yaml").succeeded();
    assert!(pushed.stdout.contains("45 * * * *"), "{}", pushed.stdout);
}
