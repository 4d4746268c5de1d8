//! Where the ledger outlives the process: config maps in the operator's own namespace.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::time::Duration;

use anyhow::Context;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use tracing::{info, warn};

use super::metrics::Metrics;
use crate::identity::Ledger;
use crate::identity::ledger::{PAGES, Page};

/// How many pages a config map holds.
const PAGES_EACH: u8 = 8;

/// The largest page that is kept, in bytes: a config map has at most a mebibyte, with its pages in base64 under way.
const LARGEST_PAGE: usize = 96 * 1024;

/// The largest page that is read back, inflated.
const LARGEST_TEXT: u64 = 64 * 1024 * 1024;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits before it tries again to read the ledger.
const PAUSE: Duration = Duration::from_secs(5);

/// Keeps the ledger.
#[derive(Clone)]
pub(super) struct Keeper {
    api: Api<ConfigMap>,
    metrics: Metrics,
}

impl Keeper {
    /// A keeper that uses config maps of this namespace.
    pub(super) fn new(client: &Client, namespace: &str, metrics: Metrics) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace), metrics }
    }

    /// Reads the ledger. Waits until it can, but where nothing is received that would have to be kept: then it goes without a ledger
    /// that is kept.
    pub(super) async fn load(self, is_needed: bool) -> (Ledger, Option<Self>) {
        loop {
            match self.read().await {
                Ok(ledger) => return (ledger, Some(self)),
                Err(error) if !is_needed => {
                    warn!("the ledger cannot be read, so nobody is known who made what is there: {error:#}");
                    return (Ledger::default(), None);
                }
                Err(error) => warn!("the ledger cannot be read, trying again: {error:#}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn read(&self) -> anyhow::Result<Ledger> {
        let mut ledger = Ledger::default();
        let mut pages = 0;
        for number in 0..PAGES / PAGES_EACH {
            let name = name(number);
            let found = tokio::time::timeout(PATIENCE, self.api.get_opt(&name)).await;
            let found =
                found.context("no answer from the API server")?.with_context(|| format!("config map {name}"))?;
            for (key, ByteString(bytes)) in found.and_then(|found| found.binary_data).unwrap_or_default() {
                let number = number_of(&key);
                match inflate(&bytes).and_then(|text| Ok((number.context("no such page")?, Page::from_json(&text)?))) {
                    Ok((number, page)) => {
                        pages += 1;
                        ledger.restore(number, page);
                    }
                    // Of what was on it nobody will be able to say who made it.
                    Err(error) => {
                        self.metrics.ledger_page_lost();
                        if let Some(number) = number {
                            ledger.note_gap(number, Timestamp::now());
                        }
                        warn!(config_map = name, key, "a page of the ledger cannot be read: {error:#}");
                    }
                }
            }
        }
        info!(pages, "the ledger was read");
        Ok(ledger)
    }

    /// Keeps pages. Returns those that could not be kept.
    pub(super) async fn save(&self, pages: Vec<(u8, Page)>) -> Vec<u8> {
        let mut by_map: BTreeMap<u8, Vec<(u8, Page)>> = BTreeMap::new();
        for (number, page) in pages {
            by_map.entry(number / PAGES_EACH).or_default().push((number, page));
        }
        let mut failed = Vec::new();
        for (map, pages) in by_map {
            let numbers: Vec<u8> = pages.iter().map(|(number, _)| *number).collect();
            let name = name(map);
            let write = async { self.write(&name, self.deflated(pages)?).await };
            let result =
                tokio::time::timeout(PATIENCE, write).await.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer")));
            self.metrics.wrote("ledger", if result.is_ok() { "ok" } else { "failed" });
            if let Err(error) = result {
                warn!(config_map = name, "a part of the ledger was not kept, trying again: {error:#}");
                failed.extend(numbers);
            }
        }
        failed
    }

    async fn write(&self, name: &str, pages: BTreeMap<String, Option<ByteString>>) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({ "binaryData": pages }));
        match self.api.patch(name, &PatchParams::default(), &patch).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                let pages = pages.into_iter().filter_map(|(key, page)| Some((key, page?))).collect();
                let map = ConfigMap {
                    metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
                    binary_data: Some(pages),
                    ..ConfigMap::default()
                };
                self.api.create(&PostParams::default(), &map).await?;
                Ok(())
            }
            result => Ok(result.map(drop)?),
        }
    }

    /// The pages as they are kept; nothing for an empty one.
    fn deflated(&self, pages: Vec<(u8, Page)>) -> anyhow::Result<BTreeMap<String, Option<ByteString>>> {
        let mut deflated = BTreeMap::new();
        for (number, mut page) in pages {
            let mut bytes = deflate(&page)?;
            while bytes.len() > LARGEST_PAGE && !page.is_empty() {
                let dropped = page.halve(Timestamp::now());
                self.metrics.ledger_entries_dropped(dropped);
                warn!(page = number, dropped, "a page of the ledger is full: the oldest entries are not kept");
                bytes = deflate(&page)?;
                if dropped == 0 {
                    break;
                }
            }
            let bytes = (!page.is_empty()).then_some(ByteString(bytes));
            deflated.insert(key_of(number), bytes);
        }
        Ok(deflated)
    }
}

fn key_of(page: u8) -> String {
    format!("page-{page:02}.json.gz")
}

fn number_of(key: &str) -> Option<u8> {
    (0..PAGES).find(|page| key_of(*page) == key)
}

fn name(number: u8) -> String {
    format!("cronwarden-ledger-{number}")
}

fn deflate(page: &Page) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&page.to_json()?)?;
    Ok(encoder.finish()?)
}

fn inflate(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).take(LARGEST_TEXT).read_to_end(&mut text)?;
    Ok(text)
}
