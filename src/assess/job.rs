//! The judgement of a Job: by what accounts for it, and by the inventory where nothing does.

use jiff::Timestamp;

use super::facts::Facts;
use super::pod::{self, PodReport};
use super::surroundings::Surroundings;
use super::{Assessment, SHOWN, Unknown, assess, risk};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::{Approval, Inventory};
use crate::lineage::{Basis, Contradiction, Match, Origin, Traced};
use crate::workload::difference::{Difference, Differences, between};
use crate::workload::redact::printable;
use crate::workload::{Workload, WorkloadKind};

const OWNER: &str = "metadata.ownerReferences";
const TEMPLATE: &str = "spec.template";

/// How many fields are named by which a run differs from its CronJob.
const MOST: usize = 10;

/// What accounts for a Job.
#[derive(Clone, Copy, Debug)]
pub struct Lineage<'a> {
    /// What accounts for it.
    pub traced: &'a Traced,
    /// The CronJob that it belongs to, as it is now, if it is known.
    pub cron_job: Option<&'a Workload>,
    /// Whether it is a run of a template that the CronJob has no more, and that was not found to be approved then.
    pub is_outdated: bool,
    /// Its Pods, as far as anything speaks against them.
    pub pods: &'a [PodReport],
}

/// Judges a Job and its Pods. A run is accounted for by its CronJob, which has a judgement of its own.
pub fn job<'a>(
    workload: &'a Workload,
    lineage: Lineage<'a>,
    inventory: &'a Inventory,
    surroundings: impl Into<Surroundings<'a>>,
    now: Timestamp,
) -> Assessment {
    let surroundings = surroundings.into();
    let mut assessment = alone(workload, lineage, inventory, surroundings, now);
    if lineage.pods.is_empty() && workload.job.manual_selector.is_none() {
        return assessment;
    }
    let accountable = lineage.cron_job.filter(|_| !matches!(lineage.traced.origin, Origin::Standalone { .. }));
    let approvals = inventory.selecting(accountable.unwrap_or(workload), surroundings.namespace);
    let mut deviations = pod::deviations(lineage.pods, &approvals, now);
    deviations.extend(workload.job.manual_selector.map(|_| pod::unseen()));
    if !deviations.is_empty() {
        assessment.deviations.extend(deviations);
        if assessment.risks.is_empty() {
            assessment.risks = risk::all(&Facts::of(workload, surroundings, now), &[], None);
        }
    }
    assessment.rated()
}

/// Judges a Job by itself.
fn alone<'a>(
    workload: &'a Workload,
    lineage: Lineage<'a>,
    inventory: &'a Inventory,
    surroundings: Surroundings<'a>,
    now: Timestamp,
) -> Assessment {
    let Lineage { traced, cron_job, is_outdated, pods: _ } = lineage;
    let deviations = match &traced.origin {
        Origin::Run { template: Match::Same, .. } if is_outdated => {
            return cron_job.map(|it| as_it_was(it, workload, inventory, surroundings, now)).unwrap_or_default();
        }
        Origin::Run { template: Match::Same, .. } | Origin::Child { .. } => return Assessment::default(),
        Origin::Run { cron_job, template: Match::Unknown, .. } => Err(template_of(cron_job)),
        Origin::Run { cron_job: name, template: Match::Other, .. } => Ok(drifted(workload, name, cron_job, traced)),
        Origin::Manual { cron_job: name, template, why } => {
            let Some(found) = by_hand(name, *template, why, cron_job, inventory, surroundings, now) else {
                return Assessment::default();
            };
            found.map(|deviation| vec![deviation])
        }
        Origin::Standalone { owner } => {
            let mut assessment = assess(workload, inventory, surroundings, now);
            if let Some(owner) = owner {
                name_owner(&mut assessment, owner, traced.basis);
            }
            return assessment;
        }
        Origin::Forged { owner, why } => Ok(vec![forged(owner, why, traced)]),
        Origin::Squatting { cron_job, due, by } => Ok(vec![squatting(cron_job, *due, by.as_deref())]),
    };
    let risks = risk::all(&Facts::of(workload, surroundings, now), &[], None);
    let (deviations, unknown) = match deviations {
        Ok(deviations) => (deviations, Vec::new()),
        Err(unknown) => (Vec::new(), vec![unknown]),
    };
    Assessment { deviations, risks, unknown, ..Assessment::default() }.rated()
}

fn unknown(code: DeviationCode, expected: &str) -> Unknown {
    Unknown { code, expected: printable(expected, SHOWN), approval: String::new() }
}

fn template_of(cron_job: &str) -> Unknown {
    unknown(DeviationCode::TemplateDrift, &format!("the template that CronJob {cron_job} had then"))
}

/// A run by hand is allowed by any usable approval that speaks for its CronJob and says so: then nothing is found. Where none speaks for
/// the CronJob, that has a finding already.
fn by_hand(
    name: &str,
    template: Match,
    why: &Contradiction,
    cron_job: Option<&Workload>,
    inventory: &Inventory,
    surroundings: Surroundings<'_>,
    now: Timestamp,
) -> Option<Result<Deviation, Unknown>> {
    let selecting = cron_job.map(|cron_job| inventory.selecting(cron_job, surroundings.namespace)).unwrap_or_default();
    let Some(first) = selecting.first() else {
        return Some(Err(unknown(DeviationCode::Unapproved, &format!("an approval of CronJob {name}"))));
    };
    let allows = |approval: &std::sync::Arc<Approval>| {
        approval.usable(now) && approval.rules.as_ref().is_ok_and(|rules| rules.manual_runs)
    };
    match (selecting.iter().any(|approval| allows(approval)), template) {
        (true, Match::Same) => None,
        (true, _) => Some(Err(template_of(name))),
        (false, _) => Some(Ok(Deviation {
            code: DeviationCode::ManualRun,
            path: OWNER.to_owned(),
            expected: "runs of the schedule only: allowed.manualRuns is not set".to_owned(),
            observed: printable(&format!("CronJob {name}, run by hand: {why}"), SHOWN),
            approval: Some(first.name.to_string()),
        })),
    }
}

/// Each field by which a run differs from its CronJob.
fn drifted(workload: &Workload, name: &str, cron_job: Option<&Workload>, traced: &Traced) -> Vec<Deviation> {
    let drift = |path: &str, expected: String, observed: String| Deviation {
        code: DeviationCode::TemplateDrift,
        path: path.to_owned(),
        expected,
        observed,
        approval: None,
    };
    let differences = cron_job.map(|cron_job| between(&as_job(cron_job, workload), workload)).unwrap_or_default();
    let Differences { all, more } = &differences;
    let name = printable(name, SHOWN);
    let absent = |text: &Option<String>| text.clone().unwrap_or_else(|| "absent".to_owned());
    let mut found: Vec<Deviation> =
        all.iter().take(MOST).map(|Difference { path, old, new }| drift(path, absent(old), absent(new))).collect();
    let left = all.len().saturating_sub(MOST) + more;
    if found.is_empty() || left > 0 {
        let observed = if left > 0 { format!("{left} more fields differ") } else { "another template".to_owned() };
        found.push(drift(TEMPLATE, format!("the template of CronJob {name}"), observed));
    }
    if let Some(first) = found.first_mut() {
        let doubt = match traced.basis {
            Basis::Audit | Basis::Admission => "",
            Basis::Marks => " (that it is a run rests on what it says of itself; no event tells who created it)",
        };
        first.observed = printable(&format!("{}{doubt}", first.observed), 2 * SHOWN);
    }
    found
}

/// Judges a run by its CronJob with the template that it had then: whoever changes a CronJob, has it run and changes it back leaves runs
/// that nobody approved.
fn as_it_was(
    cron_job: &Workload,
    job: &Workload,
    inventory: &Inventory,
    surroundings: Surroundings<'_>,
    now: Timestamp,
) -> Assessment {
    let (pod, settings) = (job.pod.clone(), job.job.clone());
    let then = Workload { pod, job: settings, ..cron_job.clone() };
    assess(&then, inventory, surroundings, now)
}

/// A CronJob as the Job that its controller makes of it: settings and pod are compared, and not how the Job is called.
fn as_job(cron_job: &Workload, job: &Workload) -> Workload {
    let key = crate::workload::WorkloadKey { kind: WorkloadKind::Job, ..cron_job.key.clone() };
    let Workload { labels, marker_annotations, .. } = job.clone();
    let suspend = job.job.suspend;
    let settings = crate::workload::JobSettings { suspend, ..cron_job.job.clone() };
    Workload { key, labels, marker_annotations, cron: None, job: settings, ..cron_job.clone() }
}

fn name_owner(assessment: &mut Assessment, owner: &str, basis: Basis) {
    let unapproved =
        |deviation: &&mut Deviation| deviation.code == DeviationCode::Unapproved && deviation.approval.is_none();
    if let Some(deviation) = assessment.deviations.iter_mut().find(unapproved) {
        let untold = if basis == Basis::Marks { ": no event tells who created it" } else { "" };
        *deviation = Deviation {
            path: OWNER.to_owned(),
            expected: "an ApprovedCronJob that selects it, or a trusted controller that made it".to_owned(),
            observed: printable(&format!("{owner}, which no trusted controller stands behind{untold}"), 2 * SHOWN),
            ..deviation.clone()
        };
    }
}

fn forged(owner: &str, why: &Contradiction, traced: &Traced) -> Deviation {
    let is_compared = !matches!(why, Contradiction::NoSuchOwner | Contradiction::Maker(_));
    let other = if is_compared { " and has another template" } else { "" };
    let doubt = match traced.basis {
        Basis::Audit | Basis::Admission => "",
        Basis::Marks => " (no event tells who created it)",
    };
    Deviation {
        code: DeviationCode::ForgedOwner,
        path: OWNER.to_owned(),
        expected: "an owner that made the Job".to_owned(),
        observed: printable(&format!("{owner}, but {why}{other}{doubt}"), 2 * SHOWN),
        approval: None,
    }
}

fn squatting(cron_job: &str, due: Timestamp, by: Option<&str>) -> Deviation {
    let cron_job = printable(cron_job, SHOWN);
    Deviation {
        code: DeviationCode::TickSquatting,
        path: "metadata.name".to_owned(),
        expected: format!("created by the CronJob controller, as the run of CronJob {cron_job} that is due {due}"),
        observed: match by {
            Some(by) => printable(&format!("created before its time by {by}"), SHOWN),
            None => "created before its time; no event tells by whom".to_owned(),
        },
        approval: None,
    }
}
