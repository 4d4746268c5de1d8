//! What the Pods of a Job say against it.

use std::sync::Arc;

use jiff::Timestamp;

use super::facts::Facts;
use super::surroundings::Surroundings;
use super::{Assessment, SHOWN, risk};
use crate::api::code::DeviationCode;
use crate::api::finding::{Deviation, Link};
use crate::inventory::Approval;
use crate::lineage::{Difference, DigestVerdict, Drift, Imitation, RunningPod, is_approved, of_pod};
use crate::workload::Workload;
use crate::workload::redact::printable;

/// How many differences are kept of one Pod.
const MOST: usize = 10;

/// How many approved digests a message names.
const MOST_DIGESTS: usize = 4;

/// What is kept of a Pod: in what it differs from its Job, and what ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodReport {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// In what it differs from the template of its Job.
    pub differences: Vec<Difference>,
    /// How many more differences there are.
    pub more: usize,
    /// What it has that passes itself off as what an injector adds.
    pub imitations: Vec<Imitation>,
    /// The injectors that added to it.
    pub injectors: Vec<String>,
    /// The images whose digest is known.
    pub images: Vec<PulledImage>,
    /// Whether somebody took the labels away by which it is seen, while it ran.
    pub is_hidden: bool,
    /// Those of them that had another digest on earlier ticks, and which.
    pub changed: Vec<(PulledImage, String)>,
}

/// An image that ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PulledImage {
    /// The field of the Pod that names it.
    pub path: String,
    /// How the Pod names it.
    pub image: String,
    /// The digest by which a registry serves it.
    pub digest: String,
}

impl PodReport {
    /// What is kept of a Pod that differs so from its Job.
    pub fn of(pod: &RunningPod, drift: &Drift) -> Self {
        let pulled = pod.images.iter().filter_map(|ran| {
            let (path, image, digest) = (ran.path.clone(), ran.image.clone(), ran.digest.clone()?);
            Some(PulledImage { path, image, digest })
        });
        Self {
            name: printable(&pod.name, SHOWN),
            uid: pod.uid.clone(),
            differences: drift.differences.iter().take(MOST).cloned().collect(),
            more: drift.more + drift.differences.len().saturating_sub(MOST),
            imitations: drift.imitations.clone(),
            injectors: drift.injectors.clone(),
            images: pulled.collect(),
            is_hidden: false,
            changed: Vec::new(),
        }
    }

    /// Takes over what spoke against the same Pod before.
    pub fn remember(&mut self, before: &Self) {
        if self.uid != before.uid {
            return;
        }
        self.is_hidden |= before.is_hidden;
        self.changed.clone_from(&before.changed);
        for difference in &before.differences {
            if !self.differences.contains(difference) && self.differences.len() < MOST {
                self.differences.push(difference.clone());
            }
        }
    }

    /// The links of the chain from its Job to what ran in it.
    pub fn chain(&self) -> Vec<Link> {
        of_pod(&self.name, self.images.iter().map(|pulled| (pulled.image.as_str(), pulled.digest.as_str())))
    }

    /// Whether nothing speaks against it, whatever approvals say of digests.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.more == 0 && self.changed.is_empty() && !self.is_hidden
    }

    fn deviations(&self, approvals: &[&Arc<Approval>], now: Timestamp) -> Vec<Deviation> {
        let absent = |text: &Option<String>| text.clone().unwrap_or_else(|| "absent".to_owned());
        let mut found: Vec<Deviation> = self
            .differences
            .iter()
            .map(|Difference { path, expected, observed }| {
                let imitation = self.imitations.iter().find(|imitation| is_about(imitation, path));
                let observed = absent(observed);
                let observed = match imitation {
                    Some(imitation) => printable(&format!("{observed} ({imitation})"), 2 * SHOWN),
                    None => observed,
                };
                drift(path, absent(expected), observed)
            })
            .collect();
        if self.is_hidden {
            let observed = "taken away while it ran: what it runs since is not seen".to_owned();
            found.push(drift("metadata.labels", "the labels of its Job".to_owned(), observed));
        }
        if self.more > 0 {
            found.push(drift(
                "spec",
                "the template of the Job".to_owned(),
                format!("{} more fields differ", self.more),
            ));
        }
        for image in &self.images {
            let verdicts: Vec<(&Arc<Approval>, DigestVerdict)> = approvals
                .iter()
                .filter(|approval| approval.usable(now))
                .filter_map(|approval| {
                    let rules = approval.rules.as_ref().ok()?;
                    Some((*approval, is_approved(&rules.images, &image.image, &image.digest)))
                })
                .collect();
            let is_approved = verdicts.iter().any(|(_, verdict)| *verdict == DigestVerdict::Approved);
            let unapproved = verdicts.iter().find_map(|(approval, verdict)| match verdict {
                DigestVerdict::Unapproved { approved } => Some((&approval.name, approved)),
                DigestVerdict::Approved | DigestVerdict::Unsaid => None,
            });
            let is_unsaid = verdicts.iter().any(|(_, verdict)| *verdict == DigestVerdict::Unsaid);
            if let Some((approval, approved)) = unapproved.filter(|_| !is_approved && !is_unsaid) {
                let shown = approved.iter().take(MOST_DIGESTS).map(String::as_str).collect::<Vec<_>>().join(" or ");
                found.push(digest(image, &shown, Some(approval.to_string())));
            } else if !is_approved && let Some((_, before)) = self.changed.iter().find(|(changed, _)| changed == image)
            {
                found.push(digest(image, &format!("{before}, as on earlier ticks"), None));
            }
        }
        found
    }
}

/// What speaks against a Job because of its Pods, each thing once.
pub(super) fn deviations(pods: &[PodReport], approvals: &[&Arc<Approval>], now: Timestamp) -> Vec<Deviation> {
    let mut found: Vec<Deviation> = Vec::new();
    for deviation in pods.iter().flat_map(|pod| pod.deviations(approvals, now)) {
        if !found.contains(&deviation) {
            found.push(deviation);
        }
    }
    found
}

/// What speaks against a Job that chooses by which labels it knows its Pods.
pub(super) fn unseen() -> Deviation {
    Deviation {
        code: DeviationCode::PodDrift,
        path: "spec.manualSelector".to_owned(),
        expected: "false".to_owned(),
        observed: "true: its Pods need not have the labels by which they are seen".to_owned(),
        approval: None,
    }
}

/// The assessment of a Pod that has the labels of a Job which is not there. `workload` is the Job that it would be of.
pub fn stray(workload: &Workload, pod: &str, now: Timestamp) -> Assessment {
    let name = printable(&workload.key.name, SHOWN);
    let observed = format!("Pod {} has those of Job {name}, which is not there", printable(pod, SHOWN));
    let deviation = drift("metadata.labels", "the labels of a Job that made it".to_owned(), observed);
    let risks = risk::all(&Facts::of(workload, Surroundings::default(), now), &[], None);
    Assessment { deviations: vec![deviation], risks, ..Assessment::default() }.rated()
}

/// Whether an imitation is to be told with this difference: that of a container with the first of its differences, which is its name.
fn is_about(imitation: &Imitation, path: &str) -> bool {
    path.strip_prefix(imitation.path.as_str()).is_some_and(|rest| rest.is_empty() || rest == ".name")
}

fn drift(path: &str, expected: String, observed: String) -> Deviation {
    Deviation { code: DeviationCode::PodDrift, path: format!("pod.{path}"), expected, observed, approval: None }
}

fn digest(image: &PulledImage, expected: &str, approval: Option<String>) -> Deviation {
    let observed = format!("{} ran as {}", image.image, image.digest);
    Deviation {
        code: DeviationCode::ImageDigest,
        path: format!("pod.{}", image.path),
        expected: printable(expected, 2 * SHOWN),
        observed: printable(&observed, 2 * SHOWN),
        approval,
    }
}
