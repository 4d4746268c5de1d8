//! Objects as they arrive from the API server: reduced to what is kept at the moment of reading, and never refused.
//!
//! An object that cannot be read is an observation too. Were it an error, the watch would stop at it, and every other object would
//! be lost with it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;
use kube::core::ObjectMeta;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::claim;
use crate::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use crate::identity::Claim;
use crate::identity::ledger::{Seen, Sighting};
use crate::lineage::RunningPod;
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// What is kept of an object of some kind.
pub(super) trait Kept: Sized + Clone + Send + 'static {
    /// The kind as the client knows it, for its URL.
    type Kind: Resource<DynamicType = ()>;

    /// Reads the object from its JSON text, or says why it cannot be read.
    fn read(text: &str) -> Result<Self, String>;
}

impl Kept for Packed {
    type Kind = CronJob;

    fn read(text: &str) -> Result<Self, String> {
        let packed = Workload::from_json(WorkloadKind::CronJob, text).and_then(|workload| Self::pack(&workload));
        packed.map_err(|error: Unreadable| error.to_string())
    }
}

/// Of a namespace only the labels are kept, which are in the metadata.
#[derive(Clone, Debug)]
pub(super) struct LabelsOnly;

impl Kept for LabelsOnly {
    type Kind = Namespace;

    fn read(_: &str) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Kept for RunningPod {
    type Kind = Pod;

    fn read(text: &str) -> Result<Self, String> {
        Self::from_json(text).map_err(|error| error.to_string())
    }
}

impl Kept for Box<ApprovedCronJob> {
    type Kind = ApprovedCronJob;

    fn read(text: &str) -> Result<Self, String> {
        whole(text)
    }
}

impl Kept for Box<ScheduledWorkloadFinding> {
    type Kind = ScheduledWorkloadFinding;

    fn read(text: &str) -> Result<Self, String> {
        whole(text)
    }
}

fn whole<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// An object from the API server.
#[derive(Clone)]
pub(super) struct Observed<T> {
    /// Name, namespace, uid, version, times and labels.
    pub(super) metadata: ObjectMeta,
    /// What it says of who last changed its spec.
    pub(super) claim: Option<Claim>,
    /// When its spec was last changed, as it says itself.
    pub(super) changed: Option<Timestamp>,
    /// What is kept of it, or why it cannot be read.
    pub(super) object: Result<T, String>,
}

impl<T> Observed<T> {
    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The workload that it is.
    pub(super) fn key(&self, kind: WorkloadKind) -> WorkloadKey {
        let namespace = self.metadata.namespace.clone().unwrap_or_default();
        WorkloadKey { namespace, name: self.name().to_owned(), kind }
    }

    pub(super) fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The version of the object, by which older observations are told from newer ones: since Kubernetes 1.35 the API promises
    /// that versions are numbers that grow.
    pub(super) fn version(&self) -> u64 {
        self.metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or_default()
    }

    /// What is seen of it now. `before` is what was seen of the same object last; `live` is whether the watch saw it become so.
    pub(super) fn seen(&self, before: Option<&Seen>, live: bool, now: Timestamp) -> Seen {
        // The API server counts the request for a deletion as a generation, which no change of the spec made.
        let is_going = self.metadata.deletion_timestamp.is_some();
        let generation = self.metadata.generation.unwrap_or_default() - i64::from(is_going);
        let claim = self.claim.clone();
        if let Some(before) = before.filter(|before| before.sighting.generation == generation) {
            return Seen { claim, ..before.clone() };
        }
        let became = Some(self.version()).filter(|version| live && *version > 0);
        let created = self.metadata.creation_timestamp.as_ref().map(|time| time.0);
        Seen { sighting: Sighting { generation, became, content: None }, created, at: now, claim }
    }
}

impl<T> std::fmt::Debug for Observed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{:?}", self.metadata.namespace, self.metadata.name)
    }
}

impl<'de, T: Kept> Deserialize<'de> for Observed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let envelope: Envelope = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let (claim, changed) = envelope.metadata.managed_fields.and_then(claim::of).unzip();
        let metadata = envelope.metadata.into();
        Ok(Self { metadata, claim, changed: changed.flatten(), object: T::read(raw.get()) })
    }
}

/// The part that every object has and that the API server guarantees.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

/// Metadata. The managed fields are often its largest part: they are looked at, and not kept.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    managed_fields: Option<&'a RawValue>,
}

impl From<Metadata<'_>> for ObjectMeta {
    fn from(metadata: Metadata<'_>) -> Self {
        let Metadata {
            name,
            namespace,
            uid,
            resource_version,
            generation,
            creation_timestamp,
            deletion_timestamp,
            labels,
            managed_fields: _,
        } = metadata;
        Self {
            name,
            namespace,
            uid,
            resource_version,
            generation,
            creation_timestamp,
            deletion_timestamp,
            labels,
            ..Self::default()
        }
    }
}

impl<T: Kept> Resource for Observed<T> {
    type DynamicType = ();
    type Scope = <T::Kind as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        T::Kind::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        T::Kind::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        T::Kind::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        T::Kind::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};

    use super::*;

    #[test]
    fn an_object_that_cannot_be_read_is_observed_with_its_name() {
        let list = r#"{"kind":"CronJobList","apiVersion":"batch/v1","metadata":{"resourceVersion":"9"},"items":[
            {"metadata":{"name":"bad","namespace":"n","uid":"u","resourceVersion":"7"},"spec":{"schedule":5}},
            {"metadata":{"name":"good","namespace":"n","uid":"v","resourceVersion":"8"},
             "spec":{"schedule":"@daily","jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}}}]}"#;
        let list: ObjectList<Observed<Packed>> = serde_json::from_str(list).unwrap();
        assert_eq!(list.items[0].name(), "bad");
        assert_eq!(list.items[0].version(), 7);
        assert!(list.items[0].object.as_ref().unwrap_err().contains("invalid type"));
        assert!(list.items[1].object.is_ok());
    }

    #[test]
    fn a_watch_event_is_read_as_the_api_server_writes_it() {
        let event = r#"{"type":"ADDED","object":{"kind":"Namespace","metadata":{"name":"n","labels":{"a":"b"},"managedFields":[{}]}}}"#;
        let WatchEvent::Added(namespace) = serde_json::from_str::<WatchEvent<Observed<LabelsOnly>>>(event).unwrap()
        else {
            panic!("not an addition")
        };
        assert_eq!(namespace.metadata.labels.unwrap()["a"], "b");
        assert!(namespace.metadata.managed_fields.is_none());
    }
}
