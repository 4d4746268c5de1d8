//! What is kept of a fact: enough to judge and to show it, and not its body.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::Subject;
use super::job::{self, Run};
use crate::api::approval::from_value;
use crate::identity::{Actor, Deed, Fact, Source, Verb};
use crate::inventory::Approval;
use crate::lineage::{Makers, Marks};
use crate::workload::redact::printable;
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// The longest reason why an approval cannot be read, in characters.
const LONGEST_REASON: usize = 512;

/// Where in the log a fact is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The index of the file.
    pub source: usize,
    /// The line, from 1.
    pub line: u64,
}

/// What is kept of a fact.
#[derive(Clone, Debug)]
pub struct Record(pub(super) Kept);

#[derive(Clone, Debug)]
pub(super) enum Kept {
    Change(Box<Change>),
    /// A Job that the CronJob controller created.
    Run(Run),
    /// A Job with the name of a run that a controller removed.
    Ended(Run),
}

/// A change of a workload or an approval.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) id: Box<str>,
    pub(super) verb: Verb,
    pub(super) subject: Subject,
    pub(super) actor: Arc<Actor>,
    pub(super) uid: Option<Box<str>>,
    pub(super) resource_version: Option<u64>,
    pub(super) content: Content,
    /// What a Job says of where it comes from; absent if its body is not told.
    pub(super) marks: Option<Marks>,
    pub(super) origin: Origin,
}

impl Change {
    /// Who made the change.
    pub(super) fn deed(&self) -> Deed {
        let Self { at, id, verb, actor, .. } = self;
        Deed { at: *at, id: id.clone(), source: Source::Audit, verb: *verb, actor: actor.clone() }
    }
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    NotRecorded,
    Unreadable(Unreadable),
    Workload(Arc<Packed>),
    Approval(Arc<Declared>),
}

/// An approval as it was written.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The compiled form.
    pub(super) approval: Approval,
    /// The JSON text of the spec, for comparing.
    pub(super) spec: Box<str>,
}

impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Record {
    /// Reduces a fact to what is kept of it. `None` if it is about something that has no history here.
    pub fn of(fact: Fact, origin: Origin, makers: &Makers) -> Option<Self> {
        let Fact { source: _, id, at, actor, verb, object, version, body } = fact;
        let subject = Subject::of(object.kind, object.namespace, object.name, verb == Verb::DeleteCollection)?;
        let mut change = Change {
            at,
            id: id.into_boxed_str(),
            verb,
            subject,
            actor: Arc::new(actor),
            uid: version.uid.map(String::into_boxed_str),
            resource_version: version.resource_version,
            content: Content::NotRecorded,
            marks: None,
            origin,
        };
        if let Subject::Workload(WorkloadKey { kind: WorkloadKind::Job, .. }) = &change.subject {
            change.marks = body.as_deref().map(Marks::of);
        }
        let is_run = job::is_run(&change, makers);
        if let Some(body) = body {
            change.content = match &change.subject {
                Subject::Workload(key) => workload(key, &body, is_run),
                Subject::Approval(name) => approval(name, version.generation, &body),
                Subject::Unnamed(..) => Content::NotRecorded,
            };
        }
        if let Some(run) = is_run.then(|| Run::of(&change)).flatten() {
            return Some(Self(Kept::Run(run)));
        }
        if let Some(run) = job::is_cleaned_up(&change, makers).then(|| Run::of(&change)).flatten() {
            return Some(Self(Kept::Ended(run)));
        }
        Some(Self(Kept::Change(Box::new(change))))
    }
}

/// The normal form of a workload. That of a run is the same for all runs with the same template.
fn workload(key: &WorkloadKey, body: &str, is_run: bool) -> Content {
    let packed = Workload::from_json(key.kind, body).and_then(|mut workload| {
        workload.key = if is_run { WorkloadKey { kind: key.kind, ..WorkloadKey::default() } } else { key.clone() };
        // Who has which uid is kept beside it: the same content is kept once.
        workload.uid.clear();
        Packed::pack(&workload)
    });
    match packed {
        Ok(packed) => Content::Workload(Arc::new(packed)),
        Err(reason) => Content::Unreadable(reason),
    }
}

fn approval(name: &str, generation: Option<i64>, body: &str) -> Content {
    let spec = |value: &Value| value.get("spec").map(Value::to_string).unwrap_or_default().into_boxed_str();
    let declared = serde_json::from_str::<Value>(body).map_err(|error| error.to_string()).and_then(|value| {
        let spec = spec(&value);
        let object = from_value(value).map_err(|error| error.to_string())?;
        Ok(Declared { approval: Approval::compile(&object), spec })
    });
    let declared = declared.unwrap_or_else(|reason| Declared {
        approval: Approval::unreadable(name, generation, &printable(&reason, LONGEST_REASON)),
        spec: Box::default(),
    });
    Content::Approval(Arc::new(declared))
}
