//! Who may send, by all that can be shown.

use rcgen::ExtendedKeyUsagePurpose;

use super::bench::{Asks, BOTH, Bench, Client, PATIENT, TOKEN, authority, event, signed};

const OTHER_TOKEN: &str = "ffffffffffffffffffffffffffffffff";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// The status that an audit request is answered with; 0 if the connection is refused.
async fn status(client: &Client, path: &str, headers: &[&str]) -> u16 {
    client.post(path, headers, event("a").as_bytes()).await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn a_certificate_or_the_token_is_needed() {
    let mut bench = Bench::start(BOTH, PATIENT).await;
    let _facts = bench.keep_everything();
    let nobody = bench.client();
    let (right, wrong) = (bearer(TOKEN), bearer(OTHER_TOKEN));
    let basic = format!("Authorization: Basic {TOKEN}");

    assert_eq!(status(&nobody, "/audit", &[]).await, 401);
    assert_eq!(status(&nobody, "/audit", &[&wrong]).await, 401);
    assert_eq!(status(&nobody, "/audit", &["Authorization: Bearer "]).await, 401);
    assert_eq!(status(&nobody, "/audit", &[&basic]).await, 401);
    assert_eq!(status(&nobody, "/audit", &[&right, &wrong]).await, 401, "which of two is meant cannot be known");
    assert_eq!(status(&nobody, "/audit", &[&right]).await, 200);
    assert_eq!(status(&nobody, &format!("/audit?token={TOKEN}"), &[]).await, 401);

    assert_eq!(status(&bench.client_of(&bench.clients), "/audit", &[]).await, 200);
    assert_eq!(status(&bench.client_of(&bench.clients), "/audit", &[&wrong]).await, 200);
    let impostors = authority("clients");
    assert_eq!(status(&bench.client_of(&impostors), "/audit", &[]).await, 0, "same name, other key");
    let serving = signed(&bench.clients, &["x"], ExtendedKeyUsagePurpose::ServerAuth);
    let client = Client::new(bench.address, &bench.servers, Some(serving));
    assert_eq!(status(&client, "/audit", &[]).await, 0, "a certificate for servers is none for clients");
}

#[tokio::test]
async fn only_what_is_asked_for_counts() {
    let mut by_token = Bench::start(Asks { certificate: false, token: true }, PATIENT).await;
    let _facts = by_token.keep_everything();
    assert_eq!(status(&by_token.client_of(&by_token.clients), "/audit", &[]).await, 401);
    assert_eq!(status(&by_token.client(), "/audit", &[&bearer(TOKEN)]).await, 200);

    let mut by_certificate = Bench::start(Asks { certificate: true, token: false }, PATIENT).await;
    let _facts = by_certificate.keep_everything();
    assert_eq!(status(&by_certificate.client(), "/audit", &[&bearer(TOKEN)]).await, 401);
    assert_eq!(status(&by_certificate.client(), "/audit", &["Authorization: Bearer"]).await, 401);
    assert_eq!(status(&by_certificate.client(), "/admission/", &[]).await, 404);
    assert_eq!(status(&by_certificate.client_of(&by_certificate.clients), "/audit", &[]).await, 200);
}

#[tokio::test]
async fn a_request_without_credentials_says_how_to_get_in_and_nothing_else() {
    let bench = Bench::start(BOTH, PATIENT).await;
    let answer = bench.client().post("/audit", &[], b"{}").await.unwrap();
    assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
    assert!(answer.head.contains("connection: close"), "{answer:?}");
    let large = bench.client().send("POST", "/audit", &["Content-Length: 99999999999"], b"").await.unwrap();
    assert_eq!(large.status, 401, "nothing of a stranger's request is looked at");
}

#[tokio::test]
async fn there_are_no_other_paths_and_methods() {
    let bench = Bench::start(BOTH, PATIENT).await;
    let client = bench.client_of(&bench.clients);
    for (method, path, status) in [
        ("GET", "/audit", 405),
        ("PUT", "/audit", 405),
        ("GET", "/admission", 405),
        ("DELETE", "/admission/x", 405),
        ("POST", "/", 404),
        ("POST", "/audit/", 404),
        ("POST", "/audit/x", 404),
        ("POST", "/admission/x/y", 404),
        ("GET", "/metrics", 404),
        ("GET", "/livez", 404),
    ] {
        assert_eq!(client.send(method, path, &[], b"").await.unwrap().status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn plain_http_is_not_spoken() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = Bench::start(BOTH, PATIENT).await;
    let mut stream = tokio::net::TcpStream::connect(bench.address).await.unwrap();
    stream.write_all(b"POST /audit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}
