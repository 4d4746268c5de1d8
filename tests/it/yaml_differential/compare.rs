//! What we read, next to what `kubectl` reads.

use std::collections::BTreeMap;

use cronwarden::manifest::{Content, Documents, Level, read, values};
use serde_json::Value;

use super::known::pieces;
use super::oracle::Answer;

/// What we make of a text.
#[derive(Debug, Default)]
struct Ours {
    /// For each document its value, or why there is none.
    documents: Vec<Result<Value, String>>,
    /// The workloads, by kind and name.
    workloads: BTreeMap<(String, String), usize>,
    errors: Vec<String>,
}

fn ours(text: &[u8]) -> Ours {
    let mut ours = Ours::default();
    for document in Documents::new(text) {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                ours.errors.push(error.to_string());
                ours.documents.push(Err(error.to_string()));
                continue;
            }
        };
        match values(&document) {
            // `kubectl` reads only the first of several values here.
            Ok(values) => ours.documents.extend(values.into_iter().take(1).filter(|value| !value.is_null()).map(Ok)),
            Err(problem) => ours.documents.push(Err(problem.message)),
        }
        let contents = read(&document);
        let errors = contents.problems.iter().filter(|problem| problem.level == Level::Error);
        ours.errors.extend(errors.map(|problem| problem.message.clone()));
        for object in contents.objects {
            let key = match object.content {
                Content::Workload(workload) => workload.key,
                Content::Unreadable { key, .. } => key,
                Content::Approval { .. } | Content::Namespace { .. } => continue,
            };
            *ours.workloads.entry((key.kind.to_string(), key.name)).or_default() += 1;
        }
    }
    ours
}

/// How we differ from `kubectl` in a way that is not allowed, if we do.
pub fn disagreement(text: &[u8], theirs: &Answer) -> Option<String> {
    let ours = ours(text);
    let mut refused = 0;
    // Single values after JSON are no manifests, and Go reads them without anything between: `{}007` is four values.
    let is_json = text.trim_ascii_start().starts_with(b"{");
    let counts = |document: &&Value| !is_json || document.is_object() || document.is_array();
    let documents: Vec<&Value> = theirs.documents.iter().filter(counts).collect();
    let mut rest = documents.into_iter();
    for document in &ours.documents {
        match document {
            Err(message) => {
                if rest.len() > refused && !is_known(message) {
                    return Some(format!("only we refuse it: {message}\n  {theirs:?}"));
                }
                refused += 1;
            }
            Ok(value) if !counts(&value) => {}
            Ok(value) if rest.len() == 0 => {
                // We go on after an error.
                if theirs.error.is_empty() {
                    return Some(format!("only we read {value}\n  {theirs:?}"));
                }
            }
            Ok(value) => {
                // What we refused takes one place or, if it is an empty document to them, none.
                let Some(skipped) = rest.clone().take(refused + 1).position(|theirs| same(value, theirs)) else {
                    if refused >= rest.len() && !theirs.error.is_empty() {
                        // What they read is what we refused; this one comes behind their error.
                        continue;
                    }
                    return Some(format!("we read {value}\n  {theirs:?}"));
                };
                refused -= skipped;
                rest.nth(skipped);
            }
        }
    }
    if rest.len() > refused {
        return Some(format!("we miss a document: {ours:?}\n  {theirs:?}"));
    }
    let missed = theirs.objects.iter().flat_map(|document| &document.objects).filter_map(workload).any(|key| {
        let count = theirs.objects.iter().flat_map(|d| &d.objects).filter_map(workload).filter(|k| *k == key).count();
        ours.workloads.get(&key).copied().unwrap_or(0) < count
    });
    (missed && ours.errors.is_empty()).then(|| format!("we miss a workload: {ours:?}\n  {theirs:?}"))
}

/// The pieces of known differences that no text shows.
pub fn needless(texts: &[Vec<u8>], answers: &[Answer]) -> Vec<&'static str> {
    let read = texts.iter().zip(answers).filter(|(_, answer)| answer.error.is_empty());
    let errors: Vec<String> =
        read.flat_map(|(text, _)| ours(text).documents.into_iter().filter_map(Result::err)).collect();
    let shown = |piece: &str| errors.iter().any(|error| error.contains(piece));
    pieces().filter(|piece| !shown(piece)).collect()
}

fn is_known(message: &str) -> bool {
    pieces().any(|piece| message.contains(piece))
}

fn workload(object: &Value) -> Option<(String, String)> {
    let kind = object["kind"].as_str()?;
    let judged = matches!(
        (object["apiVersion"].as_str()?, kind),
        ("batch/v1" | "batch/v1beta1", "CronJob") | ("batch/v1", "Job")
    );
    judged.then(|| (kind.to_owned(), object["metadata"]["name"].as_str().unwrap_or_default().to_owned()))
}

/// Whether two values are the same; `1` and `1.0` are the same number.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            let close = |(ours, theirs): (f64, f64)| (ours - theirs).abs() <= ours.abs() * f64::EPSILON;
            // The parser of the answers may miss a float by its last bit.
            let floats = !(ours.is_i64() && theirs.is_i64());
            ours == theirs || floats && ours.as_f64().zip(theirs.as_f64()).is_some_and(close)
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let equal = |(key, value): (&String, &Value)| theirs.get(key).is_some_and(|theirs| same(value, theirs));
            ours.len() == theirs.len() && ours.iter().all(equal)
        }
        _ => ours == theirs,
    }
}
