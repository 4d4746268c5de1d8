//! What is known of a workload before anything is drafted: its risks, and which of them nobody has accepted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Accepted, Code, LeftOut, Options, Undrafted, name};
use crate::api::ApprovedCronJob;
use crate::api::approval::PodSecurityLevel;
use crate::api::code::{DeviationCode, RiskCode};
use crate::api::finding::{Deviation, Risk};
use crate::assess::{Assessment, assess};
use crate::inventory::{Approval, Inventory, Labels};
use crate::workload::pod::{EnvSource, Literal};
use crate::workload::pod_security::{Subject, Violation, violations};
use crate::workload::redact::printable;
use crate::workload::{Container, Workload};

/// A workload with its risks.
pub(super) struct Evidence<'a> {
    pub(super) workload: &'a Workload,
    pub(super) options: &'a Options,
    pub(super) risks: Vec<Risk>,
    /// The codes of the risks, by the path of the field.
    by_path: BTreeMap<String, BTreeSet<RiskCode>>,
    /// What Restricted refuses of the pod, each with the path of its field, by which they are sorted.
    violations: Vec<(String, Violation)>,
}

impl<'a> Evidence<'a> {
    /// Fails for a workload that cannot be parsed, or that no approval can name.
    pub(super) fn of(workload: &'a Workload, options: &'a Options, now: Timestamp) -> Result<Self, Undrafted> {
        let refuse = |reason: String| Undrafted { workload: workload.key.clone(), reason };
        if workload.key.name.is_empty() {
            return Err(refuse(
                "it has no name: with metadata.generateName each run has another one, so write an approval with a pattern \
                 such as names: [\"prefix-*\"] by hand"
                    .to_owned(),
            ));
        }
        if !name::is_valid(&workload.key) {
            return Err(refuse("its name or namespace is none that Kubernetes accepts".to_owned()));
        }
        let Assessment { deviations, risks, .. } = assess(workload, &Inventory::default(), &Labels::new(), now);
        if let Some(malformed) = deviations.iter().find(|deviation| deviation.code == DeviationCode::Malformed) {
            return Err(refuse(format!("no approval can be satisfied: {}: {}", malformed.path, malformed.observed)));
        }
        let mut by_path: BTreeMap<String, BTreeSet<RiskCode>> = BTreeMap::new();
        for risk in &risks {
            by_path.entry(risk.path.clone()).or_default().insert(risk.code);
        }
        let violations = violations(&workload.pod, PodSecurityLevel::Restricted)
            .into_iter()
            .map(|violation| (format!("{}.{}", workload.pod_path(), violation.path), violation))
            .collect();
        Ok(Self { workload, options, risks, by_path, violations })
    }

    fn accepted(&self) -> &Accepted {
        &self.options.accepted
    }

    /// What the pod has that some level refuses, each with its path in the manifest.
    pub(super) fn violations(&self) -> impl Iterator<Item = (&str, &Violation)> {
        self.violations.iter().map(|(path, violation)| (path.as_str(), violation))
    }

    fn violation(&self, path: &str) -> Option<&Violation> {
        let index = self.violations.partition_point(|(other, _)| other.as_str() < path);
        self.violations.get(index).filter(|(other, _)| other == path).map(|(_, violation)| violation)
    }

    /// What has to be accepted before a weakness may be allowed, and is not.
    pub(super) fn not_accepted(&self, path: &str, violation: &Violation) -> Option<Code> {
        if violation.tolerated_at < PodSecurityLevel::Privileged {
            return None;
        }
        self.dangers(path, violation).into_iter().find(|code| !self.accepted().contains(*code))
    }

    /// The codes that name a weakness which Baseline refuses.
    fn dangers(&self, path: &str, violation: &Violation) -> Vec<Code> {
        let path = match violation.subject {
            Subject::HostPath(_) => format!("{path}.path"),
            Subject::Capability(_) | Subject::Other => path.to_owned(),
        };
        match self.by_path.get(&path) {
            Some(risks) => risks.iter().copied().map(Code::Risk).collect(),
            None => vec![Code::PodSecurity],
        }
    }

    /// The weaknesses that only Privileged tolerates, but for host paths and capabilities, which have lists of their own.
    pub(super) fn privileges(&self) -> impl Iterator<Item = (&str, &Violation)> {
        self.violations().filter(|(_, violation)| {
            violation.tolerated_at == PodSecurityLevel::Privileged && violation.subject == Subject::Other
        })
    }

    /// The first code that keeps `Privileged` from being allowed.
    pub(super) fn against_privileged(&self) -> Option<Code> {
        self.privileges().find_map(|(path, violation)| self.not_accepted(path, violation))
    }

    /// The level that the pod needs, as far as its weaknesses are accepted.
    pub(super) fn pod_security(&self) -> PodSecurityLevel {
        let needed = self.violations().filter(|(_, violation)| violation.subject == Subject::Other);
        match needed.map(|(_, violation)| violation.tolerated_at).max().unwrap_or(PodSecurityLevel::Restricted) {
            PodSecurityLevel::Privileged if self.against_privileged().is_some() => PodSecurityLevel::Baseline,
            level => level,
        }
    }

    /// Whether a field holds a suspicious command that nobody accepted.
    fn is_suspicious(&self, path: &str) -> bool {
        !self.accepted().contains(Code::Risk(RiskCode::SuspiciousCommand))
            && self.by_path.get(path).is_some_and(|risks| risks.contains(&RiskCode::SuspiciousCommand))
    }

    /// Whether the command line of a container is suspicious and not accepted.
    pub(super) fn suspicious_command(&self, container: &Container) -> bool {
        let path = self.workload.container_path(container);
        self.is_suspicious(&format!("{path}.command")) || self.is_suspicious(&format!("{path}.args"))
    }

    /// Whether a probe or hook of a container runs something suspicious that is not accepted.
    pub(super) fn suspicious_hook(&self, container: &Container, hook: &str) -> bool {
        self.is_suspicious(&format!("{}.{hook}.exec.command", self.workload.container_path(container)))
    }

    /// Whether a variable of a container holds something suspicious that is not accepted.
    pub(super) fn suspicious_variable(&self, container: &Container, index: usize) -> bool {
        self.is_suspicious(&format!("{}.env[{index}].value", self.workload.container_path(container)))
    }

    /// Whether anything is suspicious and not accepted.
    pub(super) fn suspicious(&self) -> bool {
        self.by_path.keys().any(|path| self.is_suspicious(path))
    }

    /// The hash of the template as far as it may be approved: suspicious commands and variables that nobody accepted count as
    /// absent, so that the workload has another hash.
    pub(super) fn template_hash(&self) -> String {
        if !self.suspicious() {
            return self.workload.template_hash();
        }
        let mut without = self.workload.clone();
        for (cleaned, container) in without.pod.containers.iter_mut().zip(&self.workload.pod.containers) {
            if self.suspicious_command(container) {
                cleaned.command.clear();
                cleaned.args.clear();
            }
            cleaned.hooks.retain(|hook| !self.suspicious_hook(container, &hook.field));
            for (i, variable) in cleaned.env.iter_mut().enumerate() {
                if self.suspicious_variable(container, i) {
                    variable.source = EnvSource::Literal(Literal::default());
                }
            }
        }
        without.template_hash()
    }

    /// How the workload deviates from one approval.
    pub(super) fn judged(
        &self,
        approval: &ApprovedCronJob,
        namespace: Option<&Labels>,
        now: Timestamp,
    ) -> Vec<Deviation> {
        let mut inventory = Inventory::default();
        inventory.insert(Approval::compile(approval));
        assess(self.workload, &inventory, namespace, now).deviations
    }

    /// What deviates, as what was left out of the approval.
    pub(super) fn left_out(&self, deviations: Vec<Deviation>) -> Vec<LeftOut> {
        let mut left_out: Vec<LeftOut> = deviations.into_iter().map(|deviation| self.as_left_out(deviation)).collect();
        left_out.sort();
        left_out.dedup();
        left_out
    }

    fn as_left_out(&self, deviation: Deviation) -> LeftOut {
        let mut detail = deviation.observed;
        let (field, code) = match deviation.code {
            DeviationCode::PodSecurity => match self.violation(&deviation.path) {
                Some(violation) => {
                    let own = self.not_accepted(&deviation.path, violation);
                    match violation.subject {
                        Subject::HostPath(_) => ("spec.allowed.hostPaths", own),
                        Subject::Capability(_) => ("spec.allowed.capabilities", own),
                        Subject::Other => ("spec.allowed.podSecurity", own.or_else(|| self.against_privileged())),
                    }
                }
                None => ("spec.allowed.podSecurity", None),
            },
            DeviationCode::Command | DeviationCode::Template => {
                let suspicion = self.suspicious().then_some(Code::Risk(RiskCode::SuspiciousCommand));
                let is_command = deviation.code == DeviationCode::Command;
                (if is_command { "spec.expected.commands" } else { super::remarks::TEMPLATE_HASH }, suspicion)
            }
            DeviationCode::ApprovalExpired => {
                detail = format!("{detail}: a new date is for people to choose");
                ("spec.expiresAt", None)
            }
            DeviationCode::Unapproved => ("spec.match", None),
            DeviationCode::Schedule => ("spec.expected.schedules", None),
            DeviationCode::TimeZone => ("spec.expected.timeZones", None),
            DeviationCode::Interval => ("spec.expected.minimumInterval", None),
            DeviationCode::Window => ("spec.expected.windows", None),
            DeviationCode::Image | DeviationCode::ImageDigest => ("spec.expected.images", None),
            DeviationCode::ServiceAccount => ("spec.expected.serviceAccounts", None),
            DeviationCode::Labels => ("spec.expected.labels", None),
            DeviationCode::Suspended | DeviationCode::Resumed => ("spec.expected.suspended", None),
            // Of a Secret or a ConfigMap: the observed text begins with which.
            DeviationCode::Reference if detail.starts_with("Secret") => ("spec.allowed.secrets", None),
            DeviationCode::Reference => ("spec.allowed.configMaps", None),
            _ => ("", None),
        };
        LeftOut {
            code,
            field: field.to_owned(),
            path: printable(&deviation.path, super::SHOWN),
            detail: printable(&detail, 2 * super::SHOWN),
        }
    }
}
