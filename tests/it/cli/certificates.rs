//! `cronwarden certificates`: what it writes, and what it refuses.

use std::os::unix::fs::PermissionsExt;

use super::folder::Folder;

#[test]
fn secrets_are_for_their_owner_and_nothing_is_replaced_by_accident() {
    let folder = Folder::new();
    let made = folder.run(["certificates", "--output", "certs", "--host", "intake.example.com"]).succeeded().stdout;
    assert!(made.contains("cluster IP") && made.contains("https://cronwarden.cronwarden.svc:443/audit"), "{made}");
    let read = |name: &str| std::fs::read_to_string(folder.path("certs").join(name)).unwrap();
    let token = read("token");
    assert!(token.len() == 64 && !made.contains(&token), "{made}");
    for (name, secret) in [
        ("tls.key", true),
        ("client.key", true),
        ("token", true),
        ("secret.yaml", true),
        ("audit-webhook.kubeconfig", true),
        ("validating-webhook.yaml", true),
        ("tls.crt", false),
        ("ca.crt", false),
        ("audit-policy.yaml", false),
    ] {
        let mode = std::fs::metadata(folder.path("certs").join(name)).unwrap().permissions().mode() & 0o777;
        assert!(!secret || mode == 0o600, "{name}: {mode:o}");
        assert!(made.contains(name), "{name} is not mentioned");
    }
    let again = folder.run(["certificates", "--output", "certs"]).ended_with(2).stderr;
    assert!(again.contains("--force"), "{again}");
    assert_eq!(read("token"), token);
    folder.run(["certificates", "--output", "certs", "--force"]).succeeded();
    assert_ne!(read("token"), token);
    assert!(read("secret.yaml").contains(&read("token")));
}

#[test]
fn nonsense_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    for (arguments, about) in [
        (["--address", "10.0.0.1"], "--address"),
        (["--address", "10.0.0.1:0"], "--address"),
        (["--address", "a b:1"], "--address"),
        (["--address", "https://x:1"], "--address"),
        (["--host", ""], "--host"),
        (["--host", "a/b"], "--host"),
        (["--namespace", "Kube"], "--namespace"),
        (["--service", "-"], "--service"),
        (["--days", "0"], "--days"),
        (["--days", "4000"], "--days"),
    ] {
        let error = folder.run([&["certificates", "--output", "certs"][..], &arguments].concat()).ended_with(2).stderr;
        assert!(error.contains(about), "{arguments:?}: {error}");
    }
    assert!(!folder.path("certs").exists());
}

#[test]
fn addresses_of_every_kind_are_taken() {
    let folder = Folder::new();
    for (i, address) in ["[::1]:8443", "10.96.0.50:443", "intake.example.com:443"].into_iter().enumerate() {
        let output = format!("certs-{i}");
        let made = folder.run(["certificates", "--output", &output, "--address", address]).succeeded().stdout;
        assert!(made.contains(&format!("https://{address}/audit")), "{made}");
    }
}

#[test]
fn an_endpoint_that_anybody_may_write_to_is_refused() {
    let folder = Folder::new();
    folder.run(["certificates", "--output", "certs"]).succeeded();
    let open = ["run", "--intake-listen", "127.0.0.1:0", "--tls-cert", "certs/tls.crt", "--tls-key", "certs/tls.key"];
    let error = folder.run(open).ended_with(2).stderr;
    assert!(error.contains("--intake-client-ca or --intake-token-file"), "{error}");
    let error = folder.run(["run", "--intake-token-file", "certs/token"]).ended_with(2).stderr;
    assert!(error.contains("--intake-listen"), "{error}");
}
