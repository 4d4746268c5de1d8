//! Jobs that claim to be what they are not.

use super::{Assessment, SHOWN};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::workload::redact::printable;

const OWNER: &str = "metadata.ownerReferences";

/// What is wrong with what a Job says about where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It names a CronJob as its owner, did not come from the CronJob controller, and has another template.
    ForgedOwner {
        /// The CronJob that it names.
        cron_job: String,
        /// Who created it.
        creator: String,
    },
    /// It was created under the name of a run that was yet to come, and not by the CronJob controller.
    TickSquatting {
        /// The CronJob whose run it is named like.
        cron_job: String,
        /// Who created it.
        creator: String,
        /// When the run was due.
        due: jiff::Timestamp,
    },
    /// The CronJob controller created it, and yet it has another template than its CronJob.
    TemplateDrift {
        /// The CronJob.
        cron_job: String,
    },
}

/// Adds to the assessment of a Job what is wrong with its origin.
#[must_use]
pub fn claimed(mut assessment: Assessment, claim: &Claim) -> Assessment {
    let shown = |text: &str| printable(text, SHOWN);
    let (code, path, expected, observed) = match claim {
        Claim::ForgedOwner { cron_job, creator } => (
            DeviationCode::ForgedOwner,
            OWNER,
            format!("created by the CronJob controller, or the template of CronJob {}", shown(cron_job)),
            format!("created by {}, with another template", shown(creator)),
        ),
        Claim::TickSquatting { cron_job, creator, due } => (
            DeviationCode::TickSquatting,
            "metadata.name",
            format!("created by the CronJob controller, as the run of CronJob {} that is due {due}", shown(cron_job)),
            format!("created before its time by {}", shown(creator)),
        ),
        Claim::TemplateDrift { cron_job } => (
            DeviationCode::TemplateDrift,
            "spec.template",
            format!("the template of CronJob {}", shown(cron_job)),
            "another template".to_owned(),
        ),
    };
    assessment.deviations.push(Deviation { code, path: path.to_owned(), expected, observed, approval: None });
    assessment.rated()
}
