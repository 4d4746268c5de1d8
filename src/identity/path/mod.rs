//! Deployment paths: named, known ways for changes to reach the cluster.
//!
//! A change comes by a path if whoever was *authenticated* is one of the path's identities, and everything else that the path asks
//! for holds. What the author of an object can write on it proves nothing: managers of fields are not looked at, and markers of
//! tools can only speak against a path.

mod check;
mod compile;
mod configuration;
mod markers;
mod mismatch;
mod preset;
mod problems;
#[cfg(test)]
mod tests;

use ipnet::IpNet;

use super::{Actor, Source};
use crate::workload::pattern::Pattern;
use crate::workload::{Markers, WorkloadKey};

pub use configuration::{Approvals, Configuration, PathConfiguration, Tool};
pub use mismatch::Mismatch;
pub use preset::Preset;
pub use problems::Problem;
pub(crate) use problems::Problems;

/// The configured deployment paths. None, by default.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    paths: Vec<Path>,
    approvals: Option<Vec<String>>,
}

/// One deployment path, compiled.
#[derive(Clone, Debug)]
struct Path {
    name: String,
    /// User names; none of them stands for a service account.
    users: Vec<Pattern>,
    groups: Vec<Pattern>,
    service_accounts: Vec<AccountPattern>,
    /// Whether a token has to be bound to a pod.
    pod_bound: bool,
    /// The names of those pods; any, if there are none.
    pods: Vec<Pattern>,
    /// Where requests come from; anywhere, if there are none.
    source_ranges: Vec<IpNet>,
    /// User names that it may act as.
    impersonates: Vec<Pattern>,
    markers: Option<Tool>,
    accept_admission: bool,
}

/// Service accounts, by namespace and name.
#[derive(Clone, Debug)]
struct AccountPattern {
    namespace: Pattern,
    name: Pattern,
}

impl Paths {
    /// Compiles a configuration. Fails with all that is wrong with it.
    pub fn compile(configuration: &Configuration) -> Result<Self, Vec<Problem>> {
        compile::compile(configuration)
    }

    /// Compiles one path of another part of the configuration, which stands under this field. Fails with all that is wrong with it.
    pub fn compile_one(field: &str, path: &PathConfiguration) -> Result<Self, Vec<Problem>> {
        compile::compile_one(field, path)
    }

    /// Whether there is a path of this name.
    pub fn is_configured(&self, name: &str) -> bool {
        self.path(name).is_some()
    }

    /// Checks that a change of a workload came by a path. Fails with the first reason why it did not.
    ///
    /// `source` matters, because an admission request tells neither addresses nor impersonators: what a path asks for and the
    /// source does not tell is not satisfied, see [`Mismatch::is_unknown`].
    pub fn check(
        &self,
        name: &str,
        actor: &Actor,
        source: Source,
        markers: &Markers,
        object: &WorkloadKey,
    ) -> Result<(), Mismatch> {
        let path = self.path(name).ok_or_else(|| Mismatch::not_configured(name))?;
        path.check_actor(actor, source)?;
        path.check_markers(markers, object)
    }

    /// The first configured path that a change of a workload came by, for showing.
    pub fn find(&self, actor: &Actor, source: Source, markers: &Markers, object: &WorkloadKey) -> Option<&str> {
        let fits =
            |path: &&Path| path.check_actor(actor, source).is_ok() && path.check_markers(markers, object).is_ok();
        self.paths.iter().find(fits).map(|path| path.name.as_str())
    }

    /// Whether somebody is one of the identities of a path, whatever was changed.
    pub fn has_identity(&self, actor: &Actor, source: Source) -> bool {
        self.paths.iter().any(|path| path.check_actor(actor, source).is_ok())
    }

    /// The paths that approvals are to be changed through; absent if approvals may be changed by anybody who is permitted to.
    pub fn approval_paths(&self) -> Option<&[String]> {
        self.approvals.as_deref()
    }

    /// Checks that a change of an approval came by one of the paths that approvals are to be changed through. Fails with the reason
    /// of the first of them. Markers are not looked at.
    pub fn check_approval(&self, actor: &Actor, source: Source) -> Result<(), Mismatch> {
        let mut first = None;
        for name in self.approval_paths().unwrap_or_default() {
            let path = self.path(name).ok_or_else(|| Mismatch::not_configured(name));
            match path.and_then(|path| path.check_actor(actor, source)) {
                Ok(()) => return Ok(()),
                Err(mismatch) => _ = first.get_or_insert(mismatch),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Whether a change of an approval came by a way by which approvals come: one of those that are configured for them, or else any.
    pub fn brings_approvals(&self, actor: &Actor, source: Source) -> bool {
        match self.approvals {
            Some(_) => self.check_approval(actor, source).is_ok(),
            None => self.has_identity(actor, source),
        }
    }

    fn path(&self, name: &str) -> Option<&Path> {
        self.paths.iter().find(|path| path.name == name)
    }
}
