//! Nothing but admission requests tells who does what, at first.

use cronwarden::api::finding::{Evidence, ScheduledWorkloadFindingStatus as Status};
use serde_json::{Value, json};

use super::stage::{PATHS, Stage, post, risks};
use crate::harness::{ControlPlane, eventually};
use crate::intake::Files;
use crate::operator::scene::{PATIENCE, cron_job, namespace};

/// A cluster whose API server asks the operator before it changes anything, and audits into its log only.
async fn stage() -> anyhow::Result<Stage> {
    let files = Files::make()?;
    let policy = std::fs::read_to_string(files.path("audit-policy.yaml"))?;
    let mut stage = Stage::prepare(files, ControlPlane::builder().audit_policy(policy), PATHS).await?;
    let arguments = stage.files.arguments();
    stage.scene.arguments.extend(arguments);
    stage.scene.start_operator().await?;
    let cluster = &stage.scene.cluster;
    cluster.kubectl(["apply", "-f"]).arg(stage.files.path("validating-webhook.yaml")).run().await?;
    // It has an address instead of a Service, as there is no network for Services here.
    let url = format!("https://{}/admission/{}", stage.files.address(), stage.files.token()?);
    let patch = json!([
        { "op": "remove", "path": "/webhooks/0/clientConfig/service" },
        { "op": "add", "path": "/webhooks/0/clientConfig/url", "value": url },
    ]);
    let patch = patch.to_string();
    let args = ["patch", "validatingwebhookconfiguration", "cronwarden", "--type=json", "-p", &patch];
    cluster.kubectl(args).run().await?;
    stage.scene.apply(&[namespace("payments"), namespace("probes"), refusal()]).await?;
    is_asked(&stage).await;
    Ok(stage)
}

/// Whatever carries the label `refuse` is refused by somebody who cannot be asked.
fn refusal() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "refusal" },
        "webhooks": [{
            "name": "refusal.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 2,
            "objectSelector": { "matchLabels": { "refuse": "yes" } },
            "clientConfig": { "url": "https://127.0.0.1:1/" },
            "rules": [{ "apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["cronjobs"], "operations": ["*"] }],
        }],
    })
}

/// An API server learns of webhooks some moments after they were registered.
async fn is_asked(stage: &Stage) {
    let mut probes = 0;
    eventually("the API server asks", PATIENCE, async || {
        probes += 1;
        let mut probe = cron_job("probes", &format!("probe-{probes}"));
        stage.create("jane", &probe).await.map_err(|error| format!("{error:#}"))?;
        let asked = stage.scene.count("cronwarden_intake_facts_total{source=\"admission\"}").unwrap_or(0);
        probe["metadata"]["name"] = json!(format!("refused-{probes}"));
        probe["metadata"]["labels"]["refuse"] = json!("yes");
        let refused = stage.create("jane", &probe).await.is_err();
        if asked > 0 && refused { Ok(()) } else { Err(format!("asked: {asked}, refused: {refused}")) }
    })
    .await;
}

#[tokio::test]
async fn an_admission_request_is_evidence_until_there_is_better() -> anyhow::Result<()> {
    let stage = stage().await?;
    stage.create("jane", &cron_job("payments", "nightly")).await?;
    let by_admission = |user: &'static str| {
        move |s: &Status| s.actor.username.as_deref() == Some(user) && s.actor.evidence == Evidence::Admission
    };
    let created = stage.status("payments", "nightly", "created by jane", by_admission("jane")).await;
    assert_eq!(created.actor.verb.as_deref(), Some("create"));
    assert_eq!((&created.actor.source_ips, created.actor.authorized_by.as_deref()), (&Vec::new(), None));
    assert!(risks(&created).contains(&"HumanActor"), "{created:?}");

    // Jane's request is refused by another, after the operator was asked as well.
    let mut refused = cron_job("payments", "nightly");
    refused["metadata"]["labels"]["refuse"] = json!("yes");
    refused["spec"]["schedule"] = json!("0 5 * * *");
    let answer = stage.kubectl("jane", ["replace", "-f", "-"])?.stdin(refused.to_string()).output().await?;
    assert!(answer.stderr.contains("refusal.example.com"), "{answer:?}");
    stage.patch("john", "payments", "nightly", json!({ "schedule": "0 3 * * *" })).await?;
    let changed = stage.status("payments", "nightly", "changed by john", by_admission("john")).await;
    assert_eq!(changed.creator.as_deref(), Some(&created.actor));
    stage.create("jane", &refused).await.expect_err("it is refused as well");

    // One whose creation was refused is not there, and one that is deleted has a deleter.
    stage.create("jane", &cron_job("payments", "gone")).await?;
    stage.status("payments", "gone", "created by jane", by_admission("jane")).await;
    stage.run("mallory", &["delete", "cronjob", "gone", "-n", "payments"]).await?;
    let is_gone = |evidence: Evidence| {
        move |s: &Status| {
            s.deleter.as_ref().is_some_and(|d| d.username.as_deref() == Some("mallory") && d.evidence == evidence)
        }
    };
    stage.status("payments", "gone", "deleted by mallory", is_gone(Evidence::Admission)).await;

    // What was audited arrives late, and is better.
    let events: Vec<Value> = stage.scene.cluster.audit_events()?.into_iter().map(|event| event.raw).collect();
    post(&stage.files, &events).await?;
    let audited = stage.made_by("john", "payments", "nightly").await;
    let creator = audited.creator.expect("jane created it");
    assert_eq!((creator.username.as_deref(), creator.evidence), (Some("jane"), Evidence::Audit));
    let ids: Vec<&str> = events.iter().filter_map(|event| event["auditID"].as_str()).collect();
    for actor in [&audited.actor, &creator] {
        assert!(actor.audit_id.as_deref().is_some_and(|id| ids.contains(&id)), "{actor:?}");
        assert_eq!(actor.source_ips, ["127.0.0.1"]);
    }
    let gone = stage.status("payments", "gone", "audited", is_gone(Evidence::Audit)).await;
    assert_eq!((gone.actor.username.as_deref(), gone.actor.evidence), (Some("jane"), Evidence::Audit));
    Ok(())
}
