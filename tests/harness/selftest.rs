//! Tests of the harness itself: what every other test relies on without looking.
//!
//! Not part of the harness module. The test crate includes this file beside it.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, ListParams, PostParams};
use kube::core::ObjectMeta;

use crate::harness::{AUDIT_POLICY_METADATA, ControlPlane, WORKLOAD_CONTROLLERS, eventually};

fn config_map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, ..ConfigMap::default() }
}

#[tokio::test]
async fn two_control_planes_run_side_by_side() -> anyhow::Result<()> {
    let (one, two) = tokio::join!(ControlPlane::builder().start(), ControlPlane::builder().start());
    let (one, two) = (one?, two?);
    let in_one: Api<ConfigMap> = Api::default_namespaced(one.client().await?);
    let in_two: Api<ConfigMap> = Api::default_namespaced(two.client().await?);
    in_one.create(&PostParams::default(), &config_map("only-in-one")).await?;
    assert!(in_one.get_opt("only-in-one").await?.is_some());
    assert!(in_two.get_opt("only-in-one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn the_api_server_comes_back_with_its_data() -> anyhow::Result<()> {
    let mut cluster = ControlPlane::builder().start().await?;
    let config_maps: Api<ConfigMap> = Api::default_namespaced(cluster.client().await?);
    config_maps.create(&PostParams::default(), &config_map("kept")).await?;

    let before = cluster.api_server_pid();
    assert!(cluster.stop_api_server().await?.success(), "a stop in good order is a success");
    assert_eq!(cluster.api_server_pid(), None);
    assert!(config_maps.get("kept").await.is_err(), "nobody answers while it is stopped");
    cluster.start_api_server().await?;
    assert_ne!(cluster.api_server_pid(), before);
    assert!(config_maps.get_opt("kept").await?.is_some());

    assert_eq!(cluster.kill_api_server()?.signal(), Some(9));
    cluster.start_api_server_with(["--event-ttl=30m"]).await?;
    assert!(config_maps.get_opt("kept").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn users_kubectl_and_the_audit_log_fit_together() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder()
        .audit_policy(AUDIT_POLICY_METADATA)
        .controllers(WORKLOAD_CONTROLLERS)
        .user("alice", &["developers"])
        .start()
        .await?;
    cluster.kubectl(["create", "rolebinding", "dev", "--clusterrole=edit", "--group=developers"]).run().await?;
    let alice = cluster.kubeconfig_with_token(cluster.user_token("alice")?)?;
    // The aggregation controller must have filled the role first.
    eventually("alice may create config maps", Duration::from_secs(30), async || {
        let kubectl = cluster.kubectl(["auth", "can-i", "create", "configmaps"]).kubeconfig(&alice);
        let answer = kubectl.output().await.map_err(|error| error.to_string())?;
        if answer.stdout.trim() == "yes" { Ok(()) } else { Err(answer.stdout + &answer.stderr) }
    })
    .await;

    let manifest = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hers"}}"#;
    let apply = || cluster.kubectl(["apply", "-f", "-"]).kubeconfig(&alice).stdin(manifest);
    apply().arg("--dry-run=server").run().await?;
    apply().run().await?;
    let refused = cluster.kubectl(["create", "namespace", "hers"]).kubeconfig(&alice).output().await?;
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("User \"alice\" cannot create resource \"namespaces\""), "{}", refused.stderr);
    let writes = eventually("both attempts are audited", Duration::from_secs(30), async || {
        let mut writes = cluster.writes_by("alice").map_err(|error| error.to_string())?;
        writes
            .retain(|event| event.object.as_ref().is_some_and(|object| object.resource != "selfsubjectaccessreviews"));
        if writes.len() == 2 { Ok(writes) } else { Err(format!("{writes:#?}")) }
    })
    .await;
    let seen: Vec<_> = writes
        .iter()
        .map(|event| {
            let object = event.object.clone().unwrap_or_default();
            let code = event.code.unwrap_or_default();
            format!("{} {} {}/{} {code}", event.verb, object.resource, object.namespace, object.name)
        })
        .collect();
    // The name in a create comes from the body, which the API server does not read when it refuses.
    assert_eq!(seen, ["create configmaps default/hers 201", "create namespaces / 403"]);
    assert!(cluster.audit_events()?.iter().any(|event| event.user == "alice" && event.is_dry_run()));
    Ok(())
}

#[tokio::test]
async fn kubectl_and_service_account_tokens_work() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().controllers(["serviceaccount-controller"]).start().await?;
    let message = cluster.kubectl(["get", "nonsense"]).run().await.unwrap_err().to_string();
    assert!(
        message.contains("`kubectl get nonsense` failed") && message.contains("doesn't have a resource type"),
        "{message}"
    );
    let shown = cluster.kubectl(["get", "namespace", "default", "-o", "json"]).run().await?.json()?;
    assert_eq!(shown.pointer("/metadata/name").and_then(|name| name.as_str()), Some("default"));

    let token = cluster.service_account_token("default", "default").await?;
    let account = cluster.kubeconfig_with_token(&token)?;
    let whoami = cluster.kubectl(["auth", "whoami", "-o", "json"]).kubeconfig(account).run().await?.json()?;
    let name = whoami.pointer("/status/userInfo/username").and_then(|name| name.as_str());
    assert_eq!(name, Some("system:serviceaccount:default:default"));
    cluster.client_with_token(&token).await?.apiserver_version().await?;
    Ok(())
}

#[tokio::test]
async fn controllers_make_jobs_and_pods_under_the_chosen_identity() -> anyhow::Result<()> {
    // Side by side, as each of them has to wait for the next minute.
    let (own, shared) = tokio::join!(creator_of_a_scheduled_job(true), creator_of_a_scheduled_job(false));
    assert_eq!(own?, "system:serviceaccount:kube-system:cronjob-controller");
    assert_eq!(shared?, "system:kube-controller-manager");
    Ok(())
}

async fn creator_of_a_scheduled_job(own_accounts: bool) -> anyhow::Result<String> {
    let cluster = ControlPlane::builder()
        .controllers(WORKLOAD_CONTROLLERS)
        .use_service_account_credentials(own_accounts)
        .audit_policy(AUDIT_POLICY_METADATA)
        .start()
        .await?;
    cluster.kubectl(["create", "cronjob", "tick", "--image=busybox", "--schedule=* * * * *"]).run().await?;
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    eventually("the CronJob's Job has a Pod", Duration::from_secs(90), async || {
        let list = pods.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        list.items.into_iter().next().ok_or_else(|| "no Pod".to_owned())
    })
    .await;
    cluster.kubectl(["delete", "cronjob", "tick", "--cascade=background"]).run().await?;
    let jobs: Api<Job> = Api::default_namespaced(client);
    eventually("the garbage collector removes the Job", Duration::from_secs(30), async || {
        let left = jobs.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items.len();
        if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
    })
    .await;
    let creator = eventually("the creation of the Job is audited", Duration::from_secs(10), async || {
        let events = cluster.audit_events().map_err(|error| error.to_string())?;
        let mut created = events.into_iter().filter(|event| event.verb == "create" && event.succeeded());
        let created = created.find(|event| event.object.as_ref().is_some_and(|object| object.resource == "jobs"));
        created.map(|event| event.user).ok_or_else(|| "not yet".to_owned())
    })
    .await;
    Ok(creator)
}

#[tokio::test]
async fn a_failed_start_shows_the_log_of_the_culprit() {
    let wrong_flag = ControlPlane::builder().api_server_arg("--no-such-flag").start().await;
    let message = format!("{:#}", wrong_flag.unwrap_err());
    assert!(message.contains("kube-apiserver ended early"), "{message}");
    assert!(message.contains("unknown flag: --no-such-flag"), "{message}");

    let wrong_controller = ControlPlane::builder().controllers(["no-such-controller"]).start().await;
    let message = format!("{:#}", wrong_controller.unwrap_err());
    assert!(message.contains("kube-controller-manager ended early"), "{message}");
    assert!(message.contains(r#"\"no-such-controller\" is not in the list of known controllers"#), "{message}");
}

#[tokio::test]
#[should_panic(expected = "pigs fly: not within 100ms; last seen: still on the ground, waited for at")]
async fn eventually_tells_what_it_saw_last() {
    eventually("pigs fly", Duration::from_millis(100), async || Err::<(), _>("still on the ground".to_owned())).await;
}
