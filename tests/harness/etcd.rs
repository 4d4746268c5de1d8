//! Writing past the API server: for objects that only an older one would have let in.

use anyhow::Context;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::control_plane::ControlPlane;

impl ControlPlane {
    /// Stores an object in etcd as it stands, under a key such as `/registry/cronjobs/default/nightly`. The API server serves it
    /// as if it had accepted it itself.
    pub async fn store_unchecked(&self, key: &str, object: &Value) -> anyhow::Result<()> {
        let client = self.probing_client(&self.ports.etcd).await?;
        // The JSON form of etcd's own API takes keys and values in base64.
        let body = json!({
            "key": ByteString(key.as_bytes().to_vec()),
            "value": ByteString(object.to_string().into_bytes()),
        });
        let request = http::Request::post("/v3/kv/put").body(body.to_string().into_bytes())?;
        client.request_text(request).await.with_context(|| format!("cannot store {key}"))?;
        Ok(())
    }
}
