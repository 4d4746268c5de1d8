//! Who made a workload, as its finding in the cluster says.

use serde::Serialize;

use super::super::words::shown;
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::{Actor, Evidence, ScheduledWorkloadFindingStatus as Status, State};
use crate::finding::is_group;

/// A finding, of which an explanation tells who did it; in one about many Jobs that is who made the last of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneFinding {
    name: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    actor: OneActor,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<OneActor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneActor {
    shown: String,
    evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "auditID")]
    audit_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_path: Option<String>,
}

impl OneFinding {
    /// What a finding says, if it is complete.
    pub(super) fn of(finding: &ScheduledWorkloadFinding) -> Option<Self> {
        let status = finding.status.as_ref()?;
        Some(Self {
            name: shown(finding.metadata.name.as_deref().unwrap_or_default()),
            state: status.state,
            about: is_group(&finding.spec.workload).then(|| shown(&finding.spec.workload.name)),
            actor: OneActor::of(&status.actor),
            creator: status.creator.as_deref().map(OneActor::of),
        })
    }
}

impl OneActor {
    /// Nothing is taken for harmless because the operator wrote it: others may have written since.
    fn of(actor: &Actor) -> Self {
        Self {
            shown: shown(&actor.shown),
            evidence: actor.evidence,
            verb: actor.verb.as_deref().map(shown),
            time: actor.time.as_ref().map(|time| time.0.to_string()),
            audit_id: actor.audit_id.as_deref().map(shown),
            deployment_path: actor.deployment_path.as_deref().map(shown),
        }
    }
}

/// Whom a finding names as the makers of the workload, each with what they are to it.
pub(super) fn actors(status: &Status) -> Vec<(&'static str, &Actor)> {
    let creator = status.creator.as_deref().map(|creator| ("created", creator));
    creator.into_iter().chain([("last changed", &status.actor)]).collect()
}

/// Of which Jobs a finding speaks, if they are many: who made this one it does not tell.
pub(super) fn many(finding: &ScheduledWorkloadFinding) -> Option<String> {
    let about = &finding.spec.workload;
    let count = finding.status.as_ref()?.runs.as_ref().map_or(1, |runs| runs.count);
    is_group(about).then(|| format!("about the Jobs {} that deviate alike, {count} so far", shown(&about.name)))
}

/// Who it was and how that is known, for people.
pub(super) fn phrase(actor: &Actor) -> String {
    let OneActor { shown, evidence, verb, time, audit_id, deployment_path } = OneActor::of(actor);
    let at = time.map(|time| format!(" at {time}")).unwrap_or_default();
    let path = deployment_path.map(|path| format!(", by the deployment path {path}")).unwrap_or_default();
    let id = audit_id.map(|id| format!(" {id}")).unwrap_or_default();
    match evidence {
        Evidence::Unknown => "nobody knows by whom".to_owned(),
        Evidence::ManagedFields => format!("by {shown}{at}; the object says so itself, which proves nothing"),
        Evidence::Audit => format!("{} by {shown}{at}{path}; audit event{id}", verb.unwrap_or_default()),
        Evidence::Admission => format!("{} by {shown}{at}{path}; admission request{id}", verb.unwrap_or_default()),
    }
}
