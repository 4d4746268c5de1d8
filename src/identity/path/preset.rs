//! What is known of widespread tools and platforms.

use serde::Deserialize;

use super::{PathConfiguration, Tool};

/// A widespread tool or platform, whose identities are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Preset {
    /// Argo CD in the cluster that it deploys to.
    ArgoCD,
    /// Flux.
    Flux,
    /// Helm, by the identity of whoever calls it.
    Helm,
}

impl Preset {
    /// The fields that stand for those that are left out.
    pub(super) fn fields(self) -> PathConfiguration {
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        match self {
            Self::ArgoCD => PathConfiguration {
                service_accounts: texts(&["argocd/argocd-application-controller"]),
                pod_bound: Some(true),
                impersonates: texts(&["system:serviceaccount:*:*"]),
                markers: Some(Tool::ArgoCD),
                ..PathConfiguration::default()
            },
            Self::Flux => PathConfiguration {
                service_accounts: texts(&["flux-system/kustomize-controller", "flux-system/helm-controller"]),
                pod_bound: Some(true),
                impersonates: texts(&["system:serviceaccount:*:*"]),
                markers: Some(Tool::Flux),
                ..PathConfiguration::default()
            },
            Self::Helm => PathConfiguration { markers: Some(Tool::Helm), ..PathConfiguration::default() },
        }
    }
}
