//! `POST /admission`: everything is allowed, at once.

use serde_json::{Value, json};

use super::bench::{BOTH, Bench, PATIENT, TOKEN};
use crate::identity::Source;

fn review(uid: &str) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": uid, "operation": "CREATE", "namespace": "payments", "name": "nightly",
            "resource": { "group": "batch", "version": "v1", "resource": "cronjobs" },
            "userInfo": { "username": "jane" },
            "object": { "metadata": { "name": "nightly", "uid": "u" }, "spec": {} },
        },
    })
    .to_string()
}

#[tokio::test]
async fn the_secret_may_be_in_the_path() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let mut facts = bench.keep_everything();
    let (nobody, api_server) = (bench.client(), bench.client_of(&bench.clients));
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let by_path = format!("/admission/{TOKEN}");
    for (client, path, headers, status) in [
        (&nobody, "/admission", vec![], 401),
        (&nobody, "/admission/wrong", vec![], 401),
        (&nobody, by_path.as_str(), vec![], 200),
        (&nobody, "/admission", vec![bearer.as_str()], 200),
        (&nobody, "/admission/wrong", vec![bearer.as_str()], 200),
        (&api_server, "/admission", vec![], 200),
    ] {
        let answer = client.post(path, &headers, review("uid-1").as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{path} {headers:?}");
        if status == 200 {
            let answer: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(
                answer,
                json!({
                    "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                    "response": { "uid": "uid-1", "allowed": true },
                })
            );
            let fact = facts.recv().await.unwrap();
            assert_eq!((fact.source, fact.id.as_str()), (Source::Admission, "uid-1"));
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_the_ledger() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let client = bench.client_of(&bench.clients);
    // The channel holds one: the second is lost, and allowed all the same.
    for uid in ["first", "second"] {
        let answer = client.post("/admission", &[], review(uid).as_bytes()).await.unwrap();
        assert!(answer.body.contains(r#""allowed":true"#) && answer.body.contains(uid), "{answer:?}");
    }
    let mut deliveries = bench.deliveries.take().unwrap();
    assert_eq!(deliveries.try_recv().unwrap().facts[0].id, "first");
    assert!(deliveries.try_recv().is_err());
    drop(deliveries);
    let answer = client.post("/admission", &[], review("third").as_bytes()).await.unwrap();
    assert!(answer.body.contains(r#""allowed":true"#), "nobody takes any: {answer:?}");
}

#[tokio::test]
async fn garbage_with_a_uid_is_allowed() {
    let bench = Bench::start(BOTH, PATIENT).await;
    let client = bench.client_of(&bench.clients);
    let garbage = r#"{"request":{"uid":"x","operation":7,"object":[]}}"#;
    let answer = client.post("/admission", &[], garbage.as_bytes()).await.unwrap();
    assert!(answer.status == 200 && answer.body.contains(r#""allowed":true"#), "{answer:?}");
    for without in ["", "{}", "not JSON"] {
        assert_eq!(client.post("/admission", &[], without.as_bytes()).await.unwrap().status, 400, "{without:?}");
    }
}
