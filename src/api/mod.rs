//! The custom resources: their fields, their validation and the codes that they speak in.
//!
//! Everything here is data. The API server enforces what the schemas say; what they cannot express is checked when an
//! approval is compiled (see [`crate::inventory`]).

pub mod approval;
pub mod code;
pub mod finding;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use approval::ApprovedCronJob;
pub use finding::ScheduledWorkloadFinding;

/// The API group of both resources.
pub const GROUP: &str = "cronwarden.dev";

/// The field manager under which Cronwarden applies objects.
pub const FIELD_MANAGER: &str = "cronwarden";

/// A CEL rule for a time that people write. The format `date-time` would do, but its message does not say how to mend, and
/// no time of the year 9999 is safe to read: the last one depends on the zone.
const IS_TIME: &str =
    "self.matches('^[0-9-]{10}T[0-9:.]{8,}(Z|[+-][0-9:]{5})$') && timestamp(self) < timestamp('9999-01-01T00:00:00Z')";

/// The definitions of all custom resources, in the order in which they are to be installed.
pub fn all_crds() -> Vec<CustomResourceDefinition> {
    vec![ApprovedCronJob::crd(), ScheduledWorkloadFinding::crd()]
}
