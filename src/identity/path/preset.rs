//! What is known of widespread tools and platforms. Each account has its namespace; nothing is trusted by name alone.

use serde::Deserialize;

use super::{PathConfiguration, Tool};

/// A widespread tool or platform, whose identities are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Preset {
    /// Argo CD in the cluster that it deploys to: `manifests/base/application-controller` of `argoproj/argo-cd`, installed into the
    /// namespace `argocd` as its documentation does. Syncs can act as service accounts:
    /// <https://argo-cd.readthedocs.io/en/stable/operator-manual/app-sync-using-impersonation/>.
    ArgoCD,
    /// Flux: the controllers that apply, as `manifests/rbac/controller.yaml` of `fluxcd/flux2` binds them. They can act as service
    /// accounts: `runtime/client/impersonator.go` of `fluxcd/pkg`.
    Flux,
    /// Helm, by the identity of whoever calls it, which has to be given.
    Helm,
    /// What Amazon EKS installs: `eks:cluster-bootstrap`, see
    /// <https://docs.aws.amazon.com/eks/latest/userguide/default-roles-users.html>, and `eks:addon-manager`, to whom EKS binds the
    /// roles for add-ons. Access entries cannot give such names away:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>.
    EKS,
    /// What Google Kubernetes Engine installs: its add-on manager, see `cluster/gce/gci/configure-helper.sh` of
    /// `kubernetes/kubernetes`. Its audit logs name it as `principalEmail`.
    GKE,
    /// What Azure Kubernetes Service installs: `aksService`, which all of its managed components share. No documentation describes
    /// it; requests of it are recorded in `src/testConsts.ts` of `microsoft/Application-Insights-K8s-Codeless-Attach`.
    AKS,
    /// What `OpenShift` installs: the cluster version operator applies the release (`install` of `openshift/cluster-version-operator`;
    /// by the account `default` in older releases), and the operators of the image registry and the network create CronJobs
    /// (`manifests` of `openshift/cluster-image-registry-operator` and `openshift/cluster-network-operator`).
    OpenShift,
}

/// The identities that the GitOps controllers act as.
const ANY_SERVICE_ACCOUNT: &[&str] = &["system:serviceaccount:*:*"];

impl Preset {
    /// The fields that stand for those that are left out.
    pub(super) fn fields(self) -> PathConfiguration {
        let none = PathConfiguration::default();
        match self {
            Self::ArgoCD => PathConfiguration {
                impersonates: Some(texts(ANY_SERVICE_ACCOUNT)),
                markers: Some(Tool::ArgoCD),
                ..accounts(&["argocd/argocd-application-controller"])
            },
            Self::Flux => PathConfiguration {
                impersonates: Some(texts(ANY_SERVICE_ACCOUNT)),
                markers: Some(Tool::Flux),
                ..accounts(&["flux-system/kustomize-controller", "flux-system/helm-controller"])
            },
            Self::Helm => PathConfiguration { markers: Some(Tool::Helm), ..none },
            Self::EKS => {
                PathConfiguration { users: Some(texts(&["eks:addon-manager", "eks:cluster-bootstrap"])), ..none }
            }
            Self::GKE => PathConfiguration { users: Some(texts(&["system:addon-manager"])), ..none },
            Self::AKS => PathConfiguration { users: Some(texts(&["aksService"])), ..none },
            Self::OpenShift => accounts(&[
                "openshift-cluster-version/cluster-version-operator",
                "openshift-cluster-version/default",
                "openshift-image-registry/cluster-image-registry-operator",
                "openshift-network-operator/cluster-network-operator",
            ]),
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Controllers that run in pods of the cluster.
fn accounts(accounts: &[&str]) -> PathConfiguration {
    PathConfiguration { service_accounts: Some(texts(accounts)), pod_bound: Some(true), ..PathConfiguration::default() }
}
