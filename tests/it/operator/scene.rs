//! A real cluster with Cronwarden installed from `deploy`, and the operator running as its service account.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use cronwarden::api::approval::ApprovedCronJobStatus;
use cronwarden::api::finding::State;
use cronwarden::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::ports::Port;
use crate::harness::{AUDIT_POLICY_METADATA, AuditEvent, Builder, ControlPlane, Daemon, eventually};

/// The user that the operator is to the API server.
pub const OPERATOR_USER: &str = "system:serviceaccount:cronwarden:cronwarden";

/// How long a condition may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A cluster with Cronwarden in it.
pub struct Scene {
    pub cluster: ControlPlane,
    pub client: kube::Client,
    /// What the operator is told on top of the usual at its next start.
    pub arguments: Vec<&'static str>,
    kubeconfig: PathBuf,
    operator: Option<Daemon>,
    port: u16,
    starts: usize,
}

impl Scene {
    /// A cluster with the operator running and ready.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_in(ControlPlane::builder()).await
    }

    /// The same in a cluster with more than the usual.
    pub async fn start_in(builder: Builder) -> anyhow::Result<Self> {
        let mut scene = Self::without_operator(builder).await?;
        scene.start_operator().await?;
        Ok(scene)
    }

    /// A cluster in which everything but the operator is installed.
    pub async fn without_operator(builder: Builder) -> anyhow::Result<Self> {
        let cluster = builder.audit_policy_or(AUDIT_POLICY_METADATA).start().await?;
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        // The resources of a definition are served some moments after it is established.
        cluster.kubectl(["apply", "--server-side", "-k"]).arg(deploy).run().await?;
        let definitions = ["crd/approvedcronjobs.cronwarden.dev", "crd/scheduledworkloadfindings.cronwarden.dev"];
        cluster.kubectl(["wait", "--for=condition=established", "--timeout=60s"]).args(definitions).run().await?;
        let token = cluster.service_account_token("cronwarden", "cronwarden").await?;
        let kubeconfig = cluster.kubeconfig_with_token(&token)?;
        let client = cluster.client().await?;
        Ok(Self { cluster, client, arguments: Vec::new(), kubeconfig, operator: None, port: 0, starts: 0 })
    }

    /// Starts the operator as the service account of `deploy` and waits until it is ready.
    pub async fn start_operator(&mut self) -> anyhow::Result<()> {
        self.spawn_operator()?;
        eventually("the operator is ready", PATIENCE, async || {
            let (status, body) = self.http("/readyz").map_err(|error| format!("{error:#}"))?;
            if status == 200 { Ok(()) } else { Err(format!("{status}: {body}\n{}", self.log_tail())) }
        })
        .await;
        Ok(())
    }

    /// Starts the operator without waiting.
    pub fn spawn_operator(&mut self) -> anyhow::Result<()> {
        let port = Port::reserve()?;
        self.port = port.number();
        drop(port);
        self.starts += 1;
        let log = self.cluster.scratch_dir().join(format!("operator-{}.log", self.starts));
        let listen = format!("127.0.0.1:{}", self.port);
        let mut arguments = vec!["run", "--listen", &listen, "--log", "info,cronwarden=debug"];
        arguments.extend(&self.arguments);
        let environment = [("KUBECONFIG", self.kubeconfig.as_os_str())];
        self.operator = Some(Daemon::spawn(env!("CARGO_BIN_EXE_cronwarden"), arguments, environment, log)?);
        Ok(())
    }

    /// Asks the operator to end, and waits until it has.
    pub async fn stop_operator(&mut self) -> anyhow::Result<ExitStatus> {
        self.operator.take().context("the operator is not running")?.terminate(Duration::from_secs(20)).await
    }

    /// Kills the operator where it stands.
    pub fn kill_operator(&mut self) -> anyhow::Result<()> {
        self.operator.take().context("the operator is not running")?.kill().map(drop)
    }

    /// Sends the operator a signal.
    pub fn signal_operator(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.operator.as_mut().context("the operator is not running")?.signal(signal)
    }

    /// The process id of the operator.
    pub fn operator_pid(&self) -> anyhow::Result<u32> {
        Ok(self.operator.as_ref().context("the operator is not running")?.pid())
    }

    /// Fails if the operator has ended.
    pub fn ensure_operator_runs(&mut self) -> anyhow::Result<()> {
        self.operator.as_mut().context("the operator was not started")?.ensure_running()
    }

    /// Everything that operators have logged so far.
    pub fn logs(&self) -> String {
        let log = |start| self.cluster.scratch_dir().join(format!("operator-{start}.log"));
        (1..=self.starts).filter_map(|start| std::fs::read_to_string(log(start)).ok()).collect()
    }

    fn log_tail(&self) -> String {
        self.operator.as_ref().map(Daemon::log_tail).unwrap_or_default()
    }

    /// Where the operator serves its pages.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Asks the operator for a page.
    pub fn http(&self, path: &str) -> anyhow::Result<(u16, String)> {
        page(self.address(), path)
    }

    /// The value of a metric of the operator, with its labels as they are written.
    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        Ok(self.metric_text(name)?.parse()?)
    }

    /// The value of a metric that counts something.
    pub fn count(&self, name: &str) -> anyhow::Result<usize> {
        Ok(self.metric_text(name)?.parse()?)
    }

    fn metric_text(&self, name: &str) -> anyhow::Result<String> {
        let (_, page) = self.http("/metrics")?;
        let line = page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        let line = line.with_context(|| format!("no metric {name} in:\n{page}"))?;
        Ok(line.rsplit(' ').next().context("a metric without a value")?.to_owned())
    }

    /// Applies manifests as the administrator.
    pub async fn apply(&self, manifests: &[Value]) -> anyhow::Result<()> {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": manifests });
        self.cluster
            .kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"])
            .stdin(list.to_string())
            .run()
            .await?;
        Ok(())
    }

    /// Applies approvals and waits until the operator knows them: what is applied next is judged with them. Without that, a
    /// CronJob may be seen before its approval.
    pub async fn approve(&self, approvals: &[Value]) -> anyhow::Result<()> {
        self.apply(approvals).await?;
        for approval in approvals {
            let name = approval["metadata"]["name"].as_str().context("an approval without a name")?;
            let generation = self.approvals().get(name).await?.metadata.generation;
            self.approval_status(name, "known", |status| status.observed_generation >= generation).await;
        }
        Ok(())
    }

    pub fn cron_jobs(&self, namespace: &str) -> Api<CronJob> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub fn findings(&self) -> Api<ScheduledWorkloadFinding> {
        Api::all(self.client.clone())
    }

    pub fn approvals(&self) -> Api<ApprovedCronJob> {
        Api::all(self.client.clone())
    }

    /// All findings.
    pub async fn all_findings(&self) -> anyhow::Result<Vec<ScheduledWorkloadFinding>> {
        Ok(self.findings().list(&ListParams::default()).await?.items)
    }

    /// The findings about a workload that are complete, newest last.
    pub async fn findings_about(&self, namespace: &str, name: &str) -> anyhow::Result<Vec<ScheduledWorkloadFinding>> {
        let mut findings = self.all_findings().await?;
        findings
            .retain(|f| f.spec.workload.namespace == namespace && f.spec.workload.name == name && f.status.is_some());
        findings.sort_by_key(|f| f.metadata.creation_timestamp.clone());
        Ok(findings)
    }

    /// Waits until the only finding about a workload fits, and returns it.
    pub async fn finding(
        &self,
        namespace: &str,
        name: &str,
        what: &str,
        fits: impl Fn(&ScheduledWorkloadFinding) -> bool,
    ) -> ScheduledWorkloadFinding {
        eventually(&format!("the finding about {namespace}/{name} is {what}"), PATIENCE, async || {
            let found = self.findings_about(namespace, name).await.map_err(|error| format!("{error:#}"))?;
            match found.as_slice() {
                [finding] if fits(finding) => Ok(finding.clone()),
                found => {
                    let states: Vec<String> =
                        found.iter().map(|f| serde_json::to_string(&f.status).unwrap_or_default()).collect();
                    Err(format!("{} findings: {states:?}", found.len()))
                }
            }
        })
        .await
    }

    /// Waits until the only finding about a workload is in a state.
    pub async fn finding_in(&self, state: State, namespace: &str, name: &str) -> ScheduledWorkloadFinding {
        self.finding(namespace, name, state.as_str(), |f| f.status.as_ref().is_some_and(|s| s.state == state)).await
    }

    /// Waits until the operator has nothing left to do: every cache was read, everything judged and written.
    pub async fn settled(&self) {
        eventually("the operator has settled", Duration::from_mins(3), async || self.is_settled()).await;
    }

    /// Whether the operator has nothing left to do, or what it still has to do.
    pub fn is_settled(&self) -> Result<(), String> {
        let pending = self.metric("cronwarden_pending").map_err(|error| format!("{error:#}"))?;
        let first_pass = self.metric("cronwarden_first_pass_seconds").map_err(|error| format!("{error:#}"))?;
        if pending == 0.0 && first_pass > 0.0 { Ok(()) } else { Err(format!("{pending} pending")) }
    }

    /// The Events that the operator sent into a namespace.
    pub async fn events(&self, namespace: &str) -> anyhow::Result<Vec<Event>> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let mut events = api.list(&ListParams::default()).await?.items;
        events.retain(|event| event.reporting_controller.as_deref() == Some("cronwarden.dev/operator"));
        Ok(events)
    }

    /// The reasons of the Events about a workload, in their order.
    pub async fn told(&self, namespace: &str, name: &str) -> anyhow::Result<Vec<String>> {
        let mut events = self.events(namespace).await?;
        events.retain(|event| event.regarding.as_ref().is_some_and(|r| r.name.as_deref() == Some(name)));
        events.sort_by_key(|event| event.event_time.clone());
        Ok(events.into_iter().filter_map(|event| event.reason).collect())
    }

    /// Waits until exactly these Events about a workload were sent.
    pub async fn wait_until_told(&self, namespace: &str, name: &str, reasons: &[&str]) {
        eventually(&format!("Events about {namespace}/{name}"), PATIENCE, async || {
            let told = self.told(namespace, name).await.map_err(|error| format!("{error:#}"))?;
            if told == reasons { Ok(()) } else { Err(format!("{told:?} instead of {reasons:?}")) }
        })
        .await;
    }

    /// Waits until the status of an approval fits, and returns it.
    pub async fn approval_status(
        &self,
        name: &str,
        what: &str,
        fits: impl Fn(&ApprovedCronJobStatus) -> bool,
    ) -> ApprovedCronJobStatus {
        eventually(&format!("the approval {name} is {what}"), PATIENCE, async || {
            let approval = self.approvals().get_status(name).await.map_err(|error| error.to_string())?;
            match approval.status {
                Some(status) if fits(&status) => Ok(status),
                status => Err(serde_json::to_string(&status).unwrap_or_default()),
            }
        })
        .await
    }

    /// Every successful write of the operator so far, as the API server audited it.
    pub fn writes(&self) -> anyhow::Result<Vec<AuditEvent>> {
        self.cluster.writes_by(OPERATOR_USER)
    }
}

/// The status and the body of a page of the operator at an address.
pub fn page(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).context("cannot connect to the operator")?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    let status = head.split(' ').nth(1).context("an answer without a status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// A namespace.
pub fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// An ordinary CronJob, which [`approval`] approves.
pub fn cron_job(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "namespace": namespace, "name": name, "labels": { "team": "payments" } },
        "spec": {
            "schedule": "0 2 * * *",
            "timeZone": "Etc/UTC",
            "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "backup",
                "containers": [{
                    "name": "dump",
                    "image": "registry.example.com/backup/pgdump:v3.2",
                    "command": ["/usr/bin/pgdump"],
                    "args": ["--all"],
                    "env": [{ "name": "PGPASSWORD", "valueFrom": { "secretKeyRef": { "name": "pg-credentials", "key": "password" } } }],
                }],
            } } } },
        },
    })
}

/// An approval of one workload that constrains everything that [`cron_job`] has.
pub fn approval(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": format!("{namespace}-{name}") },
        "spec": {
            "match": { "namespaces": [namespace], "names": [name] },
            "owner": { "team": "payments" },
            "expected": {
                "schedules": ["0 2 * * *"],
                "timeZones": ["Etc/UTC"],
                "minimumInterval": "1h",
                "windows": ["01:00-05:00"],
                "images": [{ "repository": "registry.example.com/backup/pgdump", "tags": ["v3.*"] }],
                "commands": [{ "command": ["/usr/bin/pgdump"], "args": ["--all"] }],
                "serviceAccounts": ["backup"],
                "labels": { "team": "payments" },
                "suspended": false,
            },
            "allowed": { "secrets": ["pg-credentials"] },
        },
    })
}
