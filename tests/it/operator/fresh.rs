//! A fresh evaluation of what is in the cluster now, to compare with what the operator has made of it over time.

mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cronwarden::api::finding::{ScheduledWorkloadFindingStatus as Status, State};
use cronwarden::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use cronwarden::assess::{Assessment, ConfigMaps, Identity, Surroundings, assess, missing, unreadable};
use cronwarden::finding::{self, Attribution, Subject, Write};
use cronwarden::identity::ledger::Attempt;
use cronwarden::identity::path::Paths;
use cronwarden::identity::{Claim, Provenance, Verb};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::workload::{Workload, WorkloadKey, WorkloadKind};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::scene::Scene;
use super::together::{Unapproved, campaigns};
use crate::harness::eventually;
use content::Content;

/// What the findings and the statuses of the approvals have to say.
struct Expected {
    /// The status of each finding that must be open, without times, by its name.
    open: BTreeMap<String, Status>,
    /// The uids of all workloads that exist.
    live: BTreeSet<String>,
    /// How many workloads each approval selects.
    selected: BTreeMap<String, i32>,
}

/// Waits until the operator has settled on what a fresh evaluation of the same cluster says.
pub async fn agrees(scene: &Scene, limit: Duration) {
    eventually("the findings equal those of a fresh evaluation", limit, async || {
        scene.is_settled()?;
        let differences = differences(scene).await.map_err(|error| format!("{error:#}"))?;
        if differences.is_empty() {
            return Ok(());
        }
        let shown: Vec<&str> = differences.iter().take(5).map(String::as_str).collect();
        Err(format!("{} differences, such as:\n{}", differences.len(), shown.join("\n")))
    })
    .await;
}

/// Every difference between what is recorded and what a fresh evaluation says.
async fn differences(scene: &Scene) -> anyhow::Result<Vec<String>> {
    let recorded = scene.all_findings().await?;
    let approvals = scene.approvals().list(&ListParams::default()).await?.items;
    let is_watched = scene.arguments.contains(&"--watch-config-maps");
    let content = if is_watched { Some(Content::of(&scene.client, &approvals).await?) } else { None };
    let config_maps = content.as_ref().map(|content| content as &dyn ConfigMaps);
    let mut expected = Expected::of(&scene.client, &approvals, &recorded, config_maps).await?;
    let mut differences = Vec::new();
    let mut subjects = BTreeSet::new();
    for finding in &recorded {
        let (name, workload) = (finding.name_any(), &finding.spec.workload);
        if name != finding::name(workload) {
            differences.push(format!("{name} has another name than its workload {workload:?} gives it"));
        }
        if !subjects.insert((workload.namespace.clone(), workload.name.clone(), workload.uid.clone())) {
            differences.push(format!("{name} is not the only one about {workload:?}"));
        }
        let Some(status) = &finding.status else {
            differences.push(format!("{name} has no status"));
            continue;
        };
        let gone = !workload.uid.is_empty() && !expected.live.contains(&workload.uid);
        match expected.open.remove(&name) {
            Some(open) if timeless(status) == open => {}
            Some(open) => differences.push(format!("{name} says {:?}\n  and not {open:?}", timeless(status))),
            None if status.state.is_active() => differences.push(format!("{name} is still {:?}", status.state)),
            None if gone || status.state == State::Resolved => {}
            None => differences.push(format!("{name} is {:?}, but its workload exists", status.state)),
        }
    }
    differences.extend(expected.open.into_keys().map(|name| format!("{name} is missing")));
    for approval in approvals {
        let (name, count) = (approval.name_any(), approval.status.map(|status| status.matched_workloads));
        if count != expected.selected.get(&name).copied() {
            differences.push(format!("{name} says {count:?} and not {:?}", expected.selected.get(&name)));
        }
    }
    Ok(differences)
}

impl Expected {
    async fn of(
        client: &Client,
        approvals: &[ApprovedCronJob],
        recorded: &[ScheduledWorkloadFinding],
        config_maps: Option<&dyn ConfigMaps>,
    ) -> anyhow::Result<Self> {
        let attempts = attempts(recorded);
        let namespaces = Api::<Namespace>::all(client.clone()).list(&ListParams::default()).await?;
        let namespaces: BTreeMap<String, Labels> =
            namespaces.items.into_iter().map(|n| (n.name_any(), n.metadata.labels.unwrap_or_default())).collect();
        let mut inventory = Inventory::default();
        for approval in approvals {
            inventory.insert(Approval::compile(approval));
        }
        let names = approvals.iter().map(|approval| (approval.name_any(), 0));
        let mut expected = Self { open: BTreeMap::new(), live: BTreeSet::new(), selected: names.collect() };
        let mut keys = BTreeSet::new();
        let now = Timestamp::now();
        let mut all = Vec::new();
        for (identity, text) in raw_items(client, "/apis/batch/v1/cronjobs").await? {
            all.push((identity, Workload::from_json(WorkloadKind::CronJob, text.get())));
        }
        let unapproved = all.iter().filter_map(|(identity, workload)| {
            let (workload, namespace) = (workload.as_ref().ok()?, identity.namespace.clone()?);
            let assessment = assess(workload, &inventory, &namespaces[&namespace], now);
            let (template, created) = (workload.template_hash(), identity.creation_timestamp.0);
            assessment.is_unapproved().then(|| Unapproved { uid: identity.uid.clone(), namespace, template, created })
        });
        let campaigns = campaigns(&unapproved.collect::<Vec<_>>(), recorded);
        for (identity, workload) in all {
            let key = WorkloadKey {
                namespace: identity.namespace.unwrap_or_default(),
                name: identity.name,
                kind: WorkloadKind::CronJob,
            };
            let name = finding::name(&finding::reference(&key, &identity.uid));
            let tampering = attempts.get(&name).cloned().unwrap_or_default();
            let provenance = Provenance { claim: claim(&identity.managed_fields), tampering, ..Provenance::default() };
            let paths = Paths::default();
            let known = Identity { provenance: &provenance, paths: &paths, approvers: &|_| Vec::new() };
            let assessment = match &workload {
                Ok(workload) => {
                    let namespace = Surroundings::from(&namespaces[&key.namespace]);
                    let surroundings = Surroundings { config_maps, ..namespace.with(known) };
                    let surroundings = surroundings.in_campaign(campaigns.get(&identity.uid));
                    assess(workload, &inventory, surroundings, now)
                }
                Err(reason) => unreadable(reason),
            };
            for approval in &assessment.approvals {
                *expected.selected.entry(approval.name.clone()).or_default() += 1;
            }
            let attribution = Attribution { provenance: &provenance, paths: &paths };
            expected.judged(&key, &identity.uid, workload.as_ref().ok(), Some(attribution), &assessment, now);
            expected.live.insert(identity.uid);
            keys.insert(key);
        }
        let required: BTreeSet<WorkloadKey> = inventory.iter().flat_map(|approval| approval.required()).collect();
        for key in required.difference(&keys) {
            expected.judged(key, "", None, None, &missing(key, &inventory.requiring(key, now)), now);
        }
        Ok(expected)
    }

    fn judged(
        &mut self,
        key: &WorkloadKey,
        uid: &str,
        workload: Option<&Workload>,
        attribution: Option<Attribution<'_>>,
        assessment: &Assessment,
        now: Timestamp,
    ) {
        let reference = finding::reference(key, uid);
        let subject = Subject { workload, attribution, ..Subject::of(&reference) };
        if let Some(Write::Apply { name, status, .. }) = finding::plan(subject, assessment, None, now) {
            self.open.insert(name, timeless(&status));
        }
    }
}

/// A status without its times, which depend on when things happened.
fn timeless(status: &Status) -> Status {
    let mut status = status.clone();
    status.first_seen = None;
    status.last_seen = None;
    status.closed_at = None;
    for condition in &mut status.conditions {
        condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
    }
    status
}

/// Who an object says changed its spec last: nothing else tells here.
fn claim(managed_fields: &[Value]) -> Option<Claim> {
    let of_spec = |entry: &&Value| entry["subresource"].is_null() && !entry["fieldsV1"]["f:spec"].is_null();
    let time = |entry: &Value| entry["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    let latest = managed_fields.iter().filter(of_spec).max_by_key(|entry| time(entry))?;
    Some(Claim { manager: latest["manager"].as_str()?.into() })
}

/// Who removed which findings, by their names. Nothing but the record itself tells that.
type Attempts = BTreeMap<String, Vec<Attempt>>;

fn attempts(recorded: &[ScheduledWorkloadFinding]) -> Attempts {
    let of = |finding: &ScheduledWorkloadFinding| {
        let told = finding.status.iter().flat_map(|status| &status.tampering);
        let times = told.filter(|attempt| attempt.verb == "delete").filter_map(|attempt| attempt.time.as_ref());
        (finding.name_any(), times.map(|time| Attempt::seen(Verb::Delete, time.0)).collect())
    };
    recorded.iter().map(of).collect()
}

/// What identifies an object, and what it says of its makers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawIdentity {
    pub name: String,
    pub namespace: Option<String>,
    pub uid: String,
    creation_timestamp: Time,
    #[serde(default)]
    managed_fields: Vec<Value>,
}

/// All objects of a kind, each with its text exactly as the API server sent it.
pub async fn raw_items(client: &Client, path: &str) -> anyhow::Result<Vec<(RawIdentity, Box<RawValue>)>> {
    #[derive(Deserialize)]
    struct List {
        items: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Object {
        metadata: RawIdentity,
    }
    let list: List = client.request(http::Request::get(path).body(Vec::new())?).await?;
    let identified = |text: Box<RawValue>| Ok((serde_json::from_str::<Object>(text.get())?.metadata, text));
    list.items.into_iter().map(identified).collect()
}
