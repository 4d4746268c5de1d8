//! Objects in somebody else's cluster: each is new, bears the mark of this run, and is removed by that mark.

use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::Cluster;

const LABEL: &str = "cronwarden.dev/demo";

/// What is made, in the order in which it is removed: workloads before their namespaces, findings with their definition.
const KINDS: [&str; 7] = [
    "cronjobs.batch",
    "jobs.batch",
    "namespaces",
    "approvedcronjobs.cronwarden.dev",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
];

/// The mark of a run.
pub struct Marked(String);

impl Marked {
    pub fn new() -> Self {
        Self(format!("{}-{}", Timestamp::now().as_second(), std::process::id()))
    }

    /// The label that every object bears.
    pub fn label(&self) -> String {
        format!("{LABEL}={}", self.0)
    }

    /// Creates the objects of a manifest. `create` fails where `apply` would change an object that somebody made a moment ago.
    pub async fn create(&self, cluster: &Cluster, option: &str, source: &Path) -> anyhow::Result<()> {
        let rendered =
            cluster.kubectl(["create", "--dry-run=client", "-o", "json", option]).arg(source).run().await?.stdout;
        let mut objects = Vec::new();
        for value in serde_json::Deserializer::from_str(&rendered).into_iter::<Value>() {
            match value.context("kubectl did not print JSON")? {
                list if list["kind"] == "List" => objects.extend(list["items"].as_array().cloned().unwrap_or_default()),
                object => objects.push(object),
            }
        }
        // The operator runs on this machine.
        objects.retain(|object| object["kind"] != "Deployment");
        for object in &mut objects {
            object["metadata"]["labels"][LABEL] = json!(self.0);
        }
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        cluster.kubectl(["create", "-f", "-"]).stdin(list.to_string()).run().await.map(drop)
    }

    /// Removes everything with the mark, and what the operator told about it. One failure does not keep the rest.
    pub async fn remove(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let mark = self.label();
        let mut left = Vec::new();
        for kind in KINDS {
            let delete = ["delete", kind, "-A", "--ignore-not-found", "--timeout=150s", "-l", &mark];
            // Not every kind can be in a namespace, and the definitions may not have been made.
            let delete: Vec<&str> = match kind {
                "cronjobs.batch" | "jobs.batch" => delete.to_vec(),
                _ => delete.into_iter().filter(|argument| *argument != "-A").collect(),
            };
            let output = cluster.kubectl(delete).output().await?;
            if !output.status.success() && !output.stderr.contains("doesn't have a resource type") {
                left.push(format!("{kind}: {}", output.stderr.trim()));
            }
        }
        if let Err(error) = self.remove_events(cluster).await {
            left.push(format!("events: {error:#}"));
        }
        anyhow::ensure!(left.is_empty(), "something with the label {mark} is left:\n  {}", left.join("\n  "));
        Ok(())
    }

    /// The name under which the operator of this run sends Events.
    pub fn instance(&self) -> String {
        format!("demo-{}", self.0)
    }

    async fn remove_events(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let list = cluster.kubectl(["get", "events.events.k8s.io", "-A", "-o", "json"]).run().await?.json()?;
        for event in list["items"].as_array().into_iter().flatten() {
            if event["reportingInstance"] != json!(self.instance()) {
                continue;
            }
            let text = |field: &str| event["metadata"][field].as_str().unwrap_or_default();
            let event = ["-n", text("namespace"), text("name")];
            cluster.kubectl(["delete", "events.events.k8s.io", "--ignore-not-found"]).args(event).run().await?;
        }
        Ok(())
    }
}
