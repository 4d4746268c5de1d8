//! Whether the markers of deployment tools agree with the object that carries them.

use super::mismatch::{Mismatch, Reason, excerpt};
use super::{Path, Tool};
use crate::workload::markers::{HOOK, RELEASE_NAME, RELEASE_NAMESPACE, TRACKING_ID};
use crate::workload::{Markers, WorkloadKey};

/// The label by which Argo CD tracks what it applies where annotations are switched off, as they were by default before version 3.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// The labels by which the controllers of Flux name the object that a workload belongs to: `SetOwnerLabels` in
/// `fluxcd/pkg/ssa/owner.go`, used by kustomize-controller, and `originLabels` of helm-controller.
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

type Texts = std::collections::BTreeMap<String, String>;

fn is_set(texts: &Texts, key: &str) -> bool {
    texts.get(key).is_some_and(|value| !value.is_empty())
}

fn all_set(texts: &Texts, keys: [&str; 2]) -> bool {
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
        let (_, object) = text.split_once(':').filter(|(application, _)| !application.is_empty())?;
        let (type_of, place) = object.split_once(':')?;
        let (group, kind) = type_of.split_once('/')?;
        let (namespace, name) = place.split_once('/')?;
        Some(Self { group, kind, namespace, name })
    }

    fn names(&self, object: &WorkloadKey) -> bool {
        self.group == "batch"
            && self.kind == object.kind.to_string()
            && self.namespace == object.namespace
            && self.name == object.name
    }
}
