use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

fn read(manifest: &Value) -> Workload {
    Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap()
}

fn with_pod(pod: &Value) -> Workload {
    read(&json!({
        "metadata": {"name": "w", "namespace": "n"},
        "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    }))
}

/// A manifest as people write it, and the object that the API server makes of it.
#[test]
fn a_manifest_and_the_stored_object_are_the_same_workload() {
    let written = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "w"},
        "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "containers": [
                {"name": "a", "image": "nginx", "env": [{"name": "E"}]},
                {"name": "b", "image": "nginx:1.27", "securityContext": {"capabilities": {"add": []}}}
            ],
            "restartPolicy": "Never",
            "volumes": [{"name": "v"}]
        }}}}}
    });
    let stored = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "w", "namespace": "default", "creationTimestamp": null, "managedFields": [], "generation": 1},
        "spec": {
            "schedule": "0 2 * * *", "concurrencyPolicy": "Allow", "suspend": false,
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1, "timeZone": null,
            "jobTemplate": {"metadata": {"creationTimestamp": null}, "spec": {"template": {
                "metadata": {"creationTimestamp": null},
                "spec": {
                    "containers": [
                        {"name": "a", "image": "nginx", "env": [{"name": "E", "value": ""}], "imagePullPolicy": "Always",
                         "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
                        {"name": "b", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent",
                         "securityContext": {"capabilities": {}, "procMount": "Default"}}
                    ],
                    "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "securityContext": {},
                    "restartPolicy": "Never", "terminationGracePeriodSeconds": 30,
                    "volumes": [{"name": "v", "emptyDir": {}}]
                }
            }}}
        },
        "status": {"lastScheduleTime": "2026-05-31T02:00:00Z"}
    });
    assert_eq!(read(&written), read(&stored));
    assert_eq!(read(&written).template_hash(), read(&stored).template_hash());
}

#[test]
fn defaults_are_those_of_the_api_server() {
    let workload = with_pod(&json!({"containers": [{"name": "a", "image": "app"}]}));
    let cron = workload.cron.as_ref().unwrap();
    assert_eq!((cron.successful_history, cron.failed_history), (3, 1));
    assert_eq!((cron.suspend, cron.concurrency_policy.as_str()), (false, "Allow"));
    assert_eq!(workload.pod.service_account, "default");
    assert_eq!(workload.pod.containers[0].pull_policy, "Always");
    let role = |list: &str, policy: Value| {
        let pod = json!({list: [{"name": "a", "image": "app", "restartPolicy": policy}]});
        let workload = with_pod(&pod);
        (workload.pod.containers[0].role, workload.container_path(&workload.pod.containers[0]))
    };
    let path = |list: &str| format!("spec.jobTemplate.spec.template.spec.{list}[0]");
    assert_eq!(role("containers", json!(null)), (pod::Role::Main, path("containers")));
    assert_eq!(role("initContainers", json!(null)), (pod::Role::Init, path("initContainers")));
    assert_eq!(role("initContainers", json!("Always")), (pod::Role::Sidecar, path("initContainers")));
    assert_eq!(role("initContainers", json!("OnFailure")), (pod::Role::Init, path("initContainers")));
    assert_eq!(role("ephemeralContainers", json!(null)), (pod::Role::Ephemeral, path("ephemeralContainers")));
}

#[test]
fn what_cannot_be_read_says_why_and_never_where_in_the_text() {
    for (text, part) in [
        ("", "EOF"),
        ("[]", "invalid"),
        ("{}", "spec is absent"),
        (r#"{"spec": {}}"#, "spec.jobTemplate.spec is absent"),
        (r#"{"metadata": {"resourceVersion": "1"}, "spec": {"schedule": 5}}"#, "invalid type: integer `5`"),
        ("{\"spec\": {\"schedule\": {\"\u{1b}[2J\": 1}}}", "invalid type: map"),
    ] {
        let reason = Workload::from_json(WorkloadKind::CronJob, text).unwrap_err().to_string();
        assert!(reason.contains(part), "{text}: {reason}");
        // It is part of the evidence, which must not change with the length of a resource version.
        assert!(!reason.contains("column") && !reason.contains('\u{1b}'), "{reason}");
    }
}

/// Each field of the pod that is judged, changed one at a time.
#[test]
fn the_template_hash_covers_every_field_that_is_judged() {
    let base = json!({"containers": [{"name": "a", "image": "app:1"}]});
    let container = |field: &str, value: Value| (format!("containers/0/{field}"), value);
    let field = |field: &str, value: Value| (field.to_owned(), value);
    let changes = [
        container("name", json!("b")),
        container("image", json!("app:2")),
        container("imagePullPolicy", json!("Always")),
        container("command", json!(["x"])),
        container("command", json!(["x", ""])),
        container("args", json!(["x"])),
        container("args", json!(["x", "y"])),
        container("args", json!(["y", "x"])),
        container("workingDir", json!("/x")),
        container("env", json!([{"name": "A", "value": "1"}])),
        container("env", json!([{"name": "A", "value": "2"}])),
        container("env", json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])),
        container("env", json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "s", "key": "k"}}}])),
        container("env", json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}])),
        container("envFrom", json!([{"secretRef": {"name": "s"}}])),
        container("envFrom", json!([{"configMapRef": {"name": "s"}}])),
        container("volumeMounts", json!([{"name": "v", "mountPath": "/a"}])),
        container("volumeMounts", json!([{"name": "v", "mountPath": "/a", "readOnly": true}])),
        container("volumeMounts", json!([{"name": "v", "mountPath": "/a", "subPath": "b"}])),
        container("securityContext", json!({"privileged": true})),
        container("securityContext", json!({"privileged": false})),
        container("securityContext", json!({"allowPrivilegeEscalation": false})),
        container("securityContext", json!({"capabilities": {"add": ["SYS_ADMIN"]}})),
        container("securityContext", json!({"capabilities": {"drop": ["SYS_ADMIN"]}})),
        container("securityContext", json!({"runAsUser": 0})),
        container("securityContext", json!({"procMount": "Unmasked"})),
        container("ports", json!([{"containerPort": 80, "hostPort": 80}])),
        container("lifecycle", json!({"postStart": {"exec": {"command": ["x"]}}})),
        container("lifecycle", json!({"preStop": {"exec": {"command": ["x"]}}})),
        container("livenessProbe", json!({"exec": {"command": ["x"]}})),
        container("livenessProbe", json!({"httpGet": {"host": "h", "port": 1}})),
        field("initContainers", json!([{"name": "i", "image": "app:1"}])),
        field("initContainers", json!([{"name": "i", "image": "app:1", "restartPolicy": "Always"}])),
        field("ephemeralContainers", json!([{"name": "i", "image": "app:1"}])),
        field("volumes", json!([{"name": "v", "emptyDir": {}}])),
        field("volumes", json!([{"name": "v", "hostPath": {"path": "/"}}])),
        field("volumes", json!([{"name": "v", "secret": {"secretName": "s"}}])),
        field("volumes", json!([{"name": "v", "configMap": {"name": "s"}}])),
        field("volumes", json!([{"name": "v", "image": {"reference": "x"}}])),
        field("volumes", json!([{"name": "v", "nfs": {"server": "s", "path": "/"}}])),
        field("volumes", json!([{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}])),
        field("volumes", json!([{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}])),
        field("serviceAccountName", json!("s")),
        field("automountServiceAccountToken", json!(false)),
        field("automountServiceAccountToken", json!(true)),
        field("hostPID", json!(true)),
        field("hostIPC", json!(true)),
        field("hostNetwork", json!(true)),
        field("hostUsers", json!(false)),
        field("shareProcessNamespace", json!(true)),
        field("securityContext", json!({"runAsNonRoot": true})),
        field("securityContext", json!({"sysctls": [{"name": "a", "value": "1"}]})),
        field("tolerations", json!([{"operator": "Exists"}])),
        field("nodeSelector", json!({"a": "b"})),
        field("nodeName", json!("n")),
        field("os", json!({"name": "windows"})),
        field("priorityClassName", json!("p")),
        field("runtimeClassName", json!("r")),
        field("restartPolicy", json!("Never")),
        field("imagePullSecrets", json!([{"name": "s"}])),
    ];
    let count = changes.len();
    let mut hashes: BTreeSet<String> = changes
        .into_iter()
        .map(|(path, value)| {
            let mut pod = base.clone();
            let target = match path.strip_prefix("containers/0/") {
                Some(field) => &mut pod["containers"][0][field],
                None => &mut pod[path.as_str()],
            };
            *target = value;
            with_pod(&pod).template_hash()
        })
        .collect();
    hashes.insert(with_pod(&base).template_hash());
    assert_eq!(hashes.len(), count + 1, "two changes have the same hash, or one has none");
}

/// Approvals pin this hash: a release that changes it would break every one of them.
#[test]
fn the_template_hash_is_stable() {
    let workload = with_pod(&json!({
        "serviceAccountName": "backup",
        "restartPolicy": "Never",
        "containers": [{"name": "pgdump", "image": "registry.example.com/backup/pgdump:v3.2.1", "args": ["--all"],
                        "command": ["/usr/bin/pgdump"]}]
    }));
    assert_eq!(workload.template_hash(), "sha256:c24a260dc7001dd2f7b0c7d6e5d0a3c31402b218c02af0b78258310299b2dddb");
}

#[test]
fn what_is_larger_than_the_limit_is_not_packed() {
    let small = with_pod(&json!({"containers": [{"name": "a", "image": "app", "args": ["x".repeat(100_000)]}]}));
    let packed = Packed::pack(&small).unwrap();
    assert!(packed.size() < 5_000, "long text is kept in short: {} bytes", packed.size());
    assert_eq!(packed.unpack().unwrap(), small);
    let args: Vec<String> = (0..50).map(|i| format!("{i}{}", "x".repeat(4_000))).collect();
    let large = with_pod(&json!({"containers": [{"name": "a", "image": "app", "args": args}]}));
    assert!(Packed::pack(&large).unwrap_err().to_string().contains("limit"), "it fills memory");
}

#[test]
fn long_texts_that_differ_stay_different() {
    let with_end = |end: &str| {
        let text = format!("{}{end}", "é".repeat(5_000));
        with_pod(&json!({"containers": [{"name": "a", "image": "app", "args": [text]}]}))
    };
    assert_ne!(with_end("a"), with_end("b"));
    assert_eq!(with_end("a"), with_end("a"));
}

#[test]
fn of_the_annotations_only_markers_are_kept_and_they_change_nothing_that_runs() {
    let annotated = |annotations: Value| {
        read(&json!({
            "metadata": {"name": "w", "namespace": "n", "labels": {"a": "b"}, "annotations": annotations},
            "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": {}}}}}
        }))
    };
    let plain = annotated(json!({"note": "x", "kubectl.kubernetes.io/last-applied-configuration": "{}"}));
    assert_eq!(plain, annotated(Value::Null));
    let marked = annotated(json!({
        "note": "x", "argocd.argoproj.io/tracking-id": "app:batch/CronJob:n/w", "meta.helm.sh/release-name": "r",
        "meta.helm.sh/release-namespace": null, "helm.sh/hook": "x".repeat(10_000)
    }));
    assert_eq!(marked.template_hash(), plain.template_hash());
    assert_eq!(marked.run_settings(), plain.run_settings());
    let unpacked = Packed::pack(&marked).unwrap().unpack().unwrap();
    assert_eq!(unpacked, marked);
    let Markers { labels, annotations } = unpacked.markers();
    assert_eq!(labels["a"], "b");
    assert_eq!(annotations[markers::TRACKING_ID], "app:batch/CronJob:n/w");
    assert_eq!(
        (annotations[markers::RELEASE_NAME].as_str(), annotations[markers::RELEASE_NAMESPACE].as_str()),
        ("r", "")
    );
    assert!(annotations[markers::HOOK].len() < LONGEST_TEXT + 200 && annotations.len() == 4);
}
