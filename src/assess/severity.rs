//! How urgent a finding is, and why: the worst deviation sets the base, each serious risk raises it.

use std::collections::BTreeSet;

use crate::api::code::{DeviationCode, RiskCode, Severity};
use crate::api::finding::{Deviation, Risk};

/// The severity, and each step that led to it.
pub(super) fn rate(deviations: &[Deviation], risks: &[Risk]) -> (Severity, Vec<String>) {
    let worst = deviations.iter().map(|deviation| deviation.code).max_by_key(|code| (code.severity(), std::cmp::Reverse(*code)));
    let mut severity = worst.map(DeviationCode::severity).unwrap_or_default();
    let mut reasons: Vec<String> = worst.map(|code| format!("{severity}: {code}")).into_iter().collect();
    let raising: BTreeSet<RiskCode> = risks.iter().map(|risk| risk.code).filter(|code| code.raises()).collect();
    for code in raising {
        let raised = severity.raised();
        if raised == severity {
            break;
        }
        severity = raised;
        reasons.push(format!("{severity}: raised by {code}"));
    }
    (severity, reasons)
}
