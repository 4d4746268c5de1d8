//! Who made the workload what it is, and who approved it.

use super::super::facts::Facts;
use super::super::surroundings::Identity;
use super::super::{SHOWN, who};
use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;
use crate::identity::Deed;
use crate::identity::ledger::Attempt;
use crate::workload::redact::printable;

pub(super) fn check(facts: &Facts<'_>, own: &[Own<'_>], found: &mut Vec<Risk>) {
    let Some(identity) = facts.identity else { return };
    made_by(&makers(facts, identity), found);
    for Own { approval, maker } in own {
        let detail = format!("{} also wrote approval {approval}", who(&maker.actor));
        found.push(risk(RiskCode::SelfApproval, "", printable(&detail, SHOWN)));
    }
    tampering(&identity.provenance.tampering, found);
}

/// Those who made the workload what it is beside any deployment path.
fn makers<'a>(facts: &Facts<'a>, identity: Identity<'a>) -> Vec<&'a Deed> {
    let key = &facts.workload.key;
    let is_no_path =
        |deed: &&Deed| identity.paths.find(&deed.actor, deed.source, &facts.workload.markers(), key).is_none();
    identity.provenance.makers().filter(is_no_path).collect()
}

/// An approval that was written by somebody who also wrote the workload.
pub(in crate::assess) struct Own<'a> {
    pub(in crate::assess) approval: &'a str,
    maker: &'a Deed,
}

/// Whoever deploys everything, such as a GitOps controller, brings workloads and approvals alike: what was reviewed is in Git. So an
/// approval that came by a path is nobody's own, whoever passes for the one who brought it.
/// `approvals` are those that select the workload, by name.
pub(in crate::assess) fn own_approvals<'a>(facts: &Facts<'a>, approvals: &[&'a str]) -> Vec<Own<'a>> {
    let Some(identity) = facts.identity else { return Vec::new() };
    let makers = makers(facts, identity);
    if makers.is_empty() {
        return Vec::new();
    }
    let own = |approval: &&'a str| {
        let is_no_path = |deed: &Deed| !identity.paths.brings_approvals(&deed.actor, deed.source);
        let mut approvers = (identity.approvers)(approval);
        approvers.retain(is_no_path);
        let maker = makers.iter().find(|maker| approvers.iter().any(|approver| approver.has_actor_of(maker)))?;
        Some(Own { approval, maker })
    };
    approvals.iter().filter_map(own).collect()
}

/// What speaks against those who made something beside any deployment path.
pub(super) fn made_by(makers: &[&Deed], found: &mut Vec<Risk>) {
    for (place, deed) in makers.iter().enumerate() {
        if makers.iter().take(place).any(|other| other.actor == deed.actor) {
            continue;
        }
        let told = || printable(&format!("{} by {}", deed.verb.as_str(), who(&deed.actor)), SHOWN);
        let user = &deed.actor.user;
        if user.is_anonymous() || deed.actor.effective().is_anonymous() {
            found.push(risk(RiskCode::AnonymousActor, "", told()));
        } else if user.is_person() {
            found.push(risk(RiskCode::HumanActor, "", told()));
        }
        if deed.actor.impersonated.is_some() {
            found.push(risk(RiskCode::Impersonation, "", told()));
        }
    }
}

pub(super) fn tampering(attempts: &[Attempt], found: &mut Vec<Risk>) {
    for Attempt { at, verb, deed } in attempts {
        let by = deed.as_ref().map_or_else(|| "somebody whom no event names".to_owned(), |deed| who(&deed.actor));
        let detail = printable(&format!("{} of the finding by {by} at {at}", verb.as_str()), SHOWN);
        found.push(risk(RiskCode::EvidenceTampering, "", detail));
    }
}
