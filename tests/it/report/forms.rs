//! The table, JSON and YAML.

use cronwarden::report::{Report, Style, json, table, yaml};
use serde_json::Value;

use super::expect;
use super::sample::report;

const EXCERPTS: Style = Style { colour: false, width: Some(120), excerpts: true, quiet: false };

#[test]
fn a_table_lists_the_worst_first() {
    expect("table.txt", &table(&report(), &Style::default()));
}

#[test]
fn a_table_shows_the_lines_that_deviate() {
    expect("table-excerpts.txt", &table(&report(), &EXCERPTS));
}

#[test]
fn a_quiet_table_has_findings_and_errors_only() {
    expect("table-quiet.txt", &table(&report(), &Style { quiet: true, ..Style::default() }));
}

#[test]
fn a_table_fits_its_width() {
    let report = report();
    for width in [0, 1, 60, 100] {
        let text = table(&report, &Style { width: Some(width), ..Style::default() });
        // Nothing can be read below that; the figures and problems are sentences, which terminals wrap.
        let limit = usize::from(width.max(60));
        for line in text.lines().take_while(|line| !line.is_empty()) {
            assert!(line.chars().count() <= limit, "{width}: {line}");
        }
        assert!(text.contains("Critical"), "{text}");
    }
}

#[test]
fn colours_are_used_only_if_asked_for() {
    let report = report();
    let plain = table(&report, &EXCERPTS);
    assert!(!plain.contains('\u{1b}'));
    let colourful = table(&report, &Style { colour: true, ..EXCERPTS });
    assert!(colourful.contains("\u{1b}[1m\u{1b}[91mCritical\u{1b}[0m"), "{colourful:?}");
}

#[test]
fn an_empty_report_says_so() {
    let empty = Report::default();
    assert_eq!(table(&empty, &EXCERPTS), "0 workloads: 0 approved, 0 deviating, 0 unknown; 0 approvals\n");
    assert_eq!(table(&empty, &Style { quiet: true, ..EXCERPTS }), "");
    let parsed: Value = serde_json::from_str(&json(&empty)).expect("JSON");
    assert_eq!(parsed["workloads"], Value::Array(Vec::new()));
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml(&empty)).expect("YAML"), parsed);
}

#[test]
fn without_an_inventory_there_is_a_hint() {
    let mut report = report();
    report.summary.approvals = 0;
    assert!(table(&report, &Style::default()).contains("`cronwarden baseline`"));
}

#[test]
fn json_and_yaml_say_the_same() {
    let report = report();
    let text = json(&report);
    expect("report.json", &text);
    expect("report.yaml", &yaml(&report));
    let parsed: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml(&report)).expect("YAML"), parsed);
    for (workload, judged) in parsed["workloads"].as_array().expect("workloads").iter().zip(&report.judged) {
        assert_eq!(workload["workload"]["name"], judged.key.name.as_str());
        let codes = workload["deviations"].as_array().map_or(0, Vec::len);
        assert_eq!(codes, judged.assessment.deviations.len());
    }
}
