//! What is said to the reviewer beside the approval.

use std::collections::BTreeMap;

use super::Note;
use super::evidence::Evidence;
use crate::api::code::RiskCode;
use crate::workload::redact::printable;

/// How many remarks one field has, before they are only counted.
const MOST: usize = 12;

/// The longest remark, in characters.
const LONGEST: usize = 600;

/// The field that pins the whole template.
pub(super) const TEMPLATE_HASH: &str = "spec.expected.templateHash";

/// The field that holds on to what ConfigMaps hold.
const CONFIG_MAP_HASHES: &str = "spec.expected.configMapHashes";

/// The remarks of one draft.
#[derive(Default)]
pub(super) struct Remarks {
    notes: Vec<Note>,
    /// Whether the template has to be pinned for what is noted.
    pub(super) pin: bool,
}

impl Remarks {
    pub(super) fn note(&mut self, field: &str, text: &str) {
        let note = Note { field: field.to_owned(), text: printable(text, LONGEST) };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Notes something that the approval says more loosely than it was observed, and that the template is pinned therefore.
    pub(super) fn pin(&mut self, field: &str, text: &str) {
        self.pin = true;
        self.note(field, &format!("{text}; templateHash pins the whole template in exchange"));
    }

    /// Notes that with the change of an approval whatever its ConfigMaps hold by then is approved.
    pub(super) fn content_is_recorded_anew(&mut self) {
        let text = "look twice: with any change of the spec, what the ConfigMaps hold by then is recorded anew, and so approved";
        self.note(CONFIG_MAP_HASHES, text);
    }

    /// Notes every risk at the field of the approval that it concerns.
    pub(super) fn risks(&mut self, evidence: &Evidence<'_>) {
        for risk in &evidence.risks {
            let path = printable(&risk.path, super::SHOWN);
            let text = format!("look twice: {} at {path}: {}", risk.code, risk.detail);
            self.note(field(risk.code), &text);
        }
    }

    /// The notes, of which no field has too many.
    pub(super) fn finish(self) -> Vec<Note> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut notes = Vec::new();
        for note in self.notes {
            let count = counts.entry(note.field.clone()).or_default();
            *count += 1;
            if *count <= MOST {
                notes.push(note);
            }
        }
        let left = counts.into_iter().filter(|(_, count)| *count > MOST);
        notes.extend(left.map(|(field, count)| Note { field, text: format!("and {} more remarks", count - MOST) }));
        notes
    }
}

/// The field of an approval at which a risk is decided upon.
fn field(code: RiskCode) -> &'static str {
    match code {
        RiskCode::PrivilegedContainer | RiskCode::HostNamespace => "spec.allowed.podSecurity",
        RiskCode::HostPath | RiskCode::RuntimeSocket => "spec.allowed.hostPaths",
        RiskCode::DangerousCapability => "spec.allowed.capabilities",
        RiskCode::SystemNamespace | RiskCode::FanOut => "spec.match.namespaces",
        RiskCode::LookalikeName => "spec.match.names",
        RiskCode::PowerfulServiceAccount | RiskCode::RecentPrivilegeChange => "spec.expected.serviceAccounts",
        RiskCode::SuspiciousCommand => "spec.expected.commands",
        RiskCode::MutableTag => "spec.expected.images",
        RiskCode::FrequentSchedule | RiskCode::NeverRuns => "spec.expected.schedules",
        RiskCode::ControlPlaneToleration => TEMPLATE_HASH,
        RiskCode::EvidenceHiding => "spec.expected",
        RiskCode::HumanActor
        | RiskCode::AnonymousActor
        | RiskCode::Impersonation
        | RiskCode::SelfApproval
        | RiskCode::EvidenceTampering => "",
    }
}
