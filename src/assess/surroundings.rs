//! What a judgement has to know beside the workload and the inventory.

use crate::api::finding::Campaign;
use crate::identity::path::Paths;
use crate::identity::{Deed, Provenance};
use crate::inventory::Labels;
use crate::workload::ConfigMapHashes;

/// What is known around a workload. Whatever is left out is unknown: it satisfies nothing, and nothing deviates for want of it.
#[derive(Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The labels of its namespace.
    pub namespace: Option<&'a Labels>,
    /// Who put it there.
    pub identity: Option<Identity<'a>>,
    /// What the ConfigMaps hold that it refers to.
    pub config_maps: Option<&'a dyn ConfigMaps>,
    /// The campaign that it belongs to if nothing approves it. Only the operator sees enough workloads over time to know of one: it is
    /// left out wherever manifests or recorded events are judged.
    pub campaign: Option<&'a Campaign>,
}

/// Who put a workload there, and what makes that good or bad.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// What is known of who made the workload what it is.
    pub provenance: &'a Provenance,
    /// The known ways for changes to reach the cluster.
    pub paths: &'a Paths,
    /// Who made an approval what it is, by its name.
    pub approvers: &'a dyn Fn(&str) -> Vec<Deed>,
}

/// What ConfigMaps hold, and what was recorded of them.
pub trait ConfigMaps {
    /// What a ConfigMap holds now; nothing if there is none.
    fn now(&self, namespace: &str, name: &str) -> Option<&ConfigMapHashes>;

    /// What was recorded of it for the approval of this name.
    fn recorded(&self, approval: &str, namespace: &str, name: &str) -> Recorded<'_>;
}

/// What was recorded of a ConfigMap for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded<'a> {
    /// What it held.
    As(&'a ConfigMapHashes),
    /// Nothing so far: it is recorded as soon as it is seen.
    NotYet,
    /// Nothing, and the approval has as many recorded as there is room for.
    NoRoom,
}

impl<'a> Surroundings<'a> {
    /// The same with what is known of who put the workload there.
    #[must_use]
    pub fn with(self, identity: Identity<'a>) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// The same with the campaign that it belongs to if nothing approves it.
    #[must_use]
    pub fn in_campaign(self, campaign: Option<&'a Campaign>) -> Self {
        Self { campaign, ..self }
    }
}

impl<'a> From<&'a Labels> for Surroundings<'a> {
    fn from(namespace: &'a Labels) -> Self {
        Some(namespace).into()
    }
}

impl<'a> From<Option<&'a Labels>> for Surroundings<'a> {
    fn from(namespace: Option<&'a Labels>) -> Self {
        Self { namespace, ..Self::default() }
    }
}
