//! What goes into the cluster, and to its API servers.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    RuleWithOperations, ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::authority::Made;

/// The Secret that the endpoint runs with; `deploy/intake` mounts it.
const SECRET: &str = "cronwarden-intake";

/// The port of the Service.
const PORT: i32 = 443;

/// What an API server has to audit.
pub(super) const AUDIT_POLICY: &str = include_str!("../../../deploy/intake/audit-policy.yaml");

/// Where the endpoint is.
pub(super) struct Place {
    namespace: String,
    service: String,
    address: String,
}

impl Place {
    /// Checks what was given.
    pub(super) fn new(namespace: &str, service: &str, address: Option<&str>) -> anyhow::Result<Self> {
        for (option, name) in [("--namespace", namespace), ("--service", service)] {
            let is_label = |name: &str| {
                let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                name.bytes().all(|byte| inner(byte) || byte == b'-')
                    && name.bytes().next().is_some_and(inner)
                    && name.bytes().last().is_some_and(inner)
            };
            ensure!(
                name.len() <= 63 && is_label(name),
                "{option} {name:?} is not a name: use lower case letters, digits and `-`"
            );
        }
        let address = address.map_or_else(|| format!("{service}.{namespace}.svc:{PORT}"), str::to_owned);
        let place = Self { namespace: namespace.to_owned(), service: service.to_owned(), address };
        place.host()?;
        Ok(place)
    }

    /// The host of the address.
    fn host(&self) -> anyhow::Result<&str> {
        let mend = || format!("--address {:?} is not a host and a port, such as 10.96.0.50:443", self.address);
        let (host, port) = self.address.rsplit_once(':').with_context(mend)?;
        ensure!(port.parse::<u16>().is_ok_and(|port| port > 0), mend());
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fits = match inner {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_host(host) && !host.contains(':'),
        };
        ensure!(fits, mend());
        Ok(inner.unwrap_or(host))
    }

    /// The names of the endpoint: those of the Service, that of the address, and others.
    pub(super) fn names(&self, others: &[String]) -> anyhow::Result<Vec<String>> {
        let service = format!("{}.{}", self.service, self.namespace);
        let mut names = vec![format!("{service}.svc"), service.clone(), format!("{service}.svc.cluster.local")];
        for name in [&[self.host()?.to_owned()], others].concat() {
            ensure!(is_host(&name), "--host {name:?} is neither a host name nor an IP address");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Where audit events are sent.
    pub(super) fn audit_url(&self) -> String {
        format!("https://{}/audit", self.address)
    }
}

fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inner)
    };
    name.parse::<std::net::IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label))
}

/// The Secret that the endpoint runs with.
pub(super) fn secret(made: &Made, place: &Place) -> anyhow::Result<String> {
    let data = [
        ("ca.crt", &made.authority),
        ("tls.crt", &made.server.certificate),
        ("tls.key", &made.server.key),
        ("token", &made.token),
    ];
    yaml(&Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            namespace: Some(place.namespace.clone()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        string_data: Some(
            data.into_iter().map(|(name, text)| (name.to_owned(), text.clone())).collect::<BTreeMap<_, _>>(),
        ),
        ..Secret::default()
    })
}

/// The configuration of an API server's audit webhook.
pub(super) fn kubeconfig(made: &Made, place: &Place) -> anyhow::Result<String> {
    yaml(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "cronwarden",
            "cluster": {
                "server": place.audit_url(),
                "certificate-authority-data": encoded(&made.authority),
            },
        }],
        "users": [{
            "name": "kube-apiserver",
            "user": {
                "client-certificate-data": encoded(&made.client.certificate),
                "client-key-data": encoded(&made.client.key),
            },
        }],
        "contexts": [{ "name": "cronwarden", "context": { "cluster": "cronwarden", "user": "kube-apiserver" } }],
        "current-context": "cronwarden",
    }))
}

/// The registration of the admission webhook. The token is in its path, as API servers show admission webhooks no certificate unless
/// each of them is configured to.
pub(super) fn validating_webhook(made: &Made, place: &Place) -> anyhow::Result<String> {
    let all = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
    let rule = |group: &str, version: &str, resources: &[&str]| RuleWithOperations {
        api_groups: all(&[group]),
        api_versions: all(&[version]),
        operations: all(&["CREATE", "UPDATE", "DELETE"]),
        resources: all(resources),
        scope: Some("*".to_owned()),
    };
    yaml(&ValidatingWebhookConfiguration {
        metadata: ObjectMeta { name: Some("cronwarden".to_owned()), ..ObjectMeta::default() },
        webhooks: Some(vec![ValidatingWebhook {
            name: "intake.cronwarden.dev".to_owned(),
            admission_review_versions: vec!["v1".to_owned()],
            client_config: WebhookClientConfig {
                ca_bundle: Some(encoded(&made.authority)),
                service: Some(ServiceReference {
                    namespace: place.namespace.clone(),
                    name: place.service.clone(),
                    path: Some(format!("/admission/{}", made.token)),
                    port: Some(PORT),
                }),
                url: None,
            },
            // It is there to know, not to decide: if it cannot be reached, everything goes on.
            failure_policy: Some("Ignore".to_owned()),
            timeout_seconds: Some(1),
            side_effects: "None".to_owned(),
            match_policy: Some("Equivalent".to_owned()),
            rules: Some(vec![
                rule("batch", "v1", &["cronjobs", "jobs"]),
                rule(
                    "cronwarden.dev",
                    "v1alpha1",
                    &["approvedcronjobs", "scheduledworkloadfindings", "scheduledworkloadfindings/status"],
                ),
            ]),
            ..ValidatingWebhook::default()
        }]),
    })
}

fn encoded(text: &str) -> ByteString {
    ByteString(text.as_bytes().to_vec())
}

fn yaml(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_saphyr::to_string(value).context("cannot render YAML")?;
    Ok(format!("# Written by `cronwarden certificates`.\n{text}"))
}
