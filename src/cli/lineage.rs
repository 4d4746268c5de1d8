//! Where the Jobs of a cluster come from, and what ran of them.

use jiff::Timestamp;
use kube::Client;

use super::configuration::Configured;
use super::declared::Declared;
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::Link;
use crate::assess::{self, Assessment, Explanation, PodReport, PulledImage, assess, explain_job, untold};
use crate::cluster::read::{self, CronJob, Looked};
use crate::finding::recorded_creator;
use crate::identity::Deed;
use crate::lineage::{Case, Match, Origin, Parent, RunningPod, Traced, drift, of_job, run_name, trace};
use crate::manifest::Level;
use crate::report::explain::{Lineage, Run};
use crate::report::{Problem, Source};
use crate::workload::{Cron, Workload, WorkloadKey};

/// How many Pods of a Job stand in its chain.
const MOST_PODS: usize = 5;

/// How many Jobs of a CronJob are shown.
const MOST_RUNS: usize = 5;

/// By what Jobs are traced and judged.
pub(super) struct Around<'a> {
    pub(super) client: &'a Client,
    pub(super) declared: &'a Declared,
    pub(super) configured: &'a Configured,
    pub(super) now: Timestamp,
}

/// A Job, traced and judged.
pub(super) struct Descent {
    pub(super) traced: Traced,
    pub(super) explanation: Explanation,
    pub(super) links: Vec<Link>,
    /// How many of its Pods are not in the chain.
    pub(super) more_pods: usize,
    /// The judgement of the CronJob that it belongs to, if that is known.
    pub(super) cron_job: Option<Assessment>,
    /// The finding about it, or about the Jobs that it is one of.
    pub(super) finding: Option<Box<ScheduledWorkloadFinding>>,
}

/// The CronJob that a Job names as its owner.
struct Known<'a> {
    template: Match,
    /// Its schedule, if it was the same when the Job was created.
    cron: Option<&'a Cron>,
    workload: Option<&'a Workload>,
}

/// What the operator recorded of a Job.
struct Recorded {
    /// Who created it, if an event told.
    creator: Option<Deed>,
    /// Whether it deviates. Of a Job that a trusted controller may have made, the operator says so only once nothing is to be told any more.
    is_found: bool,
}

impl Recorded {
    /// `about` is the finding about the Job, `many` the one about Jobs that it is one of: who made that is told of the last of them.
    fn of(about: Option<&ScheduledWorkloadFinding>, many: Option<&ScheduledWorkloadFinding>) -> Self {
        let status = about.or(many).and_then(|finding| finding.status.as_ref());
        let is_found = status.is_some_and(|status| status.closed_at.is_none());
        Self { creator: about.and_then(recorded_creator), is_found }
    }
}

impl Descent {
    /// As an explanation shows it.
    pub(super) fn lineage(&self) -> Lineage<'_> {
        let Self { traced, links, more_pods, cron_job, .. } = self;
        Lineage { traced, links, more_pods: *more_pods, cron_job: cron_job.as_ref() }
    }
}

impl Around<'_> {
    /// Traces a Job and judges it. `finding` is the one about it. What cannot be looked at is added to `problems`.
    pub(super) async fn descent(
        &self,
        key: &WorkloadKey,
        finding: Option<Box<ScheduledWorkloadFinding>>,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Descent> {
        let job = read::job(self.client, key).await?;
        let finding = finding.filter(|finding| finding.spec.workload.uid == job.workload.uid);
        let owner = job.marks.cron_job().map(|owner| owner.name.to_string());
        let named = owner.as_ref().map(|name| key.cron_job(name));
        let named = match &named {
            Some(named) => read::cron_job(self.client, named).await?,
            None => Looked::Nothing,
        };
        let like = run_name::parts(&key.name).map(|(name, _)| name).filter(|like| owner.as_deref() != Some(*like));
        let like = match like {
            Some(like) => read::cron_job(self.client, &key.cron_job(like)).await?,
            None => Looked::Nothing,
        };
        for looked in [&named, &like] {
            if let Looked::Hidden(reason) = looked {
                problems.push(hidden(format!("a CronJob that {key} is named after cannot be looked at: {reason}")));
            }
        }
        let namesake = match (&named, &like) {
            (_, Looked::Found(like)) => like.workload.cron.as_ref(),
            (Looked::Found(named), _) if run_name::parts(&key.name).map(|(name, _)| name) == owner.as_deref() => {
                named.workload.cron.as_ref()
            }
            _ => None,
        };
        let pods = self.pods(key, &[&job.workload], problems).await?;
        let mut reports = self.reports(&job.workload, &pods.into_iter().flatten().collect::<Vec<_>>());
        reports.sort_by_key(PodReport::is_clean);
        let known = known(&job, &named);
        let many = match &finding {
            Some(_) => None,
            None => read::finding_about_many(self.client, &job.workload).await.map(Box::new),
        };
        let recorded = Recorded::of(finding.as_deref(), many.as_deref());
        let (traced, explanation) = self.judge(&job, known.as_ref(), namesake, &recorded, &reports);
        let mut links = of_job(key, &traced);
        links.extend(reports.iter().take(MOST_PODS).flat_map(PodReport::chain));
        let cron_job = known.as_ref().and_then(|known| known.workload).map(|workload| self.assess(workload));
        let finding = finding.or(many);
        let more_pods = reports.len().saturating_sub(MOST_PODS);
        Ok(Descent { traced, explanation, links, more_pods, cron_job, finding })
    }

    /// The last Jobs of a CronJob, newest first. What cannot be looked at is added to `problems`.
    pub(super) async fn runs(&self, key: &WorkloadKey, problems: &mut Vec<Problem>) -> anyhow::Result<Vec<Run>> {
        let cron_job = read::cron_job(self.client, key).await?;
        let Looked::Found(CronJob { workload, .. }) = &cron_job else { return Ok(Vec::new()) };
        let mut jobs = match read::jobs_of(self.client, &key.namespace, &workload.uid).await? {
            Looked::Found(jobs) => jobs,
            Looked::Nothing => Vec::new(),
            Looked::Hidden(reason) => {
                problems.push(hidden(format!("the runs of {key} are not looked at: {reason}")));
                Vec::new()
            }
        };
        jobs.truncate(MOST_RUNS);
        let workloads: Vec<&Workload> = jobs.iter().map(|job| &job.workload).collect();
        let pods = self.pods(key, &workloads, problems).await?;
        let mut runs = Vec::new();
        for (job, pods) in jobs.iter().zip(pods) {
            let reports = self.reports(&job.workload, &pods);
            let finding = read::finding_about(self.client, &job.workload).await;
            let recorded = Recorded::of(finding.as_ref(), None);
            let namesake = run_name::parts(&job.workload.key.name).filter(|(name, _)| *name == key.name);
            let namesake = namesake.and(workload.cron.as_ref());
            let known = known(job, &cron_job);
            let (traced, explanation) = self.judge(job, known.as_ref(), namesake, &recorded, &reports);
            let (key, assessment) = (job.workload.key.clone(), explanation.assessment);
            runs.push(Run { key, created: job.created, traced, assessment, images: images(reports) });
        }
        Ok(runs)
    }

    /// The Pods of each of these Jobs, newest first.
    async fn pods(
        &self,
        about: &WorkloadKey,
        jobs: &[&Workload],
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Vec<Vec<RunningPod>>> {
        let mut of_each = vec![Vec::new(); jobs.len()];
        if jobs.is_empty() {
            return Ok(of_each);
        }
        let names: Vec<&str> = jobs.iter().map(|job| job.key.name.as_str()).collect();
        let found = match read::pods(self.client, &about.namespace, &names).await? {
            Looked::Found(found) => found,
            Looked::Nothing => return Ok(of_each),
            Looked::Hidden(reason) => {
                problems.push(hidden(format!("what ran in the Pods of {about} is unknown: {reason}")));
                return Ok(of_each);
            }
        };
        for (name, reason) in found.unreadable {
            problems.push(hidden(format!("the Pod {name} cannot be read: {reason}")));
        }
        for pod in found.read {
            let is_of = |(job, _): &(&&Workload, &mut Vec<RunningPod>)| {
                let is_uid = pod.job_uid.as_deref().is_none_or(|uid| uid == job.uid);
                is_uid && pod.job_name.as_deref() == Some(job.key.name.as_str())
            };
            if let Some((_, pods)) = jobs.iter().zip(&mut of_each).find(is_of) {
                pods.push(pod);
            }
        }
        Ok(of_each)
    }

    fn reports(&self, job: &Workload, pods: &[RunningPod]) -> Vec<PodReport> {
        let report = |pod: &RunningPod| PodReport::of(pod, &drift(&job.pod, &pod.pod, &self.configured.injectors));
        pods.iter().map(report).collect()
    }

    fn judge(
        &self,
        job: &read::Job,
        known: Option<&Known<'_>>,
        namesake: Option<&Cron>,
        recorded: &Recorded,
        pods: &[PodReport],
    ) -> (Traced, Explanation) {
        let read::Job { workload, created, marks } = job;
        let parent = known.map(|known| Parent { template: known.template, cron: known.cron });
        let (makers, creator) = (&self.configured.makers, recorded.creator.as_ref());
        let traced = trace(&Case { workload, created: *created, marks, creator, parent, namesake }, makers);
        if let (Origin::Standalone { .. }, None, false) = (&traced.origin, creator, recorded.is_found)
            && let Some(maker) = makers.claimed_by(marks, Some(workload))
        {
            let explanation = untold(maker);
            return (traced, explanation);
        }
        let cron_job = known.and_then(|known| known.workload);
        // Only the template that the CronJob has now is known: with any other, nobody knows whether it is that of a run.
        let lineage = assess::Lineage { traced: &traced, cron_job, is_outdated: false, pods };
        let (inventory, labels) = (&self.declared.inventory, self.declared.labels(&workload.key.namespace));
        let explanation = explain_job(workload, lineage, inventory, labels, self.now);
        (traced, explanation)
    }

    fn assess(&self, workload: &Workload) -> Assessment {
        assess(workload, &self.declared.inventory, self.declared.labels(&workload.key.namespace), self.now)
    }
}

/// The CronJob that a Job names as its owner, if it is the one that was found: it may have been made again since. Of one that cannot be
/// looked at nothing is known.
fn known<'a>(job: &read::Job, found: &'a Looked<CronJob>) -> Option<Known<'a>> {
    let owner = job.marks.cron_job()?;
    match found {
        Looked::Found(CronJob { workload, templates }) if workload.uid == *owner.uid => {
            let template = crate::lineage::Template::of(&job.workload);
            let (template, is_current) = job.created.map_or((Match::Unknown, false), |created| {
                (templates.compare(template, created), templates.is_current(created))
            });
            Some(Known { template, cron: workload.cron.as_ref().filter(|_| is_current), workload: Some(workload) })
        }
        Looked::Found(_) | Looked::Nothing => None,
        Looked::Hidden(_) => Some(Known { template: Match::Unknown, cron: None, workload: None }),
    }
}

/// What ran in Pods, each image and digest once.
fn images(pods: Vec<PodReport>) -> Vec<PulledImage> {
    let mut images: Vec<PulledImage> = Vec::new();
    for image in pods.into_iter().flat_map(|pod| pod.images) {
        if !images.iter().any(|known| known.image == image.image && known.digest == image.digest) {
            images.push(image);
        }
    }
    images
}

fn hidden(message: String) -> Problem {
    Problem { source: Source::Cluster, position: None, level: Level::Warning, message, excerpt: None }
}
