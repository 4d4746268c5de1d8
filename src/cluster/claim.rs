//! What an object says of who last changed its spec: its managed fields.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identity::Claim;

/// An entry of `metadata.managedFields`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedField<'a> {
    manager: Option<String>,
    time: Option<Timestamp>,
    subresource: Option<String>,
    #[serde(borrow)]
    fields_v1: Option<&'a RawValue>,
}

/// The latest entry that has a part of the spec, and when it was written. What cannot be read claims nothing.
pub(super) fn of(managed_fields: &RawValue) -> Option<(Claim, Option<Timestamp>)> {
    let entries: Vec<ManagedField<'_>> = serde_json::from_str(managed_fields.get()).ok()?;
    let of_spec = |entry: &ManagedField<'_>| {
        entry.subresource.as_deref().unwrap_or_default().is_empty()
            && entry.fields_v1.is_some_and(|fields| fields.get().contains("\"f:spec\""))
    };
    let latest = entries.into_iter().filter(of_spec).max_by_key(|entry| entry.time)?;
    Some((Claim { manager: latest.manager?.into() }, latest.time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_manager_of_the_spec_is_the_claim() {
        let fields = r#"[
            {"manager":"argocd-controller","operation":"Apply","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:spec":{}}},
            {"manager":"kubectl-edit","operation":"Update","time":"2026-02-01T00:00:00Z","fieldsV1":{"f:spec":{"f:schedule":{}}}},
            {"manager":"kubectl-label","operation":"Update","time":"2026-03-01T00:00:00Z","fieldsV1":{"f:metadata":{}}},
            {"manager":"kube-controller-manager","time":"2026-04-01T00:00:00Z","subresource":"status","fieldsV1":{"f:spec":{}}}
        ]"#;
        let (claim, at) = of(&serde_json::from_str::<Box<RawValue>>(fields).unwrap()).unwrap();
        assert_eq!((&*claim.manager, at), ("kubectl-edit", "2026-02-01T00:00:00Z".parse().ok()));
    }

    #[test]
    fn what_cannot_be_read_claims_nothing() {
        for text in ["[]", "{}", "7", r#"[{"manager":5}]"#, r#"[{"time":"x"}]"#] {
            assert_eq!(of(&serde_json::from_str::<Box<RawValue>>(text).unwrap()), None, "{text}");
        }
    }
}
