//! The one evaluation: every approval that selects a workload, compared with it in full.

use jiff::Timestamp;

use super::explanation::{Check, CheckOutcome};
use super::facts::Facts;
use super::notes::{Detail, Notes, Texts};
use super::surroundings::Surroundings;
use super::{Assessment, SHOWN, Unknown, risk, rule};
use crate::api::code::DeviationCode;
use crate::api::finding::{Campaign, ConsideredApproval, Deviation, Outcome};
use crate::inventory::{Approval, Inventory, Labels, Problem, Rules};
use crate::workload::{Workload, redact};

/// A workload, judged.
pub(super) struct Judgement<'a> {
    facts: Facts<'a>,
    /// What cannot be parsed. It deviates from every approval, and comes first.
    pub(super) malformed: Notes,
    /// Every approval that selects the workload, nearest first.
    pub(super) approvals: Vec<Judged<'a>>,
    /// The campaign that the workload belongs to if nothing approves it.
    campaign: Option<&'a Campaign>,
}

/// An approval, compared with the workload.
pub(super) struct Judged<'a> {
    pub(super) approval: &'a Approval,
    pub(super) outcome: Outcome,
    /// What was compared; empty if the approval is invalid.
    pub(super) notes: Notes,
    /// How many deviations there are, with what is malformed.
    deviations: usize,
}

impl<'a> Judgement<'a> {
    pub(super) fn of(
        workload: &'a Workload,
        inventory: &'a Inventory,
        surroundings: Surroundings<'a>,
        now: Timestamp,
        detail: Detail,
    ) -> Self {
        let (namespace, campaign) = (surroundings.namespace, surroundings.campaign);
        let facts = Facts::of(workload, surroundings, now);
        let mut malformed = Notes::new(Detail::Verdict);
        facts.note_malformed(&mut malformed);
        let count = malformed.checks().len();
        let selecting = inventory.selecting(workload, namespace).into_iter();
        let mut approvals: Vec<Judged<'_>> =
            selecting.map(|approval| Judged::of(approval, &facts, namespace, count, now, detail)).collect();
        approvals.sort_by_key(Judged::distance);
        Self { facts, malformed, approvals, campaign }
    }

    /// The verdict. The reasons are the deviations from the nearest approval.
    pub(super) fn conclude(self) -> Assessment {
        let approvals = self.approvals.iter().map(Judged::considered).collect();
        let selecting: Vec<&str> = self.approvals.iter().map(|judged| &*judged.approval.name).collect();
        let own = risk::own_approvals(&self.facts, &selecting);
        let mut deviations: Vec<Deviation> =
            self.malformed.into_checks().into_iter().map(|check| check.into_deviation(None)).collect();
        let mut unknown = Vec::new();
        match self.approvals.into_iter().next() {
            None => deviations.push(unapproved()),
            Some(nearest) => {
                if let Err(problems) = &nearest.approval.rules {
                    deviations.push(invalid(nearest.approval, problems));
                }
                nearest.conclude(&mut deviations, &mut unknown);
            }
        }
        let campaign = self.campaign.filter(|_| deviations.iter().any(is_unapproved));
        let risks = risk::all(&self.facts, &own, campaign);
        let own_approvals = own.iter().map(|own| own.approval.to_owned()).collect();
        let campaign = campaign.cloned();
        Assessment { deviations, risks, approvals, own_approvals, unknown, campaign, ..Assessment::default() }.rated()
    }
}

impl<'a> Judged<'a> {
    fn of(
        approval: &'a Approval,
        facts: &Facts<'_>,
        namespace: Option<&Labels>,
        malformed: usize,
        now: Timestamp,
        detail: Detail,
    ) -> Self {
        let mut notes = Notes::new(detail);
        let (outcome, deviations) = match &approval.rules {
            Err(_) => (Outcome::Invalid, malformed + 1),
            Ok(rules) => {
                note_unknown_namespace(approval, facts, namespace, &mut notes);
                compare(approval, rules, facts, now, &mut notes);
                let deviations = malformed + notes.count(CheckOutcome::Deviates);
                let outcome = match deviations {
                    _ if approval.expired(now) => Outcome::Expired,
                    1.. => Outcome::Deviates,
                    0 if notes.count(CheckOutcome::Unknown) > 0 => Outcome::Unknown,
                    0 => Outcome::Satisfied,
                };
                (outcome, deviations)
            }
        };
        Self { approval, outcome, notes, deviations }
    }

    /// Nearest is what satisfies, then what has the fewest deviations; an approval that cannot be used is the farthest. The sort is
    /// stable and the approvals come by name, so the name decides between equals.
    fn distance(&self) -> (u8, usize) {
        let rank = match self.outcome {
            Outcome::Satisfied => 0,
            Outcome::Unknown => 1,
            Outcome::Deviates | Outcome::Expired => 2,
            Outcome::Invalid => 3,
        };
        (rank, self.deviations)
    }

    fn considered(&self) -> ConsideredApproval {
        let deviations = i32::try_from(self.deviations).unwrap_or(i32::MAX);
        ConsideredApproval { name: self.approval.name.to_string(), outcome: self.outcome, deviations }
    }

    /// Adds what the verdict hangs on. What is unknown counts only where nothing deviates.
    fn conclude(self, deviations: &mut Vec<Deviation>, unknown: &mut Vec<Unknown>) {
        let name = &self.approval.name;
        for check in self.notes.into_checks() {
            match check.outcome {
                CheckOutcome::Deviates => deviations.push(check.into_deviation(Some(name.to_string()))),
                CheckOutcome::Unknown if self.outcome == Outcome::Unknown => {
                    let Check { code, expected, .. } = check;
                    unknown.push(Unknown { code, expected, approval: name.to_string() });
                }
                CheckOutcome::Unknown | CheckOutcome::Held => {}
            }
        }
    }
}

fn compare(approval: &Approval, rules: &Rules, facts: &Facts<'_>, now: Timestamp, notes: &mut Notes) {
    if let Some(at) = approval.expires_at {
        let expired = approval.expired(now);
        notes.compare(!expired, DeviationCode::ApprovalExpired, "spec.expiresAt", || {
            let observed = if expired { format!("it expired at {at}") } else { format!("it expires at {at}") };
            Texts::new("", "an approval that is still valid", observed)
        });
    }
    rule::all(facts, &approval.name, rules, notes);
}

/// An approval that selects namespaces by labels which nobody knows here may speak for the workload, or not.
fn note_unknown_namespace(approval: &Approval, facts: &Facts<'_>, namespace: Option<&Labels>, notes: &mut Notes) {
    let name = &facts.workload.key.namespace;
    if approval.matcher.fits_namespace(name, namespace).is_none() {
        let expected = format!("a namespace with the labels {}", approval.matcher.namespace_selector());
        let observed = format!("the labels of {} are not known", redact::printable(name, 64));
        let texts = Texts::new("metadata.namespace", expected, observed);
        notes.unknown(DeviationCode::Unapproved, "spec.match.namespaceSelector", texts);
    }
}

/// Whether nothing that could approve the workload speaks for it.
pub(super) fn is_unapproved(deviation: &Deviation) -> bool {
    deviation.code == DeviationCode::Unapproved
}

fn unapproved() -> Deviation {
    Deviation {
        code: DeviationCode::Unapproved,
        path: String::new(),
        expected: "an ApprovedCronJob that selects it".to_owned(),
        observed: "none does".to_owned(),
        approval: None,
    }
}

fn invalid(approval: &Approval, problems: &[Problem]) -> Deviation {
    let problems = crate::inventory::join(problems, "; ");
    Deviation {
        code: DeviationCode::Unapproved,
        path: String::new(),
        expected: "a valid approval".to_owned(),
        observed: redact::printable(&format!("the approval approves nothing: {problems}"), SHOWN),
        approval: Some(approval.name.to_string()),
    }
}
