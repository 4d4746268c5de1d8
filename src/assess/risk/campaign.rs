//! Where else the workload is.

use super::risk;
use crate::api::code::RiskCode;
use crate::api::finding::{Campaign, Risk};

/// What speaks against a workload that is one of many.
pub(super) fn part_of(campaign: &Campaign) -> Risk {
    let Campaign { fingerprint, namespaces, workloads } = campaign;
    let detail = format!(
        "the same template in {namespaces} namespaces ({workloads} workloads), created within an hour of one another: campaign {fingerprint}"
    );
    risk(RiskCode::FanOut, "", detail)
}
