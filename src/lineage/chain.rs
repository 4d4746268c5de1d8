//! The chain of a Job in the words of a finding.

use super::origin::{Basis, Origin, Traced};
use super::template::Match;
use crate::api::finding::{Link, LinkKind};
use crate::workload::WorkloadKey;
use crate::workload::redact::printable;

/// How many characters of a name are shown.
const SHOWN: usize = 253;

/// The links from a Job to what ran in one of its Pods: the Pod, and each image with its digest.
pub fn of_pod<'a>(name: &str, images: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Link> {
    let link = |kind: LinkKind, name: &str, rests_on: String| Link { kind, name: printable(name, SHOWN), rests_on };
    let pod = link(LinkKind::Pod, name, "its labels name the Job".to_owned());
    let mut links = vec![pod];
    for (image, digest) in images {
        let rests_on = format!("what the node reports that it pulled for {}", printable(image, SHOWN));
        let digest = link(LinkKind::Digest, digest, rests_on);
        // Several containers can run one image.
        if !links.contains(&digest) {
            links.push(digest);
        }
    }
    links
}

/// The chain up to a Job, with what each link rests on.
pub fn of_job(key: &WorkloadKey, traced: &Traced) -> Vec<Link> {
    let Traced { origin, basis } = traced;
    let mut links = Vec::new();
    let mut link = |kind: LinkKind, name: &str, rests_on: &str| {
        links.push(Link { kind, name: printable(name, SHOWN), rests_on: rests_on.to_owned() });
    };
    match origin {
        Origin::Run { cron_job, tick, .. } => {
            link(LinkKind::CronJob, cron_job, "");
            if let Some(tick) = tick {
                link(LinkKind::Tick, &tick.to_string(), "the name of the Job");
            }
        }
        Origin::Manual { cron_job, .. } => link(LinkKind::CronJob, cron_job, ""),
        Origin::Child { owner, maker } => {
            link(LinkKind::Controller, owner.as_ref().unwrap_or(maker), "");
        }
        Origin::Standalone { owner: Some(owner) } | Origin::Forged { owner, .. } => {
            link(LinkKind::Controller, owner, "");
        }
        Origin::Squatting { cron_job, due, .. } => {
            link(LinkKind::CronJob, cron_job, "");
            link(LinkKind::Tick, &due.to_string(), "the name of the Job, which was created before it");
        }
        Origin::Standalone { owner: None } => {}
    }
    let tie = match origin {
        Origin::Run { template, .. } => {
            let other = if *template == Match::Other { " with another template" } else { "" };
            let claim = if *basis == Basis::Marks { ", by what it says of itself" } else { "" };
            format!("a run of the schedule{other}{claim}")
        }
        Origin::Manual { why, .. } => format!("a run by hand, as {why}"),
        Origin::Child { maker, .. } => format!("made by {maker}"),
        Origin::Standalone { owner: Some(_) } => {
            "its owner reference, which no trusted controller stands behind".to_owned()
        }
        Origin::Standalone { owner: None } => "nothing accounts for it".to_owned(),
        Origin::Forged { why, .. } => format!("a forged owner reference, as {why}"),
        Origin::Squatting { .. } => "the name of a run before its time".to_owned(),
    };
    let told = match basis {
        Basis::Audit | Basis::Admission => basis.to_string(),
        Basis::Marks => "no event tells who created it".to_owned(),
    };
    link(LinkKind::Job, &key.name, &format!("{tie}; {told}"));
    links
}
