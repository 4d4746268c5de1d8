//! An explanation is the assessment with all that led to it, and nothing else.

use proptest::prelude::*;

use super::*;
use crate::assess::judgement::Judgement;
use crate::assess::notes::Detail;

/// Parts of which workloads are made: of each list one entry, and for the last one any number.
const SCHEDULES: [&str; 4] = ["0 6 * * *", "*/5 * * * *", "TZ=Etc/UTC 0 6 * * *", "61 * * * *"];
const ZONES: [Option<&str>; 3] = [None, Some("Etc/UTC"), Some("Mars/Olympus")];
const IMAGES: [&str; 4] = ["app:1", "app", "registry.example.com/app:2", "not an image"];

fn container() -> impl Strategy<Value = Value> {
    let extras = proptest::sample::subsequence(
        vec![
            ("command", json!(["/bin/app"])),
            ("args", json!(["--password", "hunter2-S3cr3t"])),
            (
                "env",
                json!([{"name": "LD_PRELOAD", "value": "/x.so"}, {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}]),
            ),
            ("envFrom", json!([{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "db"}}])),
            (
                "volumeMounts",
                json!([{"name": "claim", "mountPath": "/usr/bin"}, {"name": "claim", "mountPath": "/data"}]),
            ),
            ("securityContext", json!({"privileged": true, "capabilities": {"add": ["NET_ADMIN"]}})),
            ("livenessProbe", json!({"exec": {"command": ["/bin/app", "check"]}})),
        ],
        0..=7,
    );
    (proptest::sample::select(&IMAGES[..]), extras).prop_map(|(image, extras)| {
        let mut container = json!({"name": "a", "image": image});
        for (field, value) in extras {
            container[field] = value;
        }
        container
    })
}

fn workload() -> impl Strategy<Value = Workload> {
    let pod =
        proptest::sample::subsequence(vec![("hostPID", json!(true)), ("serviceAccountName", json!("app"))], 0..=2);
    let job = proptest::sample::subsequence(
        vec![("suspend", json!(true)), ("parallelism", json!(0)), ("completions", json!(0))],
        0..=3,
    );
    let schedule = (proptest::sample::select(&SCHEDULES[..]), proptest::sample::select(&ZONES[..]), any::<bool>());
    let containers = proptest::collection::vec(container(), 1..3);
    (schedule, containers, pod, job, proptest::sample::select(vec!["x", "y"])).prop_map(
        |((schedule, zone, suspend), containers, pod, job, label)| {
            let mut job_spec = json!({"template": {"spec": {"containers": containers, "volumes": [
                {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "node", "hostPath": {"path": "/var/log"}},
            ]}}});
            for (field, value) in pod {
                job_spec["template"]["spec"][field] = value;
            }
            for (field, value) in job {
                job_spec[field] = value;
            }
            let manifest = json!({
                "metadata": {"name": "report", "namespace": "web", "labels": {"team": label}},
                "spec": {"schedule": schedule, "timeZone": zone, "suspend": suspend, "jobTemplate": {"spec": job_spec}}
            });
            Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap()
        },
    )
}

fn approval() -> impl Strategy<Value = Value> {
    let matches = proptest::sample::select(vec![
        json!({"names": ["*"]}),
        json!({"names": ["report", "other"], "namespaces": ["web"]}),
        json!({"kinds": ["Job"], "names": ["report"]}),
        json!({"names": ["repo"], "namespaces": ["we?", "api"]}),
        json!({"names": ["a[b]"]}),
        json!({"namespaceSelector": {"matchLabels": {"env": "prod"}}}),
        json!({"selector": {"matchLabels": {"team": "x"}, "matchExpressions": [{"key": "legacy", "operator": "DoesNotExist"}]}}),
    ]);
    let expected = proptest::sample::subsequence(
        vec![
            ("schedules", json!(["0 6 * * *"])),
            ("timeZones", json!(["", "UTC"])),
            ("minimumInterval", json!("1h")),
            ("windows", json!(["05:00-07:00"])),
            (
                "images",
                json!([{"repository": "app", "tags": ["1"]}, {"repository": "registry.example.com/*", "requireDigest": true}]),
            ),
            ("commands", json!([{"command": ["/bin/app"], "args": ["--password", "hunter2-S3cr3t"]}, {"args": []}])),
            ("serviceAccounts", json!(["app"])),
            ("labels", json!({"team": "x"})),
            ("deploymentPaths", json!(["argocd"])),
            ("templateHash", json!("sha256:0")),
            ("configMapHashes", json!(true)),
            ("suspended", json!(false)),
            ("required", json!(true)),
            ("schedules", json!(["61 * * * *"])),
        ],
        0..=5,
    );
    let allowed = proptest::sample::subsequence(
        vec![
            ("podSecurity", json!("Privileged")),
            ("hostPaths", json!(["/var/*"])),
            ("capabilities", json!(["NET_ADMIN"])),
            ("secrets", json!(["db"])),
            ("configMaps", json!(["*"])),
        ],
        0..=5,
    );
    let expires =
        proptest::sample::select(vec![Value::Null, json!("2026-01-01T00:00:00Z"), json!("2027-01-01T00:00:00Z")]);
    let object = |fields: Vec<(&str, Value)>| -> Value {
        fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
    };
    (matches, expected, allowed, expires).prop_map(move |(matches, expected, allowed, expires)| {
        json!({"match": matches, "expected": object(expected), "allowed": object(allowed), "expiresAt": expires})
    })
}

/// What every explanation has in common with its assessment, and with what selects.
fn assert_consistent(workload: &Workload, inventory: &Inventory, namespace: &Labels) {
    let Explanation { assessment, approvals } = explain(workload, inventory, namespace, now());
    assert_eq!(assessment, assess(workload, inventory, namespace, now()));
    assert_eq!(approvals.len(), inventory.len());

    let (selecting, others) = approvals.split_at(assessment.approvals.len());
    assert!(others.is_sorted_by_key(|other| &other.name));
    for (explained, considered) in selecting.iter().zip(&assessment.approvals) {
        assert_eq!((&explained.name, explained.outcome), (&considered.name, Some(considered.outcome)));
        let deviations = explained.checks.iter().filter(|check| check.outcome == CheckOutcome::Deviates).count();
        if considered.outcome == Outcome::Invalid {
            assert!(explained.checks.is_empty() && !explained.problems.is_empty());
        } else {
            assert_eq!(usize::try_from(considered.deviations).unwrap(), deviations);
            assert!(explained.problems.is_empty());
        }
    }
    for explained in &approvals {
        let matcher = &inventory.get(&explained.name).unwrap().matcher;
        assert_eq!(matcher.selects(workload, namespace), explained.outcome.is_some());
        assert_eq!(matcher.selects(workload, namespace), matcher.mismatches(workload, namespace).is_empty());
        assert_eq!(explained.mismatches, matcher.mismatches(workload, namespace));
        assert!(explained.outcome.is_some() || explained.checks.is_empty());
        for check in &explained.checks {
            assert!(check.field.starts_with("spec.") || check.code == DeviationCode::Malformed, "{check:?}");
            assert!(!check.expected.is_empty() && !check.observed.is_empty(), "{check:?}");
            assert!(!format!("{check:?}").contains("hunter2"), "a credential is shown: {check:?}");
        }
    }
    if let Some(nearest) = selecting.first().filter(|nearest| nearest.outcome != Some(Outcome::Invalid)) {
        let deviations = nearest.checks.iter().filter(|check| check.outcome == CheckOutcome::Deviates).map(|check| {
            let approval = (check.code != DeviationCode::Malformed).then(|| nearest.name.clone());
            check.clone().into_deviation(approval)
        });
        assert_eq!(assessment.deviations, deviations.collect::<Vec<_>>());
    }

    let verdict = Judgement::of(workload, inventory, namespace.into(), now(), Detail::Verdict);
    let noted = verdict.approvals.iter().flat_map(|judged| judged.notes.checks());
    assert_eq!(noted.filter(|check| check.outcome == CheckOutcome::Held).count(), 0, "texts that nobody reads");
}

proptest! {
    #[test]
    fn an_explanation_agrees_with_its_assessment(
        workload in workload(),
        approvals in proptest::collection::vec(approval(), 0..5),
        env in proptest::sample::select(vec!["prod", "test"]),
    ) {
        let namespace = Labels::from([("env".to_owned(), env.to_owned())]);
        assert_consistent(&workload, &inventory(&approvals), &namespace);
    }
}

/// Everything that one approval of every kind of expectation says of a workload that satisfies it.
#[test]
fn every_expectation_is_explained() {
    let manifest = json!({
        "metadata": {"name": "report", "namespace": "web", "labels": {"team": "x", "tier": "1"}},
        "spec": {"schedule": "0 6 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "serviceAccountName": "app",
            "containers": [{
                "name": "a", "image": "app:1", "command": ["/bin/app"], "args": ["--token=hunter2-S3cr3t"],
                "livenessProbe": {"exec": {"command": ["/bin/app"]}},
                "envFrom": [{"secretRef": {"name": "db"}}, {"secretRef": {"name": "db"}}, {"configMapRef": {"name": "c"}}],
            }],
            "volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]
        }}}}}
    });
    let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap();
    let approval = json!({
        "match": {"namespaces": ["web"], "names": ["report"]},
        "expiresAt": "2027-01-01T00:00:00Z",
        "expected": {
            "schedules": ["@daily", "0 6 * * *"], "timeZones": [""], "minimumInterval": "1h", "windows": ["05:00-07:00"],
            "images": [{"repository": "app"}], "commands": [{"command": ["/bin/app"], "args": ["--token=hunter2-S3cr3t"]}],
            "serviceAccounts": ["app"], "labels": {"team": "x", "tier": "1"}, "suspended": false, "required": true,
            "deploymentPaths": ["argocd"],
        },
        "allowed": {"hostPaths": ["/var/*"], "secrets": ["db"], "configMaps": ["*"]},
    });
    let explanation = explain(&workload, &inventory(&[approval]), &Labels::new(), now());
    let lines: Vec<String> = explanation.approvals[0]
        .checks
        .iter()
        .map(|Check { code, field, path, expected, observed, outcome }| {
            let path = path.replace("spec.jobTemplate.spec.template.spec", "POD");
            format!("{outcome:?} {code} {} | {path} | {expected} | {observed}", field.trim_start_matches("spec."))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Held ApprovalExpired expiresAt |  | an approval that is still valid | it expires at 2027-01-01T00:00:00Z",
            "Held TimeZone expected.timeZones | spec.timeZone | no zone | none: the schedule ticks in the zone of the controller manager",
            "Held Schedule expected.schedules | spec.schedule | one of: @daily, 0 6 * * * | 0 6 * * *",
            "Held Interval expected.minimumInterval | spec.schedule | at least 1h between two runs | 0 6 * * *, which can run after 24h",
            "Held Window expected.windows | spec.schedule | within 05:00-07:00 | 0 6 * * * (UTC, assumed as the workload names no zone)",
            "Held Image expected.images | POD.containers[0].image | app | app:1",
            "Held Command expected.commands | POD.containers[0].command | [\"/bin/app\"] with args [\"--token=[redacted]\"] | [\"/bin/app\"] with args [\"--token=[redacted]\"]",
            "Held Command expected.commands | POD.containers[0].livenessProbe.exec.command | [\"/bin/app\"] | [\"/bin/app\"]",
            "Held Command expected.commands | POD.containers[0] | the programs of the image | nothing is mounted over them or loaded before them",
            "Held ServiceAccount expected.serviceAccounts | POD.serviceAccountName | app | app",
            "Held Suspended expected.suspended | spec.suspend | false | false",
            "Held Labels expected.labels | metadata.labels[team] | x | x",
            "Held Labels expected.labels | metadata.labels[tier] | 1 | 1",
            "Held Missing expected.required |  | the workload exists | it does",
            "Held PodSecurity allowed.podSecurity | POD | Pod Security Standard Baseline | nothing that Baseline refuses, but for host paths and capabilities",
            "Held PodSecurity allowed.hostPaths | POD.volumes[0].hostPath | only the host paths /var/* | /var/log",
            "Held Reference allowed.secrets | POD.containers[0].envFrom[0].secretRef | Secret db | Secret db",
            "Held Reference allowed.configMaps | POD.containers[0].envFrom[2].configMapRef | ConfigMap * | ConfigMap c",
            "Unknown DeploymentPath expected.deploymentPaths |  | deployed by argocd | not known here: only the operator is told who deploys; its finding and the condition FullyChecked of the approval say more",
        ]
    );
    assert_eq!(explanation.approvals[0].outcome, Some(Outcome::Unknown));
}

#[test]
fn an_approval_that_does_not_select_says_why() {
    let workload = with_container(&json!({"name": "a", "image": "app:1"}));
    let approvals = [
        json!({"match": {"kinds": ["Job"], "namespaces": ["api", "we"], "names": ["report-*"]}}),
        json!({"match": {
            "namespaceSelector": {"matchLabels": {"env": "prod"}, "matchExpressions": [{"key": "team", "operator": "Exists"}]},
            "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["b", "a"]}]},
        }}),
        json!({"match": {"names": ["a[b]"]}}),
    ];
    let namespace = Labels::from([("env".to_owned(), "te\u{1b}st".to_owned()), ("team".to_owned(), "web".to_owned())]);
    let explanation = explain(&workload, &inventory(&approvals), &namespace, now());
    let mismatches = |i: usize| -> Vec<(&str, &str, &str)> {
        let mismatches = explanation.approvals[i].mismatches.iter();
        mismatches.map(|Mismatch { field, expected, observed }| (&**field, &**expected, &**observed)).collect()
    };
    assert_eq!(
        mismatches(0),
        [
            ("spec.match.kinds", "Job", "CronJob"),
            ("spec.match.namespaces", "api or we", "web"),
            ("spec.match.names", "report-*", "report"),
        ]
    );
    assert_eq!(
        mismatches(1),
        [
            ("spec.match.namespaceSelector", "env=prod", "env=te\\u{1b}st"),
            ("spec.match.selector", "app in (a,b)", "no label app"),
        ]
    );
    assert_eq!(mismatches(2), [("spec.match", "a match that can be used", "it selects nothing")]);
    assert!(explanation.approvals[2].problems[0].starts_with("spec.match.names[0]: "));
}
