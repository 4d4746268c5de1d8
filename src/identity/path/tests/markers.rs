//! Markers speak against a path, never for it.

use super::*;

fn why(tool: &str, markers: &Markers, key: &WorkloadKey) -> String {
    let paths = path(&format!("users: [ci]{}{tool}", if tool.is_empty() { "" } else { ", markers: " }));
    let mismatch = paths.check("it", &actor("ci"), Source::Audit, markers, key).err();
    mismatch.map(|mismatch| mismatch.to_string()).unwrap_or_default()
}

fn labels(labels: &[(&str, &str)]) -> Markers {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Markers { labels, ..Markers::default() }
}

fn annotations(annotations: &[(&str, &str)]) -> Markers {
    Markers { annotations: labels(annotations).labels, ..Markers::default() }
}

#[test]
fn a_tracking_id_names_the_object_that_carries_it() {
    for id in ["app:batch/CronJob:payments/nightly", "team_app:batch/CronJob:payments/nightly"] {
        assert_eq!(why("ArgoCD", &tracked(id), &key()), "");
    }
    // Whatever the path asks for: a copy is a copy.
    for tool in ["ArgoCD", "Flux", "Helm", ""] {
        for (id, named) in [
            ("app:batch/CronJob:other/x", "CronJob/other/x"),
            ("app:batch/CronJob:payments/nightly2", "CronJob/payments/nightly2"),
            ("app:batch/CronJob:payments2/nightly", "CronJob/payments2/nightly"),
            ("app:batch/Job:payments/nightly", "Job/payments/nightly"),
            ("app:apps/CronJob:payments/nightly", "CronJob/payments/nightly"),
            ("app:/CronJob:payments/nightly", "CronJob/payments/nightly"),
            ("app:batch/CronJob:payments/", "CronJob/payments/"),
            ("app:batch/cronjob:payments/nightly", "cronjob/payments/nightly"),
        ] {
            assert_eq!(why(tool, &tracked(id), &key()), format!("Argo CD's tracking id names {named}"));
        }
        for id in [
            "",
            "app",
            "app:batch/CronJob",
            ":batch/CronJob:payments/nightly",
            "app:batch/CronJob:payments/nightly/x",
            "app:CronJob:payments/nightly",
        ] {
            assert_eq!(why(tool, &tracked(id), &key()), format!("Argo CD's tracking id {id:?} names no object"));
        }
    }
}

#[test]
fn a_generated_name_comes_after_the_tracking_id() {
    let job = WorkloadKey { name: "migrate-1a2b3c4-presync-1".into(), kind: WorkloadKind::Job, ..key() };
    assert_eq!(why("ArgoCD", &tracked("app:batch/Job:payments/"), &job), "");
    assert_ne!(why("ArgoCD", &tracked("app:batch/Job:other/"), &job), "");
}

#[test]
fn each_tool_leaves_its_markers() {
    let missing = |tool: &str| format!("the object does not carry the markers of {tool}");
    let instance = [("app.kubernetes.io/instance", "app")];
    let kustomization =
        [("kustomize.toolkit.fluxcd.io/name", "apps"), ("kustomize.toolkit.fluxcd.io/namespace", "flux-system")];
    let release = [("helm.toolkit.fluxcd.io/name", "app"), ("helm.toolkit.fluxcd.io/namespace", "payments")];
    let helm = [("meta.helm.sh/release-name", "app"), ("meta.helm.sh/release-namespace", "payments")];
    let hook = [("helm.sh/hook", "pre-upgrade")];
    for (tool, name, markers, fits) in [
        ("ArgoCD", "Argo CD", labels(&instance), true),
        ("ArgoCD", "Argo CD", labels(&[("app.kubernetes.io/instance", "")]), false),
        ("ArgoCD", "Argo CD", labels(&kustomization), false),
        ("Flux", "Flux", labels(&kustomization), true),
        ("Flux", "Flux", labels(&release), true),
        ("Flux", "Flux", annotations(&hook), true),
        ("Flux", "Flux", labels(&kustomization[..1]), false),
        ("Flux", "Flux", labels(&[kustomization[0], release[1]]), false),
        ("Flux", "Flux", annotations(&helm), false),
        ("Flux", "Flux", annotations(&kustomization), false),
        ("Helm", "Helm", annotations(&helm), true),
        ("Helm", "Helm", annotations(&hook), true),
        ("Helm", "Helm", annotations(&helm[..1]), false),
        ("Helm", "Helm", annotations(&[helm[0], ("meta.helm.sh/release-namespace", "")]), false),
        ("Helm", "Helm", labels(&helm), false),
        ("Helm", "Helm", labels(&[("app.kubernetes.io/managed-by", "Helm")]), false),
    ] {
        let expected = if fits { String::new() } else { missing(name) };
        assert_eq!(why(tool, &markers, &key()), expected, "{markers:?}");
    }
}

#[test]
fn markers_make_nobody_an_identity() {
    let paths = compiled("deploymentPaths: [{ name: it, preset: ArgoCD }]");
    let forged = tracked("app:batch/CronJob:payments/nightly");
    let forger = Actor {
        user_agent: "argocd-application-controller/v3.1.0".into(),
        ..in_pod("mallory", "argocd-application-controller-0")
    };
    let mismatch = paths.check("it", &forger, Source::Audit, &forged, &key()).unwrap_err();
    assert_eq!(mismatch.to_string(), "mallory is none of the identities of it");
}
