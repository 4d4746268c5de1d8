//! Changes of findings.

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::Observed;
use super::super::store::{Insertion, Versioned, key_of};
use super::{Concerned, Picture};
use crate::api::ScheduledWorkloadFinding;
use crate::finding::Record;

impl Picture {
    pub(super) fn observe_finding(
        &mut self,
        event: Event<Observed<ScheduledWorkloadFinding>>,
        now: Timestamp,
    ) -> Vec<Concerned> {
        match event {
            Event::Init => {
                self.lists.findings.begin(self.findings.names().cloned());
                Vec::new()
            }
            Event::InitApply(observed) | Event::Apply(observed) => {
                self.lists.findings.mention(&observed.name().to_owned());
                let version = observed.version();
                if let Ok(finding) = observed.object {
                    self.put_finding(Versioned { version, record: Record::of(&finding) }, now)
                } else {
                    self.metrics.could_not_read("scheduledworkloadfindings");
                    Vec::new()
                }
            }
            Event::Delete(observed) => self.remove_finding(observed.name(), observed.version()),
            Event::InitDone => {
                let gone = self.lists.findings.end();
                gone.iter().flat_map(|name| self.remove_finding(name, u64::MAX)).collect()
            }
        }
    }

    /// Takes in a finding as it is recorded now.
    fn put_finding(&mut self, finding: Versioned, now: Timestamp) -> Vec<Concerned> {
        let concerned = Concerned::Workload(key_of(&finding.record));
        let until = finding.record.acknowledged_until().filter(|until| *until > now);
        let dropped = finding.record.closed_at().and_then(|closed| closed.checked_add(self.retention).ok());
        let insertion = self.findings.insert(finding);
        if insertion != Insertion::Changed {
            return Vec::new();
        }
        for at in until.into_iter().chain(dropped) {
            self.deadlines.add(at, concerned.clone());
        }
        vec![concerned]
    }

    /// Takes in a finding as the API server answered a write. It says what was just planned, so nobody is concerned, unless
    /// people decided something about it in the meantime.
    pub(in crate::cluster) fn put_written(&mut self, finding: Versioned, now: Timestamp) -> Vec<Concerned> {
        let known = self.findings.get(&finding.record.name).and_then(|known| known.record.acknowledgement.clone());
        let decided = known != finding.record.acknowledgement;
        let concerned = self.put_finding(finding, now);
        if decided { concerned } else { Vec::new() }
    }

    /// Forgets a finding. Were it still needed, looking at its workload makes it anew.
    pub(in crate::cluster) fn remove_finding(&mut self, name: &str, version: u64) -> Vec<Concerned> {
        self.findings.remove(name, version).map(|record| Concerned::Workload(key_of(&record))).into_iter().collect()
    }
}
