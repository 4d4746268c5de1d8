//! What runs and when: moving tags, dense or dead schedules, runs that leave no trace.

use jiff::SignedDuration;

use super::super::SHOWN;
use super::super::facts::Facts;
use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::Risk;
use crate::workload::redact::printable;

/// Runs that follow each other this closely or closer look like a beacon.
const FREQUENT: SignedDuration = SignedDuration::from_mins(5);

/// A finished run that is removed within this many seconds is gone before anyone reads its log.
const HASTY_TTL: i64 = 60;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    for image in &facts.images {
        if image.reference.as_ref().is_ok_and(crate::workload::image::ImageRef::is_mutable_tag) {
            found.push(risk(RiskCode::MutableTag, image.path.clone(), printable(image.text, SHOWN)));
        }
    }
    schedule(facts, found);
    history(facts, found);
}

fn schedule(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    let Some(cron) = &facts.cron else { return };
    let Ok(schedule) = &cron.schedule else { return };
    if schedule.never_runs() {
        found.push(risk(RiskCode::NeverRuns, "spec.schedule", printable(cron.text, SHOWN)));
    }
    if schedule.densest_interval().is_some_and(|densest| densest <= FREQUENT) {
        found.push(risk(RiskCode::FrequentSchedule, "spec.schedule", printable(cron.text, SHOWN)));
    }
}

fn history(facts: &Facts<'_>, found: &mut Vec<Risk>) {
    let workload = facts.workload;
    if let Some(ttl) = workload.job.ttl_after_finished.filter(|ttl| *ttl <= HASTY_TTL) {
        let field = format!("{}.ttlSecondsAfterFinished", workload.job_path());
        found.push(risk(RiskCode::EvidenceHiding, field, format!("finished runs are removed after {ttl} s")));
    }
    let Some(cron) = &workload.cron else { return };
    for (limit, field) in
        [(cron.successful_history, "successfulJobsHistoryLimit"), (cron.failed_history, "failedJobsHistoryLimit")]
    {
        if limit == 0 {
            found.push(risk(RiskCode::EvidenceHiding, format!("spec.{field}"), "no finished run is kept"));
        }
    }
}
