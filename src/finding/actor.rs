//! Who did something, in the words of a finding.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::event::fit;
use crate::api::finding::{Actor, Attempt, Evidence};
use crate::assess::who;
use crate::identity::path::Paths;
use crate::identity::{self, Claim, Deed, Provenance, Source, ledger};
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
