//! Whether the markers of deployment tools agree with the object that carries them.

use std::collections::BTreeMap;

use super::mismatch::{Mismatch, Reason, excerpt};
use super::{Path, Tool};
use crate::workload::markers::{HOOK, RELEASE_NAME, RELEASE_NAMESPACE, TRACKING_ID};
use crate::workload::{Markers, WorkloadKey, WorkloadKind};

/// The label by which Argo CD tracks what it applies where annotations are switched off, as they were by default before version 3.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// The labels by which the controllers of Flux name the object that a workload belongs to: `SetOwnerLabels` in `ssa` of `fluxcd/pkg`,
/// used by kustomize-controller, and `internal/postrender/origin_labels.go` of helm-controller.
const FLUX: [[&str; 2]; 2] = [
    ["kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace"],
    ["helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace"],
];

impl Path {
    /// Checks that the markers do not speak against the path. A tracking id that names another object was copied, whatever the path
    /// asks for: Argo CD itself does not take such an object for its own.
    pub(super) fn check_markers(&self, markers: &Markers, object: &WorkloadKey) -> Result<(), Mismatch> {
        let tracking_id = markers.annotations.get(TRACKING_ID);
        if let Some(text) = tracking_id {
            let id = TrackingId::parse(text).ok_or_else(|| Reason::Tracking { text: excerpt(text) })?;
            if !id.names(object) {
                let named = excerpt(&format!("{}/{}/{}", id.kind, id.namespace, id.name));
                return Err(Reason::Copied { named }.into());
            }
        }
        let is_hook = || is_set(&markers.annotations, HOOK);
        let agree = match self.markers {
            None => true,
            Some(Tool::ArgoCD) => tracking_id.is_some() || is_set(&markers.labels, INSTANCE),
            Some(Tool::Flux) => FLUX.iter().any(|pair| all_set(&markers.labels, *pair)) || is_hook(),
            Some(Tool::Helm) => all_set(&markers.annotations, [RELEASE_NAME, RELEASE_NAMESPACE]) || is_hook(),
        };
        match self.markers {
            Some(tool) if !agree => Err(Reason::Markers { tool }.into()),
            _ => Ok(()),
        }
    }
}

fn is_set(texts: &BTreeMap<String, String>, key: &str) -> bool {
    texts.get(key).is_some_and(|value| !value.is_empty())
}

fn all_set(texts: &BTreeMap<String, String>, keys: [&str; 2]) -> bool {
    keys.iter().all(|key| is_set(texts, key))
}

/// Which object Argo CD says that it applied.
struct TrackingId<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> TrackingId<'a> {
    /// Follows `ParseAppInstanceValue` in `util/argo/resource_tracking.go` of Argo CD.
    fn parse(text: &'a str) -> Option<Self> {
        let (application, object) = text.split_once(':')?;
        let (type_of, place) = object.split_once(':')?;
        let ((group, kind), (namespace, name)) = (pair(type_of)?, pair(place)?);
        (!application.is_empty()).then_some(Self { group, kind, namespace, name })
    }

    /// Argo CD marks what is to get a generated name before it gives it one (`sync_context.go` of its GitOps engine), which happens
    /// to Jobs that are hooks.
    fn names(&self, object: &WorkloadKey) -> bool {
        let is_generated = self.name.is_empty() && object.kind == WorkloadKind::Job;
        self.group == "batch"
            && self.kind == object.kind.to_string()
            && self.namespace == object.namespace
            && (self.name == object.name || is_generated)
    }
}

/// Two texts with one `/` between them.
fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(_, behind)| !behind.contains('/'))
}
