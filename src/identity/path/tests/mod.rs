mod compile;
mod conditions;
mod identities;
mod markers;
mod presets;
mod properties;

use super::{Configuration, Paths};
use crate::identity::{Actor, PodIdentity, Source, User};
use crate::workload::markers::TRACKING_ID;
use crate::workload::{Markers, WorkloadKey, WorkloadKind};

const ACCOUNT: &str = "system:serviceaccount:argocd:argocd-application-controller";

fn configuration(yaml: &str) -> Configuration {
    serde_saphyr::from_str(yaml).unwrap()
}

fn compiled(yaml: &str) -> Paths {
    Paths::compile(&configuration(yaml)).unwrap()
}

/// A configuration of one path, `it`, with these fields.
fn path(fields: &str) -> Paths {
    compiled(&format!("deploymentPaths: [{{ name: it, {fields} }}]"))
}

fn user(name: &str) -> User {
    User { username: name.to_owned(), groups: vec!["system:authenticated".to_owned()] }
}

fn actor(name: &str) -> Actor {
    Actor { user: user(name), source_ips: vec!["10.0.0.7".to_owned()], ..Actor::default() }
}

/// What a pod of the cluster does with its own token.
fn in_pod(name: &str, pod: &str) -> Actor {
    Actor { pod: Some(PodIdentity { name: pod.to_owned(), ..PodIdentity::default() }), ..actor(name) }
}

fn acting_as(by: Actor, impersonated: &str) -> Actor {
    Actor { impersonated: Some(user(impersonated)), ..by }
}

fn key() -> WorkloadKey {
    WorkloadKey { namespace: "payments".into(), name: "nightly".into(), kind: WorkloadKind::CronJob }
}

fn tracked(id: &str) -> Markers {
    Markers { annotations: [(TRACKING_ID.to_owned(), id.to_owned())].into(), ..Markers::default() }
}

/// Why not, of an audit event for an object without markers; empty if it does fit.
fn reason(paths: &Paths, actor: &Actor) -> String {
    reason_by(paths, actor, Source::Audit)
}

fn reason_by(paths: &Paths, actor: &Actor, source: Source) -> String {
    let checked = paths.check("it", actor, source, &Markers::default(), &key());
    assert_eq!(paths.find(actor, source, &Markers::default(), &key()), checked.is_ok().then_some("it"));
    checked.err().map(|mismatch| mismatch.to_string()).unwrap_or_default()
}

#[test]
fn without_a_configuration_nothing_comes_by_a_path() {
    let paths = Paths::default();
    assert!(!paths.is_configured("it"));
    assert_eq!(reason(&paths, &actor("jane")), "no deployment path it is configured");
    assert_eq!(paths.approval_paths(), None);
    assert_eq!(paths.check_approval(&actor("jane"), Source::Audit), Ok(()));
    assert!(compiled("{}").find(&actor("jane"), Source::Audit, &Markers::default(), &key()).is_none());
}

#[test]
fn the_first_path_that_fits_is_found() {
    let paths = compiled(
        "
         deploymentPaths:
           - { name: people, groups: [release-managers] }
           - { name: ci, users: ['ci-*'] }
           - { name: anything-of-ci, users: ['ci-?*'] }",
    );
    let find = |name: &str| paths.find(&actor(name), Source::Audit, &Markers::default(), &key()).map(str::to_owned);
    assert_eq!(find("ci-1").as_deref(), Some("ci"));
    assert_eq!(find("jane"), None);
    assert!(paths.is_configured("ci") && !paths.is_configured("c"));
}

#[test]
fn approvals_change_through_their_paths_only() {
    let paths = compiled(
        "
         deploymentPaths:
           - { name: gitops, serviceAccounts: [argocd/argocd-application-controller], podBound: true, markers: ArgoCD }
           - { name: emergency, groups: [release-managers] }
           - { name: ci, users: [ci] }
         approvals: { deploymentPaths: [gitops, emergency] }",
    );
    assert_eq!(paths.approval_paths(), Some(["gitops".to_owned(), "emergency".to_owned()].as_slice()));
    let why = |actor: &Actor| paths.check_approval(actor, Source::Audit).map_err(|mismatch| mismatch.to_string());
    assert_eq!(why(&in_pod(ACCOUNT, "argocd-application-controller-0")), Ok(()));
    assert_eq!(why(&actor(ACCOUNT)), Err(format!("the token of {ACCOUNT} is not bound to a pod")));
    assert_eq!(why(&actor("ci")), Err("ci is none of the identities of gitops".to_owned()));
    let brings = |paths: &Paths, name: &str| paths.brings_approvals(&actor(name), Source::Audit);
    assert!(!brings(&paths, "ci"));
    let any = path("users: [ci]");
    assert!(brings(&any, "ci") && !brings(&any, "jane"), "any path will do where none is named for approvals");
    assert!(!brings(&Paths::default(), "ci"));
    let mut jane = actor("jane");
    jane.user.groups.push("release-managers".to_owned());
    assert_eq!(why(&jane), Ok(()));
}
