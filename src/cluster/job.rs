//! Jobs as they arrive, and as they are kept: what all runs of a CronJob have in common is held once.

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::api::batch::v1::Job as KubernetesJob;

use super::observed::Kept;
use crate::assess::PodReport;
use crate::identity::Deed;
use crate::identity::ledger::Seen;
use crate::lineage::{Marks, Owner, Template};
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// What is kept of a Job.
#[derive(Clone, Debug)]
pub(super) struct ObservedJob {
    pub(super) marks: Marks,
    pub(super) workload: Workload,
}

impl Kept for ObservedJob {
    type Kind = KubernetesJob;

    fn read(text: &str) -> Result<Self, String> {
        let workload = Workload::from_json(WorkloadKind::Job, text).map_err(|error: Unreadable| error.to_string())?;
        Ok(Self { marks: Marks::of(text), workload })
    }
}

/// A Job as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) uid: Box<str>,
    /// What its watch knows of how it became what it is.
    pub(super) seen: Seen,
    pub(super) marks: Marks,
    /// What is judged, or why it cannot be.
    pub(super) content: Result<Content, Unreadable>,
    /// Who created it, where that is one who makes Jobs all the time: of others the ledger knows.
    pub(super) maker: Option<Arc<Deed>>,
    /// The approvals that selected it when it was last judged.
    pub(super) selected_by: Box<[Arc<str>]>,
    /// Whether it was judged as it is, with all the evidence that was to be waited for.
    pub(super) judged: bool,
    /// Whether it was found to be a run of its CronJob with the template of that time. The CronJob may be forgotten since.
    pub(super) accounted: bool,
    /// Whether it was counted among the runs of its CronJob.
    pub(super) counted: bool,
    /// Its Pods, as far as they matter: none of a run whose Pods are what they should be.
    pub(super) pods: Vec<PodReport>,
    /// The finding about Jobs that deviate as it does.
    pub(super) group: Option<Arc<Membership>>,
}

/// Which finding about Jobs that are many a Job belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// The namespace, and the beginning of their names with a `*`.
    pub(super) key: WorkloadKey,
    /// What they have in common.
    pub(super) alike: Box<str>,
}

/// What a Job runs, without its name and uid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) packed: Arc<Packed>,
    pub(super) template: Template,
}

impl Job {
    /// A Job that was not looked at yet.
    pub(super) fn new(uid: Box<str>, seen: Seen, marks: Marks, content: Result<Content, Unreadable>) -> Self {
        Self {
            uid,
            seen,
            marks,
            content,
            maker: None,
            selected_by: Box::default(),
            judged: false,
            accounted: false,
            counted: false,
            pods: Vec::new(),
            group: None,
        }
    }

    /// The workload, with its name.
    pub(super) fn workload(&self, key: &WorkloadKey) -> Result<Workload, Unreadable> {
        let workload = self.content.clone()?.packed.unpack()?;
        Ok(Workload { key: key.clone(), uid: self.uid.to_string(), ..workload })
    }
}

/// Contents and owners that many Jobs share, each once.
#[derive(Debug, Default)]
pub(super) struct Shared {
    contents: HashMap<Arc<Packed>, Template>,
    owners: std::collections::HashSet<Arc<Owner>>,
}

impl Shared {
    /// The content of a workload.
    pub(super) fn content(&mut self, mut workload: Workload) -> Result<Content, Unreadable> {
        workload.key = WorkloadKey { kind: WorkloadKind::Job, ..WorkloadKey::default() };
        workload.uid.clear();
        let packed = Packed::pack(&workload)?;
        if let Some((packed, template)) = self.contents.get_key_value(&packed) {
            return Ok(Content { packed: packed.clone(), template: *template });
        }
        let (packed, template) = (Arc::new(packed), Template::of(&workload));
        self.contents.insert(packed.clone(), template);
        Ok(Content { packed, template })
    }

    /// The marks of a Job, with an owner that it shares with others.
    pub(super) fn marks(&mut self, mut marks: Marks) -> Marks {
        if let Some(owner) = &mut marks.owner {
            match self.owners.get(owner) {
                Some(known) => *owner = known.clone(),
                None => _ = self.owners.insert(owner.clone()),
            }
        }
        marks
    }

    /// Forgets what no Job has any more.
    pub(super) fn sweep(&mut self) {
        self.contents.retain(|packed, _| Arc::strong_count(packed) > 1);
        self.owners.retain(|owner| Arc::strong_count(owner) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jobs_share_is_held_once_and_forgotten_after_the_last_of_them() {
        let mut shared = Shared::default();
        let owner = || Some(Arc::new(Owner { name: "nightly".into(), ..Owner::default() }));
        let mut run = || {
            let content = shared.content(Workload::default()).unwrap();
            (content, shared.marks(Marks { owner: owner(), ..Marks::default() }))
        };
        let (first, second) = (run(), run());
        assert!(Arc::ptr_eq(&first.0.packed, &second.0.packed));
        assert!(Arc::ptr_eq(first.1.owner.as_ref().unwrap(), second.1.owner.as_ref().unwrap()));
        drop(first);
        shared.sweep();
        assert_eq!((shared.contents.len(), shared.owners.len()), (1, 1));
        drop(second);
        shared.sweep();
        assert_eq!((shared.contents.len(), shared.owners.len()), (0, 0));
    }
}
