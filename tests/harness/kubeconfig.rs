//! Kubeconfig files and clients for a control plane.

use anyhow::Context;
use k8s_openapi::ByteString;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

/// A kubeconfig with one cluster, user and context, all self-contained. It is JSON, which every reader of YAML takes.
pub fn kubeconfig(server: &str, ca_pem: &str, user: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "cronwarden-test",
            "cluster": {
                "server": server,
                // A ByteString is base64 in JSON, which is what the field wants.
                "certificate-authority-data": ByteString(ca_pem.as_bytes().to_vec()),
            },
        }],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{
            "name": "cronwarden-test",
            "context": {"cluster": "cronwarden-test", "user": user, "namespace": "default"},
        }],
        "current-context": "cronwarden-test",
    })
}

/// A client for such a kubeconfig.
pub async fn client(kubeconfig: Value) -> anyhow::Result<kube::Client> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .context("the harness wrote a kubeconfig that kube does not accept")?;
    // A proxy set in the environment has no business with loopback.
    config.proxy_url = None;
    Ok(kube::Client::try_from(config)?)
}

/// One `GET` that must be answered with success, within a time that is short as the caller will ask again.
pub async fn probe(client: &kube::Client, path: &str) -> Result<(), String> {
    let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
    let limit = std::time::Duration::from_secs(5);
    match tokio::time::timeout(limit, client.request_text(request)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("GET {path}: {error}")),
        Err(_) => Err(format!("GET {path}: no answer within {limit:?}")),
    }
}
