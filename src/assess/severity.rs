//! How urgent a finding is, and why: the worst deviation sets the base, each serious risk raises it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::api::code::{RiskCode, Severity};
use crate::api::finding::{Deviation, Risk};

/// The severity, and each step that led to it. Risks raise what deviates; where nothing does, there is nothing to raise.
pub(super) fn rate(deviations: &[Deviation], risks: &[Risk]) -> (Severity, Vec<String>) {
    let codes = deviations.iter().map(|deviation| deviation.code);
    let Some(worst) = codes.min_by_key(|code| (Reverse(code.severity()), *code)) else {
        return (Severity::default(), Vec::new());
    };
    let mut severity = worst.severity();
    let mut reasons = vec![format!("{severity}: {worst}")];
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
