//! Where a workload comes from and what came of it: its runs, the chain that they stand in, and others of its kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often something ran. Not every run is written down at once: the count is renewed when it has doubled, and at the latest every
/// ten minutes.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runs {
    /// How many Jobs there were.
    pub count: i64,
    /// When the first of them was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Time>,
    /// When the last of them was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
    /// The names of the last of them, newest first. At most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest: Vec<String>,
}

/// The same template, approved nowhere, in several namespaces within a short time.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Identifies the campaign: the same in every finding that belongs to it.
    pub fingerprint: String,
    /// In how many namespaces the template appeared.
    pub namespaces: i32,
    /// In how many workloads it appeared.
    pub workloads: i32,
}

/// A link of the chain from a CronJob to what ran in the end.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// What it is.
    pub kind: LinkKind,
    /// Its name; the time of a tick, the digest of an image.
    pub name: String,
    /// What ties it to the link before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rests_on: String,
}

/// What a link of the chain is.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LinkKind {
    /// A CronJob.
    #[default]
    CronJob,
    /// Another controller that makes Jobs.
    Controller,
    /// The time at which a CronJob was due.
    Tick,
    /// A Job.
    Job,
    /// A Pod.
    Pod,
    /// The digest of an image that ran.
    Digest,
}

impl LinkKind {
    /// The kind as findings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::Controller => "Controller",
            Self::Tick => "Tick",
            Self::Job => "Job",
            Self::Pod => "Pod",
            Self::Digest => "Digest",
        }
    }
}
