//! Finding the control plane's binaries, or building them once from their published source.
//!
//! They are looked for in the folder `KUBEBUILDER_ASSETS`, as everywhere in the ecosystem. Those not found there are built
//! with Go from the module `tests/controlplane`, see [`GoModule`].

use std::path::PathBuf;

use super::go_module::GoModule;

/// Name of each binary and the Go package it is built from. The smallest comes first: what is wrong with the set-up shows
/// early.
const PACKAGES: [(&str, &str); 4] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
];

/// Paths of the four binaries.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The data store.
    pub etcd: PathBuf,
    /// The API server.
    pub kube_apiserver: PathBuf,
    /// The controller manager.
    pub kube_controller_manager: PathBuf,
    /// The command line client.
    pub kubectl: PathBuf,
}

impl Binaries {
    /// Finds the binaries, building first what is missing. Safe to call from several processes at once: one builds, the
    /// others wait.
    pub async fn find_or_build() -> anyhow::Result<Self> {
        // A build takes minutes, and so does waiting for the lock of another one.
        tokio::task::spawn_blocking(Self::find_or_build_blocking).await?
    }

    /// The same for callers without an async runtime.
    pub fn find_or_build_blocking() -> anyhow::Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let [etcd, kubectl, kube_controller_manager, kube_apiserver] =
            control_plane()?.find_or_build(assets.as_deref(), PACKAGES)?;
        Ok(Self { etcd, kube_apiserver, kube_controller_manager, kubectl })
    }
}

/// The Go module that pins the control plane.
fn control_plane() -> anyhow::Result<GoModule> {
    let module = GoModule::load("tests/controlplane", "controlplane", "k8s.io/kubernetes")?;
    let linker_flags = linker_flags(module.version())?;
    Ok(module
        .with_linker_flags(linker_flags)
        .with_notice("on 2 cores all four take about 5 minutes plus the download of their source")
        .with_way_out(
            "or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager and kubectl",
        ))
}

/// Without the version, clients meet a `v0.0.0-master` server and kubectl cannot parse that.
fn linker_flags(version: &str) -> anyhow::Result<String> {
    let mut parts = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        anyhow::bail!("{version} is not a version of Kubernetes");
    };
    let package = "k8s.io/component-base/version";
    Ok(format!("-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"))
}
