//! The identities of widespread tools and platforms.

use super::*;

const TRACKED: &str = "app:batch/CronJob:payments/nightly";

fn flux() -> Markers {
    let labels = ["name", "namespace"].map(|end| (format!("kustomize.toolkit.fluxcd.io/{end}"), "x".to_owned()));
    Markers { labels: labels.into(), ..Markers::default() }
}

fn fits(paths: &Paths, actor: &Actor, markers: &Markers) -> bool {
    paths.check("it", actor, Source::Audit, markers, &key()).is_ok()
}

fn account(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

#[test]
fn argo_cd_is_its_controller_in_its_namespace() {
    let paths = path("preset: ArgoCD");
    let controller = || in_pod(ACCOUNT, "argocd-application-controller-0");
    assert!(fits(&paths, &controller(), &tracked(TRACKED)));
    assert!(fits(&paths, &acting_as(controller(), &account("payments", "deployer")), &tracked(TRACKED)));
    for (actor, markers) in [
        (controller(), Markers::default()),
        (controller(), tracked("app:batch/CronJob:payments/other")),
        (actor(ACCOUNT), tracked(TRACKED)),
        (acting_as(controller(), "system:admin"), tracked(TRACKED)),
        (acting_as(in_pod("mallory", "x"), ACCOUNT), tracked(TRACKED)),
        (
            in_pod(&account("evil", "argocd-application-controller"), "argocd-application-controller-0"),
            tracked(TRACKED),
        ),
        (in_pod(&account("argocd", "argocd-server"), "argocd-server-0"), tracked(TRACKED)),
        (in_pod(&account("argocd", "argocd-application-controller.evil"), "x"), tracked(TRACKED)),
    ] {
        assert!(!fits(&paths, &actor, &markers), "{actor:?}");
    }
}

#[test]
fn flux_is_its_two_controllers_that_apply() {
    let paths = path("preset: Flux");
    for name in ["kustomize-controller", "helm-controller"] {
        let controller = || in_pod(&account("flux-system", name), "x");
        assert!(fits(&paths, &controller(), &flux()));
        assert!(fits(&paths, &acting_as(controller(), &account("payments", "flux")), &flux()));
        assert!(!fits(&paths, &controller(), &Markers::default()));
        assert!(!fits(&paths, &actor(&account("flux-system", name)), &flux()));
        assert!(!fits(&paths, &in_pod(&account("default", name), "x"), &flux()));
    }
    assert!(!fits(&paths, &in_pod(&account("flux-system", "source-controller"), "x"), &flux()));
}

#[test]
fn what_is_given_stands_in_the_place_of_the_preset() {
    let paths = path(
        "preset: ArgoCD, serviceAccounts: [openshift-gitops/openshift-gitops-argocd-application-controller], podBound: false",
    );
    let markers = tracked(TRACKED);
    assert!(fits(
        &paths,
        &actor(&account("openshift-gitops", "openshift-gitops-argocd-application-controller")),
        &markers
    ));
    assert!(!fits(&paths, &in_pod(ACCOUNT, "x"), &markers));
}

#[test]
fn platforms_are_known_by_user_or_account() {
    for (preset, identities, others) in [
        (
            "EKS",
            &["eks:addon-manager", "eks:cluster-bootstrap"][..],
            &["eks:support-engineer", "eks:addon-manager2"][..],
        ),
        ("GKE", &["system:addon-manager"], &["addon-manager", "system:serviceaccount:kube-system:addon-manager"]),
        ("AKS", &["aksService"], &["aksservice", "masterclient", "system:serviceaccount:x:aksService"]),
    ] {
        let paths = path(&format!("preset: {preset}"));
        assert!(identities.iter().all(|name| fits(&paths, &actor(name), &Markers::default())), "{preset}");
        assert!(!others.iter().any(|name| fits(&paths, &actor(name), &Markers::default())), "{preset}");
        assert!(!fits(&paths, &acting_as(actor("mallory"), identities[0]), &Markers::default()), "{preset}");
    }
    let paths = path("preset: OpenShift");
    let operator = account("openshift-image-registry", "cluster-image-registry-operator");
    assert!(fits(&paths, &in_pod(&operator, "x"), &Markers::default()));
    assert!(!fits(&paths, &actor(&operator), &Markers::default()));
    assert!(!fits(&paths, &in_pod(&account("default", "cluster-image-registry-operator"), "x"), &Markers::default()));
}

#[test]
fn helm_needs_to_be_told_who_calls_it() {
    let problems = Paths::compile(&configuration("deploymentPaths: [{ name: it, preset: Helm }]")).unwrap_err();
    assert!(problems[0].to_string().contains("nobody is named"), "{problems:?}");
    let paths = path("preset: Helm, users: [ci]");
    assert!(!fits(&paths, &actor("ci"), &Markers::default()));
    let hook = Markers { annotations: [("helm.sh/hook".into(), "post-install".into())].into(), ..Markers::default() };
    assert!(fits(&paths, &actor("ci"), &hook));
}
