//! The inventory that a command judges against: from files, from a cluster, or from both.

use std::collections::BTreeMap;

use kube::Client;

use super::connect::{Cluster, runtime};
use super::input::{Declaration, Found, Input, Origin};
use crate::api::ApprovedCronJob;
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
    /// What was refused and is not placed yet: the approval, its field, and why.
    refused: Vec<(Origin, String, String)>,
}

impl Declared {
    /// The inventory that `--inventory` names; without it, the approvals that were found among the input. Fails if the cluster
    /// cannot be asked.
    pub(super) fn of(named: &[String], cluster: &Cluster, input: &mut Input) -> anyhow::Result<Self> {
        let mut declared = Self::default();
        declared.add_namespaces_of(input);
        if named.is_empty() {
            declared.add_approvals(input);
            return Ok(declared);
        }
        // What is among the input is checked, but does not count. It may be there in two versions, such as a checkout beside
        // another.
        for found in std::mem::take(&mut input.gathered.approvals) {
            declared.check(found);
        }
        declared.place_refused(input);
        let paths: Vec<String> = named.iter().filter(|path| *path != CLUSTER).cloned().collect();
        if !paths.is_empty() {
            let mut files = Input::read(&paths, &[]);
            declared.problems.append(&mut files.problems);
            declared.add_namespaces_of(&mut files);
            declared.add_approvals(&mut files);
        }
        if paths.len() < named.len() {
            runtime()?.block_on(async { declared.add_cluster(&cluster.connect().await?).await })?;
        }
        Ok(declared)
    }

    /// Adds the namespaces that were found in files.
    fn add_namespaces_of(&mut self, input: &mut Input) {
        for (name, mut labels) in std::mem::take(&mut input.gathered.namespaces) {
            // The API server gives it to every namespace, whatever its manifest says.
            labels.insert(NAME_LABEL.to_owned(), name.clone());
            self.namespaces.insert(name, labels);
        }
    }

    /// Adds the approvals that were found in files.
    fn add_approvals(&mut self, input: &mut Input) {
        for found in std::mem::take(&mut input.gathered.approvals) {
            let Found { origin, object: (name, _) } = &found;
            let (origin, name) = (origin.clone(), name.clone());
            let place = format!("{}:{}", input.source(&origin), origin.position.line);
            if let Some(first) = self.places.get(&name) {
                let message =
                    format!("the approval {} is declared twice: it is in {first}, too", printable(&name, 253));
                self.refuse(&origin, "metadata.name", &message);
                continue;
            }
            self.places.insert(name, place);
            if let Some((approval, compiled)) = self.check(found) {
                self.put(approval, compiled);
            }
        }
        self.place_refused(input);
    }

    /// Says what is wrong with an approval, and returns it if it is one all the same.
    fn check(&mut self, found: Found<(String, Declaration)>) -> Option<(ApprovedCronJob, Approval)> {
        let Found { origin, object: (_, Declaration { approval, problems }) } = found;
        for (field, message) in problems {
            self.refuse(&origin, &field, &message);
        }
        approval
    }

    /// Adds the inventory of a cluster, and the labels of its namespaces.
    async fn add_cluster(&mut self, client: &Client) -> anyhow::Result<()> {
        self.add_namespaces(client, None).await?;
        self.add_inventory(client).await
    }

    /// Adds the labels of one namespace of a cluster, or of all. Who may not read them is told so, and judged without them.
    pub(super) async fn add_namespaces(&mut self, client: &Client, only: Option<&str>) -> anyhow::Result<()> {
        if let Some(mut labels) = read::namespaces(client, only).await? {
            self.namespaces.append(&mut labels);
            return Ok(());
        }
        let (whose, verb) = match only {
            Some(name) => (format!("the namespace {}", printable(name, 253)), "get"),
            None => ("namespaces".to_owned(), "list"),
        };
        self.problems.push(Problem {
            source: Source::Cluster,
            position: None,
            level: Level::Warning,
            message: format!(
                "the labels of {whose} are unknown, because you may not {verb} namespaces: approvals that select namespaces by \
                 label cannot be judged"
            ),
            excerpt: None,
        });
        Ok(())
    }

    /// Adds the inventory of a cluster.
    pub(super) async fn add_inventory(&mut self, client: &Client) -> anyhow::Result<()> {
        for (name, approval) in read::approvals(client).await? {
            let problems: Vec<String> = match approval {
                Ok(approval) => {
                    let compiled = Approval::compile(&approval);
                    let problems = compiled.rules.as_ref().err().into_iter().flatten();
                    let problems = problems.map(ToString::to_string).collect();
                    self.put(approval, compiled);
                    problems
                }
                Err(reason) => vec![reason],
            };
            for message in problems {
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

    /// Whether workloads of a kind are judged: CronJobs always, Jobs if any approval speaks for Jobs.
    pub(super) fn judges(&self, kind: WorkloadKind) -> bool {
        kind == WorkloadKind::CronJob || self.inventory.iter().any(|approval| approval.matcher.speaks_for(kind))
    }

    /// Puts a drafted approval into the inventory, in the place of one of the same name.
    pub(super) fn put_draft(&mut self, approval: ApprovedCronJob) {
        let compiled = Approval::compile(&approval);
        self.put(approval, compiled);
    }

    fn put(&mut self, approval: ApprovedCronJob, compiled: Approval) {
        self.approvals.insert(compiled.name.to_string(), approval);
        self.inventory.insert(compiled);
    }

    fn refuse(&mut self, origin: &Origin, field: &str, message: &str) {
        self.refused.push((origin.clone(), field.to_owned(), printable(message, LONGEST_MESSAGE)));
    }

    /// Finds where what was refused stands: each document is read once more, however much of it was refused.
    fn place_refused(&mut self, input: &Input) {
        let refused = std::mem::take(&mut self.refused);
        for document in refused.chunk_by(|(a, ..), (b, ..)| a.is_beside(b)) {
            let Some((first, ..)) = document.first() else { continue };
            let wanted: Vec<_> =
                document.iter().map(|(origin, field, _)| (origin.index, vec![field.as_str()])).collect();
            let mut spots = input.spots(first, &wanted, true).unwrap_or_default().into_iter();
            for (origin, _, message) in document {
                let spot = spots.next().and_then(|mut spots| spots.pop());
                self.problems.push(Problem {
                    source: input.source(origin),
                    position: Some(spot.as_ref().map_or(origin.position, |spot| spot.place.start)),
                    level: Level::Error,
                    message: message.clone(),
                    excerpt: spot.and_then(|spot| spot.excerpt),
                });
            }
        }
    }
}
