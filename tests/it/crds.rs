//! The custom resources on a real API server: what it accepts, what it refuses and how, and what `kubectl` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use cronwarden::api::approval::{ApprovedCronJob, from_value};
use cronwarden::api::{GROUP, all_crds};
use cronwarden::inventory::Approval;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{ControlPlane, eventually};
use crate::rest::{repository, send, yaml};

const APPROVALS: &str = "/apis/cronwarden.dev/v1alpha1/approvedcronjobs";
const FINDINGS: &str = "/apis/cronwarden.dev/v1alpha1/scheduledworkloadfindings";

/// So that the tables do not shrink unnoticed.
const FEWEST_REFUSED: usize = 80;
const FEWEST_ACCEPTED: usize = 25;

/// An entry of `tests/data/approvals/refused.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    wrong: String,
    field: String,
    mend: String,
    spec: Value,
}

/// An entry of `tests/data/approvals/accepted.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    what: String,
    spec: Value,
}

/// A control plane that knows both resources.
async fn cluster() -> anyhow::Result<ControlPlane> {
    let cluster = ControlPlane::builder().start().await?;
    let files = all_crds().into_iter().map(|crd| file(&crd.spec.names.plural));
    cluster.kubectl(["create"]).args(files.map(|file| format!("--filename={}", file.display()))).run().await?;
    cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all"]).run().await?;
    Ok(cluster)
}

fn file(plural: &str) -> PathBuf {
    repository(&format!("crds/{plural}.yaml"))
}

#[test]
fn generated_files_are_what_the_code_says() -> anyhow::Result<()> {
    let mut definitions = BTreeSet::new();
    for entry in std::fs::read_dir(repository("crds"))? {
        let file = entry?.path();
        let content: Value = yaml(&file)?;
        if content["kind"] == "CustomResourceDefinition" {
            definitions.insert(file);
        }
    }
    for crd in all_crds() {
        let file = file(&crd.spec.names.plural);
        let stored: Value = yaml(&file)?;
        assert!(stored == serde_json::to_value(&crd)?, "{} is out of date: run `make generate`", file.display());
        definitions.remove(&file);
    }
    assert!(definitions.is_empty(), "these define nothing that the code knows: {definitions:?}");
    Ok(())
}

#[test]
fn every_field_has_a_description() -> anyhow::Result<()> {
    let mut missing = Vec::new();
    let mut fields = 0;
    for crd in all_crds() {
        for version in serde_json::to_value(&crd.spec.versions)?.as_array().context("no versions")? {
            undescribed(&version["schema"]["openAPIV3Schema"], &crd.spec.names.kind, &mut |path,
                                                                                           description: Option<
                &str,
            >| {
                fields += 1;
                // A word or two says no more than the name of the field.
                if description.is_none_or(|text| text.trim().len() < 10) {
                    missing.push(format!("{path}: {description:?}"));
                } else if description.is_some_and(|text| text.replace("\n\n", "").contains('\n')) {
                    missing.push(format!("{path}: broken into lines, which `kubectl explain` keeps"));
                }
            });
        }
    }
    assert!(fields > 120, "only {fields} fields were found");
    assert!(missing.is_empty(), "{} fields badly described:\n{}", missing.len(), missing.join("\n"));
    Ok(())
}

/// Visits every property below a schema.
fn undescribed(schema: &Value, path: &str, visit: &mut impl FnMut(&str, Option<&str>)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        visit(&path, property["description"].as_str());
        undescribed(property, &path, visit);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            undescribed(&schema[inner], path, visit);
        }
    }
}

#[tokio::test]
async fn bad_approvals_are_refused_with_a_way_to_mend_them() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let client = cluster.client().await?;
    let cases: Vec<Refused> = yaml(&repository("tests/data/approvals/refused.yaml"))?;
    assert!(cases.len() >= FEWEST_REFUSED, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for Refused { wrong: what, field, mend, mut spec } in cases {
        if spec.get("match").is_none() {
            spec["match"] = json!({ "namespaces": ["payments"], "names": ["backup"] });
        }
        match create(&client, &spec).await {
            Ok(_) => wrong.push(format!("{what}: accepted")),
            Err(message) => {
                // Followed by the end of the path, so that a message about `names` is not one about `namespaces`.
                let named = [":", "\""].iter().any(|end| message.contains(&format!("{field}{end}")));
                if !named || !message.contains(&mend) {
                    wrong.push(format!("{what}: expected {field:?} and {mend:?} in: {message}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn good_approvals_are_accepted_and_of_use() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let client = cluster.client().await?;
    let mut cases: Vec<Accepted> = yaml(&repository("tests/data/approvals/accepted.yaml"))?;
    assert!(cases.len() >= FEWEST_ACCEPTED, "only {} cases", cases.len());
    cases.push(Accepted { what: "as large as it can be".to_owned(), spec: largest() });
    let mut wrong = Vec::new();
    for Accepted { what, spec } in cases {
        match create(&client, &spec).await {
            Err(message) => wrong.push(format!("{what}: refused: {message}")),
            Ok(stored) => match serde_json::from_value::<ApprovedCronJob>(stored) {
                Err(error) => wrong.push(format!("{what}: cannot be read: {error}")),
                Ok(object) => {
                    if let Err(problems) = Approval::compile(&object).rules {
                        wrong.push(format!("{what}: not ready: {problems:?}"));
                    }
                    // The file alone says the same as what is stored for it.
                    match from_value(approval(&spec)) {
                        Ok(read) if read.spec == object.spec => {}
                        read => wrong.push(format!("{what}: read from a file as {:?}", read.map(|read| read.spec))),
                    }
                }
            },
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Tries to create an approval; returns what would be stored, or the message of the refusal.
async fn create(client: &kube::Client, spec: &Value) -> Result<Value, String> {
    let path = format!("{APPROVALS}?dryRun=All&fieldValidation=Strict");
    match send(client, Method::POST, &path, &approval(spec)).await {
        Ok(stored) => Ok(stored),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => Err(format!("no answer: {error}")),
    }
}

/// An approval with this spec.
pub fn approval(spec: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1alpha1"),
        "kind": "ApprovedCronJob",
        "metadata": { "name": "a" },
        "spec": spec,
    })
}

/// The rules of the definitions cost the API server time, and it has a limit for that: lists as long as the schema allows
/// must stay within it.
fn largest() -> Value {
    let numbered = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|number| format!("{number:a>length$}")).collect()
    };
    let image = |number: usize| {
        json!({
            "repository": format!("registry.example.com/{number:a>255}"),
            "digests": vec![format!("sha512:{}", "a".repeat(128)); 64],
            "tags": numbered(64, 128),
        })
    };
    json!({
        "match": { "namespaces": numbered(64, 63), "names": numbered(64, 253) },
        "expected": {
            "schedules": vec![format!("0 2 * * 1{}", ",1".repeat(120)); 16],
            "windows": vec!["22:00-05:00 Europe/Zurich"; 16],
            "images": (0..32).map(image).collect::<Vec<_>>(),
            "commands": vec![json!({ "command": numbered(64, 64), "args": numbered(64, 256) }); 32],
            "serviceAccounts": numbered(32, 253),
            "labels": numbered(32, 63).into_iter().map(|label| (label.clone(), label)).collect::<BTreeMap<_, _>>(),
            "deploymentPaths": numbered(16, 128),
        },
        "allowed": {
            "hostPaths": numbered(32, 511).into_iter().map(|path| format!("/{path}")).collect::<Vec<_>>(),
            "capabilities": vec!["A".repeat(64); 64],
            "secrets": numbered(64, 253),
            "configMaps": numbered(64, 253),
        },
    })
}

fn finding(name: &str, namespace: &str, severity: &str, state: &str) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1alpha1"),
        "kind": "ScheduledWorkloadFinding",
        "metadata": { "name": name },
        "spec": { "workload": { "kind": "CronJob", "namespace": namespace, "name": "autoscaler", "uid": "1" } },
        "status": {
            "state": state,
            "severity": severity,
            "reasons": "Command,Image",
            "riskReasons": "HostPath",
            "nearestApproval": "dns",
            "actor": { "shown": "mallory", "username": "mallory", "evidence": "Audit" },
            "lastSeen": "2026-01-01T00:00:00Z",
            "fingerprint": "sha256:1",
        },
    })
}

/// Creates a finding and then, as the operator has to, its status.
async fn create_finding(client: &kube::Client, finding: &Value) -> anyhow::Result<()> {
    let mut created = send(client, Method::POST, &format!("{FINDINGS}?fieldValidation=Strict"), finding).await?;
    created["status"] = finding["status"].clone();
    let name = finding["metadata"]["name"].as_str().unwrap_or_default();
    send(client, Method::PUT, &format!("{FINDINGS}/{name}/status?fieldValidation=Strict"), &created).await?;
    Ok(())
}

#[tokio::test]
async fn findings_keep_their_workload_and_are_triaged_as_reviewed() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    create_finding(&cluster.client().await?, &finding("one", "payments", "High", "Open")).await?;
    let cases = [
        (json!({ "workload": { "name": "other" } }), "spec.workload: Invalid value: workload is set by Cronwarden"),
        (json!({ "triage": { "state": "Acknowledged" } }), "spec.triage: Invalid value: triage needs the fingerprint"),
        (json!({ "triage": { "state": "Acknowledged", "fingerprint": "" } }), "copy it from status.fingerprint"),
        (
            json!({ "triage": { "state": "Closed", "fingerprint": "1" } }),
            "spec.triage.state: Unsupported value: \"Closed\"",
        ),
        (json!({ "triage": { "fingerprint": "1" } }), "spec.triage.state: Required value"),
        (
            json!({ "triage": { "state": "Acknowledged", "fingerprint": "1", "until": "2027-06-30" } }),
            "spec.triage.until: Invalid value: \"2027-06-30\": until must be a time with its zone, such as",
        ),
    ];
    let mut wrong = Vec::new();
    for (spec, expected) in cases {
        let patch = json!({ "spec": spec }).to_string();
        let answer = cluster.kubectl(["patch", "finding", "one", "--type=merge", "--patch", &patch]).output().await?;
        if answer.status.success() || !answer.stderr.contains(expected) {
            wrong.push(format!("{spec}: expected {expected:?} in: {}{}", answer.stdout, answer.stderr));
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));

    let reviewed = json!({ "spec": { "triage": {
        "state": "Acknowledged", "by": "alice", "reason": "known", "until": "2027-06-30T00:00:00Z", "fingerprint": "sha256:1",
    } } });
    cluster.kubectl(["patch", "finding", "one", "--type=merge", "--patch", &reviewed.to_string()]).run().await?;
    Ok(())
}

#[tokio::test]
async fn kubectl_explains_and_lists_both_resources() -> anyhow::Result<()> {
    let cluster = cluster().await?;
    let client = cluster.client().await?;
    explains(&cluster).await?;

    create_finding(&client, &finding("one", "kube-system", "Critical", "Open")).await?;
    create_finding(&client, &finding("two", "payments", "Low", "Acknowledged")).await?;
    let columns = ["NAME", "SEVERITY", "STATE", "NAMESPACE", "WORKLOAD", "REASONS", "ACTOR", "LAST-SEEN", "AGE"];
    let row = ["one", "Critical", "Open", "kube-system", "autoscaler", "Command,Image", "mallory"];
    for name in ["findings", "finding", "swf", "scheduledworkloadfindings"] {
        let (head, rows) = table(&cluster, &["get", name]).await?;
        assert_eq!(head, columns, "kubectl get {name}");
        assert_eq!(rows[0][..row.len()], row, "kubectl get {name}");
    }
    let (head, rows) = table(&cluster, &["get", "findings", "-o", "wide"]).await?;
    assert_eq!(head, [&columns[..], &["KIND", "NEAREST", "RISKS"]].concat());
    assert_eq!(rows[1][columns.len()..], ["CronJob", "dns", "HostPath"]);
    for (selector, expected) in [
        ("spec.workload.namespace=payments", "two"),
        ("spec.workload.namespace!=payments", "one"),
        ("status.severity=Critical", "one"),
        ("status.state=Acknowledged", "two"),
        ("status.state=Open,status.severity=Critical", "one"),
    ] {
        let (_, rows) = table(&cluster, &["get", "findings", "--field-selector", selector]).await?;
        let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, [expected], "{selector}");
    }

    let mut approval = approval(&json!({
        "match": { "names": ["backup"] },
        "owner": { "team": "payments" },
        "change": { "ticket": "CHG-1042" },
        "expiresAt": "2027-06-30T00:00:00Z",
    }));
    send(&client, Method::POST, APPROVALS, &approval).await?;
    let mut created = send(&client, Method::GET, &format!("{APPROVALS}/a"), &Value::Null).await?;
    approval = json!({ "matchedWorkloads": 3, "conditions": [{
        "type": "Ready", "status": "True", "reason": "Valid", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }] });
    created["status"] = approval;
    send(&client, Method::PUT, &format!("{APPROVALS}/a/status"), &created).await?;
    let columns = ["NAME", "READY", "MATCHED", "EXPIRES", "OWNER", "AGE"];
    let (head, rows) = table(&cluster, &["get", "acj"]).await?;
    assert_eq!(head, columns);
    assert_eq!(rows[0][..5], ["a", "True", "3", "2027-06-30T00:00:00Z", "payments"]);
    let (head, rows) = table(&cluster, &["get", "acj", "-o", "wide"]).await?;
    assert_eq!(head, [&columns[..], &["TICKET", "REASON"]].concat());
    assert_eq!(rows[0][6..], ["CHG-1042", "Valid"]);
    Ok(())
}

async fn explains(cluster: &ControlPlane) -> anyhow::Result<()> {
    // The API server publishes new schemas a moment after it serves the resource.
    eventually("kubectl can explain both resources", Duration::from_secs(30), async || {
        for name in ["acj", "findings"] {
            let answer = cluster.kubectl(["explain", name, "--recursive"]).output().await.map_err(|e| e.to_string())?;
            if !answer.stdout.contains("status") {
                return Err(answer.stdout + &answer.stderr);
            }
        }
        Ok(())
    })
    .await;
    for (path, expected) in [
        ("acj.spec.expected.images", "The repository, exact or with the wildcard"),
        ("acj.spec.match", "Labels of the namespace."),
        ("acj.status", "How many workloads the approval selects."),
        ("finding.spec.triage", "The `status.fingerprint` that was reviewed."),
        ("finding.status.deviations", "What the approval expects."),
    ] {
        let shown = cluster.kubectl(["explain", path]).run().await?.stdout;
        assert!(shown.contains(expected) && !shown.contains("<no description>"), "kubectl explain {path}:\n{shown}");
    }
    Ok(())
}

/// What `kubectl` prints as a table: its head, and the rows. No cell may be empty or hold a blank.
async fn table(cluster: &ControlPlane, args: &[&str]) -> anyhow::Result<(Vec<String>, Vec<Vec<String>>)> {
    let printed = cluster.kubectl(args).run().await?.stdout;
    let mut lines = printed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
    Ok((lines.next().context("nothing was printed")?, lines.collect()))
}
