//! What holds of every draft.

use std::collections::{BTreeMap, BTreeSet};

use cronwarden::api::ApprovedCronJob;
use cronwarden::draft::{Accepted, Options, approval, baseline, yaml};
use cronwarden::workload::Workload;

use super::{
    credentials, deviations, distinct_workloads, inventory, inventory_of, now, options, problems, schema, workloads,
};

/// The workloads of the test data that no approval can be drafted for, and the beginnings of the reasons.
const UNDRAFTED: [(&str, &str); 8] = [
    ("attack-registry-with-homoglyph", "no approval can be satisfied"),
    ("images: Job images-broken", "no approval can be satisfied"),
    ("images: Job images-digests", "no approval can be satisfied"),
    ("minimal: CronJob generated-", "it has no name"),
    ("minimal: Job generated-", "it has no name"),
    ("rule-malformed-image-that-no-approval-constrains", "no approval can be satisfied"),
    ("rule-malformed-schedule", "no approval can be satisfied"),
    ("rule-malformed-schedule-of-an-unapproved-workload", "no approval can be satisfied"),
];

#[test]
fn every_workload_satisfies_its_own_draft() -> anyhow::Result<()> {
    let schema = jsonschema::validator_for(&schema())?;
    let mut wrong = Vec::new();
    let mut undrafted = BTreeMap::new();
    for (name, workload) in workloads()? {
        for strict in [true, false] {
            match approval(&workload, &options(strict), now()) {
                Err(refused) => {
                    undrafted.insert(name.clone(), refused.reason);
                }
                Ok(draft) => {
                    wrong.extend(problems(&draft, &schema).into_iter().map(|problem| format!("{name}: {problem}")));
                    if !draft.left_out.is_empty() {
                        wrong.push(format!("{name}: left out: {:?}", draft.left_out));
                    }
                    let deviations = deviations(&workload, &inventory([&draft.approval]));
                    if !deviations.is_empty() {
                        wrong.push(format!("{name}: deviates: {deviations:?}"));
                    }
                    let expected = &draft.approval.spec.expected;
                    if strict && expected.template_hash.is_none() {
                        wrong.push(format!("{name}: the template is not pinned"));
                    }
                    let names_no_zone = workload.cron.as_ref().is_some_and(|cron| cron.time_zone.is_none());
                    let zones = &expected.time_zones;
                    if names_no_zone && *zones != [""] {
                        wrong.push(format!("{name}: the absence of a zone is not pinned"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong drafts:\n{}", wrong.len(), wrong.join("\n"));
    let known = UNDRAFTED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(undrafted.keys().cloned().collect::<BTreeSet<_>>(), known, "{undrafted:?}");
    for (name, reason) in UNDRAFTED {
        assert!(undrafted[name].starts_with(reason), "{name}: {}", undrafted[name]);
    }
    Ok(())
}

#[test]
fn all_workloads_satisfy_their_common_baseline() -> anyhow::Result<()> {
    let workloads: Vec<Workload> = distinct_workloads()?.into_iter().map(|(_, workload)| workload).collect();
    for (strict, group) in [(true, true), (true, false), (false, true), (false, false)] {
        let baseline = baseline(workloads.clone(), &options(strict), group, now());
        assert!(baseline.drafts.len() + baseline.undrafted.len() <= workloads.len());
        let refused: BTreeSet<_> = baseline.undrafted.iter().map(|refused| &refused.workload).collect();
        let inventory = inventory_of(&baseline.drafts);
        for workload in workloads.iter().filter(|workload| !refused.contains(&workload.key)) {
            let deviations = deviations(workload, &inventory);
            assert!(deviations.is_empty(), "{} (strict {strict}, group {group}): {deviations:?}", workload.key);
        }
    }
    Ok(())
}

/// What is left out is what deviates; whoever accepts what it names, step by step, gets an approval without it.
#[test]
fn what_is_left_out_deviates_until_it_is_accepted() -> anyhow::Result<()> {
    let mut left_out = 0;
    for (name, workload) in workloads()? {
        for strict in [true, false] {
            let mut accepted = BTreeSet::new();
            loop {
                let options = Options { accepted: accepted.iter().copied().collect::<Accepted>(), strict };
                let Ok(draft) = approval(&workload, &options, now()) else { break };
                let deviations = deviations(&workload, &inventory([&draft.approval]));
                assert_eq!(deviations.is_empty(), draft.left_out.is_empty(), "{name}: {:?}", draft.left_out);
                let before = accepted.len();
                accepted.extend(draft.left_out.iter().filter_map(|left| left.code));
                if draft.left_out.is_empty() {
                    break;
                }
                left_out += 1;
                assert!(accepted.len() > before, "{name}: accepting does not help: {:?}", draft.left_out);
            }
        }
    }
    assert!(left_out > 60, "only {left_out} drafts left anything out");
    Ok(())
}

/// Nobody has accepted anything, so no workload of the catalogue of attacks that shows a gated danger may be approved.
#[test]
fn nothing_dangerous_is_approved_unasked() -> anyhow::Result<()> {
    let gated = ["PrivilegedContainer", "HostNamespace", "HostPath", "RuntimeSocket", "SuspiciousCommand"];
    let mut seen = BTreeSet::new();
    for (name, workload) in workloads()? {
        let assessment = cronwarden::assess::assess(
            &workload,
            &cronwarden::inventory::Inventory::default(),
            &cronwarden::inventory::Labels::new(),
            now(),
        );
        let risks: BTreeSet<&str> = assessment.risks.iter().map(|risk| risk.code.as_str()).collect();
        let dangers: Vec<&str> = gated.into_iter().filter(|code| risks.contains(code)).collect();
        for strict in [true, false] {
            let Ok(draft) = approval(&workload, &Options { strict, ..Options::default() }, now()) else { continue };
            let is_approved = deviations(&workload, &inventory([&draft.approval])).is_empty();
            assert!(!is_approved || dangers.is_empty(), "{name} is approved in spite of {dangers:?}");
        }
        seen.extend(dangers);
    }
    assert_eq!(seen.len(), gated.len(), "only {seen:?} occur");
    Ok(())
}

#[test]
fn the_text_is_the_same_in_any_order_and_reads_back_without_credentials() -> anyhow::Result<()> {
    let workloads: Vec<Workload> = workloads()?.into_iter().map(|(_, workload)| workload).collect();
    for group in [true, false] {
        for options in [options(true), options(false), Options::default()] {
            let drafted = baseline(workloads.clone(), &options, group, now());
            let text = yaml(&drafted.drafts);
            for rotation in [1, workloads.len() / 3, workloads.len() - 1] {
                let mut other = workloads.clone();
                other.rotate_left(rotation);
                other[rotation..].reverse();
                assert_eq!(baseline(other, &options, group, now()), drafted);
            }
            let read: Vec<ApprovedCronJob> = serde_saphyr::from_multiple(&text)?;
            let written: Vec<ApprovedCronJob> = drafted.drafts.into_iter().map(|draft| draft.approval).collect();
            assert_eq!(read, written);
            for credential in workloads.iter().flat_map(credentials).collect::<BTreeSet<_>>() {
                assert!(!text.contains(&credential), "a credential is shown: {credential}");
            }
        }
    }
    Ok(())
}

/// A baseline of a part of the cluster has the same approvals as that of the whole.
#[test]
fn approvals_do_not_change_with_other_workloads() -> anyhow::Result<()> {
    let workloads: Vec<Workload> = distinct_workloads()?.into_iter().map(|(_, workload)| workload).collect();
    let whole = baseline(workloads.clone(), &options(true), false, now());
    for part in workloads.chunks(7) {
        for draft in baseline(part.to_vec(), &options(true), false, now()).drafts {
            assert!(whole.drafts.contains(&draft), "{:?} differs", draft.approval.metadata.name);
        }
    }
    Ok(())
}
