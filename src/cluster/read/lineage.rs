//! Reading what a Job stands between: the CronJob that it names, and the Pods that it made.

use std::cmp::Reverse;

use jiff::Timestamp;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use tracing::debug;

use super::super::job::ObservedJob;
use super::super::observed::{Kept, Observed};
use super::{list_by, scoped, told};
use crate::api::ScheduledWorkloadFinding;
use crate::finding;
use crate::lineage::{Marks, RunningPod, Template, Templates};
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// The label by which the Pods of a Job know its name.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// What came of looking for something.
#[derive(Clone, Debug)]
pub enum Looked<T> {
    /// It is there.
    Found(T),
    /// There is no such thing.
    Nothing,
    /// It cannot be looked at, and why: these credentials may not, or it cannot be read.
    Hidden(String),
}

/// A Job, with what it says of where it comes from.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is judged.
    pub workload: Workload,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What it says of where it comes from.
    pub marks: Marks,
}

/// A CronJob, with what is known of what it was.
#[derive(Clone, Debug)]
pub struct CronJob {
    /// What is judged.
    pub workload: Workload,
    /// Its template, and since when it has that.
    pub templates: Templates,
}

/// The Pods of Jobs.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    /// Those that can be read, newest first.
    pub read: Vec<RunningPod>,
    /// The names of those that cannot, each with the reason.
    pub unreadable: Vec<(String, String)>,
}

/// A Job with its marks. Fails if there is none, or if it cannot be read.
pub async fn job(client: &Client, key: &WorkloadKey) -> anyhow::Result<Job> {
    match look::<ObservedJob>(client, key).await? {
        Looked::Found(observed) => Ok(marked(key, observed)?),
        Looked::Nothing => anyhow::bail!("there is no {key}"),
        Looked::Hidden(reason) => anyhow::bail!("cannot read {key}: {reason}"),
    }
}

/// The CronJob of that name and namespace, as it is now.
pub async fn cron_job(client: &Client, key: &WorkloadKey) -> anyhow::Result<Looked<CronJob>> {
    let observed = match look::<Packed>(client, key).await? {
        Looked::Found(observed) => observed,
        Looked::Nothing => return Ok(Looked::Nothing),
        Looked::Hidden(reason) => return Ok(Looked::Hidden(reason)),
    };
    let seen = observed.seen(None, false, Timestamp::default());
    let since = if seen.sighting.generation == 1 { seen.created } else { observed.changed };
    let unpacked = observed.object.and_then(|packed| packed.unpack().map_err(|error| error.to_string()));
    Ok(match unpacked {
        Ok(workload) => {
            let templates = Templates::new(Template::of(&workload), since);
            Looked::Found(CronJob { workload, templates })
        }
        Err(reason) => Looked::Hidden(reason),
    })
}

/// The Jobs that name the CronJob of this uid as their owner, newest first; those that cannot be read are left out.
pub async fn jobs_of(client: &Client, namespace: &str, uid: &str) -> anyhow::Result<Looked<Vec<Job>>> {
    let observed = match list_by::<ObservedJob>(&scoped(client, Some(namespace)), ListParams::default()).await {
        Ok(observed) => observed,
        Err(error) => return hidden(&error, "list Jobs"),
    };
    let mut jobs: Vec<Job> = Vec::new();
    for observed in observed {
        let key = super::key(&observed, WorkloadKind::Job);
        match marked(&key, observed) {
            Ok(job) if job.marks.cron_job().is_some_and(|owner| *owner.uid == *uid) => jobs.push(job),
            Ok(_) => {}
            Err(reason) => debug!("{reason}"),
        }
    }
    jobs.sort_by_key(|job| Reverse(job.created));
    Ok(Looked::Found(jobs))
}

/// The Pods whose labels name one of these Jobs.
pub async fn pods(client: &Client, namespace: &str, jobs: &[&str]) -> anyhow::Result<Looked<Pods>> {
    let parameters = ListParams::default().labels(&format!("{JOB_NAME} in ({})", jobs.join(",")));
    let mut observed = match list_by::<RunningPod>(&scoped(client, Some(namespace)), parameters).await {
        Ok(observed) => observed,
        Err(error) => return hidden(&error, "list Pods"),
    };
    observed.sort_by_key(|pod| Reverse(pod.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    let mut pods = Pods::default();
    for observed in observed {
        let name = observed.name().to_owned();
        match observed.object {
            Ok(pod) => pods.read.push(pod),
            Err(reason) => pods.unreadable.push((name, reason)),
        }
    }
    Ok(Looked::Found(pods))
}

/// The finding about many Jobs that a Job is one of: they have the same template, and their names begin alike. None if there is none, or
/// if these credentials may not read it.
pub async fn finding_about_many(client: &Client, job: &Workload) -> Option<ScheduledWorkloadFinding> {
    let parameters = ListParams::default().fields(&format!("spec.workload.namespace={}", job.key.namespace));
    let found = Api::<ScheduledWorkloadFinding>::all(client.clone()).list(&parameters).await.ok()?;
    let hash = job.template_hash();
    let is_member = |finding: &ScheduledWorkloadFinding| {
        let about = &finding.spec.workload;
        let has_template =
            finding.status.as_ref().is_some_and(|status| status.template_hash.as_deref() == Some(hash.as_str()));
        finding::is_group(about) && job.key.name.starts_with(about.name.trim_end_matches('*')) && has_template
    };
    let members = found.items.into_iter().filter(is_member);
    members.min_by_key(|finding| finding.status.as_ref().is_none_or(|status| status.closed_at.is_some()))
}

fn marked(key: &WorkloadKey, observed: Observed<ObservedJob>) -> anyhow::Result<Job> {
    let created = observed.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let ObservedJob { marks, workload } =
        observed.object.map_err(|reason| anyhow::anyhow!("{key} cannot be read: {}", Unreadable::new(&reason)))?;
    Ok(Job { workload, created, marks })
}

async fn look<T: Kept>(client: &Client, key: &WorkloadKey) -> anyhow::Result<Looked<Observed<T>>>
where
    Observed<T>: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scoped::<T>(client, Some(&key.namespace)).get_opt(&key.name).await {
        Ok(Some(observed)) => Ok(Looked::Found(observed)),
        Ok(None) => Ok(Looked::Nothing),
        Err(error) => hidden(&error, &format!("read {key}")),
    }
}

/// What is refused is hidden; everything else that goes wrong is an error.
fn hidden<T>(error: &kube::Error, what: &str) -> anyhow::Result<Looked<T>> {
    match error {
        kube::Error::Api(status) if status.code == 403 => Ok(Looked::Hidden(told(error))),
        _ => anyhow::bail!("cannot {what}: {}", told(error)),
    }
}
