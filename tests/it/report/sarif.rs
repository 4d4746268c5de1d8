//! SARIF: valid by the published schema, and fit for code scanning.

use std::collections::BTreeSet;
use std::path::Path;

use cronwarden::report::{Report, Source, sarif};
use serde_json::Value;

use super::expect;
use super::sample::report;

/// The published schema.
pub fn schema() -> jsonschema::Validator {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sarif/sarif-schema-2.1.0.json");
    let text = std::fs::read_to_string(file).expect("the schema");
    // The pattern of a language has a stray bracket, which the validator refuses to compile. Nothing of ours has a language.
    assert!(text.contains("[a-zA-Z]{2}]?$"), "the schema is mended: use it as it is");
    let text = text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

fn valid(report: &Report) -> Value {
    let parsed: Value = serde_json::from_str(&sarif(report, "1.2.3")).expect("JSON");
    let errors: Vec<String> =
        schema().iter_errors(&parsed).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, [""; 0]);
    parsed
}

/// The results of the only run.
fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().expect("results")
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let wrong = serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": {} }] });
    assert!(!schema().is_valid(&wrong));
}

#[test]
fn a_report_is_valid() {
    let report = report();
    expect("report.sarif", &sarif(&report, "1.2.3"));
    let log = valid(&report);
    let deviations: usize = report.judged.iter().map(|judged| judged.assessment.deviations.len()).sum();
    assert_eq!(results(&log).len(), deviations);
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in results(&log) {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small number");
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    for rule in rules {
        let tags = rule["properties"]["tags"].as_array().expect("tags");
        assert!(tags.len() <= 10, "GitHub shows no more tags: {rule}");
    }
}

#[test]
fn a_clean_report_has_results_that_are_none() {
    for report in
        [Report::default(), Report { problems: Vec::new(), judged: report().judged[..1].to_vec(), ..report() }]
    {
        let log = valid(&report);
        assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()));
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
    }
}

#[test]
fn every_source_is_valid() {
    for source in [Source::Stdin, Source::Cluster, Source::of("/tmp/ü #%.yaml"), Source::of("a\u{1b}\\b")] {
        let mut report = report();
        for judged in &mut report.judged {
            judged.source = source.clone();
            if source == Source::Cluster {
                (judged.workload, judged.deviations, judged.risks) = (None, Vec::new(), Vec::new());
            }
        }
        valid(&report);
    }
}

/// GitHub follows links in messages, so a manifest must not place any.
#[test]
fn manifests_place_no_links() {
    let mut report = report();
    let link = "[look here](https://evil.example.com)";
    for judged in &mut report.judged {
        judged.key.name = link.to_owned();
        for deviation in &mut judged.assessment.deviations {
            (deviation.path, deviation.observed, deviation.expected) =
                (link.to_owned(), link.to_owned(), link.to_owned());
            deviation.approval = Some(link.to_owned());
        }
        for risk in &mut judged.assessment.risks {
            (risk.path, risk.detail) = (link.to_owned(), link.to_owned());
        }
        for unknown in &mut judged.assessment.unknown {
            unknown.approval = link.to_owned();
        }
    }
    let log = valid(&report);
    let mut texts = Vec::new();
    for run in [results(&log), log["runs"][0]["invocations"].as_array().expect("invocations")] {
        messages(&Value::Array(run.clone()), &mut texts);
    }
    assert!(texts.iter().filter(|text| text.contains("look here")).count() > 10, "{texts:?}");
    assert_eq!(texts.iter().find(|text| text.contains("](https")), None);
}

/// The text of every message in a value.
fn messages(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| messages(item, texts)),
        Value::Object(fields) => {
            texts.extend(value["message"]["text"].as_str().map(str::to_owned));
            fields.values().for_each(|field| messages(field, texts));
        }
        _ => {}
    }
}

fn fingerprints(report: &Report) -> Vec<String> {
    let log = valid(report);
    results(&log).iter().map(|result| result["partialFingerprints"]["cronwarden/v1"].to_string()).collect()
}

#[test]
fn fingerprints_are_unique_and_survive_moved_lines() {
    let report = report();
    let before = fingerprints(&report);
    let mut moved = report.clone();
    for spot in moved.judged.iter_mut().flat_map(|judged| &mut judged.deviations) {
        spot.place.start.line += 100;
        spot.place.end.line += 100;
    }
    assert_eq!(fingerprints(&moved), before);

    // The same workloads in another file, and once more in the same one.
    let mut copied = report.clone();
    let mut elsewhere = report.judged.clone();
    for judged in &mut elsewhere {
        judged.source = Source::of("other.yaml");
    }
    copied.judged.extend(elsewhere);
    copied.judged.extend(report.judged.clone());
    let all = fingerprints(&copied);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3 * before.len());
    assert!(before.iter().all(|fingerprint| all.contains(fingerprint)), "what is there already changed");
}

/// GitHub refuses a run with more than 25,000 results.
#[test]
fn too_many_results_are_cut() {
    let mut report = report();
    let mut worst = report.judged[2].clone();
    worst.assessment.risks.clear();
    report.judged.extend(std::iter::repeat_n(worst, 25_100));
    let text = sarif(&report, "1.2.3");
    let log: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(results(&log).len(), 25_000);
    assert!(
        results(&log).iter().all(|result| result["properties"]["severity"] == "Critical"),
        "worse ones are left out"
    );
    let notifications = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notifications.contains("more results are left out"), "{notifications}");
}
