//! Jobs: who says that they belong to whom, and which of them are runs of a CronJob.

use std::sync::Arc;

use jiff::Timestamp;

use super::record::{Change, Content};
use super::{Origin, Subject};
use crate::identity::{Actor, Verb};
use crate::lineage::{Makers, run_name};
use crate::workload::{Packed, WorkloadKey, WorkloadKind};

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
            marks: None,
            origin: run.origin,
        }
    }
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
        Some(Self {
            at: change.at,
            cron_job: Arc::new(key.cron_job(cron_job)),
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
pub(super) fn is_run(change: &Change, makers: &Makers) -> bool {
    let Subject::Workload(key) = &change.subject else { return false };
    if key.kind != WorkloadKind::Job || change.verb != Verb::Create || !makers.is_cron_job_controller(&change.actor) {
        return false;
    }
    let Some((cron_job, _)) = run_name::parts(&key.name) else { return false };
    claims(change, cron_job)
}

/// Whether a controller of Kubernetes removed the Job, which has the name of a run.
pub(super) fn is_cleaned_up(change: &Change, makers: &Makers) -> bool {
    let Subject::Workload(key) = &change.subject else { return false };
    key.kind == WorkloadKind::Job
        && change.verb == Verb::Delete
        && makers.is_cleaner(&change.actor)
        && run_name::parts(&key.name).is_some_and(|(cron_job, _)| claims(change, cron_job))
}

/// Whether a Job names the CronJob as its owner, as far as the body tells.
fn claims(change: &Change, cron_job: &str) -> bool {
    let Some(marks) = &change.marks else { return true };
    marks.cron_job().is_some_and(|owner| *owner.name == *cron_job)
}
