//! What a configuration is refused for, and in which words.

use super::*;

fn problems(yaml: &str) -> Vec<String> {
    let problems = Paths::compile(&configuration(yaml)).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn problems_name_the_field_and_how_to_mend_it() {
    for (fields, expected) in [
        ("groups: []", "deploymentPaths[0].groups: the list is empty: leave it out, or give at least one entry"),
        (
            "podBound: true",
            "deploymentPaths[0]: nobody is named who comes by this path: give users, groups or serviceAccounts",
        ),
        (
            "sourceRanges: [10.0.0.0/8]",
            "deploymentPaths[0]: nobody is named who comes by this path: give users, groups or serviceAccounts",
        ),
        ("users: ['']", "deploymentPaths[0].users[0]: the entry is empty: remove it, or say who is meant"),
        ("users: [ci, '*']", "deploymentPaths[0].users[1]: \"*\" fits everybody: a path has to name who comes by it"),
        ("groups: ['?*']", "deploymentPaths[0].groups[0]: \"?*\" fits everybody: a path has to name who comes by it"),
        (
            "groups: ['system:auth*']",
            "deploymentPaths[0].groups[0]: \"system:auth*\" fits system:authenticated, a group that says nothing of who it is: name another",
        ),
        (
            "groups: ['system:serviceaccounts']",
            "deploymentPaths[0].groups[0]: \"system:serviceaccounts\" fits system:serviceaccounts, a group that says nothing of who it is: name another",
        ),
        (
            "users: ['system:serviceaccount:ci:deployer']",
            "deploymentPaths[0].users[0]: \"system:serviceaccount:ci:deployer\" is a service account: write \"ci/deployer\" under serviceAccounts",
        ),
        (
            "serviceAccounts: [deployer]",
            "deploymentPaths[0].serviceAccounts[0]: \"deployer\" is no service account: write NAMESPACE/NAME, such as argocd/argocd-application-controller",
        ),
        (
            "serviceAccounts: ['ci:deployer']",
            "deploymentPaths[0].serviceAccounts[0]: \"ci:deployer\" is no service account: write NAMESPACE/NAME, such as argocd/argocd-application-controller",
        ),
        (
            "serviceAccounts: [a/b/c]",
            "deploymentPaths[0].serviceAccounts[0]: \"a/b/c\" is no service account: write NAMESPACE/NAME, such as argocd/argocd-application-controller",
        ),
        (
            "serviceAccounts: ['*/deployer']",
            "deploymentPaths[0].serviceAccounts[0]: \"*\" fits every namespace: an account of the same name in another namespace is somebody else",
        ),
        (
            "serviceAccounts: ['/deployer']",
            "deploymentPaths[0].serviceAccounts[0]: the entry is empty: remove it, or say who is meant",
        ),
        (
            "users: [ci], sourceRanges: [10.0.0.1]",
            "deploymentPaths[0].sourceRanges[0]: \"10.0.0.1\" is no range of addresses: write ADDRESS/BITS, such as 10.0.0.0/8 or 10.1.2.3/32",
        ),
        (
            "users: [ci], sourceRanges: [10.0.0.0/33]",
            "deploymentPaths[0].sourceRanges[0]: \"10.0.0.0/33\" is no range of addresses: write ADDRESS/BITS, such as 10.0.0.0/8 or 10.1.2.3/32",
        ),
        (
            "users: [ci], sourceRanges: [10.1.2.3/8]",
            "deploymentPaths[0].sourceRanges[0]: \"10.1.2.3/8\" has bits set beyond its length: write 10.0.0.0/8",
        ),
        (
            "users: [ci], sourceRanges: ['::ffff:10.0.0.0/104']",
            "deploymentPaths[0].sourceRanges[0]: \"::ffff:10.0.0.0/104\" is a range of IPv4: write 10.0.0.0/8",
        ),
        (
            "users: [ci], podBound: true",
            "deploymentPaths[0].users: only tokens of service accounts are bound to pods: give the users a path of their own",
        ),
        (
            "users: [ci], preset: ArgoCD",
            "deploymentPaths[0].users: only tokens of service accounts are bound to pods: give the users a path of their own",
        ),
        (
            "serviceAccounts: [a/b], podBound: false, pods: [x]",
            "deploymentPaths[0].podBound: a token that is not bound has none of the pods: leave out podBound or pods",
        ),
        (
            "users: [ci], sourceRanges: [10.0.0.0/8], acceptAdmission: true",
            "deploymentPaths[0].acceptAdmission: admission requests tell no address: leave out acceptAdmission or sourceRanges",
        ),
        (
            "users: [ci], impersonates: ['a[b]']",
            "deploymentPaths[0].impersonates[0]: pattern \"a[b]\" contains `[`: only `*` (any run of characters) and `?` (one character) are supported; write one pattern for each alternative, or `?` where this very character is meant",
        ),
    ] {
        assert_eq!(problems(&format!("deploymentPaths: [{{ name: it, {fields} }}]")), [expected], "{fields}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(
        "
         deploymentPaths:
           - { name: '', users: [''] }
           - { name: ci, users: [ci] }
           - { name: ci, users: [ci] }
           - { name: 'a b', users: [ci] }
         approvals: { deploymentPaths: [ci, gitops] }",
    );
    assert_eq!(
        found,
        [
            "deploymentPaths[0].name: \"\" cannot name a path: use 1 to 128 letters, digits, '-', '_' and '.'",
            "deploymentPaths[0].users[0]: the entry is empty: remove it, or say who is meant",
            "deploymentPaths[2].name: \"ci\" is the name of an earlier path: choose another",
            "deploymentPaths[3].name: \"a b\" cannot name a path: use 1 to 128 letters, digits, '-', '_' and '.'",
            "approvals.deploymentPaths[1]: \"gitops\" is the name of no path: configure it under deploymentPaths",
        ]
    );
    assert_eq!(
        problems("approvals: { deploymentPaths: [] }"),
        ["approvals.deploymentPaths: the list is empty: leave it out to let approvals change by any way"]
    );
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    for (yaml, part) in [
        ("deploymentPaths:\n- name: a\n  preset: Jenkins\n", "unknown variant `Jenkins`"),
        ("deploymentPaths:\n- name: a\n  markers: argocd\n", "unknown variant `argocd`"),
        ("deploymentPaths:\n- name: a\n  user: [x]\n", "unknown field `user`"),
        ("deploymentPaths:\n- users: [x]\n  pods: [x]\n", "missing field `name`"),
    ] {
        let error = serde_saphyr::from_str::<Configuration>(yaml).unwrap_err();
        let text = error.without_snippet().to_string();
        assert!(text.contains(part) && text.contains("line "), "{text}");
    }
    assert!(serde_saphyr::from_str::<Configuration>("paths: []").is_err());
    assert!(serde_saphyr::from_str::<Configuration>("approvals: { paths: [] }").is_err());
}

#[test]
fn a_file_without_content_configures_nothing() {
    for text in ["", "# nothing yet\n", "---\n", "null"] {
        assert_eq!(serde_saphyr::from_str::<Option<Configuration>>(text).unwrap(), None, "{text:?}");
    }
}

#[test]
fn the_example_is_usable() {
    let paths = compiled(include_str!("../../../../deploy/examples/deployment-paths.yaml"));
    assert!(["argocd", "ci", "emergency"].iter().all(|name| paths.is_configured(name)));
    assert_eq!(paths.approval_paths().map(<[String]>::len), Some(2));
}
