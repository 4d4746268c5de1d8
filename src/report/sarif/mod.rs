//! A report as SARIF 2.1.0, for code scanning.
//!
//! Each deviation is a result; the risks of its workload are told with the first one. Approved workloads have no results, so
//! their risks are not in it. What could not be read, and what cannot be told, is a notification of the run: it is no
//! statement about the code. The format: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

mod place;
mod result;
mod rule;

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::document::to_json;
use super::words::{Code, Verdict, shown};
use super::{Judged, Level, Problem, Report};

use result::Results;

/// The most results of a run that GitHub accepts.
const MOST_RESULTS: usize = 25_000;
/// So many notifications are enough to see what is wrong.
const MOST_NOTIFICATIONS: usize = 1000;

/// Renders a report as SARIF 2.1.0, by this version of the tool. It ends with a line break.
///
/// Of more results than GitHub accepts the most severe are kept, and a notification says how many were left out.
pub fn sarif(report: &Report, version: &str) -> String {
    let mut deviating: Vec<&Judged> = report.judged.iter().filter(|j| j.verdict() == Verdict::Deviating).collect();
    deviating.sort_by_key(|judged| Reverse(judged.assessment.severity));
    let mut results = Results::default();
    for judged in deviating {
        results.add(judged, MOST_RESULTS);
    }
    let mut notifications = notifications(report);
    if results.left_out > 0 {
        notifications.push(json!({
            "level": "warning",
            "message": { "text": format!("{} more results are left out: a run can have {MOST_RESULTS}", results.left_out) },
        }));
    }
    let successful = report.problems.iter().all(|problem| problem.level != Level::Error);
    to_json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cronwarden",
                "semanticVersion": version,
                "shortDescription": { "text": "Judges the scheduled workloads of a cluster against a declared inventory." },
                "rules": Code::all().map(rule::of).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                place::ROOT: { "description": { "text": "The folder in which the scan was started." } },
            },
            "invocations": [{
                "executionSuccessful": successful,
                "toolExecutionNotifications": notifications,
            }],
            "results": results.all,
        }],
    }))
}

/// What could not be read or used, and what cannot be told.
fn notifications(report: &Report) -> Vec<Value> {
    let unknown = report.judged.iter().flat_map(|judged| {
        judged.assessment.unknown.iter().map(move |unknown| {
            let text = format!(
                "It cannot be told here whether {} is as approval {} expects: {}",
                judged.key, unknown.approval, unknown.expected
            );
            let place = judged.workload.as_ref().map(|spot| &spot.place);
            notification("note", &text, place::of(&judged.source, place.map(place::region)))
        })
    });
    let mut all: Vec<Value> = report.problems.iter().map(problem).chain(unknown).collect();
    if all.len() > MOST_NOTIFICATIONS {
        let more = all.len() - MOST_NOTIFICATIONS;
        all.truncate(MOST_NOTIFICATIONS);
        all.push(notification("note", &format!("{more} more notifications are left out"), None));
    }
    all
}

fn problem(problem: &Problem) -> Value {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let region = problem.position.map(|start| json!({ "startLine": start.line, "startColumn": start.column }));
    notification(level, &problem.message, place::of(&problem.source, region))
}

fn notification(level: &str, text: &str, physical: Option<Value>) -> Value {
    let locations: Vec<Value> = physical.map(|place| json!({ "physicalLocation": place })).into_iter().collect();
    json!({ "level": level, "message": { "text": message(text) }, "locations": locations })
}

/// Text that is harmless in a message: whoever wrote the manifest must not place links in it.
fn message(text: &str) -> String {
    shown(text).replace("](", "] (")
}
