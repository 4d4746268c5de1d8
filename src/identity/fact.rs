//! One thing that somebody did to one object.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::workload::{WorkloadKey, WorkloadKind};

/// One thing that somebody did to one object, and that the API server carried out or was about to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// How it is known.
    pub source: Source,
    /// `auditID` of the event, or `uid` of the admission request. Several API servers, retries and log files may tell the same.
    pub id: String,
    /// When the API server answered; when it asked, of an admission request.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub object: Object,
    /// Which version of the object came of it, as far as the event tells.
    pub version: Version,
    /// The JSON text of the object as it was stored, or as it was when it was deleted; absent where the event has no body.
    pub body: Option<Box<str>>,
}

/// How a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    /// By an audit event: the request was carried out.
    Audit,
    /// By an admission request: the request was about to be carried out, unless somebody else refused it.
    Admission,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verb {
    /// `create`, or another request that created what was not there, as server-side apply does.
    Create,
    /// `update`, or an admission request for an update, however the client asked for it.
    Update,
    /// `patch`, which `kubectl apply` and server-side apply use.
    Patch,
    /// `delete`
    Delete,
    /// `deletecollection`
    DeleteCollection,
}

impl Verb {
    /// Whether the object is gone, or going, afterwards.
    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteCollection)
    }

    /// The verb as the API server writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// An object that facts are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its namespace; empty for what has none.
    pub namespace: String,
    /// Its name; empty where the event does not tell it, as for a `deletecollection` without a body.
    pub name: String,
}

impl Object {
    /// The workload that it is, if it is one.
    pub fn workload(&self) -> Option<WorkloadKey> {
        let kind = self.kind.workload()?;
        Some(WorkloadKey { namespace: self.namespace.clone(), name: self.name.clone(), kind })
    }
}

/// The kinds of object that facts are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A CronJob.
    #[default]
    CronJob,
    /// A Job.
    Job,
    /// An `ApprovedCronJob`.
    Approval,
    /// A `ScheduledWorkloadFinding`.
    Finding,
    /// The subresource `status` of a `ScheduledWorkloadFinding`.
    FindingStatus,
}

impl ObjectKind {
    /// The kind of workload, if it is one.
    pub fn workload(self) -> Option<WorkloadKind> {
        match self {
            Self::CronJob => Some(WorkloadKind::CronJob),
            Self::Job => Some(WorkloadKind::Job),
            Self::Approval | Self::Finding | Self::FindingStatus => None,
        }
    }
}

/// Which version of an object, as far as an event tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// `metadata.uid`
    pub uid: Option<String>,
    /// `metadata.generation`
    pub generation: Option<i64>,
    /// `metadata.resourceVersion`, as a number.
    pub resource_version: Option<u64>,
    /// `metadata.creationTimestamp`
    pub created: Option<Timestamp>,
    /// Whether the request could have changed the spec; `false` only where its body shows that it could not.
    pub may_change_spec: bool,
}
