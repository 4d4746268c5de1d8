//! What a history is made of.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Origin, Summary};
use crate::assess::Assessment;
use crate::identity::{Actor, ObjectKind};
use crate::workload::difference::Differences;
use crate::workload::{Unreadable, WorkloadKey, WorkloadKind};

/// What happened to the workloads of a cluster, and by whom.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Everything that changed a workload or an approval, in order of time.
    pub entries: Vec<Entry>,
    /// Every workload that there was, in order of namespace, name, kind and time. One that was deleted and created again is two.
    pub lives: Vec<Life>,
    /// By which inventory the workloads were judged.
    pub inventories: Inventories,
    /// The figures.
    pub summary: Summary,
}

/// By which inventory the workloads of a history were judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inventories {
    /// There was none: nothing is approved and nothing deviates.
    #[default]
    None,
    /// By one that was given, the same at all times.
    Given,
    /// By the approvals that the log tells of, as they were at each moment.
    Recorded,
}

/// Something that changed a workload or an approval.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When the API server answered.
    pub at: Timestamp,
    /// What was done.
    pub what: What,
    /// To what.
    pub subject: Subject,
    /// `metadata.uid`; empty if it is not told.
    pub uid: Box<str>,
    /// Who did it.
    pub actor: Arc<Actor>,
    /// `auditID` of the event; empty if it was not kept.
    pub audit_id: Box<str>,
    /// Where in the log it is told.
    pub origin: Origin,
    /// What differs from the version before.
    pub differences: Differences,
    /// What came of judging the workload as it was then; for a deletion, as it was until then. `None` for approvals.
    pub verdict: Option<Verdict>,
    /// The judgement in full; empty if there was nothing to judge.
    pub assessment: Assessment,
    /// Identifies the evidence, as in `status.fingerprint` of a finding; empty unless the workload deviates.
    pub fingerprint: String,
    /// The hash of the pod template, as in `status.templateHash`, if the workload deviates.
    pub template_hash: Option<String>,
    /// What else there is to say.
    pub remarks: Vec<Remark>,
    /// The workloads whose verdict the change of an approval changed.
    pub effects: Vec<Effect>,
}

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was suspended, and maybe changed as well.
    Suspended,
    /// It was resumed, and maybe changed as well.
    Resumed,
    /// It was deleted.
    Deleted,
}

impl What {
    /// The name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Changed => "Changed",
            Self::Suspended => "Suspended",
            Self::Resumed => "Resumed",
            Self::Deleted => "Deleted",
        }
    }
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A workload.
    Workload(WorkloadKey),
    /// The approval of this name.
    Approval(String),
    /// Workloads of this kind in this namespace that were deleted at once, and of which the log does not tell the names. Without a
    /// namespace, those of all namespaces.
    Unnamed(WorkloadKind, String),
}

impl Subject {
    /// The subject of a fact, unless facts about it do not count here. What has no name can only be a deletion of many.
    pub(super) fn of(kind: ObjectKind, namespace: String, name: String, is_collection: bool) -> Option<Self> {
        match kind.workload() {
            Some(kind) if name.is_empty() && is_collection => Some(Self::Unnamed(kind, namespace)),
            Some(kind) => Some(Self::Workload(WorkloadKey { namespace, name, kind })),
            None if kind == ObjectKind::Approval => Some(Self::Approval(name)),
            None => None,
        }
    }

    /// The namespace, if it lives in one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload(key) => Some(&key.namespace),
            Self::Unnamed(_, namespace) => Some(namespace),
            Self::Approval(_) => None,
        }
    }
}

/// What came of judging a version of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It was approved.
    Approved,
    /// It deviated.
    Deviating,
    /// It cannot be told.
    Unknown,
    /// There was no inventory to judge it by, or none that speaks for Jobs.
    NotJudged,
    /// The log does not tell what was in it.
    NotRecorded,
}

impl Verdict {
    /// The name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Deviating => "Deviating",
            Self::Unknown => "Unknown",
            Self::NotJudged => "NotJudged",
            Self::NotRecorded => "NotRecorded",
        }
    }
}

/// What there is to say about an entry beside the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The object was there before the log begins, and how it was then is not told.
    BeforeLog,
    /// The log does not tell what was in the object.
    ContentNotRecorded,
    /// What was in the object cannot be read.
    Unreadable(Unreadable),
    /// The workloads were deleted at once, and the log does not tell which.
    NamesNotRecorded,
    /// The Job was started by hand from a CronJob of this name and has its template.
    ManualRun(String),
    /// The Job says that it belongs to a CronJob of this name, whose controller did not create it. Whether the template is the same
    /// cannot be told.
    ClaimsOwner(String),
    /// The Job belongs to a controller of another kind: its kind and name.
    Child(String, String),
    /// The workload is approved by an approval of this name that the same user wrote.
    OwnApproval(String),
    /// The workload was deleted before, and this version of the same object came later.
    AfterDeletion,
}

/// A workload whose verdict changed without a change of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The workload.
    pub key: WorkloadKey,
    /// The verdict before.
    pub before: Verdict,
    /// The verdict afterwards.
    pub after: Verdict,
}

/// One workload, from its creation to its deletion, as far as the log tells.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its kind, namespace and name.
    pub key: WorkloadKey,
    /// `metadata.uid`; empty if it is not told.
    pub uid: Box<str>,
    /// When it was created and by whom; absent if that was before the log begins.
    pub created: Option<(Timestamp, Arc<Actor>)>,
    /// When it was deleted and by whom; absent if it was not.
    pub deleted: Option<(Timestamp, Arc<Actor>)>,
    /// How many of the entries are about it.
    pub entries: u64,
    /// How often the CronJob controller ran it.
    pub runs: u64,
    /// The last verdict.
    pub verdict: Option<Verdict>,
    /// Whether it was ever approved.
    pub was_approved: bool,
    /// Whether it ever deviated.
    pub was_deviating: bool,
}

impl Life {
    /// Whether it was created and deleted within the log and never approved. A Job that nothing judges does not count: most Jobs end.
    pub fn is_planted_and_gone(&self) -> bool {
        let counts = self.key.kind == WorkloadKind::CronJob || self.was_deviating;
        counts && self.created.is_some() && self.deleted.is_some() && !self.was_approved
    }
}
