//! A real Kubernetes control plane for tests, the demo and the benchmarks.
//!
//! [`ControlPlane::builder`] starts `etcd`, `kube-apiserver` and, if asked, `kube-controller-manager` on loopback, with
//! everything they write in one temporary directory. There are no nodes: Pods are created but never run.
//!
//! ```ignore
//! let cluster = ControlPlane::builder()
//!     .controllers(WORKLOAD_CONTROLLERS)
//!     .audit_policy(AUDIT_POLICY_METADATA)
//!     .start()
//!     .await?;
//! cluster.kubectl(["apply", "-f", "-"]).stdin(manifest).run().await?;
//! ```
//!
//! Three rules that the whole harness keeps:
//!
//! * **Nothing is left behind.** Every process dies and the directory goes away when the values are dropped, and also
//!   when the test process is killed outright, see [`processes`]. A `static` control plane that is never dropped is
//!   therefore fine.
//! * **Nothing waits for luck.** Waiting means polling a condition up to a deadline and reporting what was last seen,
//!   see [`eventually`].
//! * **Nothing is downloaded as a binary.** Binaries come from `KUBEBUILDER_ASSETS` or are built from their published
//!   source, see [`go_module`].
//!
//! A [`kube::Client`] belongs to the async runtime that made it. Tests that share one control plane must therefore each
//! call [`ControlPlane::client`] rather than share a client.
//!
//! Environment: `KUBEBUILDER_ASSETS` (folder with ready binaries), `CRONWARDEN_CACHE` (where built ones are kept),
//! `CRONWARDEN_KEEP` (if set, scratch directories stay for a look at the logs).

// Several crates (tests, an example, benchmarks) include this module and none of them uses all of it.
#![allow(dead_code, unused_imports)]

pub mod audit;
pub mod binaries;
pub mod builder;
pub mod certificates;
mod components;
pub mod control_plane;
mod etcd;
pub mod go_module;
pub mod kubeconfig;
pub mod kubectl;
pub mod ports;
pub mod processes;
pub mod scratch;
pub mod wait;

pub use audit::{AUDIT_POLICY_METADATA, AUDIT_POLICY_REQUEST_RESPONSE, AuditEvent, ObjectRef};
pub use binaries::Binaries;
pub use builder::{Builder, WORKLOAD_CONTROLLERS};
pub use control_plane::ControlPlane;
pub use go_module::GoModule;
pub use kubectl::{Kubectl, KubectlOutput};
pub use processes::Daemon;
pub use scratch::ScratchDir;
pub use wait::{eventually, try_eventually};
