//! Explanations of Jobs, and of CronJobs with their runs.

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::finding::{Link, Runs, ScheduledWorkloadFindingSpec, ScheduledWorkloadFindingStatus};
use cronwarden::assess::{
    Assessment, Explanation, Lineage as Known, PodReport, PulledImage, assess, explain_job, untold,
};
use cronwarden::finding::group_reference;
use cronwarden::inventory::{Inventory, Labels};
use cronwarden::lineage::{Basis, Contradiction, Match, Origin, Traced, of_job};
use cronwarden::report::explain::{self, Lineage, Run, Subject};
use cronwarden::report::{Source, Style};
use cronwarden::workload::{Workload, WorkloadKey, WorkloadKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::expect;
use super::sample::now;

fn key(name: &str) -> WorkloadKey {
    WorkloadKey { namespace: "payments".to_owned(), name: name.to_owned(), kind: WorkloadKind::Job }
}

fn tick() -> Timestamp {
    "2026-05-31T02:00:00Z".parse().expect("a time")
}

fn workload(kind: WorkloadKind, name: &str) -> Workload {
    let pod = json!({ "template": { "spec": { "restartPolicy": "Never", "containers": [
        { "name": "dump", "image": "registry.example.com/backup/pgdump:v3.2" },
    ] } } });
    let spec = match kind {
        WorkloadKind::Job => pod,
        WorkloadKind::CronJob => json!({ "schedule": "0 2 * * *", "jobTemplate": { "spec": pod } }),
    };
    let object = json!({ "metadata": { "namespace": "payments", "name": name }, "spec": spec });
    Workload::from_json(kind, &object.to_string()).expect("a workload")
}

fn inventory(manual: bool) -> Inventory {
    let approval = json!({
        "apiVersion": "cronwarden.dev/v1alpha1", "kind": "ApprovedCronJob", "metadata": { "name": "payments-nightly" },
        "spec": { "match": { "namespaces": ["payments"] }, "owner": { "team": "t" }, "allowed": { "manualRuns": manual } },
    });
    let mut inventory = Inventory::default();
    let approval = serde_json::from_value(approval).expect("an approval");
    inventory.insert(cronwarden::inventory::Approval::compile(&approval));
    inventory
}

fn pod(name: &str) -> PodReport {
    let image = PulledImage {
        path: "spec.containers[0].image".to_owned(),
        image: "registry.example.com/backup/pgdump:v3.2".to_owned(),
        digest: format!("sha256:{}", "a1".repeat(32)),
    };
    PodReport { name: name.to_owned(), images: vec![image], ..PodReport::default() }
}

fn run(template: Match) -> Origin {
    Origin::Run { cron_job: "nightly".to_owned(), tick: Some(tick()), template }
}

fn by_hand() -> Origin {
    let why = Contradiction::ByHand;
    Origin::Manual { cron_job: "nightly".to_owned(), template: Match::Same, why }
}

fn forged() -> Origin {
    Origin::Forged { owner: "CronJob nightly".to_owned(), why: Contradiction::NotDue }
}

/// A Job of this origin, judged, and its chain.
struct Case {
    key: WorkloadKey,
    traced: Traced,
    explanation: Explanation,
    links: Vec<Link>,
    cron_job: Option<Assessment>,
}

fn case(name: &str, origin: Origin, pods: &[PodReport], inventory: &Inventory) -> Case {
    let (key, job) = (key(name), workload(WorkloadKind::Job, name));
    let cron_job = workload(WorkloadKind::CronJob, "nightly");
    let traced = Traced { origin, basis: Basis::Marks };
    let lineage = Known { traced: &traced, cron_job: Some(&cron_job), is_outdated: false, pods };
    let explanation = explain_job(&job, lineage, inventory, &Labels::new(), now());
    let mut links = of_job(&key, &traced);
    links.extend(pods.iter().flat_map(PodReport::chain));
    let cron_job = Some(assess(&cron_job, inventory, &Labels::new(), now()));
    Case { key, traced, explanation, links, cron_job }
}

impl Case {
    fn subject<'a>(&'a self, finding: Option<&'a ScheduledWorkloadFinding>) -> Subject<'a> {
        let Self { key, traced, links, cron_job, .. } = self;
        let lineage = Some(Lineage { traced, links, more_pods: 0, cron_job: cron_job.as_ref() });
        Subject { key, source: &Source::Cluster, position: None, ticks: &[], finding, lineage, runs: &[] }
    }

    fn text(&self) -> String {
        explain::text(&self.subject(None), &self.explanation, &Style::default())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&explain::json(&self.subject(None), &self.explanation)).expect("JSON")
    }
}

fn name() -> String {
    format!("nightly-{}", tick().as_second() / 60)
}

#[test]
fn a_run_is_accounted_for_by_its_cron_job() {
    let case = case(&name(), run(Match::Same), &[pod("nightly-x7k2p")], &inventory(false));
    expect("explain-run.txt", &case.text());
    let json = case.json();
    expect("explain-run.json", &(serde_json::to_string_pretty(&json).expect("JSON") + "\n"));
}

#[test]
fn what_is_no_run_says_what_it_is_instead() {
    let manual = case("by-hand", by_hand(), &[], &inventory(false));
    expect("explain-manual.txt", &manual.text());
    expect("explain-forged.txt", &case(&name(), forged(), &[pod("forged-1")], &inventory(false)).text());
    let allowed = case("by-hand", by_hand(), &[], &inventory(true));
    assert!(
        allowed.text().contains("\nVerdict: accounted for by CronJob nightly, whose approval allows runs by hand\n"),
        "{}",
        allowed.text()
    );
    assert_eq!(allowed.json()["verdict"], "AccountedFor");
    let early = case(&name(), run(Match::Unknown), &[], &inventory(false));
    let verdict = "Verdict: unknown: it hangs on the template that CronJob nightly had then\n";
    assert!(early.text().contains(verdict), "{}", early.text());
    let child = Origin::Child { owner: Some("ScaledJob.keda.sh q".to_owned()), maker: "keda".to_owned() };
    let child = case("q-1", child, &[], &inventory(false));
    assert!(child.text().contains("Verdict: accounted for by the trusted controller keda\n"), "{}", child.text());
    assert!(!child.text().contains("Its CronJob"), "{}", child.text());
}

#[test]
fn a_job_that_nothing_accounts_for_is_explained_by_the_inventory() {
    let standalone = case("import", Origin::Standalone { owner: None }, &[], &inventory(false));
    let text = standalone.text();
    assert!(text.contains("Unapproved: ") && text.contains("\nApprovals that do not select it\n"), "{text}");
    assert_eq!(
        (&standalone.json()["origin"], &standalone.json()["verdict"]),
        (&json!("Standalone"), &json!("Deviating"))
    );
    let untold = Case { explanation: untold("tekton"), ..standalone };
    let verdict = "Verdict: unknown: it hangs on an event that tells that tekton made it\n";
    assert!(untold.text().contains(verdict), "{}", untold.text());
}

#[test]
fn a_finding_about_many_jobs_is_told_as_such() {
    let case = case(&name(), run(Match::Other), &[], &inventory(false));
    let mut finding = ScheduledWorkloadFinding::new("payments-nightly--1", ScheduledWorkloadFindingSpec::default());
    finding.spec.workload = group_reference("payments", "nightly-", "alike");
    let runs = Some(Runs { count: 12, ..Runs::default() });
    finding.status = Some(ScheduledWorkloadFindingStatus { runs, ..ScheduledWorkloadFindingStatus::default() });
    let subject = case.subject(Some(&finding));
    let text = explain::text(&subject, &case.explanation, &Style::default());
    let told = "\nFinding payments-nightly--1: Open\n  about the Jobs nightly-* that deviate alike, 12 so far\n";
    assert!(text.contains(told) && !text.contains("last changed"), "{text}");
    let json: Value = serde_json::from_str(&explain::json(&subject, &case.explanation)).expect("JSON");
    assert_eq!(json["finding"]["about"], "nightly-*");
}

/// The runs of a CronJob, of every kind.
pub(super) fn runs() -> Vec<Run> {
    let all = [
        (name(), run(Match::Same), vec![pod("a")]),
        ("by-hand".to_owned(), by_hand(), vec![]),
        (format!("nightly-{}", tick().as_second() / 60 - 1440), forged(), vec![pod("b"), pod("c")]),
    ];
    let runs = all.into_iter().map(|(name, origin, pods)| {
        let images = pods.iter().flat_map(|pod: &PodReport| pod.images.clone()).collect();
        let Case { key, traced, explanation, .. } = case(&name, origin, &pods, &inventory(false));
        Run { key, created: Some(now()), traced, assessment: explanation.assessment, images }
    });
    runs.collect()
}

#[test]
fn a_cron_job_shows_its_last_runs() {
    let (key, runs) = (WorkloadKey { kind: WorkloadKind::CronJob, ..key("nightly") }, runs());
    let subject = Subject {
        key: &key,
        source: &Source::Cluster,
        position: None,
        ticks: &[],
        finding: None,
        lineage: None,
        runs: &runs,
    };
    let cron_job = workload(WorkloadKind::CronJob, "nightly");
    let explanation = cronwarden::assess::explain(&cron_job, &inventory(false), &Labels::new(), now());
    expect("explain-runs.txt", &explain::text(&subject, &explanation, &Style::default()));
    let json: Value = serde_json::from_str(&explain::json(&subject, &explanation)).expect("JSON");
    let digest = json!({ "image": "registry.example.com/backup/pgdump:v3.2", "digest": pod("").images[0].digest });
    let expected = json!({
        "name": name(), "created": "2026-06-01T00:00:00Z", "tick": "2026-05-31T02:00:00Z", "origin": "Run",
        "restsOn": "a run of the schedule, by what it says of itself; no event tells who created it",
        "verdict": "AccountedFor", "digests": [digest],
    });
    assert_eq!(json["runs"][0], expected);
    assert_eq!((&json["runs"][1]["reasons"], &json["runs"][2]["severity"]), (&json!("ManualRun"), &json!("Critical")));
}
