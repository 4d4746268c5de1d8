//! Plain requests to the API server, for objects that are to be sent exactly as they are written.

use std::path::{Path, PathBuf};

use anyhow::Context;
use http::{Method, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Sends a request with a JSON body, or without one if it is `null`.
pub async fn send(client: &kube::Client, method: Method, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let request = Request::builder().method(method).uri(path).header("Content-Type", "application/json");
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    client.request(request.body(body).map_err(kube::Error::HttpError)?).await
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Reads a YAML file of one document.
pub fn yaml<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_saphyr::from_str(&text).with_context(|| file.display().to_string())
}
