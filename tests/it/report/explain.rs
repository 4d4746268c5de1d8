//! Explanations.

use cronwarden::api::code::DeviationCode;
use cronwarden::api::finding::Outcome;
use cronwarden::assess::{Check, CheckOutcome, Explained, Explanation, Mismatch};
use cronwarden::report::Style;
use cronwarden::report::explain::{self, Subject};
use serde_json::Value;

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
    let subject = Subject { key: &judged.key, source: &judged.source, position, ticks: &ticks };
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
    let subject = Subject { key: &judged.key, source: &judged.source, position: None, ticks: &[] };
    expect("explain-unapproved.txt", &explain::text(&subject, &explanation, &Style::default()));
}

#[test]
fn a_code_has_a_page() {
    expect("explain-code.txt", &explain::code("Command").expect("a code"));
}
