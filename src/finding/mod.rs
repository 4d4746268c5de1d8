//! From an assessment and what is already recorded to what has to be written. Pure: the writes are carried out elsewhere.
//!
//! A finding is a function of the workload, the inventory, the previous finding and the time, so a second evaluation of an
//! unchanged cluster writes nothing.

mod actor;
pub mod campaign;
mod event;
mod fingerprint;
mod plan;
mod record;
mod runs;
mod snapshot;
mod status;
mod steps;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

use crate::api::finding::{SubjectKind, WorkloadReference};
use crate::workload::WorkloadKey;

pub use actor::{Attribution, recorded_creator, requester};
pub use event::{Notice, Reason};
pub use fingerprint::fingerprint;
pub use plan::{Closing, Subject, Write, attributed, closing, expired, plan, restored};
pub use record::{Acknowledgement, Record, is_intact};
pub use runs::Count;

/// The name of the finding about a workload: readable, and made unique by a hash of kind, namespace, name and uid.
///
/// It is a valid name for an object whatever the workload is called.
pub fn name(workload: &WorkloadReference) -> String {
    let mut hash = Sha256::new();
    for part in [workload.kind.as_str(), &workload.namespace, &workload.name, &workload.uid] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    // An approval lives in no namespace.
    let place = match workload.kind {
        SubjectKind::ApprovedCronJob => "approval".to_owned(),
        SubjectKind::CronJob | SubjectKind::Job => label(&workload.namespace, 60),
    };
    format!("{place}-{}-{}", label(&workload.name, 160), fingerprint::hex(&hash.finalize(), 10))
}

/// The part of a name that objects may have in theirs.
fn label(text: &str, limit: usize) -> String {
    let mut label: String = text
        .chars()
        .take(limit)
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.' { c } else { '-' })
        .collect();
    // A dot must stand between letters or digits, and a name must begin with one.
    while label.contains("..") || label.contains(".-") || label.contains("-.") {
        label = label.replace("..", "-").replace(".-", "-").replace("-.", "-");
    }
    let label = label.trim_matches(['-', '.']);
    if label.is_empty() { "x".to_owned() } else { label.to_owned() }
}

/// How a finding refers to a workload. A uid of none is for a workload that does not exist.
pub fn reference(key: &WorkloadKey, uid: &str) -> WorkloadReference {
    WorkloadReference {
        kind: key.kind.into(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: uid.to_owned(),
    }
}

/// How a finding refers to Jobs that are many and deviate alike. `beginning` is what their names begin with, `alike` identifies what they
/// have in common.
pub fn group_reference(namespace: &str, beginning: &str, alike: &str) -> WorkloadReference {
    WorkloadReference {
        kind: SubjectKind::Job,
        namespace: namespace.to_owned(),
        name: format!("{beginning}*"),
        uid: alike.to_owned(),
    }
}

/// Whether a finding refers to Jobs that are many. No Job has such a name.
pub fn is_group(workload: &WorkloadReference) -> bool {
    workload.kind == SubjectKind::Job && workload.name.ends_with('*')
}

/// How a finding refers to an approval.
pub fn approval_reference(name: &str, uid: &str) -> WorkloadReference {
    WorkloadReference {
        kind: SubjectKind::ApprovedCronJob,
        namespace: String::new(),
        name: name.to_owned(),
        uid: uid.to_owned(),
    }
}
