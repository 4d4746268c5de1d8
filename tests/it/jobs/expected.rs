//! What `expected.yaml` of a Job holds.

use std::collections::BTreeMap;

use cronwarden::api::finding::Link;
use cronwarden::lineage::{Origin, Traced};
use serde::{Deserialize, Serialize};

use crate::fixtures;

/// What comes of a Job: what accounts for it, how that is known, and its assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    pub origin: Told,
    pub basis: String,
    pub chain: Vec<Link>,
    /// What added to its Pods, and may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub injectors: Vec<String>,
    pub assessment: fixtures::Expected,
}

/// An origin as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub is: String,
    #[serde(flatten)]
    pub fields: BTreeMap<String, String>,
}

impl Told {
    /// The text of an origin, without fields that say nothing.
    pub fn of(Traced { origin, .. }: &Traced) -> Self {
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let (is, fields) = match origin {
            Origin::Run { cron_job, tick, template } => {
                let tick = tick.map(|tick| tick.to_string()).unwrap_or_default();
                ("Run", vec![("cronJob", cron_job.clone()), ("tick", tick), ("template", format!("{template:?}"))])
            }
            Origin::Manual { cron_job, template, why } => (
                "Manual",
                vec![("cronJob", cron_job.clone()), ("template", format!("{template:?}")), ("why", why.to_string())],
            ),
            Origin::Child { owner, maker } => ("Child", vec![("owner", some(owner)), ("maker", maker.clone())]),
            Origin::Standalone { owner } => ("Standalone", vec![("owner", some(owner))]),
            Origin::Forged { owner, why } => ("Forged", vec![("owner", owner.clone()), ("why", why.to_string())]),
            Origin::Squatting { cron_job, due, by } => {
                ("Squatting", vec![("cronJob", cron_job.clone()), ("due", due.to_string()), ("by", some(by))])
            }
        };
        let said = fields.into_iter().filter(|(_, text)| !text.is_empty());
        Self { is: is.to_owned(), fields: said.map(|(name, text)| (name.to_owned(), text)).collect() }
    }
}
