//! The judgement of one version of a workload, at its time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Verdict;
use super::record::Content;
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::assess::{Assessment, Identity, Lineage, Surroundings, assess, job, unreadable};
use crate::finding::fingerprint;
use crate::identity::path::Paths;
use crate::identity::{Deed, Provenance};
use crate::inventory::{Inventory, Labels};
use crate::lineage::{Makers, Origin};
use crate::workload::{Unreadable, Workload, WorkloadKey, WorkloadKind};

/// What is known beside the log.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The inventory by which everything is judged; without it, the approvals that the log tells of count.
    pub inventory: Option<&'a Inventory>,
    /// The labels of namespaces, where they are known.
    pub namespaces: &'a BTreeMap<String, Labels>,
    /// The known ways for changes to reach the cluster.
    pub paths: &'a Paths,
    /// Who makes Jobs.
    pub makers: &'a Makers,
}

/// What there is to judge.
pub(super) struct Case<'a> {
    pub(super) key: &'a WorkloadKey,
    pub(super) uid: &'a str,
    pub(super) content: &'a Content,
    /// Who made it what it is.
    pub(super) provenance: &'a Provenance,
    pub(super) paths: &'a Paths,
    pub(super) at: Timestamp,
    /// What accounts for it, if it is a Job.
    pub(super) lineage: Option<Lineage<'a>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) verdict: Option<Verdict>,
    pub(super) assessment: Assessment,
    pub(super) fingerprint: String,
    pub(super) template_hash: Option<String>,
}

/// Judges a version of a workload; without an inventory, or one that speaks for Jobs, only its risks and its origin.
pub(super) fn judge(
    case: &Case<'_>,
    inventory: Option<&Inventory>,
    labels: Option<&Labels>,
    approvers: &dyn Fn(&str) -> Vec<Deed>,
) -> Judgement {
    let Some(workload) = workload(case) else {
        return Judgement { verdict: Some(Verdict::NotRecorded), ..Judgement::default() };
    };
    // Most Jobs that nothing accounts for are nobody's concern where no approval speaks for Jobs.
    let speaks = |inventory: &&Inventory| {
        let kind = case.key.kind;
        kind == WorkloadKind::CronJob
            || case.lineage.is_some_and(|lineage| !matches!(lineage.traced.origin, Origin::Standalone { .. }))
            || inventory.iter().any(|a| a.matcher.speaks_for(kind))
    };
    let inventory = inventory.filter(speaks);
    let mut assessment = match &workload {
        Ok(workload) => assessed(workload, case, inventory, labels, approvers),
        Err(reason) => unreadable(reason),
    };
    let is_by_inventory = |deviation: &Deviation| {
        !matches!(
            deviation.code,
            DeviationCode::ForgedOwner | DeviationCode::TickSquatting | DeviationCode::TemplateDrift
        )
    };
    if inventory.is_none() && assessment.deviations.iter().any(is_by_inventory) {
        let Assessment { risks, .. } = assessment;
        assessment = Assessment { risks, ..Assessment::default() };
    }
    let verdict = if !assessment.deviations.is_empty() {
        Verdict::Deviating
    } else if inventory.is_none() {
        Verdict::NotJudged
    } else if assessment.is_approved() {
        Verdict::Approved
    } else {
        Verdict::Unknown
    };
    let workload = workload.ok().filter(|_| verdict == Verdict::Deviating);
    Judgement {
        verdict: Some(verdict),
        fingerprint: match verdict {
            Verdict::Deviating => fingerprint(&assessment, workload.as_ref()),
            _ => String::new(),
        },
        template_hash: workload.as_ref().map(Workload::template_hash),
        assessment,
    }
}

/// The one place where a version of a workload is handed to the judgement, with all that the log tells of it.
fn assessed(
    workload: &Workload,
    case: &Case<'_>,
    inventory: Option<&Inventory>,
    labels: Option<&Labels>,
    approvers: &dyn Fn(&str) -> Vec<Deed>,
) -> Assessment {
    let none = Inventory::default();
    let identity = Identity { provenance: case.provenance, paths: case.paths, approvers };
    let (inventory, surroundings) = (inventory.unwrap_or(&none), Surroundings::from(labels).with(identity));
    match case.lineage {
        Some(lineage) => job(workload, lineage, inventory, surroundings, case.at),
        None => assess(workload, inventory, surroundings, case.at),
    }
}

fn workload(case: &Case<'_>) -> Option<Result<Workload, Unreadable>> {
    match case.content {
        Content::Workload(packed) => Some(packed.unpack().map(|workload| Workload {
            key: case.key.clone(),
            uid: case.uid.to_owned(),
            ..workload
        })),
        Content::Unreadable(reason) => Some(Err(reason.clone())),
        Content::NotRecorded | Content::Approval(_) => None,
    }
}
