//! Manifests of ten thousand CronJobs and an inventory that approves most of them, made deterministically from their numbers.
//!
//! Teams have a namespace each, with a few jobs that are approved, and many instances of each job. The inventory comes
//! as resources and as a table of the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// How many instances of a job there are, and how many jobs a team has.
const PER_JOB: usize = 10;
const JOBS_PER_TEAM: usize = 4;

/// One in so many workloads deviates.
const ONE_DEVIATES_IN: usize = 50;

/// What the jobs do.
const TASKS: [&str; 8] = [
    "ledger-export",
    "invoice-mailer",
    "index-rebuild",
    "session-cleanup",
    "report-builder",
    "catalogue-sync",
    "image-resize",
    "metrics-rollup",
];

const SCHEDULES: [&str; 5] = ["0 2 * * *", "15 3 * * *", "30 1 * * 1-5", "5 */4 * * *", "45 22 * * 0"];

/// The image of the sidecar that every fourth instance has.
const SIDECAR: &str = "registry.example.com/platform/log-forwarder";

/// What is wrong with a workload that deviates.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Deviation {
    /// Nobody approved a workload of that name.
    Unapproved,
    /// The image comes from another registry.
    Image,
    /// It runs more often.
    Schedule,
    /// It runs as another service account.
    ServiceAccount,
    /// Its container is privileged.
    Privileged,
    /// It mounts a path of the node.
    HostPath,
}

const DEVIATIONS: [Deviation; 6] = [
    Deviation::Unapproved,
    Deviation::Image,
    Deviation::Schedule,
    Deviation::ServiceAccount,
    Deviation::Privileged,
    Deviation::HostPath,
];

/// As many workloads as asked for, and the approvals of their jobs.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    pub cron_jobs: usize,
}

impl Fleet {
    /// The number of approvals: one for each job.
    pub fn approvals(self) -> usize {
        self.cron_jobs.div_ceil(PER_JOB)
    }

    /// The names of the workloads that deviate. No two workloads have the same name.
    pub fn deviating(self) -> BTreeSet<String> {
        (0..self.cron_jobs)
            .filter(|number| deviation(*number).is_some())
            .map(|number| Instance::of(number).name)
            .collect()
    }

    /// All CronJobs as a stream of YAML documents.
    pub fn cron_jobs_yaml(self) -> String {
        let mut text = String::new();
        for number in 0..self.cron_jobs {
            text.push_str("---\n");
            text.push_str(&cron_job(number));
        }
        text
    }

    /// All approvals as a stream of YAML documents. Their names are `namespace.job`, so that a policy can look them up.
    pub fn approvals_yaml(self) -> String {
        let mut text = String::new();
        for job in (0..self.approvals()).map(Job::of) {
            let Job { namespace, name, schedule, repository, service_account } = &job;
            let _ = write!(
                text,
                "\
---
apiVersion: cronwarden.dev/v1alpha1
kind: ApprovedCronJob
metadata:
  name: {namespace}.{name}
spec:
  match:
    namespaces: [{namespace}]
    names: [{name}-*]
  owner:
    team: {namespace}
  expected:
    schedules: [\"{schedule}\"]
    images:
      - repository: {repository}
      - repository: {SIDECAR}
    serviceAccounts: [{service_account}]
  allowed:
    secrets: [{name}-credentials]
    configMaps: [{name}-settings]
"
            );
        }
        text
    }

    /// The same approvals by `namespace/job`, for policies whose data is not Kubernetes objects.
    pub fn approvals_by_key(self) -> Value {
        let entries = (0..self.approvals()).map(Job::of).map(|job| {
            let approval = json!({
                "schedule": job.schedule,
                "repositories": [job.repository, SIDECAR],
                "serviceAccount": job.service_account,
            });
            (format!("{}/{}", job.namespace, job.name), approval)
        });
        Value::Object(entries.collect())
    }
}

/// Whether a text has the form of the name of a workload: words, then at least five digits.
pub fn is_name(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(words, digits)| {
        digits.len() >= 5
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && words.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    })
}

/// What is wrong with the workload of that number, if anything is.
pub fn deviation(number: usize) -> Option<Deviation> {
    let every = number / ONE_DEVIATES_IN;
    (number % ONE_DEVIATES_IN == 7).then(|| DEVIATIONS[every % DEVIATIONS.len()])
}

/// What is approved.
struct Job {
    namespace: String,
    name: String,
    schedule: &'static str,
    repository: String,
    service_account: String,
}

impl Job {
    fn of(number: usize) -> Self {
        let team = number / JOBS_PER_TEAM;
        let task = TASKS[number % TASKS.len()];
        Self {
            namespace: format!("team-{team:03}"),
            name: task.to_owned(),
            schedule: SCHEDULES[number % SCHEDULES.len()],
            repository: format!("registry.example.com/team-{team:03}/{task}"),
            service_account: format!("{task}-runner"),
        }
    }
}

/// What one workload has that its neighbour has not.
struct Instance {
    job: Job,
    name: String,
    /// The same for the same number, and unlike that of the next.
    digits: u64,
}

impl Instance {
    fn of(number: usize) -> Self {
        let job = Job::of(number / PER_JOB);
        let name = match deviation(number) {
            Some(Deviation::Unapproved) => format!("debug-shell-{number:05}"),
            _ => format!("{}-{number:05}", job.name),
        };
        Self { job, name, digits: scrambled(number as u64) }
    }
}

/// The mixing step of `SplitMix64`: what looks like chance, and is the same everywhere.
fn scrambled(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The YAML text of the CronJob of that number, written as people and templates write them.
#[allow(clippy::too_many_lines, reason = "one text")]
pub fn cron_job(number: usize) -> String {
    let instance = Instance::of(number);
    let Instance { job: Job { namespace, name: job, schedule, repository, service_account }, name, digits } = &instance;
    let deviation = deviation(number);
    let repository = match deviation {
        Some(Deviation::Image) => format!("docker.io/someone/{job}"),
        _ => repository.clone(),
    };
    let schedule = if deviation == Some(Deviation::Schedule) { "* * * * *" } else { schedule };
    let service_account = if deviation == Some(Deviation::ServiceAccount) { "admin" } else { service_account };
    let privileged = deviation == Some(Deviation::Privileged);
    let work = match deviation {
        Some(Deviation::HostPath) => {
            "hostPath:\n                path: /var/lib/kubelet\n                type: Directory"
        }
        _ => "emptyDir:\n                sizeLimit: 2Gi",
    };
    let version = format!("v{}.{}.{}", 1 + digits % 4, digits % 13, digits % 29);
    let memory = 64 << (digits % 5);
    let shard = digits % 64;
    let sidecar = if number.is_multiple_of(4) { sidecar(*digits) } else { String::new() };
    format!(
        "\
# Rendered from the chart {job}, do not edit.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: {job}
    app.kubernetes.io/instance: {name}
    app.kubernetes.io/managed-by: Helm
    helm.sh/chart: {job}-{version}
  annotations:
    argocd.argoproj.io/tracking-id: {namespace}:batch/CronJob:{namespace}/{name}
    checksum/config: \"{digits:016x}\"
    example.com/runbook: https://runbooks.example.com/{namespace}/{job}#what-to-do
    example.com/description: >-
      Runs {job} for shard {shard} of {namespace}. Ask the owning team
      before you suspend it: the closing of the day depends on it.
spec:
  schedule: \"{schedule}\"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  suspend: false
  failedJobsHistoryLimit: 1
  jobTemplate:
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: 3600
      template:
        metadata:
          labels:
            app.kubernetes.io/name: {job}
            app.kubernetes.io/instance: {name}
        spec:
          restartPolicy: Never
          serviceAccountName: {service_account}
          automountServiceAccountToken: false
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            fsGroup: 10001
{sidecar}          containers:
            - name: {job}
              image: {repository}:{version}
              imagePullPolicy: IfNotPresent
              command: [\"/usr/bin/{job}\"]
              args:
                - --shard={shard}
                - --of=64
                - --output=/work/out
              env:
                - name: DATABASE_HOST
                  value: postgres.{namespace}.svc.cluster.local
                - name: LOG_LEVEL
                  value: info
                # The only credential that this job may read.
                - name: DATABASE_PASSWORD
                  valueFrom:
                    secretKeyRef:
                      name: {job}-credentials
                      key: password
              envFrom:
                - configMapRef:
                    name: {job}-settings
              resources:
                requests: {{cpu: 50m, memory: {memory}Mi}}
                limits:
                  memory: {memory}Mi
              livenessProbe:
                httpGet:
                  path: /healthz
                  port: 8080
                periodSeconds: 30
              securityContext:
                privileged: {privileged}
                allowPrivilegeEscalation: {privileged}
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [\"ALL\"]
              volumeMounts:
                - name: work
                  mountPath: /work
                - name: settings
                  mountPath: /etc/{job}
                  readOnly: true
          volumes:
            - name: work
              {work}
            - name: settings
              configMap:
                name: {job}-settings
"
    )
}

fn sidecar(digits: u64) -> String {
    format!(
        "          initContainers:
            # A sidecar: it starts before the job and ends with it.
            - name: log-forwarder
              image: {SIDECAR}:v2.{}.0
              restartPolicy: Always
              args: [\"--from=/work/log\", \"--to=https://logs.example.com/ingest\"]
              resources:
                requests: {{cpu: 10m, memory: 16Mi}}
                limits: {{memory: 64Mi}}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: [\"ALL\"]
              volumeMounts:
                - name: work
                  mountPath: /work
                  readOnly: true
",
        digits % 7
    )
}
