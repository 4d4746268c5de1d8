//! What a Job says of where it comes from. Whoever creates it can write anything there.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

/// The longest name or version that is kept, in bytes. No object has a longer one.
const LONGEST_TEXT: usize = 253;

/// The annotation in which the CronJob controller tells the tick of a run: `CronJobScheduledTimestampAnnotation` of
/// `k8s.io/api/batch/v1`.
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// The annotation by which `kubectl create job --from` marks what it makes: `pkg/cmd/create/create_job.go` of kubectl.
const INSTANTIATE: &str = "cronjob.kubernetes.io/instantiate";

/// What a Job says of where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The owner that is its controller. Many Jobs share one.
    pub owner: Option<Arc<Owner>>,
    /// The tick of which it says that it is the run.
    pub tick: ClaimedTick,
    /// Whether it has the mark of a run by hand.
    pub is_manual: bool,
    /// `metadata.generateName`, if its name begins with that.
    pub generated: Option<Box<str>>,
}

/// An owner reference that says `controller: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The group of its `apiVersion`; empty for the core group.
    pub group: Box<str>,
    /// Its kind.
    pub kind: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its uid.
    pub uid: Box<str>,
    /// `blockOwnerDeletion`.
    pub blocks_deletion: bool,
}

/// The tick of which a Job says that it is the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimedTick {
    /// It says nothing.
    #[default]
    None,
    /// This one.
    At(Timestamp),
    /// Something that is no time.
    Unreadable,
}

impl Owner {
    /// Whether it is a CronJob of Kubernetes.
    pub fn is_cron_job(&self) -> bool {
        &*self.group == "batch" && &*self.kind == "CronJob"
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.is_cron_job(), &*self.group) {
            (true, _) | (false, "") => write!(f, "{} {}", self.kind, self.name),
            (false, group) => write!(f, "{}.{group} {}", self.kind, self.name),
        }
    }
}

impl Marks {
    /// Reads them from the JSON text of a Job. What cannot be read says nothing.
    pub fn of(text: &str) -> Self {
        let Ok(object) = serde_json::from_str::<Object>(text) else { return Self::default() };
        let metadata = object.metadata.unwrap_or_default();
        let owners = metadata.owner_references.unwrap_or_default();
        let owner = owners.into_iter().flatten().find(|owner| owner.controller == Some(true));
        let annotations = metadata.annotations.unwrap_or_default();
        let annotation = |key: &str| annotations.get(key).and_then(Option::as_deref);
        let name = metadata.name.unwrap_or_default();
        let generated = metadata.generate_name.filter(|prefix| !prefix.is_empty() && name.starts_with(prefix.as_str()));
        Self {
            owner: owner.map(|owner| Arc::new(owner.into())),
            tick: match annotation(SCHEDULED_AT) {
                None => ClaimedTick::None,
                Some(text) => text.parse().map_or(ClaimedTick::Unreadable, ClaimedTick::At),
            },
            is_manual: annotation(INSTANTIATE) == Some("manual"),
            generated: generated.map(|prefix| short(Some(prefix))),
        }
    }

    /// The CronJob that it names as its owner.
    pub fn cron_job(&self) -> Option<&Owner> {
        self.owner.as_deref().filter(|owner| owner.is_cron_job())
    }
}

fn short(text: Option<String>) -> Box<str> {
    let mut text = text.unwrap_or_default();
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text.into_boxed_str()
}

impl From<RawOwner> for Owner {
    fn from(raw: RawOwner) -> Self {
        let group = raw.api_version.unwrap_or_default();
        let group = group.split_once('/').map(|(group, _)| group.to_owned());
        Self {
            group: short(group),
            kind: short(raw.kind),
            name: short(raw.name),
            uid: short(raw.uid),
            blocks_deletion: raw.block_owner_deletion == Some(true),
        }
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    generate_name: Option<String>,
    owner_references: Option<Vec<Option<RawOwner>>>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOwner {
    api_version: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    controller: Option<bool>,
    block_owner_deletion: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_kubernetes_writes_them() {
        let marks = Marks::of(
            r#"{"metadata":{"name":"nightly-29012345","generateName":"other-",
                "annotations":{"batch.kubernetes.io/cronjob-scheduled-timestamp":"2025-03-01T03:05:00+01:00"},
                "ownerReferences":[{"kind":"Other"},null,
                    {"apiVersion":"batch/v1","kind":"CronJob","name":"nightly","uid":"u","controller":true,"blockOwnerDeletion":true}]}}"#,
        );
        let owner = marks.cron_job().unwrap();
        assert_eq!((&*owner.name, &*owner.uid, owner.blocks_deletion), ("nightly", "u", true));
        assert_eq!(marks.tick, ClaimedTick::At("2025-03-01T02:05:00Z".parse().unwrap()));
        assert_eq!((marks.is_manual, marks.generated), (false, None));
        let manual = Marks::of(
            r#"{"metadata":{"name":"import-x7","generateName":"import-","annotations":{"cronjob.kubernetes.io/instantiate":"manual",
                "batch.kubernetes.io/cronjob-scheduled-timestamp":"soon"}}}"#,
        );
        assert!(manual.is_manual && manual.cron_job().is_none());
        assert_eq!((manual.tick, manual.generated.as_deref()), (ClaimedTick::Unreadable, Some("import-")));
    }

    #[test]
    fn an_owner_of_another_group_is_no_cron_job() {
        let of = |version: &str| {
            let owner = format!(r#"{{"apiVersion":"{version}","kind":"CronJob","name":"n","controller":true}}"#);
            Marks::of(&format!(r#"{{"metadata":{{"ownerReferences":[{owner}]}}}}"#))
        };
        assert!(of("batch/v1").cron_job().is_some());
        assert!(of("batch.evil.io/v1").cron_job().is_none());
        assert!(of("v1").cron_job().is_none());
        assert_eq!(of("batch.evil.io/v1").owner.unwrap().to_string(), "CronJob.batch.evil.io n");
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for text in ["", "[]", "7", r#"{"metadata":{"ownerReferences":7}}"#, r#"{"metadata":null}"#] {
            assert_eq!(Marks::of(text), Marks::default(), "{text}");
        }
    }
}
