//! From parts of a workload to entries of an approval, within what the API server accepts: the rules are those of
//! `api/approval`.

use std::collections::BTreeSet;

use super::remarks::Remarks;
use crate::api::approval::ExpectedImage;
use crate::workload::Workload;
use crate::workload::image::{ImageRef, RepositoryPattern};
use crate::workload::pod::{VolumeSource, clean_path};
use crate::workload::redact::printable;
use crate::workload::reference::{Referent, references};
use crate::workload::schedule::{Schedule, time_zone};

/// The most entries of each list.
pub(super) mod most {
    pub(in super::super) const SCHEDULES: usize = 16;
    pub(in super::super) const TIME_ZONES: usize = 16;
    pub(in super::super) const IMAGES: usize = 32;
    pub(in super::super) const TAGS: usize = 64;
    pub(in super::super) const DIGESTS: usize = 64;
    pub(in super::super) const COMMANDS: usize = 32;
    pub(in super::super) const ARGUMENTS: usize = 64;
    pub(in super::super) const SERVICE_ACCOUNTS: usize = 32;
    pub(in super::super) const LABELS: usize = 32;
    pub(in super::super) const HOST_PATHS: usize = 32;
    pub(in super::super) const CAPABILITIES: usize = 64;
    pub(in super::super) const REFERENCES: usize = 64;
    pub(in super::super) const NAMESPACES: usize = 64;
}

const LONGEST_SCHEDULE: usize = 256;
const LONGEST_REPOSITORY: usize = 512;
const LONGEST_HOST_PATH: usize = 512;
const LONGEST_NAME: usize = 253;
const LONGEST_CAPABILITY: usize = 64;
const LONGEST_LABEL: usize = 63;

const DESCRIPTORS: [&str; 7] = ["@annually", "@yearly", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// When a workload runs, as an approval writes it.
pub(super) struct When {
    /// An entry of `schedules`.
    pub(super) schedule: String,
    /// An entry of `timeZones`, if what the workload says of its zone can be written.
    pub(super) zone: Option<String>,
    /// Whether the schedule itself names the zone.
    pub(super) zone_in_schedule: bool,
}

/// Fails with the reason if an approval cannot say when the workload runs. `None` for a Job.
pub(super) fn when(workload: &Workload) -> Result<Option<When>, &'static str> {
    let Some(cron) = &workload.cron else { return Ok(None) };
    let prefix = cron.schedule.strip_prefix("TZ=").or_else(|| cron.schedule.strip_prefix("CRON_TZ="));
    let (prefix, body) = match prefix.and_then(|rest| rest.split_once(' ')) {
        Some((zone, body)) => (Some(zone), body),
        None => (None, cron.schedule.as_str()),
    };
    // Blanks are all that an approval writes otherwise.
    let schedule = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_same = Schedule::parse(&schedule).is_ok_and(|new| Schedule::parse(body).is_ok_and(|old| old == new));
    if !is_same || !is_schedule(&schedule) {
        return Err("its schedule is longer than an approval can hold, or written in a way that an approval cannot be");
    }
    if let Some(zone) = prefix {
        if !is_zone(zone) {
            return Err("its schedule names a time zone that no approval can name");
        }
        return Ok(Some(When { schedule, zone: Some(zone.to_owned()), zone_in_schedule: true }));
    }
    let zone = match &cron.time_zone {
        Some(zone) => Some(zone.clone()).filter(|zone| is_zone(zone)),
        // An empty name stands for a workload that names no zone.
        None => Some(String::new()),
    };
    Ok(Some(When { schedule, zone, zone_in_schedule: false }))
}

fn is_schedule(text: &str) -> bool {
    let fields = || text.split(' ').count();
    text.len() <= LONGEST_SCHEDULE
        && (DESCRIPTORS.contains(&text)
            || text.starts_with("@every ") && fields() == 2
            || !text.split(' ').next().unwrap_or_default().contains('@') && fields() == 5)
}

fn is_zone(name: &str) -> bool {
    !name.is_empty() && time_zone(name).is_some()
}

/// Every image of the pod. Those that cannot be parsed are left aside: such a workload has no draft.
pub(super) fn images(workload: &Workload) -> Vec<ImageRef> {
    let containers = workload.pod.containers.iter().map(|container| container.image.as_str());
    let volumes = workload.pod.volumes.iter().filter_map(|volume| match &volume.source {
        VolumeSource::Image(reference) => Some(reference.as_str()),
        _ => None,
    });
    containers.chain(volumes).filter_map(|text| ImageRef::parse(text).ok()).collect()
}

/// The entry for exactly this image, if there can be one.
pub(super) fn image(image: &ImageRef) -> Option<ExpectedImage> {
    let repository = image.repository();
    // Approvals know neither hosts in upper case or brackets nor digests of the third kind.
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | ':' | '/' | '-');
    let is_repository = repository.len() <= LONGEST_REPOSITORY
        && repository.chars().all(known)
        && RepositoryPattern::new(repository).is_ok();
    let is_digest = image.digest().is_none_or(|digest| digest.starts_with("sha256:") || digest.starts_with("sha512:"));
    (is_repository && is_digest).then(|| ExpectedImage {
        repository: repository.to_owned(),
        tags: image.tag().map(str::to_owned).into_iter().collect(),
        digests: image.digest().map(str::to_owned).into_iter().collect(),
        require_digest: false,
    })
}

/// The service account, if an approval can name it.
pub(super) fn service_account(workload: &Workload) -> Option<String> {
    let name = &workload.pod.service_account;
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = name.len() <= LONGEST_NAME
        && name.starts_with(letter)
        && name.ends_with(letter)
        && name.chars().all(|c| letter(c) || matches!(c, '.' | '-'));
    is_name.then(|| name.clone())
}

/// Whether an approval can expect a label of this value.
pub(super) fn is_label(value: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    value.is_empty()
        || value.len() <= LONGEST_LABEL
            && value.starts_with(letter)
            && value.ends_with(letter)
            && value.chars().all(|c| letter(c) || matches!(c, '_' | '.' | '-'))
}

/// What an approval must say of suspension; nothing if the workload satisfies neither: it is not suspended, and yet never starts
/// a Pod.
pub(super) fn suspended(workload: &Workload) -> Option<bool> {
    let job = &workload.job;
    let starts_nothing = job.suspend || job.parallelism == 0 || job.completions == Some(0);
    if workload.suspended() { Some(true) } else { (!starts_nothing).then_some(false) }
}

/// Whether an approval can name a capability.
pub(super) fn is_capability(name: &str) -> bool {
    name.len() <= LONGEST_CAPABILITY
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with("CAP_")
}

/// The pattern for a host path. Characters that mean something else in a pattern, or that it cannot have, become wildcards.
/// `None` if it is too long all the same.
pub(super) fn host_path(path: &str, remarks: &mut Remarks) -> Option<String> {
    let path = clean_path(path);
    let mut pattern = String::new();
    for c in path.chars() {
        match c {
            // Two in a row would not be accepted, and one matches as much.
            '*' if pattern.ends_with('*') => {}
            '[' | ']' | '{' | '}' | '\\' => pattern.push('?'),
            c if c.is_control() => pattern.push('?'),
            c => pattern.push(c),
        }
    }
    if pattern.len() > LONGEST_HOST_PATH {
        return None;
    }
    if pattern != path || pattern.contains(['*', '?']) {
        let shown = printable(&path, super::SHOWN);
        remarks.pin("spec.allowed.hostPaths", &format!("{shown} can only be written as a pattern"));
    }
    Some(pattern)
}

/// A few patterns in the place of host paths that are too many.
pub(super) fn host_paths_by_depth(paths: &BTreeSet<String>) -> BTreeSet<String> {
    let by_depth = |path: &String| match path.as_str() {
        "/" => "/".to_owned(),
        path => "/*".repeat(path.matches('/').count()),
    };
    paths.iter().map(by_depth).filter(|path| path.len() <= LONGEST_HOST_PATH).collect()
}

/// The patterns for the Secrets or ConfigMaps that a workload refers to, but for those that are `known` already.
pub(super) fn referents(
    workload: &Workload,
    referent: Referent,
    known: impl Fn(&str) -> bool,
    remarks: &mut Remarks,
) -> BTreeSet<String> {
    let used: BTreeSet<&str> =
        references(workload).iter().filter(|r| r.referent == referent && !known(r.name)).map(|r| r.name).collect();
    used.into_iter().map(|name| referent_name(name, referent, remarks)).collect()
}

/// The field of an approval that lists what is referred to.
pub(super) fn referent_field(referent: Referent) -> &'static str {
    match referent {
        Referent::Secret => "spec.allowed.secrets",
        Referent::ConfigMap => "spec.allowed.configMaps",
    }
}

fn referent_name(name: &str, referent: Referent, remarks: &mut Remarks) -> String {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let pattern = match name.chars().count() {
        1..=LONGEST_NAME => name.chars().map(|c| if known(c) { c } else { '?' }).collect(),
        _ => "*".to_owned(),
    };
    if pattern != name {
        let text = format!("{} {} can only be written as a pattern", referent.as_str(), printable(name, super::SHOWN));
        remarks.pin(referent_field(referent), &text);
    }
    pattern
}
