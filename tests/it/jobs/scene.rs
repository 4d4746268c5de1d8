//! A Job and what there is around it, put together as the operator does from what its watches tell.

use anyhow::Context;
use cronwarden::assess::PodReport;
use cronwarden::identity::Deed;
use cronwarden::lineage::{
    Case, Change, Digests, Injectors, Makers, Marks, Match, Parent, RunningPod, Template, Templates, Traced, drift,
    run_name, trace,
};
use cronwarden::workload::{Cron, Workload, WorkloadKind};
use jiff::Timestamp;
use serde_json::Value;

/// A Job, and the CronJob that there is beside it.
pub struct Scene {
    pub job: Workload,
    marks: Marks,
    created: Option<Timestamp>,
    cron_job: Option<CronJob>,
}

/// A CronJob, with the templates that it has had.
pub struct CronJob {
    workload: Workload,
    templates: Templates,
}

impl CronJob {
    /// A CronJob that was `first`, since that time if it is known, and was changed since.
    pub fn of(first: &Value, since: Option<Timestamp>, changes: &[(Value, Timestamp)]) -> anyhow::Result<Self> {
        let read = |object: &Value| Workload::from_json(WorkloadKind::CronJob, &object.to_string());
        let mut workload = read(first)?;
        let mut templates = Templates::new(Template::of(&workload), since);
        for (object, at) in changes {
            workload = read(object)?;
            templates.replace(Template::of(&workload), *at);
        }
        Ok(Self { workload, templates })
    }
}

impl Scene {
    /// A Job as the API server stores it.
    pub fn of(job: &Value, cron_job: Option<CronJob>) -> anyhow::Result<Self> {
        let text = job.to_string();
        let created = job["metadata"]["creationTimestamp"].as_str().context("no creationTimestamp")?.parse()?;
        Ok(Self {
            job: Workload::from_json(WorkloadKind::Job, &text)?,
            marks: Marks::of(&text),
            created: Some(created),
            cron_job,
        })
    }

    /// What accounts for the Job.
    pub fn traced(&self, creator: Option<&Deed>, makers: &Makers) -> Traced {
        let parent = self.owner().map(|owner| {
            let (template, is_current) = self.compared(owner);
            Parent { template, cron: owner.workload.cron.as_ref().filter(|_| is_current) }
        });
        let (workload, marks, namesake) = (&self.job, &self.marks, self.namesake());
        trace(&Case { workload, created: self.created, marks, creator, parent, namesake }, makers)
    }

    /// The CronJob that the Job belongs to, as it is now.
    pub fn parent(&self) -> Option<&Workload> {
        self.owner().map(|owner| &owner.workload)
    }

    /// What is kept of the Pods of the Job. Those that are of other Jobs are of earlier runs.
    pub fn reports(&self, pods: &[RunningPod], injectors: &Injectors) -> Vec<PodReport> {
        let mut digests = Digests::default();
        let mut reports = Vec::new();
        for pod in pods {
            let mut report = PodReport::of(pod, &drift(&self.job.pod, &pod.pod, injectors));
            if self.marks.cron_job().is_some() {
                for image in &report.images {
                    if let Change::Another { before } = digests.check(&image.image, &image.digest) {
                        report.changed.push((image.clone(), before));
                    }
                }
            }
            if pod.job_uid.as_deref() == Some(self.job.uid.as_str()) {
                reports.push(report);
            }
        }
        reports
    }

    /// The CronJob that the Job names as its owner.
    fn owner(&self) -> Option<&CronJob> {
        let (owner, cron_job) = (self.marks.cron_job()?, self.cron_job.as_ref()?);
        let Workload { key, uid, .. } = &cron_job.workload;
        let is_it = *key.name == *owner.name && key.namespace == self.job.key.namespace && *uid == *owner.uid;
        is_it.then_some(cron_job)
    }

    fn compared(&self, owner: &CronJob) -> (Match, bool) {
        let Some(created) = self.created else { return (Match::Unknown, false) };
        (owner.templates.compare(Template::of(&self.job), created), owner.templates.is_current(created))
    }

    /// The CronJob whose run the Job is named like.
    fn namesake(&self) -> Option<&Cron> {
        let (name, _) = run_name::parts(&self.job.key.name)?;
        let Workload { key, cron, .. } = &self.cron_job.as_ref()?.workload;
        cron.as_ref().filter(|_| key.name == name && key.namespace == self.job.key.namespace)
    }
}
