//! Who did something, in the words of a finding.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::event::fit;
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::{Actor, Attempt, Evidence};
use crate::assess::who;
use crate::identity::path::Paths;
use crate::identity::{self, Claim, Deed, Provenance, Source, Verb, ledger};
use crate::workload::Workload;

/// The longest text of one field, in bytes.
const LONGEST_TEXT: usize = 512;

/// What a finding says of who did it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Actors {
    pub(super) actor: Actor,
    pub(super) creator: Option<Box<Actor>>,
    pub(super) deleter: Option<Box<Actor>>,
    pub(super) tampering: Vec<Attempt>,
}

/// Who did it, as far as anything tells.
#[derive(Clone, Copy, Debug)]
pub struct Attribution<'a> {
    /// What is known.
    pub provenance: &'a Provenance,
    /// The known ways for changes to reach the cluster.
    pub paths: &'a Paths,
}

impl Attribution<'_> {
    /// `workload` is what was changed, if it can be read.
    pub(super) fn told(&self, workload: Option<&Workload>) -> Actors {
        let Provenance { creator, changer, deleter, account: _, claim, tampering } = self.provenance;
        let told = |deed: &Deed| actor(deed, self.path(deed, workload));
        let main = changer.as_ref().or(creator.as_ref());
        Actors {
            actor: main.map(told).or_else(|| claim.as_ref().map(claimed)).unwrap_or_default(),
            creator: creator
                .as_ref()
                .filter(|creator| main.is_some_and(|main| main != *creator))
                .map(told)
                .map(Box::new),
            deleter: deleter.as_ref().map(told).map(Box::new),
            tampering: tampering.iter().map(attempt).collect(),
        }
    }

    fn path(&self, deed: &Deed, workload: Option<&Workload>) -> Option<String> {
        let workload = workload?;
        self.paths.find(&deed.actor, deed.source, &workload.markers(), &workload.key).map(str::to_owned)
    }
}

fn actor(deed: &Deed, deployment_path: Option<String>) -> Actor {
    let evidence = match deed.source {
        Source::Audit => Evidence::Audit,
        Source::Admission => Evidence::Admission,
    };
    Actor {
        verb: Some(deed.verb.as_str().to_owned()),
        time: Some(Time(deed.at)),
        deployment_path,
        ..requester(&deed.actor, &deed.id, evidence)
    }
}

/// Who made a request, in the words of a finding. `id` is its `auditID`.
pub fn requester(actor: &identity::Actor, id: &str, evidence: Evidence) -> Actor {
    let text = |text: &str| fit(text, LONGEST_TEXT);
    let some = |given: &str| (!given.is_empty()).then(|| text(given));
    let user = actor.effective();
    Actor {
        shown: text(&who(actor)),
        username: some(&user.username),
        groups: user.groups.iter().map(|group| text(group)).collect(),
        impersonator: actor.impersonated.as_ref().and_then(|_| some(&actor.user.username)),
        source_ips: actor.source_ips.iter().map(|address| text(address)).collect(),
        user_agent: some(&actor.user_agent),
        pod: actor.pod.as_ref().map(|pod| match pod.node.as_str() {
            "" => text(&pod.name),
            node => text(&format!("{} on node {node}", pod.name)),
        }),
        audit_id: some(id),
        authorized_by: some(&actor.authorization),
        evidence,
        ..Actor::default()
    }
}

/// Who created the workload of a finding, as far as an event of the API server told and the finding keeps it.
pub fn recorded_creator(finding: &ScheduledWorkloadFinding) -> Option<Deed> {
    let status = finding.status.as_ref()?;
    let creator = status.creator.as_deref().unwrap_or(&status.actor);
    let source = match creator.evidence {
        Evidence::Audit => Source::Audit,
        Evidence::Admission => Source::Admission,
        Evidence::ManagedFields | Evidence::Unknown => return None,
    };
    if creator.verb.as_deref() != Some(Verb::Create.as_str()) {
        return None;
    }
    Some(Deed {
        at: creator.time.as_ref()?.0,
        id: creator.audit_id.as_deref().unwrap_or_default().into(),
        source,
        verb: Verb::Create,
        actor: Arc::new(recorded(creator)),
    })
}

/// An actor as a finding keeps it; the uid of its pod is not kept.
fn recorded(actor: &Actor) -> identity::Actor {
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    let user = identity::User { username: named(&actor.username), groups: actor.groups.clone() };
    let (user, impersonated) = match &actor.impersonator {
        Some(real) => (identity::User { username: real.clone(), groups: Vec::new() }, Some(user)),
        None => (user, None),
    };
    let pod = actor.pod.as_deref().map(|pod| {
        let (name, node) = pod.split_once(" on node ").unwrap_or((pod, ""));
        identity::PodIdentity { name: name.to_owned(), uid: String::new(), node: node.to_owned() }
    });
    identity::Actor {
        user,
        impersonated,
        source_ips: actor.source_ips.clone(),
        user_agent: named(&actor.user_agent),
        pod,
        authorization: named(&actor.authorized_by),
    }
}

/// What the object says itself is shown as a claim.
fn claimed(claim: &Claim) -> Actor {
    Actor {
        shown: fit(&format!("({})", claim.manager), LONGEST_TEXT),
        field_manager: Some(fit(&claim.manager, LONGEST_TEXT)),
        evidence: Evidence::ManagedFields,
        ..Actor::default()
    }
}

fn attempt(attempt: &ledger::Attempt) -> Attempt {
    let ledger::Attempt { at, verb, deed } = attempt;
    Attempt {
        verb: verb.as_str().to_owned(),
        time: Some(Time(*at)),
        actor: deed.as_ref().map(|deed| actor(deed, None)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::finding::{ScheduledWorkloadFindingSpec, ScheduledWorkloadFindingStatus};
    use crate::identity::{PodIdentity, User};

    fn deed(verb: Verb, impersonated: Option<&str>) -> Deed {
        let user = |name: &str| User { username: name.to_owned(), groups: vec!["g".to_owned()] };
        let pod = PodIdentity { name: "tekton-0".to_owned(), uid: String::new(), node: "n1".to_owned() };
        let actor = identity::Actor {
            user: user("jane"),
            impersonated: impersonated.map(user),
            source_ips: vec!["10.0.0.1".to_owned()],
            user_agent: "kubectl".to_owned(),
            pod: Some(pod),
            authorization: "a binding".to_owned(),
        };
        Deed {
            at: "2026-05-31T02:00:00Z".parse().unwrap(),
            id: "a1".into(),
            source: Source::Audit,
            verb,
            actor: actor.into(),
        }
    }

    fn finding(actor: Actor, creator: Option<Actor>) -> ScheduledWorkloadFinding {
        let mut finding = ScheduledWorkloadFinding::new("f", ScheduledWorkloadFindingSpec::default());
        let creator = creator.map(Box::new);
        finding.status = Some(ScheduledWorkloadFindingStatus { actor, creator, ..Default::default() });
        finding
    }

    #[test]
    fn who_created_a_workload_is_read_back_as_it_was_written() {
        let created = deed(Verb::Create, None);
        assert_eq!(recorded_creator(&finding(actor(&created, None), None)), Some(created.clone()));
        let patched = actor(&deed(Verb::Patch, None), None);
        assert_eq!(recorded_creator(&finding(patched.clone(), None)), None);
        assert_eq!(recorded_creator(&finding(patched, Some(actor(&created, None)))), Some(created));
        // Of whoever acted in the name of another, the groups are not kept.
        let impersonated = deed(Verb::Create, Some("ci"));
        let read = recorded_creator(&finding(actor(&impersonated, None), None)).unwrap();
        assert_eq!(read.actor.effective(), impersonated.actor.effective());
        assert_eq!(read.actor.user.username, "jane");
    }

    #[test]
    fn what_an_object_says_of_itself_is_nobodys_deed() {
        let claim = Actor { evidence: Evidence::ManagedFields, verb: Some("create".to_owned()), ..Actor::default() };
        assert_eq!(recorded_creator(&finding(claim, None)), None);
        assert_eq!(recorded_creator(&finding(Actor::default(), None)), None);
    }
}
