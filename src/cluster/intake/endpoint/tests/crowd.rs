//! Many at once: whoever has credentials is not kept out by whoever has none.

use tokio::sync::mpsc;
use tokio::sync::watch;

use super::bench::{BOTH, Bench, PATIENT, TOKEN, event};
use crate::cluster::intake::counts::Counts;
use crate::cluster::intake::endpoint::accept::CONNECTIONS;
use crate::cluster::intake::endpoint::keys::Secrets;
use crate::cluster::intake::endpoint::reception::{Patience, Reception};
use crate::cluster::intake::endpoint::refusal::Refusal;

#[tokio::test]
async fn connections_without_a_certificate_cannot_use_up_the_share_of_those_with_one() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let (nobody, api_server) = (bench.client(), bench.client_of(&bench.clients));
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(nobody.connect().await.unwrap());
    }
    // The last of them may still be on their way to a place.
    let mut tries = 0;
    while nobody.post("/audit", &[&bearer], b"").await.is_ok() {
        tries += 1;
        assert!(tries < 1000, "there is no limit");
    }
    assert_eq!(api_server.post("/audit", &[], event("a").as_bytes()).await.unwrap().status, 200);
    drop(idle);
    let mut tries = 0;
    while nobody.post("/audit", &[&bearer], b"").await.is_err() {
        tries += 1;
        assert!(tries < 1000, "places do not become free");
    }
}

#[tokio::test]
async fn requests_are_limited_in_number() {
    let (_secrets, secrets) = watch::channel(Secrets { token: None, epoch: 0 });
    let (deliveries, _receiver) = mpsc::channel(1);
    let reception = Reception::new(secrets, deliveries, Counts::default(), Patience::default());
    let refused = (0..10_000).find_map(|_| reception.audit_place().err());
    assert_eq!(refused, Some(Refusal::Rate));
}
