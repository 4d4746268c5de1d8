//! Identifies evidence, so that people can acknowledge exactly what they looked at.

use sha2::{Digest, Sha256};

use crate::api::code::{DeviationCode, RiskCode};
use crate::assess::Assessment;
use crate::workload::Workload;
pub(super) use crate::workload::redact::hex;

/// A hash over all deviations, the risks and the whole normal form of the workload: any change of what runs changes it.
pub fn fingerprint(assessment: &Assessment, workload: Option<&Workload>) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    for deviation in &assessment.deviations {
        part(deviation.code.as_str());
        part(&deviation.path);
        part(&deviation.expected);
        // A run outside of the windows is shown as an example from the current year. The schedule itself is part of the
        // evidence anyway, and a new year is no news.
        if deviation.code != DeviationCode::Window {
            part(&deviation.observed);
        }
        part(deviation.approval.as_deref().unwrap_or_default());
    }
    // Evidence of who did it comes late. That it was a person is nothing to look at again for whoever looked at the rest.
    let is_late = |code| matches!(code, RiskCode::HumanActor | RiskCode::Impersonation);
    for risk in assessment.risks.iter().filter(|risk| !is_late(risk.code)) {
        part(risk.code.as_str());
        part(&risk.path);
    }
    if let Some(workload) = workload {
        part(&workload.template_hash());
        part(&workload.run_settings());
    }
    hex(&hash.finalize(), 16)
}
