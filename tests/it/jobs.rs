//! The judgement of Jobs as a catalogue: each folder of `tests/data/jobs` holds a Job, what there is around it, and what has to come
//! of it: what accounts for it, how that is known, the chain, and the assessment.
//!
//! | file | holds |
//! |---|---|
//! | `job.yaml` | the Job, as the API server stores it |
//! | `cronjob.yaml` | the CronJob beside it, as it is now |
//! | `cronjob-before.yaml` | what that was before |
//! | `case.yaml` | when it changed, or that it was there before anybody watched |
//! | `pod.yaml` | Pods of the Job, and before them those of earlier runs |
//! | `inventory.yaml` | the approvals |
//! | `configuration.yaml` | who makes Jobs, and what adds to Pods |
//! | `audit.jsonl`, `admission.jsonl` | who created the Job; without both there is no source of events |
//!
//! All but the first and the inventory may be absent. Names say what is to come of them: of `benign` cases nothing is found, `attack` is
//! what somebody would try, and `rule` is what depends on what a team allows. `UPDATE_FIXTURES=1` rewrites what is expected, and fails.

mod example;
mod expected;
mod forgeries;
mod scene;

use std::collections::BTreeSet;

use cronwarden::api::code::DeviationCode;

use crate::fixtures::catalogue::{Comparison, name};

/// So that the catalogue does not shrink unnoticed.
const FEWEST: usize = 85;

/// What only Jobs and their Pods lead to.
const OF_JOBS: [DeviationCode; 6] = [
    DeviationCode::ManualRun,
    DeviationCode::ForgedOwner,
    DeviationCode::TemplateDrift,
    DeviationCode::TickSquatting,
    DeviationCode::PodDrift,
    DeviationCode::ImageDigest,
];

/// The attacks that cannot be told from a run: whoever forges every mark without changing what runs, where no event tells who it was.
const UNSEEN: [&str; 1] = ["attack-every-mark-of-a-run-with-the-same-template"];

/// The longest text that a finding shows, in characters.
const LONGEST: usize = 1024;

#[test]
fn every_job_is_judged_as_expected() -> anyhow::Result<()> {
    let mut comparison = Comparison::default();
    for example in example::all()? {
        comparison.add(&example.folder, example.expected.as_ref(), &example.observed)?;
    }
    comparison.settle(FEWEST);
    Ok(())
}

#[test]
fn events_about_jobs_may_arrive_in_any_order() -> anyhow::Result<()> {
    let mut told = 0;
    for example in example::all()? {
        let Some(reversed) = example.reversed else { continue };
        told += 1;
        let name = name(&example.folder);
        assert_eq!(reversed, example.observed, "{name}: judged otherwise if told in the opposite order");
    }
    assert!(told > 20, "only {told} cases tell who created the Job");
    Ok(())
}

#[test]
fn names_say_what_comes_of_a_job() -> anyhow::Result<()> {
    for example in example::all()? {
        let name = name(&example.folder);
        let assessment = &example.observed.assessment;
        let is_found = !assessment.deviations.is_empty();
        match name.split('-').next() {
            Some("benign") => assert!(!is_found && assessment.unknown.is_empty(), "{name}: {assessment:?}"),
            Some("attack") => assert_eq!(is_found, !UNSEEN.contains(&name.as_str()), "{name}: {assessment:?}"),
            other => assert_eq!(other, Some("rule"), "{name}"),
        }
    }
    Ok(())
}

#[test]
fn every_code_of_jobs_has_a_case() -> anyhow::Result<()> {
    let examples = example::all()?;
    let shown: BTreeSet<&str> = examples.iter().flat_map(|example| example.observed.assessment.codes()).collect();
    let missing: Vec<&str> = OF_JOBS.iter().map(|code| code.as_str()).filter(|code| !shown.contains(code)).collect();
    assert_eq!(missing, [""; 0]);
    let origins: BTreeSet<&str> = examples.iter().map(|example| example.observed.origin.is.as_str()).collect();
    assert_eq!(origins.len(), 6, "{origins:?}");
    Ok(())
}

/// Whoever creates a Job chooses most of what is told about it.
#[test]
fn whatever_is_told_of_a_job_is_harmless() -> anyhow::Result<()> {
    for example in example::all()? {
        let (name, expected::Expected { chain, assessment, .. }) = (name(&example.folder), &example.observed);
        let links = chain.iter().flat_map(|link| [&link.name, &link.rests_on]);
        let deviations = assessment.deviations.iter().flat_map(|found| [&found.path, &found.expected, &found.observed]);
        let unknown = assessment.unknown.iter().map(|unknown| &unknown.expected);
        for text in links.chain(deviations).chain(unknown).chain(assessment.risks.iter().map(|risk| &risk.detail)) {
            assert!(!text.chars().any(char::is_control), "{name}: a control character is shown: {text:?}");
            assert!(text.chars().count() <= LONGEST, "{name}: {text}");
            assert!(!text.contains("hunter2-S3cr3t"), "{name}: a credential is shown: {text}");
        }
    }
    Ok(())
}
