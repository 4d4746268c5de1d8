//! Changes of findings.

use jiff::Timestamp;
use kube::runtime::watcher::Event;

use super::super::observed::Observed;
use super::super::store::{Insertion, Versioned, subject_of};
use super::{Concerned, Picture};
use crate::api::ScheduledWorkloadFinding;
use crate::finding::{self, Record};
use crate::identity::Verb;
use crate::identity::ledger::Attempt;

impl Picture {
    pub(super) fn observe_finding(
        &mut self,
        event: Event<Observed<Box<ScheduledWorkloadFinding>>>,
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
                    let mut record = Record::of(&finding);
                    if let Some(known) = self.findings.get(&record.name) {
                        record = record.insisting(&known.record);
                    }
                    self.put_finding(Versioned { version, record }, now)
                } else {
                    self.metrics.could_not_read("scheduledworkloadfindings");
                    Vec::new()
                }
            }
            Event::Delete(observed) => {
                self.note_removal(&observed, now);
                self.remove_finding(observed.name(), observed.version())
            }
            Event::InitDone => {
                let gone = self.lists.findings.end();
                for name in gone.iter().filter(|name| !self.dropping.contains(*name)) {
                    self.ledger.note_attempt(name, Attempt::seen(Verb::Delete, now));
                }
                gone.iter().flat_map(|name| self.remove_finding(name, u64::MAX)).collect()
            }
        }
    }

    /// Remembers a finding that somebody removed, as it was, so that it comes back.
    fn note_removal(&mut self, observed: &Observed<Box<ScheduledWorkloadFinding>>, now: Timestamp) {
        let name = observed.name();
        let Some(known) = self.findings.get(name).filter(|_| !self.dropping.contains(name)) else { return };
        self.ledger.note_attempt(name, Attempt::seen(Verb::Delete, now));
        if let Ok(finding) = &observed.object
            && finding::is_intact(finding, &known.record)
        {
            let subject = subject_of(&known.record);
            self.removed.add(subject, finding);
        }
    }

    /// Takes in a finding as it is recorded now.
    fn put_finding(&mut self, finding: Versioned, now: Timestamp) -> Vec<Concerned> {
        let concerned = subject_of(&finding.record);
        let until = finding.record.acknowledged_until().filter(|until| *until > now);
        let dropped = finding.record.closed_at().and_then(|closed| closed.checked_add(self.standards.retention).ok());
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
        // Somebody removed it before the answer arrived: that is known, and it is brought back.
        if self.findings.is_gone(&finding) {
            return Vec::new();
        }
        let known = self.findings.get(&finding.record.name).and_then(|known| known.record.acknowledgement.clone());
        let decided = known != finding.record.acknowledgement;
        self.removed.is_back(&finding.record.name);
        // Who ended it may be known already.
        let is_over = finding.record.state().is_some_and(|state| !state.is_active());
        let concerned = self.put_finding(finding, now);
        if decided || is_over { concerned } else { Vec::new() }
    }

    /// Forgets a finding. Were it still needed, looking at its workload makes it anew.
    pub(in crate::cluster) fn remove_finding(&mut self, name: &str, version: u64) -> Vec<Concerned> {
        self.findings.remove(name, version).map(|record| subject_of(&record)).into_iter().collect()
    }

    /// Forgets a finding that was dropped.
    pub(in crate::cluster) fn dropped(&mut self, name: &str) {
        self.remove_finding(name, u64::MAX);
        self.dropping.remove(name);
        self.ledger.forget_attempts(name);
    }
}
