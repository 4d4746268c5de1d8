//! `expected.serviceAccounts`, `labels`, `suspended` and `templateHash`.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::{deviation, one_of};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Rules;
use crate::workload::redact::printable;

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    found.extend(service_account(facts, rules));
    found.extend(suspended(facts, rules));
    found.extend(template(facts, rules));
    for (key, expected) in &rules.labels {
        let observed = facts.workload.labels.get(key);
        if observed != Some(expected) {
            found.push(deviation(
                DeviationCode::Labels,
                format!("metadata.labels[{key}]"),
                expected.clone(),
                observed.map_or_else(|| "absent".to_owned(), |value| printable(value, SHOWN)),
            ));
        }
    }
}

fn service_account(facts: &Facts<'_>, rules: &Rules) -> Option<Deviation> {
    let observed = &facts.workload.pod.service_account;
    if rules.service_accounts.is_empty() || rules.service_accounts.contains(observed) {
        return None;
    }
    Some(deviation(
        DeviationCode::ServiceAccount,
        format!("{}.serviceAccountName", facts.workload.pod_path()),
        one_of(&rules.service_accounts),
        printable(observed, SHOWN),
    ))
}

/// A CronJob that must run can also be stopped through its template: it goes on creating Jobs, and none of them starts.
fn suspended(facts: &Facts<'_>, rules: &Rules) -> Option<Deviation> {
    let expected = rules.suspended?;
    let observed = facts.workload.suspended();
    let path = if expected != observed {
        "spec.suspend".to_owned()
    } else if !expected && facts.workload.job.suspend {
        format!("{}.suspend", facts.workload.job_path())
    } else if let Some(field) = no_pods(facts).filter(|_| !expected) {
        return Some(deviation(DeviationCode::Suspended, field, "at least 1", "0"));
    } else {
        return None;
    };
    Some(deviation(DeviationCode::Suspended, path, expected.to_string(), (!expected).to_string()))
}

/// The field by which a Job that is created makes no Pods, if there is one.
fn no_pods(facts: &Facts<'_>) -> Option<String> {
    let job = &facts.workload.job;
    let fields = [("parallelism", job.parallelism == 0), ("completions", job.completions == Some(0))];
    fields.into_iter().find(|(_, none)| *none).map(|(field, _)| format!("{}.{field}", facts.workload.job_path()))
}

fn template(facts: &Facts<'_>, rules: &Rules) -> Option<Deviation> {
    let expected = rules.template_hash.as_ref()?;
    let observed = facts.workload.template_hash();
    (*expected != observed)
        .then(|| deviation(DeviationCode::Template, facts.workload.pod_path(), expected.clone(), observed))
}
