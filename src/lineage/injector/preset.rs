//! What is known of widespread injectors: what they add as they are installed, read in their sources.
//!
//! What an installation can be told to add beyond that, such as a privileged proxy, a debugging container or the volumes of
//! an annotation, is not here: it is worth a look, or an entry in the configuration.

use serde::Deserialize;

use super::{ContainerRole, Injector, PodField, VolumeKind};
use crate::identity::path::Problems;
use crate::lineage::configuration::{
    CommandConfiguration, ContainerConfiguration, InjectorConfiguration, VolumeConfiguration,
};

/// A widespread injector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Preset {
    /// Istio from 1.20 on: `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml` of `istio/istio`, with
    /// `pkg/kube/inject/webhook.go`. Releases are published as `istio/proxyv2`, `gcr.io/istio-release/proxyv2` and
    /// `registry.istio.io/release/proxyv2`.
    Istio,
    /// Linkerd from 2.14 on: `charts/partials/templates` and `charts/patch/templates/patch.json` of `linkerd/linkerd2`. Later
    /// releases have the program of the init container in the image of the proxy.
    Linkerd,
    /// The Vault agent: `agent-inject/agent` of `hashicorp/vault-k8s`, with the image of `DefaultVaultImage`.
    VaultAgent,
}

/// Those that are known under their own names, without the ones that the configuration replaces.
pub(super) fn known(configuration: &[InjectorConfiguration]) -> Vec<Injector> {
    let presets = [(Preset::Istio, "istio"), (Preset::Linkerd, "linkerd"), (Preset::VaultAgent, "vault-agent")];
    presets
        .into_iter()
        .filter(|(_, name)| !configuration.iter().any(|given| given.name == *name))
        .map(|(preset, name)| {
            let given = InjectorConfiguration {
                name: name.to_owned(),
                preset: Some(preset),
                ..InjectorConfiguration::default()
            };
            // There is nothing wrong with the presets: their tests compile them as a configuration.
            Problems::default().injector(name, &given)
        })
        .collect()
}

impl Preset {
    /// The fields that stand for those that are left out.
    pub(super) fn fields(self) -> InjectorConfiguration {
        match self {
            Self::Istio => istio(),
            Self::Linkerd => linkerd(),
            Self::VaultAgent => vault_agent(),
        }
    }
}

fn istio() -> InjectorConfiguration {
    let env = &[
        "CA_ADDR",
        "COMPLIANCE_POLICY",
        "GODEBUG",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "HOST_IP",
        "INSTANCE_IP",
        "ISTIO_*",
        "JWT_POLICY",
        "OTEL_RESOURCE_ATTRIBUTES",
        "PILOT_CERT_PROVIDER",
        "POD_NAME",
        "POD_NAMESPACE",
        "PROXY_CONFIG",
        "REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION",
        "SERVICE_ACCOUNT",
        "TRUST_DOMAIN",
    ];
    let iptables = command(&[], &["istio-iptables", "**"]);
    InjectorConfiguration {
        images: Some(owned(&[
            "docker.io/istio/proxyv2",
            "gcr.io/istio-release/proxyv2",
            "registry.istio.io/release/proxyv2",
        ])),
        containers: Some(vec![
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Init]),
                commands: vec![iptables.clone()],
                env: owned(env),
                capabilities: owned(&["NET_ADMIN", "NET_RAW"]),
                run_as_root: true,
                ..container("istio-init")
            },
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Init]),
                commands: vec![iptables],
                env: owned(env),
                ..container("istio-validation")
            },
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Container, ContainerRole::Sidecar]),
                commands: vec![command(&[], &["proxy", "sidecar", "**"])],
                hooks: vec![
                    owned(&["pilot-agent", "wait"]),
                    owned(&["pilot-agent", "request", "--debug-port=*", "POST", "drain"]),
                ],
                env: owned(env),
                ..container("istio-proxy")
            },
        ]),
        volumes: Some(vec![
            volume("workload-socket", VolumeKind::EmptyDir, "/var/run/secrets/workload-spiffe-uds"),
            volume("credential-socket", VolumeKind::EmptyDir, "/var/run/secrets/credential-uds"),
            volume("workload-certs", VolumeKind::EmptyDir, "/var/run/secrets/workload-spiffe-credentials"),
            VolumeConfiguration {
                objects: owned(&["workloadcertificates.security.cloud.google.com"]),
                ..volume("gke-workload-certificate", VolumeKind::Csi, "/var/run/secrets/workload-spiffe-credentials")
            },
            volume("istio-envoy", VolumeKind::EmptyDir, "/etc/istio/proxy"),
            volume("istio-data", VolumeKind::EmptyDir, "/var/lib/istio/data"),
            volume("istio-podinfo", VolumeKind::DownwardApi, "/etc/istio/pod"),
            volume("istio-token", VolumeKind::Projected, "/var/run/secrets/tokens"),
            // Under the feature for bundles of trust, it holds such a bundle and no ConfigMap.
            volume("istiod-ca-cert", VolumeKind::Projected, "/var/run/secrets/istio"),
            VolumeConfiguration {
                objects: owned(&["istio-ca-root-cert"]),
                ..volume("istiod-ca-cert", VolumeKind::ConfigMap, "/var/run/secrets/istio")
            },
            VolumeConfiguration {
                objects: owned(&["istio-ca-crl"]),
                ..volume("istio-ca-crl", VolumeKind::ConfigMap, "/var/run/secrets/istio/crl")
            },
            VolumeConfiguration {
                objects: owned(&["istio.*"]),
                ..volume("istio-certs", VolumeKind::Secret, "/etc/certs")
            },
            VolumeConfiguration {
                annotations: owned(&["sidecar.istio.io/bootstrapOverride"]),
                ..volume("custom-bootstrap-volume", VolumeKind::ConfigMap, "/etc/istio/custom-bootstrap")
            },
        ]),
        ..InjectorConfiguration::default()
    }
}

fn linkerd() -> InjectorConfiguration {
    InjectorConfiguration {
        images: Some(owned(&["cr.l5d.io/linkerd/proxy", "cr.l5d.io/linkerd/proxy-init"])),
        containers: Some(vec![
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Init]),
                commands: vec![
                    command(&[], &["--*", "**"]),
                    command(&["/usr/lib/linkerd/linkerd2-proxy-init"], &["--*", "**"]),
                ],
                capabilities: owned(&["NET_ADMIN", "NET_RAW"]),
                run_as_root: true,
                ..container("linkerd-init")
            },
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Init]),
                commands: vec![command(&["/usr/lib/linkerd/linkerd2-network-validator"], &["--*", "**"])],
                ..container("linkerd-network-validator")
            },
            ContainerConfiguration {
                roles: Some(vec![ContainerRole::Container, ContainerRole::Sidecar]),
                hooks: vec![
                    owned(&["/usr/lib/linkerd/linkerd-await", "--timeout=*", "--port=*"]),
                    owned(&["/bin/sleep", "*"]),
                ],
                env: owned(&["LINKERD2_PROXY_*", "_l5d_*", "_pod_*"]),
                ..container("linkerd-proxy")
            },
        ]),
        volumes: Some(vec![
            volume("linkerd-proxy-init-xtables-lock", VolumeKind::EmptyDir, "/run"),
            volume("linkerd-identity-end-entity", VolumeKind::EmptyDir, "/var/run/linkerd/identity/end-entity"),
            volume("linkerd-identity-token", VolumeKind::Projected, "/var/run/secrets/tokens"),
            volume("linkerd-podinfo", VolumeKind::DownwardApi, "/var/run/linkerd/podinfo"),
        ]),
        ..InjectorConfiguration::default()
    }
}

fn vault_agent() -> InjectorConfiguration {
    let line = |name: &str, role: ContainerRole, configuration: &str| {
        let given = "echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json";
        let mounted = format!("touch /home/vault/.vault-token && vault agent -config=/vault/configs/{configuration}");
        ContainerConfiguration {
            roles: Some(vec![role]),
            commands: vec![command(&["/bin/sh", "-ec"], &[given]), command(&["/bin/sh", "-ec"], &[&mounted])],
            env: owned(&["AWS_*", "GOMAXPROCS", "HOST_IP", "HTTPS_PROXY", "NAMESPACE", "POD_IP", "VAULT_*"]),
            ..container(name)
        }
    };
    let chosen_path = owned(&["vault.hashicorp.com/secret-volume-path*"]);
    let chosen = |name: &str, kind: VolumeKind, path: &str, annotation: &str| VolumeConfiguration {
        annotations: owned(&[annotation]),
        ..volume(name, kind, path)
    };
    InjectorConfiguration {
        // Nothing else makes the webhook inject it: `ShouldInject`.
        requested_by: Some(owned(&["vault.hashicorp.com/agent-inject"])),
        images: Some(owned(&["docker.io/hashicorp/vault"])),
        containers: Some(vec![
            line("vault-agent-init", ContainerRole::Init, "config-init.hcl"),
            line("vault-agent", ContainerRole::Container, "config.hcl"),
        ]),
        volumes: Some(vec![
            volume("home-init", VolumeKind::EmptyDir, "/home/vault"),
            volume("home-sidecar", VolumeKind::EmptyDir, "/home/vault"),
            volume("vault-agent-cache", VolumeKind::EmptyDir, "/vault/agent-cache"),
            VolumeConfiguration {
                workload_paths: owned(&["/vault/secrets"]),
                annotations: chosen_path.clone(),
                ..volume("vault-secrets", VolumeKind::EmptyDir, "/vault/secrets")
            },
            VolumeConfiguration {
                workload_paths: owned(&["/vault/secrets"]),
                annotations: chosen_path,
                ..volume("vault-secrets-custom-*", VolumeKind::EmptyDir, "/vault/secrets")
            },
            chosen("vault-config", VolumeKind::ConfigMap, "/vault/configs", "vault.hashicorp.com/agent-configmap"),
            chosen("vault-tls-secrets", VolumeKind::Secret, "/vault/tls", "vault.hashicorp.com/tls-secret"),
            chosen("extra-secrets", VolumeKind::Secret, "/vault/custom", "vault.hashicorp.com/agent-extra-secret"),
        ]),
        pod_fields: Some(vec![PodField::ShareProcessNamespace]),
        ..InjectorConfiguration::default()
    }
}

fn container(name: &str) -> ContainerConfiguration {
    ContainerConfiguration { name: name.to_owned(), ..ContainerConfiguration::default() }
}

fn command(command: &[&str], args: &[&str]) -> CommandConfiguration {
    CommandConfiguration { command: owned(command), args: owned(args) }
}

/// A volume that only the injector's own containers mount.
fn volume(name: &str, kind: VolumeKind, path: &str) -> VolumeConfiguration {
    VolumeConfiguration {
        name: name.to_owned(),
        kind,
        objects: Vec::new(),
        paths: owned(&[path]),
        workload_paths: Vec::new(),
        annotations: Vec::new(),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
