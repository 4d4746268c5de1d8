use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(spec: &Value, metadata: &Value) -> Pod {
    Pod::from_json_of_pod(&json!({"metadata": metadata, "spec": spec}).to_string()).unwrap()
}

fn pod(spec: &Value) -> Pod {
    read(spec, &json!({}))
}

fn between(template: &Value, running: &Value) -> Vec<String> {
    let found = drift(&pod(template), &pod(running), &Injectors::default());
    let side = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    found.differences.into_iter().map(|d| format!("{}: {} -> {}", d.path, side(d.expected), side(d.observed))).collect()
}

fn with(container: &Value) -> Value {
    let mut whole = json!({"name": "c", "image": "busybox:1"});
    whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    json!({"containers": [whole]})
}

fn secured(context: &Value) -> Value {
    with(&json!({"securityContext": context}))
}

fn token(name: &str, config_map: &str) -> Value {
    let sources = json!([{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": config_map}}]);
    json!({"name": name, "projected": {"sources": sources}})
}

#[test]
fn the_token_of_the_service_account_is_no_drift_where_it_is_wanted() {
    let mount =
        |path: &str, read_only: bool| json!({"name": "kube-api-access-x", "mountPath": path, "readOnly": read_only});
    let running = |mount: Value, volume: Value| {
        let mut running = with(&json!({"volumeMounts": [mount]}));
        running["volumes"] = json!([volume]);
        running
    };
    let wanted = token("kube-api-access-x", "kube-root-ca.crt");
    let good = running(mount(TOKEN, true), wanted.clone());
    assert_eq!(between(&with(&json!({})), &good), [""; 0]);
    let mut refusing = with(&json!({}));
    refusing["automountServiceAccountToken"] = json!(false);
    assert_eq!(between(&refusing, &good).len(), 3);
    for (mount, volume) in [
        (mount("/usr/bin", true), wanted.clone()),
        (mount(TOKEN, false), wanted.clone()),
        (mount(TOKEN, true), token("kube-api-access-x", "other")),
        (mount(TOKEN, true), json!({"name": "kube-api-access-x", "hostPath": {"path": "/"}})),
    ] {
        assert_eq!(between(&with(&json!({})), &running(mount, volume)).len(), 1);
    }
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[test]
fn placement_is_left_aside_but_for_the_control_plane() {
    let mut running = with(&json!({"imagePullPolicy": "Always"}));
    running.as_object_mut().unwrap().extend(
        json!({
            "nodeName": "n", "nodeSelector": {"a": "b"}, "priorityClassName": "p", "schedulerName": "s",
            "hostname": "h", "affinity": {"nodeAffinity": {"a": 1}}, "imagePullSecrets": [{"name": "s"}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    assert_eq!(between(&with(&json!({})), &running), [""; 0]);
    for key in [json!("node-role.kubernetes.io/control-plane"), json!(null)] {
        let mut reaching = with(&json!({}));
        reaching["tolerations"] = json!([{"key": key, "operator": "Exists"}]);
        let found = between(&with(&json!({})), &reaching);
        assert!(found.len() == 1 && found[0].starts_with("spec.tolerations: - -> "), "{found:?}");
        assert_eq!(between(&reaching, &reaching), [""; 0]);
    }
    let pulled = with(&json!({"imagePullPolicy": "Never"}));
    assert_eq!(between(&with(&json!({})), &pulled), ["spec.containers[0].imagePullPolicy: IfNotPresent -> Never"]);
}

#[test]
fn an_index_is_added_to_pods_of_indexed_jobs() {
    let index = |field: &str| json!({"env": [{"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": field}}}]});
    let running = with(&index("metadata.labels['batch.kubernetes.io/job-completion-index']"));
    assert_eq!(between(&with(&json!({})), &running), [""; 0]);
    let other = with(&json!({"env": [{"name": "JOB_COMPLETION_INDEX", "value": "1"}]}));
    assert_eq!(between(&with(&json!({})), &other).len(), 1);
    assert_eq!(between(&running, &with(&json!({}))).len(), 1);
}

#[test]
fn rights_can_be_taken_and_not_given() {
    let open = json!({});
    let closed = json!({
        "privileged": false, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
        "runAsUser": 1_000_670_000, "runAsGroup": 1, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"}, "appArmorProfile": {"type": "RuntimeDefault"},
        "seLinuxOptions": {"level": "s0:c26,c5"},
    });
    assert_eq!(between(&secured(&open), &secured(&closed)), [""; 0]);
    for (field, value) in [
        ("privileged", json!(true)),
        ("allowPrivilegeEscalation", json!(true)),
        ("readOnlyRootFilesystem", json!(false)),
        ("runAsNonRoot", json!(false)),
        ("runAsUser", json!(0)),
        ("runAsUser", json!(2000)),
        ("runAsGroup", json!(0)),
        ("capabilities", json!({"drop": ["NET_RAW"]})),
        ("capabilities", json!({"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
        ("capabilities", json!(null)),
        ("seccompProfile", json!({"type": "Unconfined"})),
        ("seccompProfile", json!(null)),
        ("appArmorProfile", json!(null)),
        ("seLinuxOptions", json!({"type": "spc_t"})),
        ("procMount", json!("Unmasked")),
        ("windowsOptions", json!({"hostProcess": true})),
    ] {
        let mut opened = closed.clone();
        opened[field] = value.clone();
        let found = between(&secured(&closed), &secured(&opened));
        assert!(
            found.len() == 1 && found[0].starts_with("spec.containers[0].securityContext"),
            "{field} {value}: {found:?}"
        );
    }
    // An id of the pod is not for the container to replace.
    let mut of_pod = with(&json!({}));
    of_pod["securityContext"] = json!({"runAsUser": 1000, "fsGroup": 1000});
    let mut replaced = secured(&json!({"runAsUser": 2000}));
    replaced["securityContext"] = of_pod["securityContext"].clone();
    assert_eq!(between(&of_pod, &replaced).len(), 1);
    let mut filled = with(&json!({}));
    filled["securityContext"] =
        json!({"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": true});
    assert_eq!(between(&with(&json!({})), &filled), [""; 0]);
    filled["securityContext"] = json!({"fsGroup": 0, "sysctls": [{"name": "a", "value": "b"}]});
    assert_eq!(between(&with(&json!({})), &filled).len(), 1);
}

#[test]
fn an_app_armor_profile_is_the_same_in_an_annotation_and_in_a_field() {
    let annotated = json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "localhost/p"}});
    let profile = json!({"type": "Localhost", "localhostProfile": "p"});
    let template = read(&with(&json!({})), &annotated);
    let stored = read(&secured(&json!({"appArmorProfile": profile})), &annotated);
    let injectors = Injectors::default();
    assert!(drift(&template, &stored, &injectors).is_none());
    assert!(!drift(&template, &pod(&with(&json!({}))), &injectors).is_none());
    let unconfined = json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}});
    assert!(!drift(&pod(&with(&json!({}))), &read(&with(&json!({})), &unconfined), &injectors).is_none());
}

#[test]
fn labels_of_the_template_stay_and_others_may_come() {
    let labelled = |labels: Value| read(&with(&json!({})), &json!({"labels": labels, "annotations": {"a": "b"}}));
    let injectors = Injectors::default();
    let template = read(&with(&json!({})), &json!({"labels": {"app": "x"}}));
    assert!(drift(&template, &labelled(json!({"app": "x", "job-name": "j", "more": "y"})), &injectors).is_none());
    for labels in [json!({"app": "y"}), json!({})] {
        let found = drift(&template, &labelled(labels), &injectors);
        assert_eq!(found.differences[0].path, "metadata.labels.app");
    }
}

#[test]
fn ephemeral_containers_always_count() {
    let mut running = with(&json!({}));
    running["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox"}]);
    let template = running.clone();
    let found = between(&template, &running);
    assert!(found.contains(&"spec.ephemeralContainers[0].image: - -> busybox".to_owned()), "{found:?}");
}

#[test]
fn a_rewritten_image_counts_even_if_it_is_the_same() {
    let found = between(&with(&json!({})), &with(&json!({"image": "docker.io/library/busybox:1"})));
    assert_eq!(found, ["spec.containers[0].image: busybox:1 -> docker.io/library/busybox:1"]);
}

#[test]
fn many_variables_cannot_hide_another_container() {
    let env: Vec<Value> =
        (0..100).map(|i| json!({"name": format!("securityContext.image{i}.name"), "value": "x"})).collect();
    let mut running = with(&json!({"env": env}));
    running["containers"].as_array_mut().unwrap().push(json!({"name": "evil", "image": "evil", "command": ["sh"]}));
    let found = between(&with(&json!({})), &running);
    assert!(found.contains(&"spec.containers[1].command: - -> sh".to_owned()), "{found:?}");
}

#[test]
fn secrets_are_never_shown() {
    let secret = |value: &str| with(&json!({"env": [{"name": "T", "value": value}], "args": ["--password", value]}));
    let found = format!("{:?}", between(&secret("hunter2-first"), &secret("hunter2-second")));
    assert!(found.contains("env[T]") && found.contains("args") && !found.contains("hunter2"), "{found}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z/.:@*]{0,12}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "name",
        "image",
        "command",
        "env",
        "value",
        "volumeMounts",
        "mountPath",
        "securityContext",
        "capabilities",
        "add",
        "emptyDir",
        "hostPath",
        "path",
        "projected",
        "sources",
        "key",
        "runAsUser",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn any_pod_is_judged_without_a_panic(containers in any_json(), volumes in any_json(), context in any_json()) {
        let spec = json!({"containers": containers, "volumes": volumes, "securityContext": context});
        let text = json!({"spec": spec}).to_string();
        if let Ok(running) = Pod::from_json_of_pod(&text) {
            let found = drift(&pod(&with(&json!({}))), &running, &Injectors::default());
            prop_assert!(found.differences.len() <= 24 && found.imitations.len() <= 16);
            if running.containers.iter().all(|container| container.role != Role::Ephemeral) {
                prop_assert!(drift(&running, &running, &Injectors::default()).is_none());
            }
        }
    }
}
