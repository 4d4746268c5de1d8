//! Reading a cluster once, for commands that look and go.

mod lineage;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;

use anyhow::{Context, anyhow, bail};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::batch::v1::Job as KubernetesJob;
use kube::api::{ListParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::Deserialize;
use tracing::warn;

pub use lineage::{CronJob, Job, Looked, Pods, cron_job, finding_about_many, job, jobs_of, pods};

use super::observed::{Kept, LabelsOnly, Observed};
use crate::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use crate::finding;
use crate::inventory::Labels;
use crate::workload::redact::printable;
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// How many objects a page of a list holds.
const PAGE: u32 = 500;

/// The longest reason of a failure, in characters.
const LONGEST_REASON: usize = 512;

/// A workload, or why it cannot be read.
pub type Read = (WorkloadKey, Result<Packed, Unreadable>);

/// Why something failed, in one line that says nothing twice: errors of clients repeat those that they stem from.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => return printable(&status.message, LONGEST_REASON),
        _ => error.to_string(),
    };
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        source = error.source();
    }
    printable(&text, LONGEST_REASON)
}

/// Every approval by name, or why it cannot be read.
pub async fn approvals(client: &Client) -> anyhow::Result<BTreeMap<String, Result<ApprovedCronJob, String>>> {
    let observed = list::<Box<ApprovedCronJob>>(&Api::all(client.clone())).await.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 404 => {
            anyhow!(
                "the cluster has no ApprovedCronJobs: `cronwarden crd | kubectl apply -f -` installs the definitions"
            )
        }
        error => anyhow!("cannot read the inventory (ApprovedCronJobs): {}", told(&error)),
    })?;
    Ok(observed
        .into_iter()
        .map(|observed| (observed.name().to_owned(), observed.object.map(|approval| *approval)))
        .collect())
}

/// The labels of one namespace, or of all; `None` if these credentials may not read them.
pub async fn namespaces(client: &Client, only: Option<&str>) -> anyhow::Result<Option<BTreeMap<String, Labels>>> {
    let api = Api::<Observed<LabelsOnly>>::all(client.clone());
    let observed = match only {
        Some(name) => api.get_opt(name).await.map(|found| found.into_iter().collect()),
        None => list(&api).await,
    };
    match observed {
        Ok(observed) => {
            let labels = |n: Observed<LabelsOnly>| (n.name().to_owned(), n.metadata.labels.unwrap_or_default());
            Ok(Some(observed.into_iter().map(labels).collect()))
        }
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
        Err(error) => bail!("cannot read namespaces: {}", told(&error)),
    }
}

/// The CronJobs of one namespace, or of all.
pub async fn cron_jobs(client: &Client, namespace: Option<&str>) -> anyhow::Result<Vec<Read>> {
    let observed = list::<Packed>(&scoped(client, namespace))
        .await
        .map_err(|error| anyhow!("cannot list CronJobs: {}", told(&error)))?;
    Ok(observed
        .into_iter()
        .map(|o| (key(&o, WorkloadKind::CronJob), o.object.map_err(|e| Unreadable::new(&e))))
        .collect())
}

/// The Jobs of one namespace, or of all, that no controller made.
pub async fn jobs(client: &Client, namespace: Option<&str>) -> anyhow::Result<Vec<Read>> {
    let observed = list::<OwnJob>(&scoped(client, namespace))
        .await
        .map_err(|error| anyhow!("cannot list Jobs: {}", told(&error)))?;
    Ok(observed
        .into_iter()
        .filter_map(|o| {
            let key = key(&o, WorkloadKind::Job);
            match o.object {
                Ok(OwnJob(packed)) => Some((key, Ok(packed?))),
                Err(error) => Some((key, Err(Unreadable::new(&error)))),
            }
        })
        .collect())
}

/// One workload. Fails if there is none.
pub async fn workload(client: &Client, key: &WorkloadKey) -> anyhow::Result<Workload> {
    let object = match key.kind {
        WorkloadKind::CronJob => get::<Packed>(client, key).await?,
        WorkloadKind::Job => get::<AnyJob>(client, key).await?.map(|object| object.map(|AnyJob(packed)| packed)),
    };
    match object {
        None => bail!("there is no {key}"),
        Some(object) => {
            let packed = object.map_err(|reason| anyhow!("{key} cannot be read: {reason}"))?;
            packed.unpack().with_context(|| format!("{key} cannot be read"))
        }
    }
}

/// The user name of these credentials; empty if the API server does not tell.
pub(super) async fn own_name(client: &Client) -> String {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    match api.create(&PostParams::default(), &SelfSubjectReview::default()).await {
        Ok(review) => {
            review.status.and_then(|status| status.user_info).and_then(|user| user.username).unwrap_or_default()
        }
        Err(error) => {
            warn!(
                "the API server does not tell who this operator is, so nobody is noticed who changes findings: {}",
                told(&error)
            );
            String::new()
        }
    }
}

/// The finding of that name. Fails if there is none.
pub async fn finding(client: &Client, name: &str) -> anyhow::Result<ScheduledWorkloadFinding> {
    let found = Api::<ScheduledWorkloadFinding>::all(client.clone()).get_opt(name).await;
    found.map_err(|error| anyhow!("cannot read the finding {name}: {}", told(&error)))?.with_context(|| {
        format!(
            "there is no finding {name}: `kubectl get findings` lists them; a workload is named KIND/NAMESPACE/NAME"
        )
    })
}

/// The finding about a workload as it is there now. None if there is none, or if these credentials may not read it: it only adds to what
/// is known.
pub async fn finding_about(client: &Client, workload: &Workload) -> Option<ScheduledWorkloadFinding> {
    let name = finding::name(&finding::reference(&workload.key, &workload.uid));
    Api::all(client.clone()).get_opt(&name).await.ok().flatten()
}

async fn get<T: Kept>(client: &Client, key: &WorkloadKey) -> anyhow::Result<Option<Result<T, String>>>
where
    Observed<T>: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = Api::<Observed<T>>::namespaced(client.clone(), &key.namespace);
    let observed = api.get_opt(&key.name).await.map_err(|error| anyhow!("cannot read {key}: {}", told(&error)))?;
    Ok(observed.map(|observed| observed.object))
}

fn scoped<T: Kept>(client: &Client, namespace: Option<&str>) -> Api<Observed<T>>
where
    Observed<T>: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

async fn list<T: Kept>(api: &Api<Observed<T>>) -> Result<Vec<Observed<T>>, kube::Error>
where
    Observed<T>: Debug,
{
    list_by(api, ListParams::default()).await
}

/// Every object that these parameters select, page by page.
async fn list_by<T: Kept>(api: &Api<Observed<T>>, parameters: ListParams) -> Result<Vec<Observed<T>>, kube::Error>
where
    Observed<T>: Debug,
{
    let mut found = Vec::new();
    let mut parameters = parameters.limit(PAGE);
    loop {
        let page = api.list(&parameters).await?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(found),
        }
    }
}

fn key<T>(observed: &Observed<T>, kind: WorkloadKind) -> WorkloadKey {
    WorkloadKey {
        namespace: observed.metadata.namespace.clone().unwrap_or_default(),
        name: observed.name().to_owned(),
        kind,
    }
}

/// A Job, whoever made it.
#[derive(Clone)]
struct AnyJob(Packed);

impl Kept for AnyJob {
    type Kind = KubernetesJob;

    fn read(text: &str) -> Result<Self, String> {
        let packed = Workload::from_json(WorkloadKind::Job, text).and_then(|workload| Packed::pack(&workload));
        packed.map(Self).map_err(|error| error.to_string())
    }
}

/// A Job that no controller made; nothing for one that a controller made.
#[derive(Clone)]
struct OwnJob(Option<Packed>);

impl Kept for OwnJob {
    type Kind = KubernetesJob;

    fn read(text: &str) -> Result<Self, String> {
        let owned: Owned = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let is_controlled =
            owned.metadata.owner_references.iter().flatten().any(|owner| owner.controller == Some(true));
        if is_controlled { Ok(Self(None)) } else { AnyJob::read(text).map(|AnyJob(packed)| Self(Some(packed))) }
    }
}

#[derive(Deserialize)]
struct Owned {
    metadata: OwnedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnedMetadata {
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    controller: Option<bool>,
}
