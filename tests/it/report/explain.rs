//! Explanations.

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::code::DeviationCode;
use cronwarden::api::finding::{
    Actor, Evidence, Outcome, ScheduledWorkloadFindingSpec, ScheduledWorkloadFindingStatus,
};
use cronwarden::assess::{Check, CheckOutcome, Explained, Explanation, Mismatch};
use cronwarden::report::explain::{self, Subject};
use cronwarden::report::{Source, Style};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::expect;
use super::sample::report;

fn check(code: DeviationCode, field: &'static str, path: &str, texts: [&str; 2], outcome: CheckOutcome) -> Check {
    let [expected, observed] = texts.map(str::to_owned);
    Check { code, field, path: path.to_owned(), expected, observed, outcome }
}

/// An explanation of the second workload of the sample.
pub(super) fn explanation() -> Explanation {
    let assessment = report().judged[1].assessment.clone();
    let pod = "spec.jobTemplate.spec.template.spec";
    let image = format!("{pod}.containers[0].image");
    let checks = vec![
        check(
            DeviationCode::Schedule,
            "expected.schedules",
            "spec.schedule",
            ["15 4 * * *", "*/5 * * * *"],
            CheckOutcome::Deviates,
        ),
        check(
            DeviationCode::Image,
            "expected.images",
            &image,
            ["registry.example.com/payments/settlement:2026.*", "registry.example.com/payments/settlement:2026.4"],
            CheckOutcome::Held,
        ),
        check(
            DeviationCode::DeploymentPath,
            "expected.deploymentPaths",
            "",
            ["deployed by argocd-prod", ""],
            CheckOutcome::Unknown,
        ),
    ];
    let selecting = Explained {
        name: "payments-settlement".to_owned(),
        outcome: Some(Outcome::Deviates),
        mismatches: Vec::new(),
        checks,
        problems: Vec::new(),
    };
    let invalid = Explained {
        name: "payments-broad".to_owned(),
        outcome: Some(Outcome::Invalid),
        mismatches: Vec::new(),
        checks: Vec::new(),
        problems: vec!["expected.windows[0]: 25:00 is no time of day".to_owned()],
    };
    let others = (0..23).map(|i| Explained {
        name: format!("shop-{i}"),
        outcome: None,
        mismatches: vec![Mismatch {
            field: "match.namespaces".to_owned(),
            expected: "shop".to_owned(),
            observed: "payments".to_owned(),
        }],
        checks: Vec::new(),
        problems: Vec::new(),
    });
    Explanation { assessment, approvals: [selecting, invalid].into_iter().chain(others).collect() }
}

#[test]
fn an_explanation_says_what_holds_and_what_does_not() {
    let (report, explanation) = (report(), explanation());
    let ticks: Vec<String> = (0..5).map(|i| format!("2026-06-01T00:{:02}:00Z", i * 5)).collect();
    let judged = &report.judged[1];
    let position = judged.workload.as_ref().map(|spot| spot.place.start);
    let subject = Subject {
        key: &judged.key,
        source: &judged.source,
        position,
        ticks: &ticks,
        finding: None,
        lineage: None,
        runs: &[],
    };
    let plain = explain::text(&subject, &explanation, &Style::default());
    expect("explain.txt", &plain);
    assert!(!plain.contains('\u{1b}'));
    let colourful = explain::text(&subject, &explanation, &Style { colour: true, ..Style::default() });
    assert!(colourful.contains("\u{1b}[32m✓"), "{colourful:?}");

    let json = explain::json(&subject, &explanation);
    expect("explain.json", &json);
    let parsed: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(parsed["approvals"].as_array().map(Vec::len), Some(explanation.approvals.len()));
}

#[test]
fn what_nobody_approved_is_explained_too() {
    let report = report();
    let judged = &report.judged[2];
    let explanation = Explanation { assessment: judged.assessment.clone(), approvals: Vec::new() };
    let subject = Subject {
        key: &judged.key,
        source: &judged.source,
        position: None,
        ticks: &[],
        finding: None,
        lineage: None,
        runs: &[],
    };
    expect("explain-unapproved.txt", &explain::text(&subject, &explanation, &Style::default()));
}

/// A finding that names who did it.
pub(super) fn finding() -> ScheduledWorkloadFinding {
    let actor = |shown: &str, verb: &str, path: Option<&str>| Actor {
        shown: shown.to_owned(),
        verb: Some(verb.to_owned()),
        time: Some(Time("2026-05-30T23:41:07Z".parse().expect("a time"))),
        audit_id: Some("f5816efb".to_owned()),
        deployment_path: path.map(str::to_owned),
        evidence: Evidence::Audit,
        ..Actor::default()
    };
    let mut finding =
        ScheduledWorkloadFinding::new("payments-settlement-export-1", ScheduledWorkloadFindingSpec::default());
    finding.status = Some(ScheduledWorkloadFindingStatus {
        actor: actor("jane", "patch", None),
        creator: Some(Box::new(actor("argocd", "create", Some("gitops")))),
        ..ScheduledWorkloadFindingStatus::default()
    });
    finding
}

#[test]
fn an_explanation_says_who_made_it_as_far_as_its_finding_does() {
    let (report, explanation) = (report(), explanation());
    let judged = &report.judged[1];
    let mut finding = finding();
    let render = |finding: &ScheduledWorkloadFinding| {
        let finding = Some(finding);
        let subject = Subject {
            key: &judged.key,
            source: &Source::Cluster,
            position: None,
            ticks: &[],
            finding,
            lineage: None,
            runs: &[],
        };
        let text = explain::text(&subject, &explanation, &Style::default());
        let json: Value = serde_json::from_str(&explain::json(&subject, &explanation)).expect("JSON");
        (text, json["finding"].clone())
    };
    let (text, json) = render(&finding);
    let told = "\nFinding payments-settlement-export-1: Open\n  \
                created: create by argocd at 2026-05-30T23:41:07Z, by the deployment path gitops; audit event f5816efb\n  \
                last changed: patch by jane at 2026-05-30T23:41:07Z; audit event f5816efb\n";
    assert!(text.contains(told), "{text}");
    let expected = json!({
        "name": "payments-settlement-export-1",
        "state": "Open",
        "actor": {
            "shown": "jane", "evidence": "Audit", "verb": "patch", "time": "2026-05-30T23:41:07Z", "auditID": "f5816efb",
        },
        "creator": {
            "shown": "argocd", "evidence": "Audit", "verb": "create", "time": "2026-05-30T23:41:07Z", "auditID": "f5816efb",
            "deploymentPath": "gitops",
        },
    });
    assert_eq!(json, expected);
    let claim = Actor { shown: "(kubectl)".to_owned(), evidence: Evidence::ManagedFields, ..Actor::default() };
    for (actor, phrase) in [(claim, "which proves nothing"), (Actor::default(), "last changed: nobody knows by whom")] {
        let status = finding.status.as_mut().expect("a status");
        (status.actor, status.creator) = (actor, None);
        let (text, _) = render(&finding);
        assert!(text.contains(phrase) && !text.contains("created: "), "{text}");
    }
    finding.status = None;
    assert_eq!(render(&finding).1, Value::Null, "it is not complete yet");
}

#[test]
fn a_code_has_a_page() {
    expect("explain-code.txt", &explain::code("Command").expect("a code"));
}
