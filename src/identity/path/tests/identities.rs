//! Who comes by a path.

use super::*;

#[test]
fn users_are_those_whose_whole_name_fits() {
    let paths = path("users: ['jane@example.com', 'ci-*', 'system:addon-manager']");
    for fits in ["jane@example.com", "ci-", "ci-deploy", "system:addon-manager"] {
        assert_eq!(reason(&paths, &actor(fits)), "");
    }
    for other in [
        "jane@example.com.evil.io",
        "xjane@example.com",
        "Jane@example.com",
        "jane@example.com ",
        "my-ci-deploy",
        "system:addon-manager2",
        "system:ci-deploy",
        "",
    ] {
        assert_eq!(reason(&paths, &actor(other)), format!("{other} is none of the identities of it"));
    }
}

#[test]
fn a_wildcard_in_front_stands_for_nothing_of_the_system() {
    let paths = path("users: ['*:admin', '*-controller']");
    for other in [
        "system:admin",
        "system:serviceaccount:x:a-controller",
        "system:serviceaccount:x:admin",
        "system:kube-controller",
    ] {
        assert_eq!(reason(&paths, &actor(other)), format!("{other} is none of the identities of it"));
    }
    assert_eq!(reason(&paths, &actor("corp:admin")), "");
    // Written out it does, but never for service accounts.
    let paths = path("users: ['system:*']");
    assert_eq!(reason(&paths, &actor("system:admin")), "");
    assert_ne!(reason(&paths, &actor(ACCOUNT)), "");
}

#[test]
fn a_service_account_is_its_namespace_and_its_name() {
    let paths = path("serviceAccounts: [argocd/argocd-application-controller, 'ci-*/deployer', 'apps/*-deployer']");
    for fits in [ACCOUNT, "system:serviceaccount:ci-a:deployer", "system:serviceaccount:apps:x-deployer"] {
        assert_eq!(reason(&paths, &actor(fits)), "");
    }
    for other in [
        "system:serviceaccount:evil:argocd-application-controller",
        "system:serviceaccount:argocd:argocd-application-controller.evil",
        "system:serviceaccount:argocd:argocd-application-controller2",
        "system:serviceaccount:argocd2:argocd-application-controller",
        "system:serviceaccount:argocd:argocd-application-controller:evil",
        "system:serviceaccount:argocd/argocd-application-controller",
        "system:serviceaccount:argocd",
        "xsystem:serviceaccount:argocd:argocd-application-controller",
        "argocd/argocd-application-controller",
        "argocd-application-controller",
        "system:serviceaccount:ci:deployer",
        "system:serviceaccount:ci-a:x:deployer",
        "system:serviceaccount:apps:a:x-deployer",
        "system:serviceaccount:my-ci-a:deployer",
        "system:serviceaccount::argocd-application-controller",
    ] {
        assert_eq!(reason(&paths, &actor(other)), format!("{other} is none of the identities of it"));
    }
}

#[test]
fn one_of_the_groups_is_enough() {
    let paths = path("groups: ['release-*', 'system:serviceaccounts:ci']");
    let of = |groups: &[&str]| {
        let mut jane = actor("jane");
        jane.user.groups.extend(groups.iter().map(|group| (*group).to_owned()));
        reason(&paths, &jane)
    };
    assert_eq!(of(&["staff", "release-managers"]), "");
    assert_eq!(of(&["system:serviceaccounts:ci"]), "");
    for other in [&[][..], &["staff"], &["my-release-managers"], &["system:serviceaccounts:ci2"], &["system:release-x"]]
    {
        assert_eq!(of(other), "jane is none of the identities of it");
    }
}

#[test]
fn whoever_acts_as_an_identity_is_not_the_path() {
    let paths = path("users: [ci], groups: [deployers], impersonates: ['*']");
    assert_eq!(
        reason(&paths, &acting_as(actor("mallory"), "ci")),
        "mallory acted as ci, and is none of the identities of it itself"
    );
    let mut as_group = acting_as(actor("mallory"), "nobody");
    as_group.impersonated.as_mut().unwrap().groups.push("deployers".to_owned());
    assert_eq!(reason(&paths, &as_group), "mallory acted as nobody, and is none of the identities of it itself");
    assert_eq!(reason(&paths, &acting_as(actor("mallory"), "x")), "mallory is none of the identities of it");
}

#[test]
fn a_path_acts_as_those_it_may_act_as_only() {
    let ci = || actor("ci");
    assert_eq!(reason(&path("users: [ci]"), &acting_as(ci(), "ci")), "ci acted as ci, which it does not do");
    let paths = path("users: [ci], impersonates: ['system:serviceaccount:*:deployer', 'bot-*']");
    assert_eq!(reason(&paths, &ci()), "");
    assert_eq!(reason(&paths, &acting_as(ci(), "system:serviceaccount:payments:deployer")), "");
    assert_eq!(reason(&paths, &acting_as(ci(), "bot-1")), "");
    for other in ["system:serviceaccount:payments:admin", "system:admin", "bot", "mallory"] {
        let expected = format!("ci acted as {other}, which it does not do");
        assert_eq!(reason(&paths, &acting_as(ci(), other)), expected);
    }
}

#[test]
fn anonymous_requests_come_by_no_path() {
    let paths = path("users: ['system:*', '*anonymous'], groups: [staff]");
    assert_eq!(reason(&paths, &actor("system:anonymous")), "the request was anonymous");
    let mut unauthenticated = actor("x-anonymous");
    unauthenticated.user.groups = vec!["staff".to_owned(), "system:unauthenticated".to_owned()];
    assert_eq!(reason(&paths, &unauthenticated), "the request was anonymous");
}

#[test]
fn reasons_repeat_only_the_beginning_of_long_names() {
    let long = "é".repeat(4000);
    let text = reason(&path("users: [ci], impersonates: ['x*']"), &acting_as(actor("ci"), &long));
    assert!(text.chars().count() < 200 && text.contains('…'), "{text}");
}

#[test]
fn a_name_that_was_cut_is_not_the_name_that_it_begins_with() {
    let paths = path("serviceAccounts: ['apps/*-deployer']");
    let start = format!("system:serviceaccount:apps:{}-deployer", "a".repeat(220));
    assert_eq!(start.len(), 256);
    assert_eq!(reason(&paths, &actor(&start).bounded()), "");
    let long = actor(&format!("{start}xyz")).bounded();
    assert_ne!(reason(&paths, &long), "");
    assert_eq!(long.clone().bounded(), long);
}
