//! Nobody but the configured identities fits, whatever else they choose.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static PATHS: LazyLock<Paths> = LazyLock::new(|| {
    compiled(
        "
deploymentPaths:
  - { name: argo, preset: ArgoCD }
  - { name: ci, users: [ci-deployer], groups: [deployers], impersonates: ['*'], acceptAdmission: true }
  - { name: tenants, serviceAccounts: [tenant-*/deployer], impersonates: ['*'], acceptAdmission: true }
  - { name: cloud, preset: EKS, acceptAdmission: true }
",
    )
});

/// Names that are nearly those of the paths, and some that are.
fn name() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "system:serviceaccount:",
        "system:",
        "argocd",
        "argocd-application-controller",
        "ci-deployer",
        "deployers",
        "tenant-a",
        "tenant-",
        "deployer",
        "eks:addon-manager",
        ":",
        "/",
        "*",
        ".",
        " ",
        "\u{0}",
        "A",
        "mallory",
    ]);
    prop_oneof![
        prop::collection::vec(parts, 0..5).prop_map(|parts| parts.concat()),
        Just(ACCOUNT.to_owned()),
        Just("system:serviceaccount:tenant-a:deployer".to_owned()),
        Just("ci-deployer".to_owned()),
    ]
}

fn user_of_any_name() -> impl Strategy<Value = User> {
    (name(), prop::collection::vec(name(), 0..3)).prop_map(|(username, groups)| User { username, groups })
}

fn anybody() -> impl Strategy<Value = Actor> {
    let pod = prop::option::of(name().prop_map(|name| PodIdentity { name, ..PodIdentity::default() }));
    (user_of_any_name(), prop::option::of(user_of_any_name()), pod, name()).prop_map(
        |(user, impersonated, pod, text)| Actor {
            user,
            impersonated,
            pod,
            user_agent: text.clone(),
            authorization: text,
            source_ips: vec!["10.0.0.1".into()],
        },
    )
}

/// Whether it is one of the identities, told as directly as possible.
fn is_configured(user: &User) -> bool {
    let tenant =
        user.username.strip_prefix("system:serviceaccount:tenant-").and_then(|rest| rest.strip_suffix(":deployer"));
    matches!(user.username.as_str(), ACCOUNT | "ci-deployer" | "eks:addon-manager" | "eks:cluster-bootstrap")
        || tenant.is_some_and(|namespace| !namespace.contains(':'))
        || user.groups.iter().any(|group| group == "deployers")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn nobody_else_comes_by_a_path(actor in anybody(), is_audited in any::<bool>(), is_marked in any::<bool>()) {
        let source = if is_audited { Source::Audit } else { Source::Admission };
        let markers = if is_marked { tracked("app:batch/CronJob:payments/nightly") } else { Markers::default() };
        if let Some(found) = PATHS.find(&actor, source, &markers, &key()) {
            prop_assert!(is_configured(&actor.user), "{found}: {actor:?}");
            if found == "argo" {
                prop_assert!(is_audited && is_marked && actor.pod.is_some_and(|pod| !pod.name.is_empty()));
            }
        }
    }

    #[test]
    fn what_is_impersonated_never_helps(actor in anybody()) {
        let alone = Actor { impersonated: None, ..actor.clone() };
        let find = |actor: &Actor| PATHS.find(actor, Source::Audit, &Markers::default(), &key()).map(str::to_owned);
        if find(&alone).is_none() {
            prop_assert_eq!(find(&actor), None);
        }
    }
}
