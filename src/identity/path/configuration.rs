//! Deployment paths as people write them down.

use std::fmt;

use serde::Deserialize;

use super::Preset;

/// The configuration of `cronwarden run`: the deployment paths, and which of them approvals come by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// The deployment paths.
    #[serde(default)]
    pub deployment_paths: Vec<PathConfiguration>,
    /// How approvals are to be changed.
    pub approvals: Option<Approvals>,
}

/// How approvals are to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvals {
    /// The names of the deployment paths that approvals are to be changed through; anybody may, if it is left out.
    pub deployment_paths: Option<Vec<String>>,
}

/// One deployment path. `users`, `groups` and `serviceAccounts` are its identities, one of which has to fit; everything else that is
/// given has to hold as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathConfiguration {
    /// The name, by which approvals refer to it.
    pub name: String,
    /// What stands for the fields below that are left out.
    pub preset: Option<Preset>,
    /// Patterns of names of users who are no service accounts. `*` does not stand for names that begin with `system:`, unless the
    /// pattern begins with it.
    pub users: Option<Vec<String>>,
    /// Patterns of names of groups, one of which the user belongs to. `*` is read as for users.
    pub groups: Option<Vec<String>>,
    /// Patterns of service accounts: `NAMESPACE/NAME`.
    pub service_accounts: Option<Vec<String>>,
    /// Whether the token has to be bound to a pod, as that of every pod is: one that is not was minted, or is a stored secret.
    pub pod_bound: Option<bool>,
    /// Patterns of the name of the pod that the token is bound to.
    pub pods: Option<Vec<String>>,
    /// The ranges that requests come from, as the API server sees the address.
    pub source_ranges: Option<Vec<String>>,
    /// Patterns of the names of users that it may act as; if it is left out, it must not act as anybody else.
    pub impersonates: Option<Vec<String>>,
    /// The tool whose markers the object has to carry.
    pub markers: Option<Tool>,
    /// Whether an admission request is evidence enough, though it does not tell whether somebody else acted as the identity.
    pub accept_admission: Option<bool>,
}

/// A deployment tool that marks what it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Tool {
    /// Argo CD: its tracking id names the object; without one, the label `app.kubernetes.io/instance` is there.
    ArgoCD,
    /// Flux: labels name the Kustomization or the `HelmRelease` that the object belongs to.
    Flux,
    /// Helm: annotations name the release, or the object is a hook.
    Helm,
}

/// The name of the tool, for people.
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ArgoCD => "Argo CD",
            Self::Flux => "Flux",
            Self::Helm => "Helm",
        })
    }
}
