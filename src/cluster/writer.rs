//! Carries out what was planned. It decides nothing: every write is complete, and can be repeated.

use std::time::Duration;

use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde::Serialize;
use serde_json::json;

use super::events::Events;
use super::metrics::Metrics;
use super::store::Versioned;
use crate::api::approval::ApprovedCronJobStatus;
use crate::api::{ApprovedCronJob, FIELD_MANAGER, GROUP, ScheduledWorkloadFinding};
use crate::finding::{Record, Write};

/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(30);

const FINDINGS: &str = "scheduledworkloadfindings";
const APPROVALS: &str = "approvedcronjobs";

/// What came of a write.
pub(super) enum Written {
    /// The finding as it is recorded now.
    Finding(Box<Versioned>),
    /// The finding is gone.
    Gone { name: String },
    /// The approval as it is recorded now.
    Approval { name: String, version: u64, status: Option<ApprovedCronJobStatus> },
}

/// Why a write failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("the API server refused it: {0}")]
    Refused(#[from] kube::Error),
    #[error("no answer from the API server within {} s", PATIENCE.as_secs())]
    NoAnswer,
    #[error("the answer of the API server has no resource version")]
    NoVersion,
}

/// Writes findings, Events and statuses of approvals.
#[derive(Clone)]
pub(super) struct Writer {
    findings: Api<ScheduledWorkloadFinding>,
    approvals: Api<ApprovedCronJob>,
    events: Events,
    metrics: Metrics,
    apply: PatchParams,
}

impl Writer {
    pub(super) fn new(client: &Client, events: Events, metrics: Metrics) -> Self {
        Self {
            findings: Api::all(client.clone()),
            approvals: Api::all(client.clone()),
            events,
            metrics,
            apply: PatchParams::apply(FIELD_MANAGER).force(),
        }
    }

    /// Carries out one write. `tell` is whether people are told of it.
    pub(super) async fn carry_out(&self, write: Write, tell: bool) -> Result<Written, WriteError> {
        let notice = write.notice().filter(|_| tell).cloned();
        let result = tokio::time::timeout(PATIENCE, self.finding(write)).await.unwrap_or(Err(WriteError::NoAnswer));
        self.metrics.wrote(FINDINGS, outcome(&result));
        // Only what is recorded is told. A write that fails is planned again, and would be told again.
        if let (Ok(Written::Finding(finding)), Some(notice)) = (&result, notice) {
            self.events.send(&notice, &finding.record.name, &finding.record.workload).await;
        }
        result
    }

    /// Records the status of an approval.
    pub(super) async fn approval_status(
        &self,
        name: &str,
        status: ApprovedCronJobStatus,
    ) -> Result<Written, WriteError> {
        let patch = Patch::Apply(object("ApprovedCronJob", name, "status", &status));
        let write = async { Ok(self.approvals.patch_status(name, &self.apply, &patch).await?) };
        let result = tokio::time::timeout(PATIENCE, write).await.unwrap_or(Err(WriteError::NoAnswer));
        self.metrics.wrote(APPROVALS, outcome(&result));
        let approval = result?;
        let version = version(approval.metadata.resource_version.as_deref())?;
        Ok(Written::Approval { name: name.to_owned(), version, status: approval.status })
    }

    async fn finding(&self, write: Write) -> Result<Written, WriteError> {
        match write {
            Write::Apply { name, workload, status, create, notice: _ } => {
                if create {
                    let spec = object("ScheduledWorkloadFinding", &name, "spec", &json!({ "workload": workload }));
                    self.findings.patch(&name, &self.apply, &Patch::Apply(spec)).await?;
                }
                let status = Patch::Apply(object("ScheduledWorkloadFinding", &name, "status", &status));
                recorded(&self.findings.patch_status(&name, &self.apply, &status).await?)
            }
            Write::Close { name, closing, notice: _ } => {
                let close = |finding: &mut ScheduledWorkloadFinding| {
                    closing.apply(finding.status.get_or_insert_default());
                };
                self.amend(&name, close).await
            }
            Write::Attribute { name, verdict } => self.amend(&name, |finding| verdict.apply(finding)).await,
            Write::Delete { name } => match self.findings.delete(&name, &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Written::Gone { name }),
                Err(error) => Err(error.into()),
                Ok(_) => Ok(Written::Gone { name }),
            },
        }
    }

    /// Changes the status of a finding as it is recorded, and leaves the rest of its evidence as it is.
    async fn amend(
        &self,
        name: &str,
        change: impl FnOnce(&mut ScheduledWorkloadFinding),
    ) -> Result<Written, WriteError> {
        let mut finding = self.findings.get(name).await?;
        change(&mut finding);
        let mut patch = object("ScheduledWorkloadFinding", name, "status", &finding.status);
        // Someone may have changed the finding in between: then this is refused, and planned again.
        patch["metadata"]["resourceVersion"] = json!(finding.resource_version());
        recorded(&self.findings.patch_status(name, &self.apply, &Patch::Apply(patch)).await?)
    }
}

/// An object with one of its parts, as server-side apply takes it.
fn object(kind: &str, name: &str, part: &str, content: &impl Serialize) -> serde_json::Value {
    json!({ "apiVersion": format!("{GROUP}/v1alpha1"), "kind": kind, "metadata": { "name": name }, part: content })
}

fn recorded(finding: &ScheduledWorkloadFinding) -> Result<Written, WriteError> {
    let version = version(finding.metadata.resource_version.as_deref())?;
    Ok(Written::Finding(Box::new(Versioned { version, record: Record::of(finding) })))
}

fn version(text: Option<&str>) -> Result<u64, WriteError> {
    text.and_then(|text| text.parse().ok()).ok_or(WriteError::NoVersion)
}

fn outcome<T>(result: &Result<T, WriteError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(WriteError::NoAnswer) => "timeout",
        Err(WriteError::NoVersion) => "unusable",
        Err(WriteError::Refused(kube::Error::Api(status))) if status.is_conflict() => "conflict",
        Err(WriteError::Refused(kube::Error::Api(status))) if status.is_not_found() => "not_found",
        Err(WriteError::Refused(kube::Error::Api(status))) if status.is_forbidden() => "forbidden",
        Err(WriteError::Refused(kube::Error::Api(_))) => "refused",
        Err(WriteError::Refused(_)) => "unreachable",
    }
}
