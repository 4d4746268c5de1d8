//! What the ConfigMaps of a cluster hold now, and what the statuses of the approvals say that they held.

use std::collections::BTreeMap;

use anyhow::anyhow;
use cronwarden::api::ApprovedCronJob;
use cronwarden::assess::{ConfigMaps, Recorded};
use cronwarden::workload::ConfigMapHashes;
use kube::{Client, ResourceExt};

use super::raw_items;

/// By namespace and name.
type Hashes = BTreeMap<(String, String), ConfigMapHashes>;

pub struct Content {
    now: Hashes,
    recorded: BTreeMap<String, Hashes>,
}

impl Content {
    pub async fn of(client: &Client, approvals: &[ApprovedCronJob]) -> anyhow::Result<Self> {
        let mut now = Hashes::new();
        for (identity, text) in raw_items(client, "/api/v1/configmaps").await? {
            let hashes = ConfigMapHashes::from_json(text.get()).map_err(|reason| anyhow!(reason))?;
            now.insert((identity.namespace.unwrap_or_default(), identity.name), hashes);
        }
        let recorded = approvals.iter().map(|approval| {
            let maps = approval.status.iter().flat_map(|status| &status.config_maps);
            let read = maps.filter_map(|map| {
                Some(((map.namespace.clone(), map.name.clone()), ConfigMapHashes::from_recorded(map)?))
            });
            (approval.name_any(), read.collect())
        });
        Ok(Self { now, recorded: recorded.collect() })
    }
}

impl ConfigMaps for Content {
    fn now(&self, namespace: &str, name: &str) -> Option<&ConfigMapHashes> {
        self.now.get(&(namespace.to_owned(), name.to_owned()))
    }

    fn recorded(&self, approval: &str, namespace: &str, name: &str) -> Recorded<'_> {
        let maps = self.recorded.get(approval);
        maps.and_then(|maps| maps.get(&(namespace.to_owned(), name.to_owned()))).map_or(Recorded::NotYet, Recorded::As)
    }
}
