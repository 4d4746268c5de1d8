//! `expected.serviceAccounts`, `labels`, `suspended`, `templateHash` and `required`.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use super::one_of;
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::redact::printable;

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    service_account(facts, rules, notes);
    suspended(facts, rules, notes);
    template(facts, rules, notes);
    for (key, expected) in &rules.labels {
        let observed = facts.workload.labels.get(key);
        notes.compare(observed == Some(expected), DeviationCode::Labels, "spec.expected.labels", || {
            let observed = observed.map_or_else(|| "absent".to_owned(), |value| printable(value, SHOWN));
            Texts::new(format!("metadata.labels[{key}]"), expected.as_str(), observed)
        });
    }
    if rules.required {
        // Its absence is noticed elsewhere: there is no workload to assess then.
        notes.compare(true, DeviationCode::Missing, "spec.expected.required", || {
            Texts::new("", "the workload exists", "it does")
        });
    }
}

fn service_account(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.service_accounts.is_empty() {
        return;
    }
    let observed = &facts.workload.pod.service_account;
    let holds = rules.service_accounts.contains(observed);
    notes.compare(holds, DeviationCode::ServiceAccount, "spec.expected.serviceAccounts", || {
        let path = format!("{}.serviceAccountName", facts.workload.pod_path());
        Texts::new(path, one_of(&rules.service_accounts), printable(observed, SHOWN))
    });
}

/// A CronJob that must run can also be stopped through its template: it goes on creating Jobs, and none of them starts.
fn suspended(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    let Some(expected) = rules.suspended else { return };
    let observed = facts.workload.suspended();
    let stopped = if expected || observed { None } else { stopped_by_template(facts) };
    let holds = expected == observed && stopped.is_none();
    let code = if expected { DeviationCode::Resumed } else { DeviationCode::Suspended };
    notes.compare(holds, code, "spec.expected.suspended", || {
        stopped.unwrap_or_else(|| Texts::new("spec.suspend", expected.to_string(), observed.to_string()))
    });
}

/// The field by which no Job that is created does anything, if there is one.
fn stopped_by_template(facts: &Facts<'_>) -> Option<Texts> {
    let job = &facts.workload.job;
    let (field, expected, observed) = if job.suspend {
        ("suspend", "false", "true")
    } else if job.parallelism == 0 {
        ("parallelism", "at least 1", "0")
    } else if job.completions == Some(0) {
        ("completions", "at least 1", "0")
    } else {
        return None;
    };
    Some(Texts::new(format!("{}.{field}", facts.workload.job_path()), expected, observed))
}

fn template(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    let Some(expected) = &rules.template_hash else { return };
    let observed = facts.workload.template_hash();
    notes.compare(*expected == observed, DeviationCode::Template, "spec.expected.templateHash", || {
        Texts::new(facts.workload.pod_path(), expected.as_str(), observed)
    });
}
