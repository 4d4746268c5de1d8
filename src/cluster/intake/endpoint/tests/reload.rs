//! Files that change while the endpoint runs.

use rcgen::ExtendedKeyUsagePurpose;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::bench::{BOTH, Bench, Client, PATIENT, TOKEN, answer, authority, event, replace, signed};

async fn status(client: &Client, headers: &[&str]) -> u16 {
    client.post("/audit", headers, event("a").as_bytes()).await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn a_new_token_replaces_the_old_one() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let new = "abcdefabcdefabcdefabcdefabcdefabcdef";
    let (old, new_header) = (format!("Authorization: Bearer {TOKEN}"), format!("Authorization: Bearer {new}"));
    let client = bench.client();
    replace(&bench.file("token"), new);
    bench.keys.look();
    assert_eq!((status(&client, &[&old]).await, status(&client, &[&new_header]).await), (401, 200));
    for unusable in ["", "short"] {
        replace(&bench.file("token"), unusable);
        bench.keys.look();
        assert_eq!((status(&client, &[]).await, status(&client, &[&new_header]).await), (401, 200), "{unusable:?}");
    }
    std::fs::remove_file(bench.file("token")).unwrap();
    bench.keys.look();
    assert_eq!((status(&client, &[]).await, status(&client, &[&new_header]).await), (401, 200), "no file");
}

#[tokio::test]
async fn a_new_certificate_is_served() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let others = authority("other servers");
    let (certificate, key) = signed(&others, &["localhost"], ExtendedKeyUsagePurpose::ServerAuth);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let (before, after) = (bench.client(), Client::new(bench.address, &others, None));
    assert_eq!((status(&before, &[&bearer]).await, status(&after, &[&bearer]).await), (200, 0));
    // Between the two, they do not belong together: what was in use stays.
    replace(&bench.file("tls.crt"), &certificate);
    bench.keys.look();
    assert_eq!((status(&before, &[&bearer]).await, status(&after, &[&bearer]).await), (200, 0));
    replace(&bench.file("tls.key"), &key);
    bench.keys.look();
    assert_eq!((status(&before, &[&bearer]).await, status(&after, &[&bearer]).await), (0, 200));
}

#[tokio::test]
async fn who_was_verified_by_an_authority_that_is_gone_is_not_trusted_any_more() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let client = bench.client_of(&bench.clients);
    let mut open = client.connect().await.unwrap();
    let head = "POST /audit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n";
    // A complete exchange, so that the connection is known to be established at the other end.
    open.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    let mut first = Vec::new();
    while !first.ends_with(b"\r\n\r\n") {
        first.push(open.read_u8().await.unwrap());
    }
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));

    let others = authority("other clients");
    replace(&bench.file("ca.crt"), &others.pem());
    bench.keys.look();
    assert_eq!(status(&client, &[]).await, 0);
    assert_eq!(status(&bench.client_of(&others), &[]).await, 200);
    open.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut open).await.unwrap().status, 401);
}
