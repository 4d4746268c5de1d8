//! ConfigMaps as they arrive from the API server: their content is hashed at the moment of reading, and not kept.

use k8s_openapi::api::core::v1::ConfigMap;

use super::observed::Kept;
use crate::workload::ConfigMapHashes;

impl Kept for ConfigMapHashes {
    type Kind = ConfigMap;

    fn read(text: &str) -> Result<Self, String> {
        Self::from_json(text)
    }
}
