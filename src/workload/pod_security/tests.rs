//! What is refused, and how it is reported. That the levels agree with those of a real API server, pod by pod, is what the
//! integration tests show.

use serde_json::{Value, json};

use super::{Subject, Violation, level, violations};
use crate::api::approval::PodSecurityLevel::{self, Baseline, Privileged, Restricted};
use crate::workload::{Pod, Workload, WorkloadKind};

fn pod_with(metadata: &Value, spec: &Value) -> Pod {
    let job = json!({ "spec": { "template": { "metadata": metadata, "spec": spec } } });
    Workload::from_json(WorkloadKind::Job, &job.to_string()).unwrap().pod
}

/// Puts the fields of `changes` over those of `value`; `null` removes one.
fn merge(value: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else {
        *value = changes.clone();
        return;
    };
    for (name, change) in changes {
        merge(&mut value[name], change);
    }
}

/// A container that Restricted accepts, but for the changes.
fn container(changes: &Value) -> Value {
    let mut container = json!({
        "name": "main",
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
    });
    merge(&mut container, changes);
    container
}

/// A pod spec that Restricted accepts, but for the changes.
fn spec(changes: &Value) -> Value {
    let mut spec = json!({
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "containers": [container(&json!({}))],
    });
    merge(&mut spec, changes);
    spec
}

fn pod(changes: &Value) -> Pod {
    pod_with(&json!({}), &spec(changes))
}

fn shown(violations: &[Violation]) -> Vec<(&str, &str, &str, PodSecurityLevel)> {
    violations.iter().map(|v| (v.check, v.path.as_str(), v.detail.as_str(), v.tolerated_at)).collect()
}

/// Changes to a pod or to its container, and what Restricted then finds: check, path, detail and the level that tolerates it.
type Case = (Value, &'static [(&'static str, &'static str, &'static str, PodSecurityLevel)]);

fn assert_cases(cases: &[Case], make: impl Fn(&Value) -> Pod) {
    for (changes, expected) in cases {
        let pod = make(changes);
        let all = violations(&pod, Restricted);
        assert_eq!(shown(&all), *expected, "{changes}");
        let strictest = expected.iter().map(|(.., tolerated_at)| *tolerated_at).max();
        assert_eq!(level(&pod), strictest.unwrap_or(Restricted), "{changes}");
        let by_baseline: Vec<_> = all.into_iter().filter(|v| v.tolerated_at == Privileged).collect();
        assert_eq!(violations(&pod, Baseline), by_baseline, "{changes}");
        assert_eq!(violations(&pod, Privileged), [], "{changes}");
    }
}

#[test]
fn pods() {
    let cases: &[Case] = &[
        (json!({}), &[]),
        (json!({ "hostNetwork": true }), &[("hostNamespaces", "hostNetwork", "true", Privileged)]),
        (json!({ "hostPID": true }), &[("hostNamespaces", "hostPID", "true", Privileged)]),
        (json!({ "hostIPC": true }), &[("hostNamespaces", "hostIPC", "true", Privileged)]),
        (
            json!({ "volumes": [{ "name": "a", "emptyDir": {} }, { "name": "b", "hostPath": { "path": "/etc" } }] }),
            &[("hostPathVolumes", "volumes[1].hostPath", "/etc", Privileged)],
        ),
        (
            json!({ "volumes": [{ "name": "a", "hostPath": {} }] }),
            &[("hostPathVolumes", "volumes[0].hostPath", "(empty)", Privileged)],
        ),
        (
            json!({ "volumes": [{ "name": "a", "nfs": { "server": "a", "path": "/" } }] }),
            &[("restrictedVolumes", "volumes[0].nfs", "nfs", Baseline)],
        ),
        (
            json!({ "securityContext": { "sysctls": [{ "name": "net.ipv4.tcp_rmem" }, { "name": "net.ipv4.tcp_mem" }] } }),
            &[("sysctls", "securityContext.sysctls[1].name", "net.ipv4.tcp_mem", Privileged)],
        ),
        (
            json!({ "securityContext": { "appArmorProfile": { "type": "Unconfined" } } }),
            &[("appArmorProfile", "securityContext.appArmorProfile.type", "Unconfined", Privileged)],
        ),
        (
            json!({ "securityContext": { "seccompProfile": { "type": "Unconfined" } } }),
            &[("seccompProfile_baseline", "securityContext.seccompProfile.type", "Unconfined", Privileged)],
        ),
        (
            json!({ "securityContext": { "seccompProfile": null } }),
            &[("seccompProfile_restricted", "containers[0].securityContext.seccompProfile", "not set", Baseline)],
        ),
        (
            json!({ "securityContext": { "seLinuxOptions": { "type": "spc_t", "user": "u", "role": "r", "level": "l" } } }),
            &[
                ("seLinuxOptions", "securityContext.seLinuxOptions.role", "r", Privileged),
                ("seLinuxOptions", "securityContext.seLinuxOptions.type", "spc_t", Privileged),
                ("seLinuxOptions", "securityContext.seLinuxOptions.user", "u", Privileged),
            ],
        ),
        (
            json!({ "securityContext": { "windowsOptions": { "hostProcess": true } } }),
            &[("windowsHostProcess", "securityContext.windowsOptions.hostProcess", "true", Privileged)],
        ),
        (
            json!({ "securityContext": { "runAsNonRoot": null } }),
            &[("runAsNonRoot", "containers[0].securityContext.runAsNonRoot", "not set", Baseline)],
        ),
        // The container inherits it, so it is not reported again.
        (
            json!({ "securityContext": { "runAsNonRoot": false } }),
            &[("runAsNonRoot", "securityContext.runAsNonRoot", "false", Baseline)],
        ),
        (
            json!({ "securityContext": { "runAsUser": 0 } }),
            &[("runAsUser", "securityContext.runAsUser", "0", Baseline)],
        ),
        (json!({ "securityContext": { "runAsUser": 1, "runAsGroup": 0, "fsGroup": 0 } }), &[]),
        (json!({ "hostUsers": false, "securityContext": { "runAsUser": 0, "runAsNonRoot": false } }), &[]),
        (
            json!({ "hostUsers": true, "securityContext": { "runAsUser": 0 } }),
            &[("runAsUser", "securityContext.runAsUser", "0", Baseline)],
        ),
    ];
    assert_cases(cases, pod);
}

#[test]
fn containers() {
    let cases: &[Case] = &[
        (
            json!({ "securityContext": { "privileged": true } }),
            &[("privileged", "containers[0].securityContext.privileged", "true", Privileged)],
        ),
        (json!({ "securityContext": { "privileged": false } }), &[]),
        (
            json!({ "securityContext": { "capabilities": { "add": ["NET_BIND_SERVICE", "KILL", "BPF", "KILL", "BPF", "kill"] } } }),
            &[
                ("capabilities_restricted", "containers[0].securityContext.capabilities.add[1]", "KILL", Baseline),
                ("capabilities_baseline", "containers[0].securityContext.capabilities.add[2]", "BPF", Privileged),
                ("capabilities_baseline", "containers[0].securityContext.capabilities.add[5]", "kill", Privileged),
            ],
        ),
        (
            json!({ "securityContext": { "capabilities": { "drop": ["all"] } } }),
            &[("capabilities_restricted", "containers[0].securityContext.capabilities.drop", "without ALL", Baseline)],
        ),
        (
            json!({ "securityContext": null }),
            &[
                (
                    "allowPrivilegeEscalation",
                    "containers[0].securityContext.allowPrivilegeEscalation",
                    "not set",
                    Baseline,
                ),
                ("capabilities_restricted", "containers[0].securityContext.capabilities.drop", "not set", Baseline),
            ],
        ),
        (
            json!({ "securityContext": { "allowPrivilegeEscalation": true } }),
            &[("allowPrivilegeEscalation", "containers[0].securityContext.allowPrivilegeEscalation", "true", Baseline)],
        ),
        (
            json!({ "ports": [{ "containerPort": 1 }, { "hostPort": 80 }, { "hostPort": 0 }, { "hostPort": 443 }] }),
            &[("hostPorts", "containers[0].ports", "hostPort 80, 443", Privileged)],
        ),
        (
            json!({ "livenessProbe": { "httpGet": { "host": "127.0.0.1" } }, "readinessProbe": { "tcpSocket": { "host": "" } } }),
            &[("hostProbesAndHostLifecycle", "containers[0].livenessProbe.httpGet.host", "127.0.0.1", Privileged)],
        ),
        (
            json!({ "lifecycle": { "preStop": { "tcpSocket": { "host": "a" } }, "postStart": { "exec": { "command": ["a"] } } } }),
            &[("hostProbesAndHostLifecycle", "containers[0].lifecycle.preStop.tcpSocket.host", "a", Privileged)],
        ),
        (
            json!({ "securityContext": { "procMount": "Unmasked" } }),
            &[("procMount", "containers[0].securityContext.procMount", "Unmasked", Privileged)],
        ),
        (
            json!({ "securityContext": { "seccompProfile": { "type": "Unconfined" } } }),
            &[(
                "seccompProfile_baseline",
                "containers[0].securityContext.seccompProfile.type",
                "Unconfined",
                Privileged,
            )],
        ),
        (
            json!({ "securityContext": { "runAsNonRoot": false, "runAsUser": 0 } }),
            &[
                ("runAsNonRoot", "containers[0].securityContext.runAsNonRoot", "false", Baseline),
                ("runAsUser", "containers[0].securityContext.runAsUser", "0", Baseline),
            ],
        ),
    ];
    assert_cases(cases, |changes| pod(&json!({ "containers": [container(changes)] })));
}

#[test]
fn in_a_user_namespace_only_restricted_minds_an_unmasked_proc() {
    let unmasked = container(&json!({ "securityContext": { "procMount": "Unmasked" } }));
    let cases: &[Case] = &[(
        json!({ "hostUsers": false, "containers": [unmasked] }),
        &[("procMount_restricted", "containers[0].securityContext.procMount", "Unmasked", Baseline)],
    )];
    assert_cases(cases, pod);
}

#[test]
fn windows_pods_need_no_settings_of_linux() {
    let windows =
        json!({ "os": { "name": "windows" }, "containers": [{}], "securityContext": { "runAsNonRoot": true } });
    assert_eq!(level(&pod_with(&json!({}), &windows)), Restricted);
    let mut linux = windows.clone();
    linux["os"]["name"] = "linux".into();
    assert_eq!(level(&pod_with(&json!({}), &linux)), Baseline);
    // No API server takes this one, but nothing forbids to write it: the stricter level must not be the laxer one.
    let mut wrong = windows;
    wrong["containers"][0] = json!({ "securityContext": { "seccompProfile": { "type": "Unconfined" }, "capabilities": { "add": ["BPF"] } } });
    assert_eq!(level(&pod_with(&json!({}), &wrong)), Privileged);
}

#[test]
fn every_list_of_containers_counts() {
    let privileged = container(&json!({ "securityContext": { "privileged": true } }));
    let fine = container(&json!({}));
    let sidecar = container(&json!({ "restartPolicy": "Always", "securityContext": { "privileged": true } }));
    let pod = pod(&json!({
        "initContainers": [fine, privileged, sidecar],
        "containers": [fine, privileged],
        "ephemeralContainers": [privileged],
    }));
    let paths: Vec<_> = violations(&pod, Baseline).into_iter().map(|v| v.path).collect();
    assert_eq!(
        paths,
        [
            "containers[1].securityContext.privileged",
            "ephemeralContainers[0].securityContext.privileged",
            "initContainers[1].securityContext.privileged",
            "initContainers[2].securityContext.privileged",
        ]
    );
}

#[test]
fn app_armor_annotations_count() {
    let key = |name: &str| format!("container.apparmor.security.beta.kubernetes.io/{name}");
    let annotated = |annotations: &Value| pod_with(&json!({ "annotations": annotations }), &spec(&json!({})));
    for tolerated in ["", "runtime/default", "localhost/", "localhost/x"] {
        assert_eq!(level(&annotated(&json!({ key("main"): tolerated }))), Restricted, "{tolerated}");
    }
    for refused in ["unconfined", "runtime/defaultx", "RuntimeDefault", "Localhost/x"] {
        assert_eq!(level(&annotated(&json!({ key("main"): refused }))), Privileged, "{refused}");
    }
    let pod = annotated(&json!({ key("main"): "unconfined", key("nobody"): "unconfined", "other/main": "unconfined" }));
    assert_eq!(
        shown(&violations(&pod, Baseline)),
        [
            ("appArmorProfile", "containers[0].securityContext.appArmorProfile", "annotation unconfined", Privileged),
            ("appArmorProfile", "securityContext.appArmorProfile", "annotation unconfined for nobody", Privileged),
        ]
    );
}

#[test]
fn callers_can_tell_host_paths_and_capabilities_apart() {
    let adds = json!({ "securityContext": { "capabilities": { "add": ["CHOWN", "SYS_ADMIN", "BPF"] } } });
    let pod = pod(&json!({
        "containers": [container(&adds)],
        "volumes": [{ "name": "a", "hostPath": { "path": "/etc" } }],
    }));
    let subjects: Vec<_> = violations(&pod, Restricted).into_iter().map(|v| v.subject).collect();
    let capability = |name: &str| Subject::Capability(name.to_owned());
    assert_eq!(
        subjects,
        [Subject::Other, capability("SYS_ADMIN"), capability("BPF"), Subject::HostPath("/etc".to_owned())]
    );
}

#[test]
fn hostile_text_is_made_harmless_and_short() {
    let hostile = format!("\u{1b}[2J\u{202e}{}", "x".repeat(1000));
    let kind = json!({ "type": hostile });
    let probe = json!({ "httpGet": { "host": hostile } });
    let context = json!({
        "appArmorProfile": kind,
        "capabilities": { "add": [hostile] },
        "procMount": hostile,
        "seLinuxOptions": { "role": hostile, "type": hostile, "user": hostile },
        "seccompProfile": kind,
    });
    let spec = spec(&json!({
        "securityContext": { "sysctls": [{ "name": hostile }] },
        "containers": [container(&json!({ "name": hostile, "livenessProbe": probe, "securityContext": context }))],
        "volumes": [{ hostile.clone(): {} }, { "hostPath": { "path": hostile } }],
    }));
    let key = format!("container.apparmor.security.beta.kubernetes.io/{hostile}");
    let found = violations(&pod_with(&json!({ "annotations": { key: hostile } }), &spec), Restricted);
    assert_eq!(found.len(), 12);
    for Violation { path, detail, .. } in &found {
        assert!(
            path.chars().chain(detail.chars()).all(|c| c.is_ascii_graphic() || c == ' ' || c == '…'),
            "{path} {detail}"
        );
        assert!(path.len() < 150 && detail.len() < 200, "{path} {detail}");
    }
}

#[test]
fn large_pods_are_judged_in_time_proportional_to_their_size() {
    let names: Vec<_> = (0..20_000).map(|n| format!("CAP_{n}")).collect();
    let adding = container(&json!({ "securityContext": { "capabilities": { "add": names } } }));
    let containers: Vec<_> = (0..20_000).map(|n| container(&json!({ "name": format!("c{n}") }))).collect();
    let annotations: serde_json::Map<_, _> = (0..20_000)
        .map(|n| (format!("container.apparmor.security.beta.kubernetes.io/c{n}"), Value::from("unconfined")))
        .collect();
    let spec = spec(&json!({ "containers": containers, "initContainers": [adding] }));
    let pod = pod_with(&json!({ "annotations": annotations }), &spec);
    let start = std::time::Instant::now();
    let found = violations(&pod, Restricted);
    // Anything quadratic takes minutes here.
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
    assert_eq!(found.len(), 40_000);
    assert!(found.is_sorted_by_key(|v| &v.path));
}
