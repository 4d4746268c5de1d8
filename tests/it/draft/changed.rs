//! Changes of approvals: as small as they can be, and enough.

use std::collections::{BTreeMap, BTreeSet};

use cronwarden::api::ApprovedCronJob;
use cronwarden::api::approval::ApprovedCronJobSpec;
use cronwarden::api::code::DeviationCode;
use cronwarden::assess::assess;
use cronwarden::draft::{Draft, Options, approval, change};
use cronwarden::inventory::Labels;
use cronwarden::workload::{Workload, WorkloadKind};
use serde_json::{Value, json};

use super::{deviations, inventory, now, options, problems, schema};
use crate::mutations::{changes, manifests, set};
use crate::rest::{repository, yaml};

/// The fields of an approval that a deviation may change. Those that are left to people have none.
fn fields(code: DeviationCode) -> &'static [&'static str] {
    match code {
        DeviationCode::Schedule => &["schedules"],
        DeviationCode::TimeZone => &["timeZones"],
        DeviationCode::Interval => &["minimumInterval"],
        DeviationCode::Image | DeviationCode::ImageDigest => &["images"],
        // What stands in the place of a program is for the template to say, and so is what a pattern cannot.
        DeviationCode::Command => &["commands", "templateHash"],
        DeviationCode::ServiceAccount => &["serviceAccounts"],
        DeviationCode::Labels => &["labels"],
        DeviationCode::Template => &["templateHash"],
        DeviationCode::PodSecurity => &["podSecurity", "hostPaths", "capabilities"],
        DeviationCode::Reference => &["secrets", "configMaps"],
        DeviationCode::Suspended | DeviationCode::Resumed => &["suspended"],
        _ => &[],
    }
}

/// What differs between two approvals, by the names of the fields.
fn differing(a: &ApprovedCronJobSpec, b: &ApprovedCronJobSpec) -> BTreeSet<String> {
    let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
    let flat = |spec: &ApprovedCronJobSpec| -> BTreeMap<String, Value> {
        let mut rest = spec.clone();
        let parts = [json!(std::mem::take(&mut rest.expected)), json!(std::mem::take(&mut rest.allowed)), json!(rest)];
        parts.into_iter().flat_map(fields).collect()
    };
    let (a, b) = (flat(a), flat(b));
    a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// Changes an approval and checks what has to hold of every change.
fn checked(
    name: &str,
    nearest: &ApprovedCronJob,
    workload: &Workload,
    namespace: &Labels,
    options: &Options,
    schema: &jsonschema::Validator,
) -> Option<Draft> {
    let draft = change(nearest, workload, options, namespace, now()).ok()?;
    let judged = |approval: &ApprovedCronJob| assess(workload, &inventory([approval]), namespace, now()).deviations;
    let before = judged(nearest);
    let after = judged(&draft.approval);
    assert_eq!(after.is_empty(), draft.left_out.is_empty(), "{name}: {after:?}, left out {:?}", draft.left_out);
    let expected: BTreeSet<String> =
        before.iter().flat_map(|deviation| fields(deviation.code)).map(|field| (*field).to_owned()).collect();
    let differing = differing(&nearest.spec, &draft.approval.spec);
    assert!(differing.is_subset(&expected), "{name}: {differing:?} changed because of {before:?}");
    assert_eq!(draft.approval.metadata.name, nearest.metadata.name, "{name}");
    let problems_of_draft = problems(&draft, schema);
    let was_accepted = || problems(&Draft { approval: nearest.clone(), ..draft.clone() }, schema).is_empty();
    assert!(problems_of_draft.is_empty() || !was_accepted(), "{name}: {problems_of_draft:?}");
    Some(draft)
}

/// The codes that lists grow by: what satisfied the approval before satisfies it afterwards.
fn only_grows(before: &Draft, after: &Draft) -> bool {
    let single = ["templateHash", "labels", "suspended"];
    differing(&before.approval.spec, &after.approval.spec).iter().all(|field| !single.contains(&field.as_str()))
}

#[test]
fn an_approval_follows_any_change_of_one_field() -> anyhow::Result<()> {
    let schema = jsonschema::validator_for(&schema())?;
    let (mut followed, mut left_out, mut grown) = (0, BTreeSet::new(), 0);
    for manifest in manifests()? {
        let before = manifest.normal_form(&manifest.object)?;
        for strict in [true, false] {
            let Ok(nearest) = approval(&before, &options(strict), now()) else { continue };
            for (place, field, new) in changes() {
                let Some(start) = place.pointer(manifest.kind) else { continue };
                let mut object = manifest.object.clone();
                if !set(&mut object, &format!("{start}{field}"), &new) {
                    continue;
                }
                let after = manifest.normal_form(&object)?;
                let name = format!("{}: {field}", manifest.name);
                let all = options(strict);
                if strict {
                    let none = Options { strict, ..Options::default() };
                    checked(&name, &nearest.approval, &after, &Labels::new(), &none, &schema);
                }
                let Some(draft) = checked(&name, &nearest.approval, &after, &Labels::new(), &all, &schema) else {
                    continue;
                };
                followed += 1;
                if !draft.left_out.is_empty() {
                    left_out.insert((draft.left_out[0].field.clone(), field));
                }
                if nearest.left_out.is_empty() && only_grows(&nearest, &draft) {
                    grown += 1;
                    assert_eq!(
                        deviations(&before, &inventory([&draft.approval])),
                        [],
                        "{name}: not satisfied any more"
                    );
                }
            }
        }
    }
    assert!(followed > 5000 && grown > 1000, "{followed} changes were followed, {grown} by growing");
    // Nothing widens whom an approval speaks for, there is no capability that is called so, and lists have an end.
    let known: BTreeSet<_> =
        [("spec.match".to_owned(), "/metadata/name"), ("spec.match".to_owned(), "/metadata/namespace")].into();
    let unknown: Vec<_> =
        left_out.difference(&known).filter(|(field, _)| field != "spec.allowed.capabilities").collect();
    assert!(unknown.is_empty(), "left out: {unknown:?}");
    assert!(known.is_subset(&left_out));
    Ok(())
}

/// The catalogue of attacks and rules: each of its inventories, changed for its workload.
#[test]
fn an_approval_of_the_catalogue_follows_unless_it_must_not() -> anyhow::Result<()> {
    let schema = jsonschema::validator_for(&schema())?;
    let mut reasons: BTreeSet<String> = BTreeSet::new();
    let mut followed = 0;
    for folder in std::fs::read_dir(repository("tests/data/assess"))? {
        let folder = folder?.path();
        let name = folder.display().to_string();
        if !folder.join("workload.yaml").exists() {
            continue;
        }
        let manifest: Value = yaml(&folder.join("workload.yaml"))?;
        let kind = serde_json::from_value::<WorkloadKind>(manifest["kind"].clone())?;
        let Ok(workload) = Workload::from_json(kind, &manifest.to_string()) else { continue };
        let labels = folder.join("namespace.yaml");
        let namespace: Labels = if labels.exists() { yaml(&labels)? } else { Labels::new() };
        let text = std::fs::read_to_string(folder.join("inventory.yaml"))?;
        for nearest in serde_saphyr::from_multiple::<ApprovedCronJob>(&text)? {
            checked(&name, &nearest, &workload, &namespace, &Options::default(), &schema);
            let Some(draft) = checked(&name, &nearest, &workload, &namespace, &options(false), &schema) else {
                continue;
            };
            followed += usize::from(draft.left_out.is_empty());
            reasons.extend(draft.left_out.into_iter().map(|left| left.field));
            // What is satisfied stays as it is.
            let again = change(&draft.approval, &workload, &options(false), &namespace, now());
            assert_eq!(again.map(|again| again.approval), Ok(draft.approval), "{name}");
        }
    }
    assert!(followed > 60, "{followed} approvals followed");
    let known = ["spec.expected.schedules", "spec.expected.windows", "spec.expiresAt", "spec.match"];
    assert_eq!(reasons, known.map(str::to_owned).into(), "what is left to people");
    Ok(())
}

#[test]
fn an_expired_approval_waits_for_a_new_date() -> anyhow::Result<()> {
    let manifest = &manifests()?[0];
    let workload = manifest.normal_form(&manifest.object)?;
    let mut nearest =
        approval(&workload, &options(false), now()).map_err(|refused| anyhow::anyhow!("{refused:?}"))?.approval;
    nearest.spec.expires_at = Some(serde_json::from_value("2026-01-01T00:00:00Z".into())?);
    let draft = change(&nearest, &workload, &options(false), &Labels::new(), now());
    let draft = draft.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    assert_eq!(draft.approval.spec, nearest.spec);
    let [left_out] = draft.left_out.as_slice() else { panic!("{:?}", draft.left_out) };
    assert_eq!((left_out.field.as_str(), left_out.code), ("spec.expiresAt", None));
    assert!(left_out.detail.contains("a new date is for people to choose"), "{}", left_out.detail);
    Ok(())
}
