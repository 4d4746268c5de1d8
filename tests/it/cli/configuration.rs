//! The configuration file of `cronwarden run`: what is wrong with it is told before anything else is done.

use super::folder::Folder;

const BAD: &str = "\
# Who deploys.
deploymentPaths:
  - name: argocd
    preset: ArgoCD
  - name: ci
    users:
      - ci
      - '*'
    sourceRanges: [10.0.0.1/8]
approvals:
  deploymentPaths:
    - gitops
";

#[test]
fn each_mistake_has_its_line() {
    let folder = Folder::of(&[("paths.yaml", BAD)]);
    let outcome = folder.run(["run", "--config", "paths.yaml"]).ended_with(2);
    let expected = "\
error: --config paths.yaml:
  line 8: deploymentPaths[1].users[1]: \"*\" fits everybody: a path has to name who comes by it
  line 9: deploymentPaths[1].sourceRanges[0]: \"10.0.0.1/8\" has bits set beyond its length: write 10.0.0.0/8
  line 12: approvals.deploymentPaths[0]: \"gitops\" is the name of no path: configure it under deploymentPaths
";
    assert_eq!(outcome.stderr, expected);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = Folder::of(&[
        ("typo.yaml", "deploymentPaths:\n  - name: ci\n    user: [ci]\n"),
        ("preset.yaml", "deploymentPaths:\n  - name: ci\n    preset: Jenkins\n"),
        ("broken.yaml", "deploymentPaths: [\n"),
    ]);
    for (file, parts) in [
        ("typo.yaml", ["line 3", "unknown field `user`"]),
        ("preset.yaml", ["line 3", "unknown variant `Jenkins`"]),
        ("broken.yaml", ["line", "--config broken.yaml: "]),
        ("none.yaml", ["cannot read --config none.yaml", "No such file"]),
    ] {
        let outcome = folder.run(["run", "--config", file]).ended_with(2);
        assert!(parts.iter().all(|part| outcome.stderr.contains(part)), "{}", outcome.stderr);
    }
}
