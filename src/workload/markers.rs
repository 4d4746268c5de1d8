//! What deployment tools write on the objects that they apply.

use std::collections::BTreeMap;

/// The annotation by which Argo CD tracks what it applies: `APP:GROUP/KIND:NAMESPACE/NAME`, see
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// The annotation in which Helm names the release, see `pkg/action/validate.go` of Helm.
pub const RELEASE_NAME: &str = "meta.helm.sh/release-name";
/// The annotation in which Helm names the namespace of the release, see `pkg/action/validate.go` of Helm.
pub const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// The annotation by which a chart declares a hook, see <https://helm.sh/docs/topics/charts_hooks/>. Helm does not name the release
/// on hooks.
pub const HOOK: &str = "helm.sh/hook";

/// The annotations that the normal form keeps of a workload.
const ANNOTATIONS: [&str; 4] = [TRACKING_ID, RELEASE_NAME, RELEASE_NAMESPACE, HOOK];

/// What deployment tools write on the objects that they apply: labels, and the annotations that are known here. Whoever writes the
/// object can forge them: they tell that an object was not made by a tool, and never that it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markers {
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The annotations by which deployment tools mark objects.
    pub annotations: BTreeMap<String, String>,
}

/// Whether an annotation is one by which a deployment tool marks objects.
pub(super) fn is_marker(key: &str) -> bool {
    ANNOTATIONS.contains(&key)
}
