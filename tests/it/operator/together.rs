//! Which workloads belong to a campaign, by the simplest means: to compare with what the operator has made of it.

use std::collections::{BTreeMap, BTreeSet};

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::finding::{Campaign, State};
use jiff::Timestamp;

/// Seconds within which three namespaces make a campaign.
const HOUR: i64 = 3600;

/// A workload that nothing approves.
#[derive(Clone, Debug)]
pub struct Unapproved {
    pub uid: String,
    pub namespace: String,
    /// The hash of its template.
    pub template: String,
    pub created: Timestamp,
}

/// The campaign of each workload that belongs to one, by its uid.
///
/// What was deleted is known by its finding; a test does not last so long that it no longer counts. A campaign is at least as large as
/// it is now, and as large as any finding says, as it does not become smaller: so all findings have to say the same.
pub fn campaigns(live: &[Unapproved], recorded: &[ScheduledWorkloadFinding]) -> BTreeMap<String, Campaign> {
    let mut templates: BTreeMap<&str, Vec<Unapproved>> = BTreeMap::new();
    let gone: Vec<Unapproved> = recorded.iter().filter_map(deleted).collect();
    for one in live.iter().chain(&gone) {
        templates.entry(&one.template).or_default().push(one.clone());
    }
    let mut found = BTreeMap::new();
    for (template, all) in templates {
        let members = members(&all);
        let namespaces: BTreeSet<&str> = members.iter().map(|member| member.namespace.as_str()).collect();
        let number = |count: usize| i32::try_from(count).expect("few");
        let fingerprint = template["sha256:".len()..][..16].to_owned();
        let now = Campaign { fingerprint, namespaces: number(namespaces.len()), workloads: number(members.len()) };
        let campaign = recorded.iter().filter_map(told).filter(|told| told.fingerprint == now.fingerprint).fold(
            now.clone(),
            |largest, told| Campaign {
                namespaces: largest.namespaces.max(told.namespaces),
                workloads: largest.workloads.max(told.workloads),
                ..largest
            },
        );
        found.extend(members.iter().map(|member| (member.uid.clone(), campaign.clone())));
    }
    found
}

/// Whoever shares an hour with two other namespaces, and whoever was created within an hour of one who belongs to them.
fn members(all: &[Unapproved]) -> Vec<&Unapproved> {
    let mut belongs = vec![false; all.len()];
    for first in all {
        let within = |one: &Unapproved| (0..=HOUR).contains(&(one.created.as_second() - first.created.as_second()));
        let window: Vec<usize> = (0..all.len()).filter(|place| within(&all[*place])).collect();
        let namespaces: BTreeSet<&str> = window.iter().map(|place| all[*place].namespace.as_str()).collect();
        if namespaces.len() >= 3 {
            for place in window {
                belongs[place] = true;
            }
        }
    }
    loop {
        let near = |a: &Unapproved, b: &Unapproved| (a.created.as_second() - b.created.as_second()).abs() <= HOUR;
        let joins = |place: &usize| (0..all.len()).any(|other| belongs[other] && near(&all[other], &all[*place]));
        let joining: Vec<usize> = (0..all.len()).filter(|place| !belongs[*place]).filter(joins).collect();
        if joining.is_empty() {
            break;
        }
        for place in joining {
            belongs[place] = true;
        }
    }
    all.iter().zip(belongs).filter_map(|(one, belongs)| belongs.then_some(one)).collect()
}

/// The workload of a finding that was deleted while nothing approved it. It was created shortly before it was first seen.
fn deleted(finding: &ScheduledWorkloadFinding) -> Option<Unapproved> {
    let status = finding.status.as_ref().filter(|status| status.state == State::Deleted)?;
    let is_unapproved = status.reasons.split(',').any(|code| code == "Unapproved");
    let workload = &finding.spec.workload;
    Some(Unapproved {
        uid: workload.uid.clone(),
        namespace: workload.namespace.clone(),
        template: status.template_hash.clone().filter(|_| is_unapproved)?,
        created: status.first_seen.as_ref()?.0,
    })
}

/// What the finding of a workload that still deviates says of its campaign.
fn told(finding: &ScheduledWorkloadFinding) -> Option<&Campaign> {
    finding.status.as_ref().filter(|status| status.state.is_active())?.campaign.as_ref()
}
