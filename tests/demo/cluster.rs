//! The cluster that the demo plays in: one of its own, or one that it is a guest in.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use crate::harness::{Binaries, ControlPlane, Kubectl, ScratchDir, WORKLOAD_CONTROLLERS};
use crate::marked::Marked;
use crate::screen::Screen;

/// A namespace and the name of a workload in it.
pub type Key = (String, String);

/// Who brings the inventory, and who the workloads, in a cluster of our own.
const PIPELINE: &str = "inventory-pipeline";
const PERSON: &str = "jane@acme.example";

const DEFINITIONS: [&str; 2] = ["crd/approvedcronjobs.cronwarden.dev", "crd/scheduledworkloadfindings.cronwarden.dev"];

/// The cluster has objects that the demo would have to touch.
#[derive(Debug, thiserror::Error)]
#[error(
    "these objects exist in the cluster already, and the demo touches nothing that it did not make: remove them, or use \
     another cluster\n  {}", .0.join("\n  ")
)]
pub struct Refused(Vec<String>);

/// A cluster.
pub struct Cluster {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
    /// `CronJob`s and Jobs that are none of the demo's.
    foreign: BTreeSet<Key>,
    place: Place,
    scratch: ScratchDir,
}

/// Whose cluster it is.
enum Place {
    /// Ours: it goes away with everything in it.
    Own { plane: Box<ControlPlane> },
    /// Somebody else's: what is made in it is marked, and removed by that mark. Nothing was made before the mark is set.
    Guest(Option<Marked>),
}

impl Cluster {
    /// A local control plane, or the cluster of a kubeconfig.
    pub async fn start(kubeconfig: Option<&Path>, screen: &Screen) -> anyhow::Result<Self> {
        let Some(kubeconfig) = kubeconfig else {
            screen.step("Starting a control plane on this machine: etcd, kube-apiserver, kube-controller-manager");
            let started = Instant::now();
            let policy = deploy().join("intake/audit-policy.yaml");
            let policy =
                std::fs::read_to_string(&policy).with_context(|| format!("cannot read {}", policy.display()))?;
            let builder = ControlPlane::builder().controllers(WORKLOAD_CONTROLLERS).audit_policy(policy);
            let people =
                [PIPELINE, PERSON].into_iter().fold(builder, |builder, who| builder.user(who, &["system:masters"]));
            let plane = people.start().await?;
            let kubectl = Binaries::find_or_build().await?.kubectl;
            screen.note(&format!("{}, ready after {:.1?}", plane.url(), started.elapsed()));
            return Ok(Self {
                kubectl,
                kubeconfig: plane.kubeconfig().to_owned(),
                home: plane.scratch_dir().to_owned(),
                foreign: BTreeSet::new(),
                place: Place::Own { plane: Box::new(plane) },
                scratch: ScratchDir::new()?,
            });
        };
        screen.step(&format!("Looking at the cluster of {}", kubeconfig.display()));
        let scratch = ScratchDir::new()?;
        let kubeconfig =
            std::path::absolute(kubeconfig).with_context(|| format!("cannot use {}", kubeconfig.display()))?;
        let mut cluster = Self {
            kubectl: match find_in_path("kubectl") {
                Some(kubectl) => kubectl,
                None => Binaries::find_or_build().await?.kubectl,
            },
            kubeconfig,
            // Plugins for credentials look for their files in the home directory.
            home: std::env::home_dir().unwrap_or_else(|| scratch.path().to_owned()),
            foreign: BTreeSet::new(),
            place: Place::Guest(None),
            scratch,
        };
        cluster.ensure_free().await?;
        cluster.foreign = cluster.workloads().await?;
        screen.note(&format!(
            "nothing by the names of the demo's is in it; CronJobs and Jobs of its own: {}",
            cluster.foreign.len()
        ));
        Ok(cluster)
    }

    pub fn kubectl(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Kubectl {
        Kubectl::new(&self.kubectl, &self.kubeconfig, &self.home).args(args).limit(Duration::from_mins(3))
    }

    /// Where this `kubectl` is, if a shell would not find it.
    pub fn hidden_kubectl(&self) -> Option<&Path> {
        find_in_path("kubectl").is_none().then_some(&self.kubectl)
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Whether a workload was there before the demo. The demo makes no Jobs with generated names, whose findings end in `*`.
    pub fn is_foreign(&self, key: &Key) -> bool {
        self.foreign.contains(key) || key.1.ends_with('*')
    }

    /// The audit log of the cluster, if it is ours.
    pub fn audit_log(&self) -> Option<&Path> {
        match &self.place {
            Place::Own { plane } => Some(plane.audit_log()),
            Place::Guest(_) => None,
        }
    }

    /// The name under which the operator sends Events.
    pub fn instance(&self) -> String {
        match &self.place {
            Place::Guest(Some(marked)) => marked.instance(),
            Place::Own { .. } | Place::Guest(None) => "demo".to_owned(),
        }
    }

    /// Installs Cronwarden, then the inventory, then the workloads.
    pub async fn install(&mut self, screen: &Screen) -> anyhow::Result<()> {
        if let Place::Guest(marked) = &mut self.place {
            *marked = Some(Marked::new());
        }
        screen.step("Installing Cronwarden: its resources, its service account, its permissions");
        self.put("-k", &deploy(), None, screen).await?;
        self.kubectl(["wait", "--for=condition=established", "--timeout=60s"]).args(DEFINITIONS).run().await?;
        screen.step("Applying the inventory: what may run");
        self.put("-f", &example("inventory.yaml"), Some(PIPELINE), screen).await?;
        screen.step("Applying the workloads: what does run");
        self.put("-f", &example("workloads.yaml"), Some(PERSON), screen).await
    }

    /// Applies something, in a cluster of our own as somebody that the audit log can name.
    async fn put(&self, option: &str, source: &Path, who: Option<&str>, screen: &Screen) -> anyhow::Result<()> {
        let shown = source.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(source).display();
        match &self.place {
            Place::Guest(Some(marked)) => {
                screen.note(&format!("kubectl create {option} {shown}, each object with the label {}", marked.label()));
                marked.create(self, option, source).await
            }
            Place::Own { plane } => {
                let mut kubectl = self.kubectl(["apply", "--server-side", option]).arg(source);
                if let Some(who) = who {
                    kubectl = kubectl.kubeconfig(plane.kubeconfig_with_token(plane.user_token(who)?)?);
                }
                let by = who.map(|who| format!(", as {who}")).unwrap_or_default();
                screen.note(&format!("kubectl apply --server-side {option} {shown}{by}"));
                kubectl.run().await.map(drop)
            }
            Place::Guest(None) => anyhow::bail!("nothing may be made in the cluster of somebody else without a mark"),
        }
    }

    /// Fails if anything that the demo would make exists. The approvals need no look: they come with their definition.
    async fn ensure_free(&self) -> anyhow::Result<()> {
        let mut found = Vec::new();
        for (option, source) in [("-k", deploy()), ("-f", example("workloads.yaml"))] {
            let output = self.kubectl(["get", "--ignore-not-found", "-o", "name", option]).arg(source).run().await?;
            found.extend(output.stdout.lines().map(str::to_owned));
        }
        if found.is_empty() { Ok(()) } else { Err(Refused(found).into()) }
    }

    async fn workloads(&self) -> anyhow::Result<BTreeSet<Key>> {
        let list = self.kubectl(["get", "cronjobs,jobs", "-A", "-o", "json"]).run().await?.json()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().into_iter().flatten();
        Ok(items.map(|item| (text(&item["metadata"]["namespace"]), text(&item["metadata"]["name"]))).collect())
    }

    /// A kubeconfig with which the operator is its service account.
    pub async fn operator_kubeconfig(&self) -> anyhow::Result<PathBuf> {
        let token = self.kubectl(["create", "token", "cronwarden", "-n", "cronwarden", "--duration=24h"]).run().await?;
        let mut config =
            self.kubectl(["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]).run().await?.json()?;
        config["users"] = json!([{ "name": "cronwarden", "user": { "token": token.stdout.trim() } }]);
        config["contexts"][0]["context"]["user"] = json!("cronwarden");
        let path = self.scratch.path().join("operator.kubeconfig");
        std::fs::write(&path, config.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Stops the cluster if it is ours, and removes everything that was made in it if not.
    pub async fn remove(self, screen: &Screen) -> anyhow::Result<()> {
        match &self.place {
            Place::Guest(None) => Ok(()),
            Place::Guest(Some(marked)) => {
                screen.step("Removing everything that the demo made");
                marked.remove(&self).await?;
                screen.note("done");
                Ok(())
            }
            Place::Own { .. } => {
                screen.step("Stopping the control plane");
                Ok(())
            }
        }
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A file of the examples.
pub fn example(name: &str) -> PathBuf {
    deploy().join("examples").join(name)
}

fn find_in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
