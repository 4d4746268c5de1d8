//! The lean normal form of scheduled workloads, and the value types that it is judged by.
//!
//! A [`Workload`] holds what is judged and nothing else, with the defaults of the API server filled in: a manifest and the
//! object that the API server stores for it have the same normal form.

pub mod config_map;
pub mod difference;
mod fields;
pub mod image;
pub mod lookalike;
pub mod markers;
mod normalise;
pub mod packed;
pub mod pattern;
pub mod pod;
pub mod pod_security;
mod read;
pub mod redact;
pub mod reference;
pub mod schedule;
mod template;
#[cfg(test)]
mod tests;
mod unreadable;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::api::approval::WorkloadKind;
pub use config_map::ConfigMapHashes;
pub use markers::Markers;
pub use normalise::LONGEST_TEXT;
pub use packed::Packed;
pub use pod::{Container, Pod};
pub(crate) use read::read_json;
pub use unreadable::Unreadable;

/// Names a workload. Two workloads of the same key at different times may be different objects: see [`Workload::uid`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkloadKey {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: WorkloadKind,
}

impl WorkloadKey {
    /// The CronJob of that name in the same namespace.
    #[must_use]
    pub fn cron_job(&self, name: &str) -> Self {
        Self { namespace: self.namespace.clone(), name: name.to_owned(), kind: WorkloadKind::CronJob }
    }
}

impl std::fmt::Display for WorkloadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// A CronJob, or a Job that no CronJob accounts for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its kind, namespace and name.
    pub key: WorkloadKey,
    /// Its uid; empty in a manifest.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Of its annotations, those by which deployment tools mark what they apply. Part of neither the template hash nor the run
    /// settings: they say nothing of what runs.
    pub marker_annotations: BTreeMap<String, String>,
    /// What only a CronJob has.
    pub cron: Option<Cron>,
    /// What every Job, or every Job of the CronJob, has.
    pub job: JobSettings,
    /// The pod that it runs.
    pub pod: Pod,
}

/// The part of a workload that only a CronJob has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// The schedule as it is written.
    pub schedule: String,
    /// `timeZone`.
    pub time_zone: Option<String>,
    /// Whether no further Jobs are created.
    pub suspend: bool,
    /// `concurrencyPolicy`.
    pub concurrency_policy: String,
    /// How many finished Jobs are kept.
    pub successful_history: i64,
    /// How many failed Jobs are kept.
    pub failed_history: i64,
    /// How late a run may start, in seconds.
    pub starting_deadline: Option<i64>,
}

/// The settings of a Job, or of the Jobs of a CronJob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSettings {
    /// After how many seconds a finished Job is removed.
    pub ttl_after_finished: Option<i64>,
    /// After how many seconds a running Job is stopped.
    pub active_deadline: Option<i64>,
    /// Whether the Job is suspended.
    pub suspend: bool,
    /// How many Pods run at once; none at all if it is 0.
    pub parallelism: i64,
    /// How many Pods have to succeed; none at all if it is 0, any number if it is absent.
    pub completions: Option<i64>,
    /// `Some(true)` if the Job chooses by which labels it knows its Pods. Only a Job of its own can.
    pub manual_selector: Option<bool>,
}

impl Workload {
    /// Reads the normal form from the JSON text of a CronJob or Job, as a manifest has it or as the API server stores it.
    ///
    /// Fails if the text is not JSON, if it has no pod template, or if a field that is judged has a type that it cannot have.
    pub fn from_json(kind: WorkloadKind, text: &str) -> Result<Self, Unreadable> {
        read_json(text).and_then(|object| normalise::workload(kind, object))
    }

    /// Reads the normal form from the fields of a CronJob or Job, whatever they are written in.
    ///
    /// Fails if it has no spec, or if a field that is judged has a type that it cannot have.
    pub fn from_fields<'de, D: serde::Deserializer<'de> + Clone>(
        kind: WorkloadKind,
        object: &D,
    ) -> Result<Self, Unreadable> {
        // Where it fails is worth a second look; keeping track of it all the time would cost every workload.
        let located = |_| match serde_path_to_error::deserialize(object.clone()) {
            Ok(object) => Ok(object),
            Err(error) => Err(Unreadable::at(&error.path().to_string(), &error.inner().to_string())),
        };
        fields::Object::deserialize(object.clone())
            .or_else(located)
            .and_then(|object| normalise::workload(kind, object))
    }

    /// Whether the workload is suspended: a CronJob creates no Jobs, a Job no Pods.
    pub fn suspended(&self) -> bool {
        self.cron.as_ref().map_or(self.job.suspend, |cron| cron.suspend)
    }

    /// What deployment tools wrote on it.
    pub fn markers(&self) -> Markers {
        Markers { labels: self.labels.clone(), annotations: self.marker_annotations.clone() }
    }

    /// The path of the pod spec in the manifest.
    pub fn pod_path(&self) -> &'static str {
        match self.key.kind {
            WorkloadKind::CronJob => "spec.jobTemplate.spec.template.spec",
            WorkloadKind::Job => "spec.template.spec",
        }
    }

    /// The path of the Job's settings in the manifest.
    pub fn job_path(&self) -> &'static str {
        match self.key.kind {
            WorkloadKind::CronJob => "spec.jobTemplate.spec",
            WorkloadKind::Job => "spec",
        }
    }

    /// The path of a container in the manifest.
    pub fn container_path(&self, container: &Container) -> String {
        format!("{}.{}[{}]", self.pod_path(), container.role.list(), container.index)
    }

    /// When and how it runs, as text: schedule, history limits, deadlines and the like. As with [`Workload::template_hash`], a
    /// field that a later version learns to judge changes it only for workloads that use it.
    pub fn run_settings(&self) -> String {
        let settings = serde_json::to_value((&self.cron, &self.job)).ok();
        settings.and_then(template::canonical).unwrap_or_default()
    }

    /// The hash of the whole normalised pod template: `sha256:` and 64 hexadecimal digits.
    ///
    /// It covers all that this normal form holds of the pod, literal environment values included, and nothing else: a change of
    /// resources or probe timings leaves it as it is. A field that a later version learns to judge changes the hash only of
    /// pods that use it.
    pub fn template_hash(&self) -> String {
        template::hash(&self.pod)
    }
}
