//! The custom resources: their fields, their validation and the codes that they speak in.
//!
//! Everything here is data. The API server enforces what the schemas say; what they cannot express is checked when an
//! approval is compiled (see [`crate::inventory`]).

pub mod approval;
pub mod code;
pub mod finding;
pub mod validation;

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
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
    let mut crds = vec![ApprovedCronJob::crd(), ScheduledWorkloadFinding::crd()];
    for version in crds.iter_mut().flat_map(|crd| &mut crd.spec.versions) {
        if let Some(schema) = version.schema.as_mut().and_then(|validation| validation.open_api_v3_schema.as_mut()) {
            join_lines(schema);
        }
    }
    crds
}

/// Makes one line of each paragraph of the descriptions: doc comments are wrapped for this code, and `kubectl explain` wraps
/// what it shows by itself.
fn join_lines(schema: &mut JSONSchemaProps) {
    if let Some(text) = &mut schema.description {
        let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
    schema.properties.iter_mut().flat_map(BTreeMap::values_mut).for_each(join_lines);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        join_lines(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        join_lines(values);
    }
}
