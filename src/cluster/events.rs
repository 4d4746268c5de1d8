//! Tells people of findings by Kubernetes Events: each transition once, and never in a flood.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::core::Status;
use tracing::{debug, warn};

use super::metrics::Metrics;
use crate::api::GROUP;
use crate::api::finding::{SubjectKind, WorkloadReference};
use crate::finding::{Notice, is_group};

const REPORTING_CONTROLLER: &str = "cronwarden.dev/operator";

/// Events are notices; the findings are the record. More than this at once helps nobody and costs the API server.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
const ONE_EVERY: Duration = Duration::from_millis(500);

/// How long one Event may take. Meanwhile the next finding waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest name that is put before the identity in the name of an Event.
const LONGEST_NAME: usize = 200;

/// Sends Events.
#[derive(Clone)]
pub(super) struct Events {
    client: Client,
    instance: String,
    limit: Arc<DefaultDirectRateLimiter>,
    metrics: Metrics,
}

impl Events {
    /// `instance` names this process among its replicas.
    pub(super) fn new(client: Client, instance: String, metrics: Metrics) -> Self {
        let quota = Quota::with_period(ONE_EVERY).unwrap_or(Quota::per_second(BURST)).allow_burst(BURST);
        Self { client, instance, limit: Arc::new(RateLimiter::direct(quota)), metrics }
    }

    /// Sends a notice about a workload. A failure is counted and otherwise of no consequence: the finding is the record.
    pub(super) async fn send(&self, notice: &Notice, finding: &str, workload: &WorkloadReference) {
        if self.limit.check().is_err() {
            self.metrics.event_suppressed();
            debug!(finding, reason = notice.reason.as_str(), "event suppressed to stay below the rate limit");
            return;
        }
        let event = self.event(notice, finding, workload);
        let api: Api<Event> =
            Api::namespaced(self.client.clone(), event.metadata.namespace.as_deref().unwrap_or("default"));
        let outcome = match tokio::time::timeout(PATIENCE, api.create(&PostParams::default(), &event)).await {
            Ok(Ok(_)) => "ok",
            // A server that is short of breath needs it for the findings.
            Err(_) => "timeout",
            Ok(Err(kube::Error::Api(status))) => match status.code {
                // The same transition was told before, by a process that ended in between.
                409 => "already_sent",
                404 => "namespace_gone",
                403 if is_going(&status) => "namespace_gone",
                code => {
                    warn!(finding, code, message = status.message, "event refused");
                    "refused"
                }
            },
            Ok(Err(error)) => {
                warn!(finding, %error, "event not sent");
                "unreachable"
            }
        };
        self.metrics.wrote("events", outcome);
    }

    fn event(&self, notice: &Notice, finding: &str, workload: &WorkloadReference) -> Event {
        let record = ObjectReference {
            api_version: Some(format!("{GROUP}/v1alpha1")),
            kind: Some("ScheduledWorkloadFinding".to_owned()),
            name: Some(finding.to_owned()),
            ..ObjectReference::default()
        };
        // A workload that never was cannot have Events, nor can many Jobs at once: those go to the finding. Objects without a namespace, such as findings and
        // approvals, have theirs in the namespace `default`.
        let (namespace, regarding, related) = match object(workload) {
            Some(regarding) => {
                let namespace = regarding.namespace.clone().unwrap_or_else(|| "default".to_owned());
                (namespace, regarding, Some(record))
            }
            None => ("default".to_owned(), record, None),
        };
        let name: String = workload.name.chars().take(LONGEST_NAME).collect();
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{}.{}", name.trim_end_matches(['.', '-', '*']), notice.identity)),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            reporting_controller: Some(REPORTING_CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            action: Some("Judge".to_owned()),
            reason: Some(notice.reason.as_str().to_owned()),
            type_: Some(if notice.reason.is_warning() { "Warning" } else { "Normal" }.to_owned()),
            note: Some(notice.note.clone()),
            regarding: Some(regarding),
            related,
            ..Event::default()
        }
    }
}

/// What a finding is about, if that is one object that exists.
fn object(workload: &WorkloadReference) -> Option<ObjectReference> {
    let WorkloadReference { kind, namespace, name, uid } = workload;
    let (api_version, namespace) = match kind {
        SubjectKind::CronJob | SubjectKind::Job => ("batch/v1".to_owned(), Some(namespace.clone())),
        SubjectKind::ApprovedCronJob => (format!("{GROUP}/v1alpha1"), None),
    };
    let is_one = !uid.is_empty() && !is_group(workload);
    is_one.then(|| ObjectReference {
        api_version: Some(api_version),
        kind: Some(kind.as_str().to_owned()),
        namespace,
        name: Some(name.clone()),
        uid: Some(uid.clone()),
        ..ObjectReference::default()
    })
}

/// Whether a namespace that is being deleted is why something was refused.
fn is_going(status: &Status) -> bool {
    status.details.iter().flat_map(|details| &details.causes).any(|cause| cause.reason == "NamespaceTerminating")
}
