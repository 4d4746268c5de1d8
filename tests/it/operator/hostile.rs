//! CronJobs made to break whoever looks at them.

use cronwarden::api::ScheduledWorkloadFinding;
use cronwarden::api::code::{DeviationCode, RiskCode};
use cronwarden::api::finding::State;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::deviations::{container, pod, set};
use super::scene::{Scene, approval, cron_job, namespace};

const NAMESPACE: &str = "hostile";

/// What a finding may take at most, managed fields included: it has to be listed by the thousand.
const LARGEST_FINDING: usize = 128 * 1024;

/// Colours a terminal, moves its cursor, sets its title, breaks lines, turns the direction of text, and is invisible.
const ESCAPES: &str =
    "\u{1b}[31mred\u{1b}[2J\u{1b}]0;title\u{7}\r\n\t\u{8}\u{9b}1m\u{202e}txet\u{200b}\u{feff}\u{e0041}\u{0}";

#[tokio::test]
async fn hostile_cron_jobs_break_nothing_and_are_all_found() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    scene.apply(&[namespace(NAMESPACE), namespace("ordinary")]).await?;
    scene.approve(&[approval("ordinary", "backup"), lenient()]).await?;
    scene.apply(&[cron_job("ordinary", "backup")]).await?;

    enormous(&scene).await?;
    escapes(&scene).await?;
    longest_names(&scene).await?;
    schedules(&scene).await?;
    zones_in_schedules(&scene).await?;

    assert_eq!(scene.findings_about("ordinary", "backup").await?, [], "what is approved is not concerned");
    let mut changed = cron_job("ordinary", "backup");
    set(&mut changed, "/spec/schedule", json!("@hourly"));
    scene.apply(&[changed]).await?;
    scene.finding_in(State::Open, "ordinary", "backup").await;
    scene.settled().await;
    nothing_is_raw_or_large(&scene).await?;
    scene.ensure_operator_runs()?;
    let logs = scene.logs();
    assert!(!logs.contains("panicked"), "{logs}");
    let raw = logs.lines().find(|line| line.chars().any(is_harmful));
    assert_eq!(raw, None, "the log is raw");
    Ok(())
}

/// Approves all that has a name beginning with `large-`, whatever it runs: only what cannot be judged is not approved.
fn lenient() -> Value {
    let mut approval = approval(NAMESPACE, "large");
    set(&mut approval, "/spec/match/names", json!(["large-*"]));
    set(&mut approval, "/spec/expected", Value::Null);
    approval
}

async fn create(scene: &Scene, manifest: Value) -> anyhow::Result<()> {
    // Not with kubectl, which would add the whole manifest once more.
    let cron_job: CronJob = serde_json::from_value(manifest)?;
    let namespace = cron_job.metadata.namespace.clone().unwrap_or_default();
    scene.cron_jobs(&namespace).create(&PostParams::default(), &cron_job).await?;
    Ok(())
}

fn codes(finding: &ScheduledWorkloadFinding) -> Vec<DeviationCode> {
    finding.status.iter().flat_map(|status| &status.deviations).map(|deviation| deviation.code).collect()
}

async fn enormous(scene: &Scene) -> anyhow::Result<()> {
    let text = |length: usize| "x".repeat(length);
    let containers = |count: usize, image: &str| -> Value {
        (0..count).map(|n| json!({ "name": format!("c{n}"), "image": image })).collect()
    };
    let variables =
        |count: usize| -> Value { (0..count).map(|n| json!({ "name": format!("V{n}"), "value": text(40) })).collect() };
    let arguments = |count: usize, length: usize| -> Value { (0..count).map(|_| text(length)).collect() };

    let image = "registry.example.com/backup/pgdump:v3.2";

    // The longest texts are kept by their beginning and their hash, so these can be judged and are approved.
    let judged = [
        ("large-argument", container("args"), arguments(1, 900_000)),
        ("large-variable", container("env"), json!([{ "name": "V", "value": text(900_000) }])),
    ];
    let too_large = [
        ("large-arguments", container("args"), arguments(300, 3_000)),
        ("large-containers", pod("containers"), containers(2_500, image)),
        ("large-init-containers", pod("initContainers"), containers(2_500, image)),
        ("large-variables", container("env"), variables(4_000)),
    ];
    for (name, pointer, value) in judged.iter().chain(&too_large) {
        let mut manifest = cron_job(NAMESPACE, name);
        set(&mut manifest, pointer, value.clone());
        create(scene, manifest).await.map_err(|error| error.context(*name))?;
    }
    for (name, ..) in too_large {
        let finding = scene.finding_in(State::Open, NAMESPACE, name).await;
        assert_eq!(codes(&finding), [DeviationCode::Malformed], "{name}");
        let status = finding.status.unwrap_or_default();
        assert!(status.deviations[0].observed.contains("more than the limit of 131072"), "{:?}", status.deviations);
        assert!(status.next_steps.iter().any(|step| step.contains(name)), "{:?}", status.next_steps);
    }
    scene.approval_status("hostile-large", "matched", |status| status.matched_workloads == 2).await;
    for (name, ..) in judged {
        assert_eq!(scene.findings_about(NAMESPACE, name).await?, [], "{name} can be judged");
    }

    too_large_to_be_acknowledged_for_good(scene).await?;

    // As many deviations and risks as possible, each as long as possible, in what can still be judged.
    let mut loud = cron_job(NAMESPACE, "loud");
    let noise = ESCAPES.repeat(8);
    let containers = (0..80).map(|n| {
        json!({
            "name": format!("c{n}"),
            "image": format!("i{noise}i"),
            "command": [noise],
            "securityContext": { "privileged": true, "capabilities": { "add": [noise] } },
        })
    });
    set(&mut loud, &pod("containers"), containers.collect());
    scene.approve(&[approval(NAMESPACE, "loud")]).await?;
    create(scene, loud).await?;
    let loud = scene.finding_in(State::Open, NAMESPACE, "loud").await;
    let status = loud.status.unwrap_or_default();
    assert_eq!((status.deviations.len(), status.risks.len()), (50, 50));
    assert!(status.deviations[49].observed.contains("more deviations"), "{:?}", status.deviations[49]);
    assert!(status.snapshot.is_some_and(|snapshot| snapshot.truncated.is_some()), "it announces what is left out");
    Ok(())
}

/// What cannot be judged can be acknowledged, and another one of the same size is another one.
async fn too_large_to_be_acknowledged_for_good(scene: &Scene) -> anyhow::Result<()> {
    let opened = scene.finding_in(State::Open, NAMESPACE, "large-arguments").await;
    let fingerprint = opened.status.unwrap_or_default().fingerprint;
    let triage = json!({ "state": "Acknowledged", "fingerprint": fingerprint });
    let patch = Patch::Merge(json!({ "spec": { "triage": triage } }));
    let name = opened.metadata.name.unwrap_or_default();
    scene.findings().patch(&name, &PatchParams::default(), &patch).await?;
    scene.finding_in(State::Acknowledged, NAMESPACE, "large-arguments").await;
    let patch = Patch::Json::<()>(serde_json::from_value(
        json!([{ "op": "replace", "path": container("args/7"), "value": "y".repeat(3_000) }]),
    )?);
    scene.cron_jobs(NAMESPACE).patch("large-arguments", &PatchParams::default(), &patch).await?;
    scene.finding_in(State::Open, NAMESPACE, "large-arguments").await;
    Ok(())
}

/// Control characters in every field in which the API server accepts them, with an approval that has each of them shown.
async fn escapes(scene: &Scene) -> anyhow::Result<()> {
    let mut all = approval(NAMESPACE, "escapes");
    set(&mut all, "/spec/match/names", json!(["escapes-*"]));
    scene.approve(&[all]).await?;
    let escapes = format!("a{ESCAPES}z");
    let fields = [
        ("command", container("command"), json!([escapes])),
        ("args", container("args"), json!([escapes, escapes])),
        ("working-dir", container("workingDir"), json!(escapes)),
        ("image", container("image"), json!(escapes)),
        ("env", container("env"), json!([{ "name": "V", "value": escapes }])),
        ("env-field", container("env"), json!([{ "name": "a[31mb", "value": "x" }])),
        ("mount", pod("volumes"), json!([{ "name": "v", "hostPath": { "path": format!("/{escapes}") } }])),
        ("secret", pod("volumes"), json!([{ "name": "v", "secret": { "secretName": escapes } }])),
        ("config-map", pod("volumes"), json!([{ "name": "v", "configMap": { "name": escapes } }])),
        ("claim", pod("volumes"), json!([{ "name": "v", "persistentVolumeClaim": { "claimName": escapes } }])),
        ("driver", pod("volumes"), json!([{ "name": "v", "flexVolume": { "driver": escapes } }])),
        ("capability", container("securityContext"), json!({ "capabilities": { "add": [escapes] } })),
        ("se-linux", container("securityContext"), json!({ "seLinuxOptions": { "type": escapes } })),
        ("hook", container("lifecycle"), json!({ "preStop": { "exec": { "command": [escapes] } } })),
        ("hook-host", container("lifecycle"), json!({ "preStop": { "httpGet": { "port": 1, "host": escapes } } })),
        ("schedule", "/spec/schedule".to_owned(), json!("0\n2\t*\u{2003}*\r*")),
        ("zone", "/spec/timeZone".to_owned(), json!(escapes)),
        ("label", "/metadata/labels".to_owned(), json!({ "team": escapes })),
        ("annotation", "/metadata/annotations".to_owned(), json!({ "note": escapes })),
        ("account", pod("serviceAccountName"), json!(escapes)),
        ("node", pod("nodeName"), json!(escapes)),
        ("selector", pod("nodeSelector"), json!({ "node-role.kubernetes.io/control-plane": escapes })),
        ("pull-secret", pod("imagePullSecrets"), json!([{ "name": escapes }])),
        (
            "profile",
            pod("securityContext"),
            json!({ "seccompProfile": { "type": "Localhost", "localhostProfile": escapes } }),
        ),
    ];
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for (name, pointer, value) in fields {
        let mut manifest = cron_job(NAMESPACE, &format!("escapes-{name}"));
        set(&mut manifest, &pointer, value);
        match create(scene, manifest).await {
            Ok(()) => accepted.push(name),
            Err(_) => refused.push(name),
        }
    }
    assert_eq!(refused, ["zone", "label", "account", "node", "selector"], "accepted is all else: {accepted:?}");
    scene.settled().await;
    for name in ["command", "args", "image", "mount", "capability", "hook"] {
        let finding = scene.finding_in(State::Open, NAMESPACE, &format!("escapes-{name}")).await;
        let text = serde_json::to_string(&finding.status)?;
        assert!(text.contains(r"\\u{1b}"), "{name}: it is not shown that there is an escape: {text}");
    }
    Ok(())
}

async fn longest_names(scene: &Scene) -> anyhow::Result<()> {
    let (long_namespace, long_name) = ("n".repeat(63), "c".repeat(52));
    scene.apply(&[namespace(&long_namespace)]).await?;
    scene.apply(&[cron_job(&long_namespace, &long_name), cron_job(&long_namespace, "a.b.c-1")]).await?;
    scene.finding_in(State::Open, &long_namespace, &long_name).await;
    scene.finding_in(State::Open, &long_namespace, "a.b.c-1").await;
    for name in [long_name.as_str(), "a.b.c-1"] {
        scene.wait_until_told(&long_namespace, name, &["FindingOpened"]).await;
    }
    let mut too_long = cron_job(&long_namespace, "x");
    too_long["metadata"]["name"] = json!("c".repeat(53));
    assert!(create(scene, too_long).await.is_err(), "names have become longer: look at what they are put into");
    Ok(())
}

async fn schedules(scene: &Scene) -> anyhow::Result<()> {
    let mut never = cron_job(NAMESPACE, "never");
    set(&mut never, "/spec/schedule", json!("0 0 31 2 *"));
    let mut sparse = cron_job(NAMESPACE, "sparse");
    set(&mut sparse, "/spec/schedule", json!("0 0 29 2 1"));
    let mut backwards = cron_job(NAMESPACE, "backwards");
    set(&mut backwards, "/spec/schedule", json!("@every -1h"));
    for manifest in [never, sparse, backwards] {
        create(scene, manifest).await?;
    }
    let never = scene.finding_in(State::Open, NAMESPACE, "never").await;
    let risks: Vec<RiskCode> = never.status.iter().flat_map(|status| &status.risks).map(|risk| risk.code).collect();
    assert_eq!(risks, [RiskCode::NeverRuns]);
    assert_eq!(codes(&never), [DeviationCode::Unapproved]);
    for name in ["sparse", "backwards"] {
        let finding = scene.finding_in(State::Open, NAMESPACE, name).await;
        assert_eq!(codes(&finding), [DeviationCode::Unapproved], "{name}");
    }
    Ok(())
}

/// The API server refuses a zone in a new schedule, and lets one that is there stay and change.
async fn zones_in_schedules(scene: &Scene) -> anyhow::Result<()> {
    let with_zone = "TZ=Asia/Tokyo 0 2 * * *";
    let cron_jobs = scene.cron_jobs(NAMESPACE);
    let patch = async |name: &str, schedule: &str, zone: Value| {
        let patch = Patch::Merge(json!({ "spec": { "schedule": schedule, "timeZone": zone } }));
        cron_jobs.patch(name, &PatchParams::default(), &patch).await
    };
    let mut created = cron_job(NAMESPACE, "zoned");
    set(&mut created, "/spec/schedule", json!(with_zone));
    set(&mut created, "/spec/timeZone", Value::Null);
    assert!(create(scene, created.clone()).await.is_err(), "a zone in a new schedule is refused");
    scene.apply(&[cron_job(NAMESPACE, "unzoned")]).await?;
    assert!(patch("unzoned", with_zone, Value::Null).await.is_err(), "a zone in a schedule without one is refused");

    // As an old cluster may have left it.
    set(&mut created, "/metadata/uid", json!("00000000-0000-4000-8000-000000000001"));
    set(&mut created, "/metadata/creationTimestamp", json!("2020-01-01T00:00:00Z"));
    scene.approve(&[approval(NAMESPACE, "zoned")]).await?;
    scene.cluster.store_unchecked(&format!("/registry/cronjobs/{NAMESPACE}/zoned"), &created).await?;
    let zoned = |schedule: &str, zone: &str| {
        let observed = (zone.to_owned(), schedule.to_owned());
        move |finding: &ScheduledWorkloadFinding| {
            let found: Vec<_> = finding.status.iter().flat_map(|status| &status.deviations).collect();
            let zone = found
                .iter()
                .find(|d| d.code == DeviationCode::TimeZone)
                .map(|d| (d.path.as_str(), d.observed.as_str()));
            let snapshot = finding.status.as_ref().and_then(|status| status.snapshot.as_ref()?.schedule.clone());
            zone == Some(("spec.schedule", observed.0.as_str())) && snapshot.as_ref() == Some(&observed.1)
        }
    };
    scene.finding(NAMESPACE, "zoned", "about Tokyo", zoned(with_zone, "Asia/Tokyo")).await;
    patch("zoned", "TZ=Europe/Zurich 0 2 * * *", Value::Null).await?;
    scene.finding(NAMESPACE, "zoned", "about Zurich", zoned("TZ=Europe/Zurich 0 2 * * *", "Europe/Zurich")).await;
    patch("zoned", "0 2 * * *", json!("Etc/UTC")).await?;
    scene.finding_in(State::Resolved, NAMESPACE, "zoned").await;
    assert!(patch("zoned", with_zone, Value::Null).await.is_err(), "once it is gone it cannot come back");
    Ok(())
}

/// Whether a character does something to a terminal, or hides what is there.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn harmful_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.as_str()).filter(|text| text.chars().any(is_harmful)),
        Value::Array(entries) => entries.iter().find_map(harmful_text),
        Value::Object(fields) => {
            let keys = fields.keys().map(String::as_str).find(|key| key.chars().any(is_harmful));
            keys.or_else(|| fields.values().find_map(harmful_text))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

async fn nothing_is_raw_or_large(scene: &Scene) -> anyhow::Result<()> {
    let findings = scene.all_findings().await?;
    assert!(findings.len() > 20, "{} findings", findings.len());
    let mut sizes = Vec::new();
    for finding in &findings {
        let value = serde_json::to_value(finding)?;
        let name = finding.metadata.name.clone().unwrap_or_default();
        assert_eq!(harmful_text(&value), None, "{name} is raw");
        let snapshot = finding.status.as_ref().and_then(|status| status.snapshot.as_ref());
        let snapshot = serde_json::to_string(&snapshot)?;
        assert!(snapshot.len() <= 8 * 1024, "the snapshot of {name:?} has {} bytes", snapshot.len());
        sizes.push((value.to_string().len(), name));
    }
    sizes.sort();
    assert!(sizes.iter().all(|(size, _)| *size <= LARGEST_FINDING), "{:?}", sizes.last());

    let events: Api<CoreEvent> = Api::all(scene.client.clone());
    for event in events.list(&ListParams::default()).await?.items {
        assert_eq!(harmful_text(&serde_json::to_value(&event)?), None, "an Event is raw");
        let note = event.message.unwrap_or_default();
        assert!(note.len() <= 1024, "{} bytes: {note}", note.len());
    }
    Ok(())
}
