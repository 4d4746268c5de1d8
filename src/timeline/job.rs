//! Jobs: who says that they belong to whom, and which of them are runs of a CronJob.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{Change, Content};
use super::{Origin, Settings, Subject};
use crate::identity::{Actor, Verb};
use crate::lineage::run_name;
use crate::workload::{Packed, WorkloadKey, WorkloadKind};

/// The longest name of an owner that is kept, in bytes. No object has a longer one.
const LONGEST_NAME: usize = 253;

impl Change {
    /// A run as a change of its Job: little is kept of runs, so it has neither audit ID nor uid.
    pub(super) fn of_run(run: &Run, verb: Verb) -> Self {
        Self {
            at: run.at,
            id: Box::default(),
            verb,
            subject: Subject::Workload(run.job()),
            actor: run.actor.clone(),
            uid: None,
            resource_version: None,
            content: run.content.clone().map_or(Content::NotRecorded, Content::Workload),
            marks: Marks::default(),
            origin: run.origin,
        }
    }
}

/// The controllers of Kubernetes that remove Jobs when their time has come, by their accounts.
const CLEANERS: [&str; 3] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:ttl-after-finished-controller",
    "system:kube-controller-manager",
];

/// What a Job says about where it comes from. Whoever creates it can write anything there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Kind and name of the owner that is its controller.
    pub(super) owner: Option<(Box<str>, Box<str>)>,
    /// Whether the body was there to say so.
    pub(super) is_known: bool,
}

impl Marks {
    pub(super) fn of(body: &str) -> Self {
        let Ok(object) = serde_json::from_str::<Object>(body) else { return Self::default() };
        let owners = object.metadata.and_then(|metadata| metadata.owner_references).unwrap_or_default();
        let owner = owners.into_iter().flatten().find(|owner| owner.controller == Some(true));
        let short = |name: Option<String>| {
            let mut name = name.unwrap_or_default();
            name.truncate(name.floor_char_boundary(LONGEST_NAME));
            name.into_boxed_str()
        };
        Self { owner: owner.map(|owner| (short(owner.kind), short(owner.name))), is_known: true }
    }

    /// The CronJob that it says it belongs to.
    pub(super) fn cron_job(&self) -> Option<&str> {
        self.owner.as_ref().filter(|(kind, _)| &**kind == "CronJob").map(|(_, name)| &**name)
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    owner_references: Option<Vec<Option<Owner>>>,
}

#[derive(Deserialize)]
struct Owner {
    kind: Option<String>,
    name: Option<String>,
    controller: Option<bool>,
}

/// A run of a CronJob.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) at: Timestamp,
    /// The CronJob, by the name of the Job.
    pub(super) cron_job: Arc<WorkloadKey>,
    /// The number at the end of the name of the Job, which is the time of its tick.
    pub(super) number: u64,
    pub(super) actor: Arc<Actor>,
    /// What runs, without its name; absent if it is not recorded.
    pub(super) content: Option<Arc<Packed>>,
    pub(super) origin: Origin,
}

impl Run {
    /// The run that a Job is by its name; `None` if it has none of a run.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let Subject::Workload(key) = &change.subject else { return None };
        let (cron_job, number) = run_name::parts(&key.name)?;
        let cron_job =
            WorkloadKey { namespace: key.namespace.clone(), name: cron_job.to_owned(), kind: WorkloadKind::CronJob };
        Some(Self {
            at: change.at,
            cron_job: Arc::new(cron_job),
            number,
            actor: change.actor.clone(),
            content: match &change.content {
                Content::Workload(packed) => Some(packed.clone()),
                _ => None,
            },
            origin: change.origin,
        })
    }

    /// The Job.
    pub(super) fn job(&self) -> WorkloadKey {
        let WorkloadKey { namespace, name, .. } = &*self.cron_job;
        WorkloadKey { namespace: namespace.clone(), name: format!("{name}-{}", self.number), kind: WorkloadKind::Job }
    }
}

/// Whether the CronJob controller created the Job as a run of the CronJob that its name says.
pub(super) fn is_run(change: &Change, settings: &Settings) -> bool {
    let Subject::Workload(key) = &change.subject else { return false };
    if key.kind != WorkloadKind::Job || change.verb != Verb::Create || !settings.is_controller(&change.actor) {
        return false;
    }
    let Some((cron_job, _)) = run_name::parts(&key.name) else { return false };
    !change.marks.is_known || change.marks.cron_job() == Some(cron_job)
}

/// Whether this is a controller of Kubernetes that removes what is no longer needed.
pub(super) fn is_cleaner(actor: &Actor) -> bool {
    actor.impersonated.is_none() && CLEANERS.contains(&actor.user.username.as_str())
}

/// Whether a controller of Kubernetes removed the Job, which has the name of a run.
pub(super) fn is_cleaned_up(change: &Change, settings: &Settings) -> bool {
    let Subject::Workload(key) = &change.subject else { return false };
    key.kind == WorkloadKind::Job
        && change.verb == Verb::Delete
        && (is_cleaner(&change.actor) || settings.is_controller(&change.actor))
        && run_name::parts(&key.name)
            .is_some_and(|(cron_job, _)| !change.marks.is_known || change.marks.cron_job() == Some(cron_job))
}
