//! The inventory that a command judges against: from files, from a cluster, or from both.

use std::collections::BTreeMap;

use kube::Client;

use super::connect::{Cluster, runtime};
use super::input::{Found, Input, Origin};
use crate::api::ApprovedCronJob;
use crate::api::approval::from_value;
use crate::api::validation::validate;
use crate::cluster::read;
use crate::inventory::{Approval, Inventory, Labels, NAME_LABEL};
use crate::manifest::Level;
use crate::report::{Problem, Source};
use crate::workload::WorkloadKind;
use crate::workload::redact::printable;

/// The longest message about an approval, in characters.
const LONGEST_MESSAGE: usize = 512;

/// The word for the inventory of the cluster.
const CLUSTER: &str = "cluster";

/// Approvals as they are declared, and what is known of namespaces.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) inventory: Inventory,
    pub(super) approvals: BTreeMap<String, ApprovedCronJob>,
    pub(super) namespaces: BTreeMap<String, Labels>,
    /// What cannot be used.
    pub(super) problems: Vec<Problem>,
    /// Where each approval was found first.
    places: BTreeMap<String, String>,
}

impl Declared {
    /// The inventory that `--inventory` names; without it, the approvals that were found among the input. Fails if the cluster
    /// cannot be asked.
    pub(super) fn of(named: &[String], cluster: &Cluster, input: &mut Input) -> anyhow::Result<Self> {
        let mut declared = Self::default();
        declared.add_files(input);
        if named.is_empty() {
            return Ok(declared);
        }
        // What is among the input is checked, but does not count.
        declared = Self { namespaces: declared.namespaces, problems: declared.problems, ..Self::default() };
        let paths: Vec<String> = named.iter().filter(|path| *path != CLUSTER).cloned().collect();
        if !paths.is_empty() {
            let mut files = Input::read(&paths, &[]);
            declared.problems.append(&mut files.problems);
            declared.add_files(&mut files);
        }
        if paths.len() < named.len() {
            runtime()?.block_on(async { declared.add_cluster(&cluster.connect().await?).await })?;
        }
        Ok(declared)
    }

    /// Adds the approvals and namespaces that were found in files.
    fn add_files(&mut self, input: &mut Input) {
        for (name, mut labels) in std::mem::take(&mut input.gathered.namespaces) {
            // The API server gives it to every namespace, whatever its manifest says.
            labels.insert(NAME_LABEL.to_owned(), name.clone());
            self.namespaces.insert(name, labels);
        }
        for Found { origin, object: (name, value) } in std::mem::take(&mut input.gathered.approvals) {
            let place = format!("{}:{}", input.source(&origin), origin.position.line);
            if let Some(first) = self.places.get(&name) {
                let message =
                    format!("the approval {} is declared twice: it is in {first}, too", printable(&name, 253));
                self.refuse(input, &origin, "metadata.name", &message);
                continue;
            }
            self.places.insert(name, place);
            let refused = validate(&value);
            for invalid in &refused {
                self.refuse(input, &origin, &invalid.path, &invalid.to_string());
            }
            if !refused.is_empty() {
                continue;
            }
            match from_value(value) {
                Ok(approval) => {
                    for (field, message) in self.add(approval) {
                        self.refuse(input, &origin, &field, &message);
                    }
                }
                Err(error) => self.refuse(input, &origin, "", &error.to_string()),
            }
        }
    }

    /// Adds the inventory of a cluster, and the labels of its namespaces.
    async fn add_cluster(&mut self, client: &Client) -> anyhow::Result<()> {
        self.namespaces.append(&mut read::namespaces(client, None).await?);
        self.add_inventory(client).await
    }

    /// Adds the inventory of a cluster.
    pub(super) async fn add_inventory(&mut self, client: &Client) -> anyhow::Result<()> {
        for (name, approval) in read::approvals(client).await? {
            let problems = match approval {
                Ok(approval) => self.add(approval),
                Err(reason) => vec![(String::new(), reason)],
            };
            for (_, message) in problems {
                let message = printable(&format!("the approval {name} approves nothing: {message}"), LONGEST_MESSAGE);
                let source = Source::Cluster;
                self.problems.push(Problem { source, position: None, level: Level::Error, message, excerpt: None });
            }
        }
        Ok(())
    }

    /// The labels of a namespace, if they are known.
    pub(super) fn labels(&self, namespace: &str) -> Option<&Labels> {
        self.namespaces.get(namespace)
    }

    /// Whether any approval speaks for workloads of a kind.
    pub(super) fn speaks_for(&self, kind: WorkloadKind) -> bool {
        self.inventory.iter().any(|approval| approval.matcher.speaks_for(kind))
    }

    /// Adds an approval, and returns what of it cannot be used.
    fn add(&mut self, approval: ApprovedCronJob) -> Vec<(String, String)> {
        let compiled = Approval::compile(&approval);
        let problems = compiled.rules.as_ref().err().into_iter().flatten();
        let problems = problems.map(|problem| (problem.field.clone(), problem.to_string())).collect();
        self.approvals.insert(compiled.name.to_string(), approval);
        self.inventory.insert(compiled);
        problems
    }

    /// Puts a drafted approval into the inventory.
    pub(super) fn put(&mut self, approval: ApprovedCronJob) {
        self.add(approval);
    }

    fn refuse(&mut self, input: &Input, origin: &Origin, field: &str, message: &str) {
        let spot = input.spots(origin, &[(origin.index, vec![field])], true).ok();
        let spot = spot.and_then(|mut objects| objects.pop()?.pop());
        let position = spot.as_ref().map_or(origin.position, |spot| spot.place.start);
        self.problems.push(Problem {
            source: input.source(origin),
            position: Some(position),
            level: Level::Error,
            message: printable(message, LONGEST_MESSAGE),
            excerpt: spot.and_then(|spot| spot.excerpt),
        });
    }
}
