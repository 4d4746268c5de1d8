//! `POST /audit`: what is answered, and when.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt;

use super::bench::{Answer, BOTH, Bench, HURRIED, IMPATIENT, PATIENT, answer, event};
use crate::cluster::intake::endpoint::audit::LIMIT;

async fn post(bench: &Bench, headers: &[&str], body: &[u8]) -> Answer {
    bench.client_of(&bench.clients).post("/audit?timeout=30s", headers, body).await.unwrap()
}

fn list(events: &[String]) -> String {
    format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{}]}}"#, events.join(","))
}

#[tokio::test]
async fn what_arrives_is_handed_over_and_answered_once_it_is_kept() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut deliveries = bench.deliveries.take().unwrap();
    let client = bench.client_of(&bench.clients);
    let body = list(&[event("a"), event("b")]);
    let sending = tokio::spawn(async move { client.post("/audit", &[], body.as_bytes()).await.unwrap() });
    let delivery = deliveries.recv().await.unwrap();
    let names: Vec<&str> = delivery.facts.iter().map(|fact| fact.object.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(!sending.is_finished(), "nobody has said that it is kept");
    delivery.kept.send(()).unwrap();
    assert_eq!(sending.await.unwrap().status, 200);
}

#[tokio::test]
async fn lines_and_whatever_type_they_are_said_to_have_are_read() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut facts = bench.keep_everything();
    let lines = format!("{}\n{}\n", event("a"), event("b"));
    assert_eq!(post(&bench, &["Content-Type: application/x-ndjson"], lines.as_bytes()).await.status, 200);
    assert_eq!(post(&bench, &["Content-Type: image/png"], event("c").as_bytes()).await.status, 200);
    for name in ["a", "b", "c"] {
        assert_eq!(facts.try_recv().unwrap().object.name, name);
    }
}

#[tokio::test]
async fn what_is_compressed_is_inflated() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut facts = bench.keep_everything();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(event("a").as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    assert_eq!(post(&bench, &["Content-Encoding: gzip"], &body).await.status, 200);
    assert_eq!(facts.try_recv().unwrap().object.name, "a");
    assert_eq!(post(&bench, &["Content-Encoding: gzip"], event("b").as_bytes()).await.status, 400);
    assert_eq!(post(&bench, &["Content-Encoding: zstd"], event("b").as_bytes()).await.status, 415);
    assert_eq!(post(&bench, &["Content-Encoding: gzip, gzip"], &body).await.status, 415);
}

#[tokio::test]
async fn nobody_has_to_repeat_what_cannot_be_read() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut facts = bench.keep_everything();
    let partly = format!("{}\nnot JSON\n", event("a"));
    assert_eq!(post(&bench, &[], partly.as_bytes()).await.status, 200);
    assert_eq!(facts.try_recv().unwrap().object.name, "a");
    assert_eq!(post(&bench, &[], b"not JSON").await.status, 400);
    assert_eq!(post(&bench, &[], b"").await.status, 200);
    assert_eq!(post(&bench, &[], list(&[]).as_bytes()).await.status, 200);
}

#[tokio::test]
async fn what_says_nothing_that_matters_does_not_wait_for_the_ledger() {
    let bench = Bench::start(BOTH, PATIENT).await;
    let other = event("a").replace("cronjobs", "pods");
    assert_eq!(post(&bench, &[], other.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn what_the_ledger_does_not_keep_has_to_be_sent_again() {
    let mut bench = Bench::start(BOTH, HURRIED).await;
    let body = event("a");
    let in_vain = post(&bench, &[], body.as_bytes()).await;
    assert_eq!(in_vain.status, 503, "it was not taken out of the channel");
    assert!(in_vain.head.contains("retry-after: 1"), "{in_vain:?}");
    let mut deliveries = bench.deliveries.take().unwrap();
    let (dropping, answer) = tokio::join!(
        async {
            // The one before is still there.
            for _ in 0..2 {
                drop(deliveries.recv().await.unwrap());
            }
        },
        post(&bench, &[], body.as_bytes())
    );
    let () = dropping;
    assert_eq!(answer.status, 503, "it was taken and not kept");
    drop(deliveries);
    assert_eq!(post(&bench, &[], body.as_bytes()).await.status, 503, "nobody takes any");
}

#[tokio::test]
async fn large_and_slow_bodies_are_refused() {
    let bench = Bench::start(BOTH, IMPATIENT).await;
    let client = bench.client_of(&bench.clients);
    let length = format!("Content-Length: {}", LIMIT + 1);
    assert_eq!(client.send("POST", "/audit", &[&length], b"").await.unwrap().status, 413);
    let mut stream = client.connect().await.unwrap();
    stream
        .write_all(b"POST /audit HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{")
        .await
        .unwrap();
    stream.flush().await.unwrap();
    assert_eq!(answer(&mut stream).await.unwrap().status, 408);
}

#[tokio::test]
async fn few_bodies_are_in_memory_at_once() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut deliveries = bench.deliveries.take().unwrap();
    let mut under_way = Vec::new();
    let mut waiting = Vec::new();
    for name in ["a", "b", "c"] {
        let client = bench.client_of(&bench.clients);
        under_way.push(tokio::spawn(async move { client.post("/audit", &[], event(name).as_bytes()).await.unwrap() }));
        waiting.push(deliveries.recv().await.unwrap());
    }
    let refused = post(&bench, &[], event("d").as_bytes()).await;
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
    for delivery in waiting {
        delivery.kept.send(()).unwrap();
    }
    for sending in under_way {
        assert_eq!(sending.await.unwrap().status, 200);
    }
    let _facts = tokio::spawn(async move { deliveries.recv().await.unwrap().kept.send(()).unwrap() });
    assert_eq!(post(&bench, &[], event("d").as_bytes()).await.status, 200, "there is room again");
}

#[tokio::test]
async fn what_arrives_and_what_is_refused_is_counted() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let other = event("b").replace("cronjobs", "pods");
    assert_eq!(post(&bench, &[], format!("{}\n{other}\nnot JSON", event("a")).as_bytes()).await.status, 200);
    assert_eq!(bench.client().post("/audit", &[], b"{}").await.unwrap().status, 401);
    let mut registry = prometheus_client::registry::Registry::with_prefix("cronwarden");
    bench.counts.register(&mut registry);
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    for line in [
        r#"cronwarden_intake_events_total{source="webhook"} 2"#,
        r#"cronwarden_intake_ignored_total{source="webhook"} 1"#,
        r#"cronwarden_intake_unreadable_total{source="webhook"} 1"#,
        r#"cronwarden_intake_facts_total{source="webhook"} 1"#,
        r#"cronwarden_intake_rejected_total{source="webhook",reason="credentials"} 1"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in:\n{page}");
    }
    assert!(page.contains(r#"cronwarden_intake_lag_seconds{source="webhook"}"#), "{page}");
}
