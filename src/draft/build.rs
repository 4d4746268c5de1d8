//! A draft for one workload.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::entry::{self, most};
use super::evidence::Evidence;
use super::remarks::{Remarks, TEMPLATE_HASH};
use super::{Draft, Options, Undrafted, command, name};
use crate::api::ApprovedCronJob;
use crate::api::approval::{Allowed, ApprovedCronJobSpec, Expected, ExpectedCommand, ExpectedImage, Match, Owner};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::Labels;
use crate::workload::Workload;
use crate::workload::pod_security::Subject;
use crate::workload::redact::printable;
use crate::workload::reference::Referent;

/// Drafts one approval, which the workload satisfies but for what is left out.
///
/// Fails if there can be none: the workload cannot be parsed, has no name, or has a schedule that no approval can hold.
pub fn approval(workload: &Workload, options: &Options, now: Timestamp) -> Result<Draft, Undrafted> {
    let evidence = Evidence::of(workload, options, now)?;
    let mut remarks = Remarks::default();
    remarks.risks(&evidence);
    let key = &workload.key;
    let spec = ApprovedCronJobSpec {
        matches: Match {
            kinds: vec![key.kind],
            namespaces: vec![key.namespace.clone()],
            names: vec![key.name.clone()],
            ..Match::default()
        },
        owner: owner(workload, &mut remarks),
        expected: expected(&evidence, &mut remarks)
            .map_err(|reason| Undrafted { workload: key.clone(), reason: reason.to_owned() })?,
        allowed: allowed(&evidence, &mut remarks),
        ..ApprovedCronJobSpec::default()
    };
    let mut approval = ApprovedCronJob::new(&name::of(key), spec);
    let mut deviations = evidence.judged(&approval, None, now);
    note_substitutes(&deviations, &mut remarks);
    if remarks.pin || options.strict {
        approval.spec.expected.template_hash = Some(evidence.template_hash());
        deviations = evidence.judged(&approval, None, now);
    }
    let left_out = evidence.left_out(deviations);
    Ok(Draft { approval, notes: remarks.finish(), left_out })
}

/// The last parts of the keys of labels that name a team.
const TEAM: &str = "team";

fn owner(workload: &Workload, remarks: &mut Remarks) -> Option<Owner> {
    let named = workload
        .labels
        .iter()
        .find(|(key, value)| key.rsplit('/').next() == Some(TEAM) && !value.is_empty() && value.chars().count() <= 128);
    let Some((key, team)) = named else {
        remarks.note("spec.owner", "nothing says who answers for this: write owner: {team: …} and change: {ticket: …}");
        return None;
    };
    let key = printable(key, super::SHOWN);
    remarks.note(
        "spec.owner",
        &format!("taken from the label {key}, which whoever writes the workload chooses: check it"),
    );
    Some(Owner { team: team.clone(), contact: None })
}

fn expected(evidence: &Evidence<'_>, remarks: &mut Remarks) -> Result<Expected, &'static str> {
    let workload = evidence.workload;
    let when = entry::when(workload)?;
    if when.as_ref().is_some_and(|when| when.zone.is_none()) {
        let zone = workload.cron.as_ref().and_then(|cron| cron.time_zone.as_deref()).unwrap_or_default();
        let text = format!("the time zone {} is not known here: zones are not constrained", printable(zone, 64));
        remarks.note("spec.expected.timeZones", &text);
    }
    let suspended = entry::suspended(workload);
    if suspended.is_none() {
        remarks.note("spec.expected.suspended", "the workload is not suspended, but its Jobs never start a Pod");
    }
    let service_account = entry::service_account(workload);
    if service_account.is_none() {
        remarks.pin("spec.expected.serviceAccounts", "the service account has a name that an approval cannot hold");
    }
    Ok(Expected {
        schedules: when.iter().map(|when| when.schedule.clone()).collect(),
        time_zones: when.into_iter().filter_map(|when| when.zone).collect(),
        images: images(evidence, remarks),
        commands: commands(evidence, remarks),
        service_accounts: service_account.into_iter().collect(),
        labels: if evidence.options.strict { labels(workload, remarks) } else { Labels::new() },
        suspended,
        ..Expected::default()
    })
}

fn images(evidence: &Evidence<'_>, remarks: &mut Remarks) -> Vec<ExpectedImage> {
    let used: BTreeSet<_> = entry::images(evidence.workload).into_iter().collect();
    let entries: Option<Vec<ExpectedImage>> = used.iter().map(entry::image).collect();
    if let Some(entries) = entries.filter(|entries| (1..=most::IMAGES).contains(&entries.len())) {
        return entries;
    }
    remarks.pin("spec.expected.images", "the images are too many, or named in a way that an approval cannot be");
    Vec::new()
}

fn commands(evidence: &Evidence<'_>, remarks: &mut Remarks) -> Vec<ExpectedCommand> {
    let mut entries: Vec<ExpectedCommand> = Vec::new();
    for line in command::lines(evidence).filter(|line| !line.is_suspicious(evidence)) {
        let entry = line.entry(evidence, remarks);
        if !entries.contains(&entry) {
            entries.push(entry);
        }
        if entries.len() > most::COMMANDS {
            remarks.pin("spec.expected.commands", "there are more commands than an approval can list");
            return Vec::new();
        }
    }
    if entries.is_empty() {
        remarks
            .note("spec.expected.commands", "no command is approved: this entry is for what images run by themselves");
        entries.push(command::none());
    }
    if evidence.suspicious() {
        remarks.pin("spec.expected.commands", "nobody accepted what is suspicious, so it counts as absent");
    }
    entries
}

fn labels(workload: &Workload, remarks: &mut Remarks) -> Labels {
    let fitting = workload.labels.iter().filter(|(_, value)| entry::is_label(value));
    let labels: Labels = fitting.take(most::LABELS).map(|(key, value)| (key.clone(), value.clone())).collect();
    if labels.len() < workload.labels.len() {
        remarks.note("spec.expected.labels", "not all labels fit into an approval: the others are not constrained");
    }
    labels
}

fn allowed(evidence: &Evidence<'_>, remarks: &mut Remarks) -> Allowed {
    let mut host_paths = BTreeSet::new();
    let mut capabilities = BTreeSet::new();
    for (path, violation) in evidence.violations() {
        if evidence.not_accepted(path, violation).is_some() {
            continue;
        }
        match &violation.subject {
            Subject::HostPath(used) => host_paths.extend(entry::host_path(used, remarks)),
            Subject::Capability(name) if entry::is_capability(name) => {
                capabilities.insert(name.clone());
            }
            Subject::Capability(_) | Subject::Other => {}
        }
    }
    if host_paths.len() > most::HOST_PATHS {
        host_paths = entry::host_paths_by_depth(&host_paths);
        remarks.pin("spec.allowed.hostPaths", "there are more host paths than an approval can list");
    }
    for (path, violation) in evidence.privileges() {
        let text = format!("look twice: needs Privileged at {}: {}", printable(path, super::SHOWN), violation.detail);
        remarks.note("spec.allowed.podSecurity", &text);
    }
    Allowed {
        pod_security: evidence.pod_security(),
        host_paths: host_paths.into_iter().take(most::HOST_PATHS).collect(),
        capabilities: capabilities.into_iter().take(most::CAPABILITIES).collect(),
        secrets: referents(evidence, Referent::Secret, remarks),
        config_maps: referents(evidence, Referent::ConfigMap, remarks),
        manual_runs: false,
    }
}

fn referents(evidence: &Evidence<'_>, referent: Referent, remarks: &mut Remarks) -> Vec<String> {
    let names = entry::referents(evidence.workload, referent, |_| false, remarks);
    if names.len() > most::REFERENCES {
        let text = format!("there are more {}s than an approval can list", referent.as_str());
        remarks.pin(entry::referent_field(referent), &text);
        return vec!["*".to_owned()];
    }
    names.into_iter().collect()
}

/// Whether a deviation is about something that runs in the place of an approved program.
pub(super) fn is_substitute(deviation: &Deviation) -> bool {
    deviation.code == DeviationCode::Command
        && ([".mountPath", ".workingDir"].iter().any(|field| deviation.path.ends_with(field))
            || deviation.path.ends_with(']') && deviation.path.contains(".env["))
}

/// Only the pinned template says that a program may be replaced.
pub(super) fn note_substitutes(deviations: &[Deviation], remarks: &mut Remarks) {
    for deviation in deviations.iter().filter(|deviation| is_substitute(deviation)) {
        let text = format!("look twice: {}: {}", deviation.path, deviation.observed);
        remarks.pin(TEMPLATE_HASH, &text);
    }
}
