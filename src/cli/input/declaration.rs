//! Approvals as the API server would take them.

use serde_json::Value;

use crate::api::ApprovedCronJob;
use crate::api::approval::from_value;
use crate::api::validation::validate;
use crate::inventory::Approval;

/// An approval that was found, and what is wrong with it.
#[derive(Debug)]
pub(in crate::cli) struct Declaration {
    /// The approval and its compiled form, unless the API server would refuse it.
    pub(in crate::cli) approval: Option<(ApprovedCronJob, Approval)>,
    /// Fields that cannot be used, and why.
    pub(in crate::cli) problems: Vec<(String, String)>,
}

/// Reads an approval as the API server would, and says what it would refuse, and what cannot be compiled.
pub(super) fn declaration(value: Value) -> Declaration {
    let refused = validate(&value);
    if !refused.is_empty() {
        let problems = refused.into_iter().map(|invalid| (invalid.path.clone(), invalid.to_string())).collect();
        return Declaration { approval: None, problems };
    }
    match from_value(value) {
        Ok(approval) => {
            let compiled = Approval::compile(&approval);
            let problems = compiled.rules.as_ref().err().into_iter().flatten();
            let problems = problems.map(|problem| (problem.field.clone(), problem.to_string())).collect();
            Declaration { approval: Some((approval, compiled)), problems }
        }
        Err(error) => Declaration { approval: None, problems: vec![(String::new(), error.to_string())] },
    }
}
