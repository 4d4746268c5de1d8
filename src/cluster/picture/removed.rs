//! Findings that somebody removed, as they were, until they are back.

use std::collections::HashMap;

use super::Concerned;
use crate::api::ScheduledWorkloadFinding;

/// How many are remembered in full. A finding whose workload still deviates is made anew without.
const MOST: usize = 1000;

/// Findings that somebody removed.
#[derive(Debug, Default)]
pub(super) struct Removed {
    by_subject: HashMap<Concerned, Vec<ScheduledWorkloadFinding>>,
    count: usize,
}

impl Removed {
    pub(super) fn add(&mut self, subject: Concerned, finding: &ScheduledWorkloadFinding) {
        if self.count >= MOST {
            return;
        }
        self.count += 1;
        self.by_subject.entry(subject).or_default().push(finding.clone());
    }

    /// Those about a subject.
    pub(super) fn about(&self, subject: &Concerned) -> &[ScheduledWorkloadFinding] {
        self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a finding is to be brought back.
    pub(super) fn is_waiting(&self, name: &str) -> bool {
        let mut all = self.by_subject.values().flatten();
        self.count > 0 && all.any(|finding| finding.metadata.name.as_deref() == Some(name))
    }

    /// Forgets one that is recorded again.
    pub(super) fn is_back(&mut self, name: &str) {
        let is_it = |finding: &ScheduledWorkloadFinding| finding.metadata.name.as_deref() == Some(name);
        let Some(subject) =
            self.by_subject.iter().find(|(_, f)| f.iter().any(is_it)).map(|(subject, _)| subject.clone())
        else {
            return;
        };
        if let Some(findings) = self.by_subject.get_mut(&subject) {
            findings.retain(|finding| !is_it(finding));
            self.count -= 1;
            if findings.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
    }
}
