//! `spec.allowed` of an approval: what may be present.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be present in a workload. Whatever is left out must be absent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// The weakest Pod Security Standard that the pod may need. Host paths and added capabilities are judged by the lists
    /// below, whatever the level.
    #[serde(default)]
    pub pod_security: PodSecurityLevel,
    /// The host paths that may be mounted, exact or with the wildcards `*` and `?`, which never cross a `/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 512)))]
    #[x_kube(
        validation = ("self.all(p, p.startsWith('/'))", "hostPaths must be absolute paths: start them with '/'"),
        validation = ("self.all(p, !p.matches('(^|/)[.][.](/|$)'))", "hostPaths must not contain '..': write the path that is meant"),
        validation = ("self.all(p, !p.contains('**'))", "hostPaths must not contain '**': a '*' never crosses a '/', so give one entry for each depth"),
        validation = (r"self.all(p, !p.matches(r'[\[\]{}\\]'))", "hostPaths must not contain any of [ ] { } and backslashes: write '?' where that very character is meant")
    )]
    pub host_paths: Vec<String>,
    /// The Linux capabilities that containers may add beyond those that the Baseline standard tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 64)))]
    #[x_kube(validation = ("self.all(c, c.matches('^[A-Z][A-Z0-9_]*$') && !c.startsWith('CAP_'))",
        "capabilities must be written as in a pod, in upper case and without CAP_, such as NET_ADMIN"))]
    pub capabilities: Vec<String>,
    /// The Secrets that may be referred to, exact or with the wildcards `*` and `?`. Image pull secrets do not count: no
    /// container can read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(s, s.matches('^[a-z0-9.*?-]+$'))",
        "secrets must be names of Secrets in the namespace of the workload, optionally with the wildcards '*' and '?'"))]
    pub secrets: Vec<String>,
    /// The ConfigMaps that may be referred to, exact or with the wildcards `*` and `?`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(s, s.matches('^[a-z0-9.*?-]+$'))",
        "configMaps must be names of ConfigMaps in the namespace of the workload, optionally with the wildcards '*' and '?'"))]
    pub config_maps: Vec<String>,
    /// Whether people may run the workload by hand, as with `kubectl create job --from=cronjob/…`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual_runs: bool,
}

/// A level of the Pod Security Standards, from strict to lax.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PodSecurityLevel {
    /// The pod follows the hardening practices.
    Restricted,
    /// The pod uses no known way to raise its privileges (the default).
    #[default]
    Baseline,
    /// Anything goes.
    Privileged,
}

impl PodSecurityLevel {
    /// The level as approvals write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "Restricted",
            Self::Baseline => "Baseline",
            Self::Privileged => "Privileged",
        }
    }
}
