use proptest::prelude::*;

use super::*;

/// What became of the requests in a log of a real API server, one event a line.
fn lines() -> Vec<String> {
    let text = String::from_utf8(record("api-server/requests.jsonl")).expect("text");
    text.lines().map(str::to_owned).collect()
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Ways to wrap one event, each JSON again.
const ENVELOPES: &[fn(&str) -> String] = &[
    |event| format!("[{event}]"),
    |event| format!(r#"{{"date":1.5,"log":{}}}"#, string(event)),
    |event| json!({ "message": string(&format!("{event}\r\n")), "timestamp": 5 }).to_string(),
    |event| format!(r#"{{"event":{event},"time":1777622400.5}}"#),
    |event| json!({ "messageType": "DATA_MESSAGE", "logEvents": [{ "id": "1", "message": event }] }).to_string(),
    |event| json!({ "events": [{ "timestamp": 1, "message": event }] }).to_string(),
    |event| json!({ "records": [{ "category": "kube-audit", "properties": { "log": event } }] }).to_string(),
    |event| json!({ "streams": [{ "stream": {}, "values": [["1", event]] }] }).to_string(),
    |event| format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{event}]}}"#),
    |event| format!(r#"{{"kubernetes":{{"audit":{event}}},"event":{{"kind":"event"}}}}"#),
    |event| format!(r#"{{"log_s":{},"Category":"kube-audit-admin"}}"#, string(event)),
];

fn mutated(mut text: Vec<u8>, changes: &[(usize, u8)]) -> Vec<u8> {
    for (at, byte) in changes {
        let at = at % text.len().max(1);
        match byte % 4 {
            0 => text.truncate(at),
            1 => {
                text.splice(at..at, [*byte, b'"', b'{']);
            }
            _ => text[at..].iter_mut().take(1).for_each(|old| *old = *byte),
        }
    }
    text
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes: Vec<u8>) {
        let reading = read(&bytes);
        prop_assert!(reading.facts.is_empty() || may_matter(&bytes));
    }

    #[test]
    fn envelopes_change_nothing(at in 0_usize..30, ways in prop::collection::vec(0..ENVELOPES.len(), 0..3)) {
        let lines = lines();
        let event = &lines[at % lines.len()];
        let wrapped = ways.iter().fold(event.clone(), |text, way| ENVELOPES[*way](&text));
        prop_assert_eq!(&read(wrapped.as_bytes()), &read(event.as_bytes()));
        let line = format!("2026-05-01T08:00:00Z stdout F {wrapped}\r\n");
        prop_assert_eq!(read(line.as_bytes()), read(event.as_bytes()));
    }

    #[test]
    fn a_list_is_its_lines(chosen in prop::collection::vec(0_usize..30, 1..5)) {
        let lines = lines();
        let chosen: Vec<_> = chosen.iter().map(|at| lines[at % lines.len()].as_str()).collect();
        let list = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{}]}}"#, chosen.join(","));
        let together = read(list.as_bytes());
        prop_assert_eq!(&together, &read(chosen.join("\n").as_bytes()));
        prop_assert_eq!(&together, &read(chosen.concat().as_bytes()));
        prop_assert_eq!(together.facts, chosen.iter().flat_map(|line| read(line.as_bytes()).facts).collect::<Vec<_>>());
    }

    #[test]
    fn a_broken_line_hides_no_other(at in 0_usize..30, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..5)) {
        let lines = lines();
        let event = lines[at % lines.len()].as_bytes();
        let mut broken = mutated(event.to_vec(), &changes);
        broken.retain(|byte| *byte != b'\n');
        let alone = read(&broken);
        prop_assert!(alone.facts.is_empty() || may_matter(&broken));
        let text = [event, &broken, event].join(&b'\n');
        let facts = read(event).facts;
        let found = read(&text).facts;
        prop_assert!(found.starts_with(&facts) && found.ends_with(&facts), "{}", String::from_utf8_lossy(&text));
    }
}

/// The time that reading takes grows with the text, however it is nested or broken.
#[test]
fn hostile_shapes_take_no_time() {
    let n = 200_000;
    for text in [
        "[\n".repeat(n),
        "[".repeat(n),
        "{\"log\":".repeat(n),
        "{\"log\":[".repeat(n),
        "\"{".repeat(n),
        "{} ".repeat(n),
        "{}\n".repeat(n),
        "x {".repeat(n),
        format!("{}x", "[\n".repeat(n)),
        format!("{}1{}", "{\"log\":[".repeat(n), "]}".repeat(n)),
        format!("{{\"auditID\":\"a\",\"objectRef\":{}", "{\"a\":".repeat(n)),
        json!({ "message": "{\"a\": [\n".repeat(n) }).to_string(),
        (0..12).fold("{".repeat(50), |text, _| json!({ "log": text }).to_string()),
    ] {
        assert!(read(text.as_bytes()).facts.is_empty());
    }
}
