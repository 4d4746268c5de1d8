//! Audit events: a record in any form.

use cronwarden::identity::audit::{Reading, may_matter, read};
use cronwarden::identity::{Fact, Source};

use super::assert_harmless;

pub fn check(input: &[u8]) {
    let reading = read(input);
    assert_eq!(reading, read(input), "read twice");
    assert!(reading.facts.is_empty() || may_matter(input), "facts in what cannot matter");
    bounded(&reading);
    for told in &reading.facts {
        fact(told);
    }
    // A skimmed log is read line by line: what a line holds by itself is told, too.
    for line in input.split(|byte| *byte == b'\n') {
        let alone = read(line);
        assert!(alone.facts.is_empty() || may_matter(line), "facts in a line that cannot matter");
        bounded(&alone);
    }
    wrapped(input, &reading);
}

fn bounded(reading: &Reading) {
    assert!(reading.ignored <= reading.events);
    assert!(reading.unreadable.len() <= 8);
    for unreadable in &reading.unreadable {
        assert!(unreadable.count > 0);
        assert_harmless(unreadable.reason);
    }
    assert!(reading.events > 0 || reading.facts.is_empty());
}

fn fact(fact: &Fact) {
    assert_eq!(fact.source, Source::Audit);
    assert!(!fact.id.is_empty());
    assert!(!fact.actor.user.username.is_empty());
    assert_eq!(fact.actor, fact.actor.clone().bounded(), "more of an actor than is kept");
    if let Some(body) = &fact.body {
        serde_json::from_str::<&serde_json::value::RawValue>(body).expect("the body is JSON");
    }
}

/// What a single JSON value holds, it holds as the message of a log shipper, too.
fn wrapped(input: &[u8], reading: &Reading) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if reading.events == 0 || serde_json::from_str::<&serde_json::value::RawValue>(text.trim()).is_err() {
        return;
    }
    let message = serde_json::Value::String(text.to_owned());
    let facts = read(format!("{{\"message\":{message}}}").as_bytes()).facts;
    // What is wrapped too often is not unwrapped, and a time may be missing that an outer envelope tells.
    assert!(facts.is_empty() || facts == reading.facts, "wrapped, {facts:?} became of {:?}", reading.facts);
}
