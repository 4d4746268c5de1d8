//! The smallest change of an approval that makes a workload satisfy it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::entry::{self, most};
use super::evidence::Evidence;
use super::remarks::{Remarks, TEMPLATE_HASH};
use super::{Draft, Options, Undrafted, build, command};
use crate::api::ApprovedCronJob;
use crate::api::approval::{Allowed, Expected, PodSecurityLevel};
use crate::api::code::DeviationCode;
use crate::inventory::{Approval, ImageRule, Labels, Rules};
use crate::workload::Workload;
use crate::workload::image::ImageRef;
use crate::workload::pod::clean_path;
use crate::workload::pod_security::Subject;
use crate::workload::redact::printable;
use crate::workload::reference::Referent;
use crate::workload::schedule::Schedule;

/// How often what a change has uncovered is looked at again. A pinned template is uncovered by a pattern that needs it.
const ROUNDS: usize = 3;

/// What `kubectl apply` keeps at an object and nobody writes.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Changes an approval as little as possible, so that the workload satisfies it but for what is left out. `namespace` are the
/// labels of the workload's namespace, if they are known.
///
/// Only what deviates is changed: lists get further entries, single values are replaced, and `match`, `expected.windows` and
/// `expiresAt` are left to people. Fails if no approval can be satisfied by the workload, or none can name it.
pub fn change<'l>(
    nearest: &ApprovedCronJob,
    workload: &Workload,
    options: &Options,
    namespace: impl Into<Option<&'l Labels>>,
    now: Timestamp,
) -> Result<Draft, Undrafted> {
    let namespace = namespace.into();
    let evidence = Evidence::of(workload, options, now)?;
    let mut remarks = Remarks::default();
    let mut approval =
        ApprovedCronJob { metadata: written(&nearest.metadata), spec: nearest.spec.clone(), status: None };
    let mut deviations = evidence.judged(&approval, namespace, now);
    for _ in 0..ROUNDS {
        let Ok(rules) = Approval::compile(&approval).rules else { break };
        let codes: BTreeSet<DeviationCode> = deviations.iter().map(|deviation| deviation.code).collect();
        // An approval that does not speak for the workload has nothing to be changed but whom it speaks for.
        if codes.is_empty() || codes.contains(&DeviationCode::Unapproved) {
            break;
        }
        build::note_substitutes(&deviations, &mut remarks);
        let mut mender = Mender {
            evidence: &evidence,
            rules: &rules,
            expected: &mut approval.spec.expected,
            allowed: &mut approval.spec.allowed,
            remarks: &mut remarks,
        };
        for code in codes {
            mender.mend(code);
        }
        if remarks.pin && approval.spec.expected.template_hash.is_none() {
            approval.spec.expected.template_hash = Some(evidence.template_hash());
            remarks.note(TEMPLATE_HASH, "new: all workloads that the approval speaks for must have this template");
        }
        deviations = evidence.judged(&approval, namespace, now);
    }
    if approval.spec != nearest.spec && approval.spec.expected.config_map_hashes {
        remarks.content_is_recorded_anew();
    }
    remarks.risks(&evidence);
    Ok(Draft { approval, notes: remarks.finish(), left_out: evidence.left_out(deviations) })
}

/// The metadata as people write it, without what the API server adds.
fn written(metadata: &ObjectMeta) -> ObjectMeta {
    let mut annotations = metadata.annotations.clone();
    if let Some(annotations) = &mut annotations {
        annotations.remove(LAST_APPLIED);
    }
    ObjectMeta {
        name: metadata.name.clone(),
        labels: metadata.labels.clone(),
        annotations: annotations.filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    }
}

/// One round of changes.
struct Mender<'a> {
    evidence: &'a Evidence<'a>,
    /// What the approval says before this round.
    rules: &'a Rules,
    expected: &'a mut Expected,
    allowed: &'a mut Allowed,
    remarks: &'a mut Remarks,
}

impl Mender<'_> {
    fn mend(&mut self, code: DeviationCode) {
        match code {
            DeviationCode::Schedule => self.schedule(),
            DeviationCode::TimeZone => self.time_zone(),
            DeviationCode::Interval => self.interval(),
            DeviationCode::Image | DeviationCode::ImageDigest => self.images(),
            DeviationCode::Command => self.commands(),
            DeviationCode::ServiceAccount => {
                let account = entry::service_account(self.evidence.workload);
                let list = &mut self.expected.service_accounts;
                add(list, account, most::SERVICE_ACCOUNTS, "spec.expected.serviceAccounts", self.remarks);
            }
            DeviationCode::Labels => self.labels(),
            // A template that holds something suspicious stays unapproved until somebody accepts it.
            DeviationCode::Template if !self.evidence.suspicious() => {
                self.expected.template_hash = Some(self.evidence.template_hash());
                self.remarks.note(TEMPLATE_HASH, "replaced: the previous template is not approved any more");
            }
            DeviationCode::Suspended | DeviationCode::Resumed => {
                self.expected.suspended = entry::suspended(self.evidence.workload);
                let text = if self.expected.suspended.is_some() {
                    "changed"
                } else {
                    "removed: the workload is not suspended, but its Jobs never start a Pod"
                };
                self.remarks.note("spec.expected.suspended", text);
            }
            DeviationCode::PodSecurity => self.pod_security(),
            DeviationCode::Reference => {
                self.references(Referent::Secret);
                self.references(Referent::ConfigMap);
            }
            // Nothing here could mend the others, or should.
            _ => {}
        }
    }

    fn schedule(&mut self) {
        let Ok(Some(when)) = entry::when(self.evidence.workload) else { return };
        // Without zones in the approval, the zone of the schedule cannot be said but by constraining those of all others.
        if !(when.zone_in_schedule && self.rules.time_zones.is_empty()) {
            let list = &mut self.expected.schedules;
            add(list, Some(when.schedule), most::SCHEDULES, "spec.expected.schedules", self.remarks);
        }
    }

    fn time_zone(&mut self) {
        let zone = entry::when(self.evidence.workload).ok().flatten().and_then(|when| when.zone);
        add(&mut self.expected.time_zones, zone, most::TIME_ZONES, "spec.expected.timeZones", self.remarks);
    }

    fn interval(&mut self) {
        let schedule = self.evidence.workload.cron.as_ref().and_then(|cron| Schedule::parse(&cron.schedule).ok());
        let Some(densest) = schedule.and_then(|schedule| schedule.densest_interval()) else { return };
        let seconds = densest.as_secs();
        let parts = [(seconds / 3600, "h"), (seconds % 3600 / 60, "m"), (seconds % 60, "s")];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
        let text = parts.concat();
        self.remarks.note("spec.expected.minimumInterval", &format!("lowered to {text}"));
        self.expected.minimum_interval = Some(text);
    }

    fn images(&mut self) {
        let used: BTreeSet<ImageRef> = entry::images(self.evidence.workload).into_iter().collect();
        for image in &used {
            let fits = |rule: &ImageRule| {
                rule.repository.value.matches(image) && rule.tag_fits(image) && rule.digest_fits(image)
            };
            if !self.rules.images.iter().any(fits) {
                self.image(image);
            }
        }
    }

    /// Adds a tag or a digest to the entry that speaks for the repository alone, or else an entry.
    fn image(&mut self, image: &ImageRef) {
        const FIELD: &str = "spec.expected.images";
        let Some(entry) = entry::image(image) else { return };
        let shown = printable(&image.to_string(), super::SHOWN);
        let mut of_repository = self
            .rules
            .images
            .iter()
            .zip(self.expected.images.iter_mut())
            .filter(|(rule, _)| rule.repository.value.is_literal() && rule.repository.value.matches(image));
        let existing = match image.digest() {
            None => of_repository
                .find(|(rule, _)| rule.digests.is_empty() && !rule.require_digest && rule.tags.len() < most::TAGS),
            Some(_) => {
                of_repository.find(|(rule, _)| (1..most::DIGESTS).contains(&rule.digests.len()) && rule.tag_fits(image))
            }
        };
        if let Some((_, existing)) = existing {
            existing.tags.extend(entry.tags.into_iter().filter(|_| image.digest().is_none()));
            existing.digests.extend(entry.digests);
        } else if self.expected.images.len() < most::IMAGES {
            self.expected.images.push(entry);
        } else {
            return;
        }
        self.remarks.note(FIELD, &format!("{shown} is new: remove what is not used any more"));
    }

    fn commands(&mut self) {
        const FIELD: &str = "spec.expected.commands";
        if self.rules.commands.is_empty() {
            return;
        }
        let evidence = self.evidence;
        for line in command::lines(evidence).filter(|line| !line.is_suspicious(evidence)) {
            let fits = match line.hook {
                Some(hook) => self.rules.commands.iter().any(|rule| rule.hook_fits(&hook.command)),
                None => self.rules.commands.iter().any(|rule| rule.fits(&line.container.command, &line.container.args)),
            };
            if fits || self.expected.commands.len() >= most::COMMANDS {
                continue;
            }
            let entry = line.entry(evidence, self.remarks);
            if !self.expected.commands.contains(&entry) {
                self.expected.commands.push(entry);
                let path = evidence.workload.container_path(line.container);
                self.remarks.note(FIELD, &format!("the last entries are new: {path}"));
            }
        }
    }

    fn labels(&mut self) {
        const FIELD: &str = "spec.expected.labels";
        let labels = &self.evidence.workload.labels;
        for (key, expected) in &self.rules.labels {
            let shown = printable(key, super::SHOWN);
            match labels.get(key).filter(|value| entry::is_label(value)) {
                Some(value) if value == expected => {}
                Some(value) => {
                    self.expected.labels.insert(key.clone(), value.clone());
                    self.remarks.note(FIELD, &format!("{shown} is replaced"));
                }
                None => {
                    self.expected.labels.remove(key);
                    self.remarks.note(FIELD, &format!("{shown} is removed, because the workload has none"));
                }
            }
        }
    }

    fn pod_security(&mut self) {
        let evidence = self.evidence;
        let strictest_looked_at = self.rules.pod_security.min(PodSecurityLevel::Baseline);
        for (path, violation) in evidence.violations() {
            if violation.tolerated_at <= strictest_looked_at || evidence.not_accepted(path, violation).is_some() {
                continue;
            }
            match &violation.subject {
                Subject::HostPath(used) => {
                    let clean = clean_path(used);
                    let is_allowed =
                        |p: &crate::workload::pattern::Pattern| p.matches(&clean) && (clean != "/" || p.is_literal());
                    if !self.rules.host_paths.iter().any(is_allowed) {
                        let pattern = entry::host_path(used, self.remarks);
                        let list = &mut self.allowed.host_paths;
                        add(list, pattern, most::HOST_PATHS, "spec.allowed.hostPaths", self.remarks);
                    }
                }
                Subject::Capability(name) => {
                    let name = Some(name.clone()).filter(|name| entry::is_capability(name));
                    let list = &mut self.allowed.capabilities;
                    add(list, name, most::CAPABILITIES, "spec.allowed.capabilities", self.remarks);
                }
                Subject::Other => {}
            }
        }
        let needed = evidence.pod_security();
        if needed > self.allowed.pod_security {
            self.allowed.pod_security = needed;
            self.remarks.note("spec.allowed.podSecurity", &format!("widened to {}", needed.as_str()));
        }
    }

    fn references(&mut self, referent: Referent) {
        let (rules, list) = match referent {
            Referent::Secret => (&self.rules.secrets, &mut self.allowed.secrets),
            Referent::ConfigMap => (&self.rules.config_maps, &mut self.allowed.config_maps),
        };
        let known = |name: &str| rules.iter().any(|pattern| pattern.matches(name));
        for name in entry::referents(self.evidence.workload, referent, known, self.remarks) {
            add(list, Some(name), most::REFERENCES, entry::referent_field(referent), self.remarks);
        }
    }
}

/// Adds an entry to a list, if there is one and the list has room.
fn add(list: &mut Vec<String>, entry: Option<String>, most: usize, field: &str, remarks: &mut Remarks) {
    let Some(entry) = entry.filter(|entry| list.len() < most && !list.contains(entry)) else { return };
    let shown = if entry.is_empty() { "\"\"".to_owned() } else { printable(&entry, super::SHOWN) };
    remarks.note(field, &format!("{shown} is new"));
    list.push(entry);
}
