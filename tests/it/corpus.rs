//! The corpus: what teams deploy and what intruders plant, each with the verdict that is right.
//!
//! Unlike the fixtures, which show one rule each, these are workloads of realistic size under inventories of realistic
//! variety. What is right was decided by people; where the judgement is known to be wrong, `verdicts.yaml` says so. It also lists
//! the hostile edits that an approval leaves open by its own terms: those are approved, and counted apart.

pub mod read;

use std::collections::{BTreeMap, BTreeSet};

use cronwarden::api::all_crds;
use cronwarden::api::code::{DeviationCode, RiskCode};
use cronwarden::assess::{Assessment, assess, missing};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fixtures::NOT_FROM_OBJECTS;
use crate::harness::ControlPlane;
use crate::rest::{repository, send};
use read::{CoveredBy, Judged, Outcome, Scenario, Verdict, Verdicts, corpus, required};

/// When everything is judged.
const NOW: &str = "2026-06-01T00:00:00Z";

/// What a scenario consists of.
const FILES: [&str; 4] = ["inventory.yaml", "namespaces.yaml", "verdicts.yaml", "workloads.yaml"];

/// So that the corpus does not shrink unnoticed.
const FEWEST_WORKLOADS: usize = 320;
const FEWEST_HOSTILE: usize = 100;
const FEWEST_APPROVED: usize = 180;
const FEWEST_SCENARIOS: usize = 22;

fn judged(assessment: &Assessment) -> Judged {
    let verdict = match (assessment.deviations.is_empty(), assessment.unknown.is_empty()) {
        (false, _) => Outcome::Deviates,
        (true, false) => Outcome::Unknown,
        (true, true) => Outcome::Approved,
    };
    let mut deviations: Vec<DeviationCode> = assessment.deviations.iter().map(|deviation| deviation.code).collect();
    deviations.sort_by_key(|code| code.as_str());
    deviations.dedup();
    let mut risks: Vec<RiskCode> = assessment.risks.iter().map(|risk| risk.code).collect();
    risks.sort_by_key(|code| code.as_str());
    risks.dedup();
    Judged { verdict, deviations, risks }
}

/// How often the judgement is right about what matters: whether a workload is quiet.
#[derive(Default)]
struct Tally {
    /// Hostile and reported.
    found: usize,
    /// Hostile and quiet.
    overlooked: usize,
    /// Approved by people, and quiet.
    quiet: usize,
    /// Approved by people, and reported all the same.
    false_alarms: usize,
    /// Hostile, and quiet because the approval leaves the edited field open.
    left_open: usize,
    /// Honest work that nobody approved, or of which something is unknown: neither an attack nor a false alarm.
    apart: usize,
}

impl Tally {
    fn count(&mut self, expected: &Verdict, observed: Outcome) {
        let reported = observed == Outcome::Deviates;
        let place = match (expected.hostile, expected.judged.verdict, reported) {
            (true, Outcome::Approved, false) => &mut self.left_open,
            (true, _, true) => &mut self.found,
            (true, _, false) => &mut self.overlooked,
            (false, Outcome::Approved, false) => &mut self.quiet,
            (false, Outcome::Approved, true) => &mut self.false_alarms,
            (false, Outcome::Deviates | Outcome::Unknown, _) => &mut self.apart,
        };
        *place += 1;
    }

    fn total(&self) -> usize {
        self.found + self.overlooked + self.quiet + self.false_alarms + self.left_open + self.apart
    }

    fn precision(&self) -> f64 {
        share(self.found, self.false_alarms)
    }

    fn recall(&self) -> f64 {
        share(self.found, self.overlooked)
    }
}

/// The share of the hits.
fn share(hits: usize, misses: usize) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    count(hits) / count(hits + misses)
}

/// What is observed of one workload beside what is right.
struct Case<'a> {
    scenario: &'a Scenario,
    key: String,
    observed: Judged,
}

impl Case<'_> {
    /// What is wrong with the case, if anything.
    fn difference(&self) -> Option<String> {
        let name = format!("{}: {}", self.scenario.name, self.key);
        let Some(right) = self.scenario.verdicts.workloads.get(&self.key) else {
            return Some(format!("{name} has no verdict; it is judged {:?}", self.observed));
        };
        if let Some(known) = self.scenario.verdicts.known_wrong.get(&self.key) {
            return if self.observed == right.judged {
                Some(format!("{name} is judged rightly now: remove it from known-wrong"))
            } else if self.observed == known.today {
                None
            } else {
                Some(format!(
                    "{name}, which is known to be wrong ({})\n  was {:?}\n  is  {:?}",
                    known.why, known.today, self.observed
                ))
            };
        }
        (self.observed != right.judged)
            .then(|| format!("{name} ({})\n  expected {:?}\n  observed {:?}", right.why, right.judged, self.observed))
    }
}

fn cases(scenarios: &[Scenario]) -> anyhow::Result<Vec<Case<'_>>> {
    let now: Timestamp = NOW.parse()?;
    let judge = |scenario: &Scenario, workload| {
        judged(&assess(workload, &scenario.inventory, &scenario.namespace(workload), now))
    };
    Ok(scenarios
        .iter()
        .flat_map(|scenario| {
            scenario.workloads.iter().map(move |(_, workload)| Case {
                scenario,
                key: workload.key.to_string(),
                observed: judge(scenario, workload),
            })
        })
        .collect())
}

#[test]
fn every_workload_has_one_verdict() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for scenario in &corpus()? {
        let Scenario { name, folder, verdicts, .. } = scenario;
        for entry in std::fs::read_dir(folder)? {
            let file = entry?.file_name();
            if !FILES.iter().any(|known| file == *known) {
                wrong.push(format!("{name}: nothing reads {}", file.display()));
            }
        }
        let mut seen = BTreeSet::new();
        for (_, workload) in &scenario.workloads {
            if !seen.insert(workload.key.to_string()) {
                wrong.push(format!("{name}: {} occurs twice", workload.key));
            }
        }
        let known = verdicts.known_wrong.keys().chain(verdicts.not_covered.keys());
        for key in verdicts.workloads.keys().chain(known).filter(|key| !seen.contains(*key)) {
            wrong.push(format!("{name}: there is a verdict on {key}, and no such workload"));
        }
        for (key, verdict) in &verdicts.workloads {
            let Judged { verdict: outcome, deviations, risks } = &verdict.judged;
            if (*outcome == Outcome::Deviates) == deviations.is_empty() {
                wrong.push(format!("{name}: {key} is {outcome:?} with the deviations {deviations:?}"));
            }
            if !deviations.is_sorted_by_key(|code| code.as_str()) || !risks.is_sorted_by_key(|code| code.as_str()) {
                wrong.push(format!("{name}: the codes of {key} are not sorted"));
            }
            let is_open = verdicts.not_covered.contains_key(key);
            if is_open != (verdict.hostile && *outcome == Outcome::Approved) {
                wrong.push(format!("{name}: {key} is hostile and approved, or not-covered, but not both"));
            }
            if is_open && verdicts.known_wrong.contains_key(key) {
                wrong.push(format!("{name}: {key} is either judged wrongly or not covered"));
            }
            if verdict.why.len() < 10 {
                wrong.push(format!("{name}: nobody says why {key} is {outcome:?}"));
            }
        }
        for (key, open) in verdicts.not_covered.iter().filter(|(_, open)| open.why.len() < 10) {
            wrong.push(format!("{name}: nobody says why {key} is covered by {:?}", open.covered_by));
        }
        let present = |key: &String| seen.contains(key);
        let absent: Vec<String> = required(scenario).iter().map(ToString::to_string).filter(|k| !present(k)).collect();
        if absent != verdicts.missing {
            wrong.push(format!("{name}: {absent:?} are missing, expected {:?}", verdicts.missing));
        }
    }
    assert!(wrong.is_empty(), "{} mistakes in the corpus:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Prints what `make test` shows at its end.
#[test]
#[allow(clippy::print_stdout)]
fn precision_and_recall() -> anyhow::Result<()> {
    let scenarios = corpus()?;
    let cases = cases(&scenarios)?;
    let differences: Vec<String> = cases.iter().filter_map(Case::difference).collect();
    let (mut all, mut without_known_wrong) = (Tally::default(), Tally::default());
    let mut known_wrong = 0;
    for Case { scenario, key, observed } in &cases {
        let Some(right) = scenario.verdicts.workloads.get(key) else { continue };
        all.count(right, observed.verdict);
        if scenario.verdicts.known_wrong.contains_key(key) {
            known_wrong += 1;
        } else {
            without_known_wrong.count(right, observed.verdict);
        }
    }
    println!(
        "corpus: {} workloads in {} scenarios, {known_wrong} known to be judged wrongly\n\
         corpus: {} hostile: {} found, {} overlooked; recall {:.3}\n\
         corpus: {} approved: {} quiet, {} false alarms; precision {:.3}\n\
         corpus: and {} edits that the approval leaves open: {}\n\
         corpus: {} more are honest and not approved, or undecided",
        all.total(),
        scenarios.len(),
        all.found + all.overlooked,
        all.found,
        all.overlooked,
        all.recall(),
        all.quiet + all.false_alarms,
        all.quiet,
        all.false_alarms,
        all.precision(),
        all.left_open,
        left_open(&scenarios),
        all.apart,
    );
    assert!(
        differences.is_empty(),
        "{} of {} workloads are judged otherwise:\n\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n\n")
    );
    let Tally { found, overlooked, quiet, false_alarms, .. } = without_known_wrong;
    assert_eq!((overlooked, false_alarms), (0, 0), "hostile ones overlooked, false alarms");
    assert!(scenarios.len() >= FEWEST_SCENARIOS, "only {} scenarios", scenarios.len());
    assert!(all.total() >= FEWEST_WORKLOADS, "only {} workloads", all.total());
    assert!(found >= FEWEST_HOSTILE, "only {found} hostile workloads");
    assert!(quiet >= FEWEST_APPROVED, "only {quiet} approved workloads");
    Ok(())
}

/// How many edits each field of an approval would have covered.
fn left_open(scenarios: &[Scenario]) -> String {
    let mut counts: BTreeMap<CoveredBy, usize> = BTreeMap::new();
    for open in scenarios.iter().flat_map(|scenario| scenario.verdicts.not_covered.values()) {
        *counts.entry(open.covered_by).or_default() += 1;
    }
    let texts: Vec<String> = counts.iter().map(|(field, count)| format!("{count} covered by {field}")).collect();
    texts.join(", ")
}

#[test]
fn every_code_occurs() -> anyhow::Result<()> {
    let now: Timestamp = NOW.parse()?;
    let mut shown = BTreeSet::new();
    for scenario in &corpus()? {
        let Verdicts { known_wrong, not_covered: _, missing: absent, workloads } = &scenario.verdicts;
        // What is known to be judged wrongly shows no code.
        for (_, Verdict { judged, .. }) in workloads.iter().filter(|(key, _)| !known_wrong.contains_key(*key)) {
            shown.extend(judged.deviations.iter().map(|code| code.as_str()));
            shown.extend(judged.risks.iter().map(|code| code.as_str()));
        }
        for key in required(scenario).iter().filter(|key| absent.contains(&key.to_string())) {
            let assessment = missing(key, &scenario.inventory.requiring(key, now));
            shown.extend(assessment.deviations.iter().map(|deviation| deviation.code.as_str()));
        }
    }
    let every =
        DeviationCode::ALL.iter().map(|code| code.as_str()).chain(RiskCode::ALL.iter().map(|code| code.as_str()));
    let expected: BTreeSet<&str> = every.filter(|code| !NOT_FROM_OBJECTS.contains(code)).collect();
    assert_eq!(shown, expected, "left: codes that occur, right: codes that objects alone can lead to");
    Ok(())
}

/// What no API server stores proves nothing.
#[tokio::test]
async fn an_api_server_accepts_everything() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().start().await?;
    let crds = all_crds().into_iter().map(|crd| repository(&format!("crds/{}.yaml", crd.spec.names.plural)));
    cluster.kubectl(["create"]).args(crds.map(|file| format!("--filename={}", file.display()))).run().await?;
    cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all"]).run().await?;
    let client = cluster.client().await?;
    let scenarios = corpus()?;
    let mut namespaces: BTreeMap<&str, Value> = BTreeMap::new();
    for scenario in &scenarios {
        for (_, workload) in &scenario.workloads {
            let labels = json!(scenario.namespace(workload));
            namespaces.entry(&workload.key.namespace).or_insert(labels);
        }
    }
    for (name, labels) in namespaces {
        if ["default", "kube-system", "kube-public", "kube-node-lease"].contains(&name) {
            continue;
        }
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels }
        });
        send(&client, Method::POST, "/api/v1/namespaces", &namespace).await?;
    }
    let mut wrong = Vec::new();
    for scenario in &scenarios {
        let approvals = scenario.approvals.iter().map(|approval| {
            let path = "/apis/cronwarden.dev/v1alpha1/approvedcronjobs".to_owned();
            anyhow::Ok((path, serde_json::to_value(approval)?))
        });
        let workloads = scenario.workloads.iter().map(|(object, workload)| {
            let plural = format!("{}s", workload.key.kind.as_str().to_lowercase());
            Ok((format!("/apis/batch/v1/namespaces/{}/{plural}", workload.key.namespace), as_first_sent(object)))
        });
        for request in approvals.chain(workloads) {
            let (path, object) = request?;
            let path = format!("{path}?dryRun=All&fieldValidation=Strict");
            if let Err(error) = send(&client, Method::POST, &path, &object).await {
                wrong.push(format!("{}: {}: {error}", scenario.name, object["metadata"]["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} objects are refused:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// The object without what the API server adds to it and takes from nobody.
fn as_first_sent(object: &Value) -> Value {
    let mut object = object.clone();
    let remove = |part: &mut Value, names: &[&str]| {
        if let Some(fields) = part.as_object_mut() {
            fields.retain(|name, _| !names.contains(&name.as_str()));
        }
    };
    remove(&mut object, &["status"]);
    if let Some(metadata) = object.get_mut("metadata") {
        remove(metadata, &["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"]);
    }
    if object["kind"] == "Job" {
        remove(&mut object["spec"], &["selector"]);
        let generated =
            ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];
        for pointer in ["/metadata/labels", "/spec/template/metadata/labels"] {
            if let Some(labels) = object.pointer_mut(pointer) {
                remove(labels, &generated);
            }
        }
    }
    object
}
