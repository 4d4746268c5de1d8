//! What the observing admission webhook adds to creating a CronJob.
//!
//! `cargo bench --bench admission -- [--samples N] [--json]`
//!
//! One API server, two namespaces, by turns: requests for the one are shown to the operator before they are carried out, those for
//! the other are not. What differs between the two is what the webhook costs, and a slow machine slows both.

#[path = "../../tests/harness/mod.rs"]
mod harness;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use k8s_openapi::api::batch::v1::CronJob;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

use harness::ports::Port;
use harness::{ControlPlane, Daemon, ScratchDir, try_eventually};

/// Neither warm connections nor warm caches are what is measured.
const WARM_UP: usize = 50;

const PATIENCE: Duration = Duration::from_mins(1);

/// Whose requests are shown to the operator, and whose are not.
const WATCHED: &str = "watched";
const UNWATCHED: &str = "unwatched";

/// Measures what admission costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many `CronJob`s are created in each namespace.
    #[arg(long, default_value_t = 2_000)]
    samples: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scene = Scene::start().await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    eprintln!("bench: creating {} CronJobs with and without the webhook, by turns", arguments.samples);
    for number in 0..WARM_UP + arguments.samples {
        let (one, other) = (scene.create(WATCHED, number).await?, scene.create(UNWATCHED, number).await?);
        if number >= WARM_UP {
            with.push(one);
            without.push(other);
        }
    }
    let told = scene.facts()?;
    anyhow::ensure!(told >= arguments.samples, "only {told} requests were shown to the operator");
    print(&arguments, &mut with, &mut without)
}

/// A control plane and an operator that it asks.
struct Scene {
    client: Client,
    http: Port,
    plane: ControlPlane,
    _operator: Daemon,
    _files: ScratchDir,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        eprintln!("bench: starting the control plane and the operator");
        let (files, http, intake) = (ScratchDir::new()?, Port::reserve()?, Port::reserve()?);
        let address = format!("127.0.0.1:{}", intake.number());
        let folder = files.path().join("files");
        let made = std::process::Command::new(env!("CARGO_BIN_EXE_cronwarden"))
            .args(["certificates", "--address", &address, "--output"])
            .arg(&folder)
            .output()?;
        anyhow::ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let plane = ControlPlane::builder().start().await?;
        let operator = run_operator(&plane, &folder, &address, &http).await?;
        let client = plane.client().await?;
        let scene = Self { client, http, plane, _operator: operator, _files: files };
        scene.register(&folder, &address).await?;
        Ok(scene)
    }

    /// Has the API server ask the operator about one of the namespaces, and waits until it does.
    async fn register(&self, files: &Path, address: &str) -> anyhow::Result<()> {
        for name in [WATCHED, UNWATCHED] {
            self.plane.kubectl(["create", "namespace", name]).run().await?;
        }
        self.plane.kubectl(["apply", "-f"]).arg(files.join("validating-webhook.yaml")).run().await?;
        let token = std::fs::read_to_string(files.join("token"))?;
        let patch = json!([
            { "op": "remove", "path": "/webhooks/0/clientConfig/service" },
            { "op": "add", "path": "/webhooks/0/clientConfig/url", "value": format!("https://{address}/admission/{}", token.trim()) },
            { "op": "add", "path": "/webhooks/0/namespaceSelector", "value": { "matchLabels": { "kubernetes.io/metadata.name": WATCHED } } },
        ])
        .to_string();
        let configuration = ["patch", "validatingwebhookconfiguration", "cronwarden", "--type=json", "-p", &patch];
        self.plane.kubectl(configuration).run().await?;
        let mut probes = 1_000_000;
        try_eventually("the API server asks the operator", PATIENCE, async || {
            probes += 1;
            self.create(WATCHED, probes).await.map_err(|error| format!("{error:#}"))?;
            let facts = self.facts().map_err(|error| format!("{error:#}"))?;
            if facts > 0 { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await
    }

    async fn create(&self, namespace: &str, number: usize) -> anyhow::Result<Duration> {
        let cron_job: CronJob = serde_json::from_value(json!({
            "metadata": { "name": format!("sample-{number}"), "labels": { "team": "bench" } },
            "spec": { "schedule": "0 2 * * *", "suspend": true, "jobTemplate": { "spec": { "template": { "spec": {
                "restartPolicy": "Never",
                "containers": [{ "name": "dump", "image": "registry.example.com/backup/pgdump:v3.2", "command": ["/usr/bin/pgdump"], "args": ["--all"] }],
            } } } } },
        }))?;
        let api: Api<CronJob> = Api::namespaced(self.client.clone(), namespace);
        let start = Instant::now();
        api.create(&PostParams::default(), &cron_job).await?;
        Ok(start.elapsed())
    }

    /// How many requests were shown to the operator.
    fn facts(&self) -> anyhow::Result<usize> {
        let page = page(self.http.number())?;
        let line =
            page.lines().find_map(|line| line.strip_prefix("cronwarden_intake_facts_total{source=\"admission\"} "));
        Ok(line.map_or(Ok(0), str::parse)?)
    }
}

async fn run_operator(plane: &ControlPlane, files: &Path, address: &str, http: &Port) -> anyhow::Result<Daemon> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    plane.kubectl(["apply", "--server-side", "-k"]).arg(deploy).run().await?;
    let definitions = ["crd/approvedcronjobs.cronwarden.dev", "crd/scheduledworkloadfindings.cronwarden.dev"];
    plane.kubectl(["wait", "--for=condition=established", "--timeout=60s"]).args(definitions).run().await?;
    let kubeconfig = plane.kubeconfig_with_token(&plane.service_account_token("cronwarden", "cronwarden").await?)?;
    let listen = format!("127.0.0.1:{}", http.number());
    let mut arguments: Vec<PathBuf> =
        ["run", "--listen", &listen, "--intake-listen", address].into_iter().map(PathBuf::from).collect();
    for (option, file) in [
        ("--tls-cert", "tls.crt"),
        ("--tls-key", "tls.key"),
        ("--intake-client-ca", "ca.crt"),
        ("--intake-token-file", "token"),
    ] {
        arguments.extend([option.into(), files.join(file)]);
    }
    let log = plane.scratch_dir().join("operator.log");
    let operator =
        Daemon::spawn(env!("CARGO_BIN_EXE_cronwarden"), arguments, [("KUBECONFIG", kubeconfig.as_os_str())], log)?;
    let ready = async || match page(http.number()) {
        Ok(page) if page.lines().any(|line| line == "cronwarden_pending 0") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    try_eventually("the operator is ready", PATIENCE, ready).await.with_context(|| operator.log_tail())?;
    Ok(operator)
}

fn page(port: u16) -> anyhow::Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).context("it does not listen yet")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn print(arguments: &Arguments, with: &mut [Duration], without: &mut [Duration]) -> anyhow::Result<()> {
    with.sort();
    without.sort();
    let rows = [50, 90, 99].map(|percent| (percent, milliseconds(with, percent), milliseconds(without, percent)));
    let text = if arguments.json {
        let rows = rows.map(|(percent, with, without)| {
            json!({ "percentile": percent, "withMs": with, "withoutMs": without, "addedMs": with - without })
        });
        format!("{}\n", json!({ "samples": arguments.samples, "create": rows }))
    } else {
        let mut text = format!("{:<6} {:>12} {:>12} {:>12}\n", "create", "with", "without", "added");
        for (percent, with, without) in rows {
            writeln!(text, "p{percent:<5} {with:>9.2} ms {without:>9.2} ms {:>9.2} ms", with - without)?;
        }
        text
    };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(())
}

fn milliseconds(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |sample| sample.as_secs_f64() * 1000.0)
}
