//! Jobs that come and go as the controllers of Kubernetes make and remove them: with every mark of a real run.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::{Value, json};

use crate::harness::ControlPlane;

/// How many Jobs are worked on at once.
const AT_ONCE: usize = 16;

/// The service accounts of the controllers that act here.
const CRON_JOB_CONTROLLER: &str = "cronjob-controller";
const JOB_CONTROLLER: &str = "job-controller";
const GARBAGE_COLLECTOR: &str = "generic-garbage-collector";

/// What the image of every Pod is resolved to.
const IMAGE_ID: &str = "registry.example.com/jobs/ledger-export@sha256:\
                        5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// Those who make Jobs, each with its own service account and permissions.
pub struct Controllers {
    cron_job_controller: Client,
    job_controller: Client,
    garbage_collector: Client,
    kubelet: Client,
    cron_jobs: Vec<CronJob>,
    /// The next tick of all CronJobs, in days since the epoch.
    next: AtomicU64,
}

/// What a run is made of.
struct CronJob {
    namespace: String,
    name: String,
    uid: String,
    template: Value,
}

/// A Job that is there.
struct Job {
    namespace: String,
    name: String,
    pod: Option<String>,
}

impl Controllers {
    /// Takes over all CronJobs that are there.
    pub async fn of(plane: &ControlPlane) -> anyhow::Result<Self> {
        let kubelet = plane.client().await?;
        let as_controller = async |account: &str| {
            plane.kubectl(["create", "serviceaccount", "--namespace=kube-system", account]).run().await?;
            plane.client_with_token(&plane.service_account_token("kube-system", account).await?).await
        };
        let list = call(&kubelet, "GET", "/apis/batch/v1/cronjobs", &Value::Null).await?;
        let cron_jobs = list["items"].as_array().context("no list of CronJobs")?.iter().map(CronJob::of);
        let cron_jobs = cron_jobs.collect::<anyhow::Result<Vec<_>>>()?;
        let namespaces: std::collections::BTreeSet<&str> = cron_jobs.iter().map(|one| &*one.namespace).collect();
        for namespace in namespaces {
            let account = json!({ "metadata": { "name": "runner" } });
            call(&kubelet, "POST", &format!("/api/v1/namespaces/{namespace}/serviceaccounts"), &account).await?;
        }
        // Ticks that are over: of a tick to come there can be no run.
        let today = u64::try_from(Timestamp::now().as_second() / 86_400)?;
        Ok(Self {
            cron_job_controller: as_controller(CRON_JOB_CONTROLLER).await?,
            job_controller: as_controller(JOB_CONTROLLER).await?,
            garbage_collector: as_controller(GARBAGE_COLLECTOR).await?,
            kubelet,
            cron_jobs,
            next: AtomicU64::new(today - 365),
        })
    }

    /// Has every CronJob run so many times, each run removed once the next one is complete. Returns how many Jobs that were.
    pub async fn churn(&self, runs: usize, with_pods: bool) -> anyhow::Result<usize> {
        let mut before = Vec::new();
        for _ in 0..runs {
            let day = self.next.fetch_add(1, Ordering::Relaxed);
            let tick = Timestamp::from_second(i64::try_from(day)? * 86_400)? + SignedDuration::from_hours(2);
            let made = stream::iter(&self.cron_jobs).map(|cron_job| self.run(cron_job, tick, with_pods));
            let made = made.buffer_unordered(AT_ONCE).try_collect().await?;
            self.remove(std::mem::replace(&mut before, made)).await?;
        }
        self.remove(before).await?;
        Ok(runs * self.cron_jobs.len())
    }

    /// One run, from the tick until it is complete.
    async fn run(&self, cron_job: &CronJob, tick: Timestamp, with_pod: bool) -> anyhow::Result<Job> {
        let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", cron_job.namespace);
        let job = call(&self.cron_job_controller, "POST", &jobs, &cron_job.job(tick)).await?;
        let name = job["metadata"]["name"].as_str().context("a Job without a name")?.to_owned();
        let pods = format!("/api/v1/namespaces/{}/pods", cron_job.namespace);
        let pod = with_pod.then(|| pod_of(&job));
        if let Some(pod) = &pod {
            call(&self.job_controller, "POST", &pods, pod).await?;
        }
        let status = format!("{jobs}/{name}/status");
        let now = seconds(Timestamp::now());
        let active =
            json!({ "startTime": now, "active": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {} });
        let job = call(&self.job_controller, "PUT", &status, &with_status(job, active)).await?;
        let pod = pod.and_then(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned()));
        if let Some(pod) = &pod {
            let status = format!("{pods}/{pod}/status");
            let running = json!({ "running": { "startedAt": now } });
            let terminated =
                json!({ "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now } });
            for (phase, state) in [("Running", running), ("Succeeded", terminated)] {
                call(&self.kubelet, "PATCH", &status, &pod_status(phase, &state)).await?;
            }
        }
        let condition = |kind: &str| {
            let message = "Reached expected number of succeeded pods";
            json!({
                "type": kind, "status": "True", "reason": "CompletionsReached", "message": message,
                "lastProbeTime": now, "lastTransitionTime": now,
            })
        };
        let complete = json!({
            "startTime": now, "completionTime": now, "succeeded": 1, "ready": 0, "terminating": 0,
            "uncountedTerminatedPods": {},
            "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
        });
        call(&self.job_controller, "PUT", &status, &with_status(job, complete)).await?;
        Ok(Job { namespace: cron_job.namespace.clone(), name, pod })
    }

    async fn remove(&self, jobs: Vec<Job>) -> anyhow::Result<()> {
        let removed = stream::iter(jobs).map(|Job { namespace, name, pod }| async move {
            let job = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{name}?propagationPolicy=Background");
            call(&self.cron_job_controller, "DELETE", &job, &Value::Null).await?;
            if let Some(pod) = pod {
                let pod = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
                call(&self.garbage_collector, "DELETE", &pod, &Value::Null).await?;
            }
            anyhow::Ok(())
        });
        removed.buffer_unordered(AT_ONCE).try_collect().await
    }
}

impl CronJob {
    fn of(object: &Value) -> anyhow::Result<Self> {
        let text = |field: &str| {
            let text = object["metadata"][field].as_str().with_context(|| format!("a CronJob without {field}"))?;
            anyhow::Ok(text.to_owned())
        };
        Ok(Self {
            namespace: text("namespace")?,
            name: text("name")?,
            uid: text("uid")?,
            template: object["spec"]["jobTemplate"]["spec"].clone(),
        })
    }

    /// The Job of a tick, as `getJobFromTemplate2` of the CronJob controller makes it.
    fn job(&self, tick: Timestamp) -> Value {
        json!({
            "metadata": {
                "name": format!("{}-{}", self.name, tick.as_second() / 60),
                "annotations": { "batch.kubernetes.io/cronjob-scheduled-timestamp": seconds(tick) },
                "ownerReferences": [owner("CronJob", &self.name, &self.uid)],
            },
            "spec": self.template,
        })
    }
}

/// The Pod of a Job, as the Job controller makes it of what the API server made of the template.
fn pod_of(job: &Value) -> Value {
    let name = job["metadata"]["name"].as_str().unwrap_or_default();
    let uid = job["metadata"]["uid"].as_str().unwrap_or_default();
    let template = &job["spec"]["template"];
    json!({
        "metadata": {
            "name": format!("{name}-x7k2p"),
            "generateName": format!("{name}-"),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner("Job", name, uid)],
        },
        "spec": template["spec"],
    })
}

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": kind, "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true,
    })
}

fn pod_status(phase: &str, state: &Value) -> Value {
    let is_running = phase == "Running";
    json!({ "status": { "phase": phase, "containerStatuses": [{
        "name": "export", "image": "registry.example.com/jobs/ledger-export:v3.2.1", "imageID": IMAGE_ID,
        "ready": is_running, "started": is_running, "restartCount": 0, "state": state,
    }] } })
}

fn with_status(mut object: Value, status: Value) -> Value {
    object["status"] = status;
    object
}

/// A time as Kubernetes writes it.
fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = http::Request::builder().method(method).uri(path).header("Content-Type", kind).body(bytes)?;
    client.request(request).await.with_context(|| format!("{method} {path}"))
}
