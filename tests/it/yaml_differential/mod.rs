//! Manifests against the libraries of `kubectl` themselves.
//!
//! A small Go program (`tests/controlplane/oracle/manifest`) reads the same texts as we do. Where it reads a document, we read
//! the same values, or refuse the document for a reason that `known.rs` lists. Where it reads a CronJob or Job, we report it, or
//! an error. That we read more than `kubectl` hides nothing and is allowed.

#![allow(clippy::expect_used, clippy::panic, reason = "clippy takes the helpers of an integration test for no test")]

mod compare;
mod known;
mod mutate;
mod oracle;
mod snippets;

use compare::{disagreement, needless};

/// How many texts are made out of the snippets.
const GENERATED: usize = 6_000;

#[test]
fn reads_what_kubectl_reads() {
    let snippets = snippets::all();
    assert!(snippets.len() >= 300, "only {} snippets", snippets.len());
    check(&snippets);
}

#[test]
fn reads_what_kubectl_reads_of_mutated_texts() {
    check(&mutate::all(&snippets::all(), GENERATED));
}

#[test]
fn every_known_difference_is_one() {
    let snippets = snippets::all();
    let answers = oracle::ask(&snippets);
    let used = needless(&snippets, &answers);
    assert!(used.is_empty(), "no snippet shows these differences: {used:#?}");
}

fn check(texts: &[Vec<u8>]) {
    let answers = oracle::ask(texts);
    assert_eq!(answers.len(), texts.len());
    let told = |(text, answer): (&Vec<u8>, &oracle::Answer)| {
        disagreement(text, answer).map(|why| format!("{:?}\n  {why}", String::from_utf8_lossy(text)))
    };
    let found: Vec<String> = texts.iter().zip(&answers).filter_map(told).collect();
    let shown: Vec<&str> = found.iter().map(String::as_str).take(100).collect();
    assert!(shown.is_empty(), "{} of {} texts:\n{}", found.len(), texts.len(), shown.join("\n"));
}
