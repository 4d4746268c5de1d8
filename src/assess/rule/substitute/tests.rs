use serde_json::{Value, json};

use crate::api::ApprovedCronJob;
use crate::assess::assess;
use crate::inventory::{Approval, Inventory, Labels};
use crate::workload::{Workload, WorkloadKind};

/// What deviates in a container under an approval of its command.
fn deviations(container: &Value, init: &Value) -> Vec<String> {
    let volumes = json!([
        {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "scratch", "emptyDir": {}},
        {"name": "exact", "configMap": {"name": "scripts"}},
        {"name": "pattern", "configMap": {"name": "templates-a"}},
        {"name": "node", "hostPath": {"path": "/opt/driver"}},
    ]);
    let mut main = json!({
        "name": "a",
        "image": "app:1",
        "volumeMounts": [
            {"name": "claim", "mountPath": "/data"},
            {"name": "scratch", "mountPath": "/work"},
            {"name": "exact", "mountPath": "/scripts"},
            {"name": "pattern", "mountPath": "/templates"},
            {"name": "node", "mountPath": "/opt/driver"},
        ],
    });
    main.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    let manifest = json!({
        "metadata": {"name": "report", "namespace": "web"},
        "spec": {"schedule": "0 6 * * *", "jobTemplate": {"spec": {"template": {
            "metadata": {"annotations": {"x": "-javaagent:/data/a.jar"}},
            "spec": {"containers": [main], "initContainers": init, "volumes": volumes},
        }}}},
    });
    let spec = json!({
        "match": {"names": ["report"]},
        "expected": {"commands": [{"command": ["*", "**"]}, {}]},
        "allowed": {
            "podSecurity": "Privileged",
            "hostPaths": ["/opt/driver"],
            "configMaps": ["scripts", "templates-*"],
            "secrets": ["options"],
        },
    });
    let mut inventory = Inventory::default();
    inventory.insert(Approval::compile(&ApprovedCronJob::new("approval", serde_json::from_value(spec).unwrap())));
    let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string()).unwrap();
    let assessment = assess(&workload, &inventory, &Labels::new(), "2026-06-01T00:00:00Z".parse().unwrap());
    assessment.deviations.into_iter().map(|deviation| deviation.observed).collect()
}

fn of_variables(env: &Value) -> Vec<String> {
    deviations(&json!({ "env": env }), &json!([]))
}

#[test]
fn variables_that_bring_in_code_deviate_and_others_do_not() {
    for (name, value, observed) in [
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so.2", Some("LD_PRELOAD is set")),
        ("LD_PRELOAD", "", None),
        ("JAVA_TOOL_OPTIONS", "-Xmx2g -XX:MaxRAMPercentage=75 -Dfile.encoding=UTF-8", None),
        ("JAVA_TOOL_OPTIONS", "-Xmx2g -javaagent:/app/a.jar", Some("JAVA_TOOL_OPTIONS loads code by -javaagent")),
        ("_JAVA_OPTIONS", "'-java'\"agent:/a b.jar\"", Some("_JAVA_OPTIONS loads code by -javaagent")),
        ("JDK_JAVA_OPTIONS", "@/data/options", Some("JDK_JAVA_OPTIONS loads code by @")),
        ("JDK_JAVA_OPTIONS", "--add-opens java.base/java.lang=ALL-UNNAMED", None),
        ("NODE_OPTIONS", "--max-old-space-size=4096 --enable-source-maps", None),
        ("NODE_OPTIONS", "--no-warnings --require /templates/x.js", Some("NODE_OPTIONS loads code by --require")),
        ("NODE_OPTIONS", "--experimental_loader=/x.mjs", Some("NODE_OPTIONS loads code by --experimental-loader")),
        ("RUBYOPT", "-W:no-deprecated --yjit", None),
        ("RUBYOPT", "-wr/data/x", Some("RUBYOPT loads code by -r")),
        ("GIT_SSH_COMMAND", "ssh -i /keys/id -o StrictHostKeyChecking=yes", None),
        ("GIT_SSH_COMMAND", "ssh -o ProxyCommand=/data/x", Some("GIT_SSH_COMMAND runs another program than ssh")),
        ("GIT_SSH_COMMAND", "sh -c /data/x", Some("GIT_SSH_COMMAND runs another program than ssh")),
        ("PATH", "/usr/local/bin:/usr/bin:/bin", None),
        ("PATH", "/usr/bin:/data/../data/.bin", Some("PATH leads to claim data")),
        ("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64:/opt/driver/lib", None),
        ("LD_LIBRARY_PATH", "/database/lib", None),
        ("PYTHONPATH", "/app", None),
        ("PYTHONPATH", "/scripts", None),
        ("PYTHONPATH", "/templates", Some("PYTHONPATH leads to ConfigMap templates-a")),
        ("PYTHONPATH", "/work/deps", Some("PYTHONPATH leads to an empty directory")),
        ("PYTHONPATH", "/tmp/.x", Some("PYTHONPATH leads to /tmp, where any program can write")),
        ("GIT_ASKPASS", "/data/askpass", Some("GIT_ASKPASS leads to claim data")),
        ("GIT_ASKPASS", "echo", None),
        ("ENV", "production", None),
        ("NODE_ENV", "production", None),
        ("HOME", "/data", None),
    ] {
        let expected: Vec<&str> = observed.into_iter().collect();
        assert_eq!(of_variables(&json!([{"name": name, "value": value}])), expected, "{name}={value}");
    }
}

#[test]
fn values_from_elsewhere_are_followed() {
    let untold = ["JAVA_TOOL_OPTIONS is set to what cannot be told"];
    let loads = ["JAVA_TOOL_OPTIONS loads code by -javaagent"];
    let set =
        |earlier: Value, value: &str| of_variables(&json!([earlier, {"name": "JAVA_TOOL_OPTIONS", "value": value}]));
    assert_eq!(set(json!({"name": "A", "value": "agent:/data/a.jar"}), "-java$(A)"), loads);
    assert_eq!(set(json!({"name": "A", "value": "agent:/data/a.jar"}), "-Da=-java$$(A)"), [""; 0]);
    let field = |path: &str| json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}});
    assert_eq!(set(field("metadata.annotations['x']"), "$(A)"), untold);
    assert_eq!(set(field("metadata.name"), "-Dpod=$(A)"), [""; 0]);
    assert_eq!(set(json!({"name": "A", "value": "x"}), &format!("{} -javaagent:/a", "x".repeat(5000))), untold);
    let doubling: Vec<Value> = (0..64)
        .map(|i| json!({"name": format!("V{}", i + 1), "value": format!("$(V{i})$(V{i})aa")}))
        .chain([json!({"name": "JAVA_TOOL_OPTIONS", "value": "$(V64)"})])
        .collect();
    assert_eq!(of_variables(&json!(doubling)), untold);
    let secret = json!([{"name": "NODE_OPTIONS", "valueFrom": {"secretKeyRef": {"name": "options", "key": "node"}}}]);
    assert_eq!(of_variables(&secret), [""; 0]);
}

#[test]
fn an_empty_directory_is_spoken_for_by_who_fills_it() {
    let main = json!({"env": [{"name": "PYTHONPATH", "value": "/work/deps"}]});
    let init = |read_only: bool| {
        let mount = json!({"name": "scratch", "mountPath": "/out", "readOnly": read_only});
        json!([{"name": "i", "image": "deps:1", "volumeMounts": [mount]}])
    };
    assert_eq!(deviations(&main, &init(false)), [""; 0]);
    assert_eq!(deviations(&main, &init(true)), ["PYTHONPATH leads to an empty directory"]);
}

#[test]
fn working_directories_matter_to_relative_commands() {
    let relative = |directory: &str, line: &[&str]| {
        !deviations(&json!({"workingDir": directory, "command": line}), &json!([])).is_empty()
    };
    for line in [
        &["node", "dist/digest.js"][..],
        &["./run.sh"],
        &["bin/run"],
        &["sh", "-ec", "set -x\nA=1 ./run.sh && true"],
        &["bash", "-c", "if ! python3 run.py; then exit 1; fi"],
        &["bash", "-c", ". ./settings"],
        &["bash", "run.sh"],
        &["/usr/bin/python3.12", "-u", "-m", "etl"],
        &["java", "-Xmx1g", "-Djava.awt.headless=true", "-jar", "app.jar"],
    ] {
        assert!(relative("/data", line), "{line:?}");
        assert!(!relative("/app", line), "{line:?}");
    }
    for line in [
        &["tar", "czf", "./backup.tgz", "."][..],
        &["python3", "/app/run.py", "x"],
        &["sh", "-c", "pg_dump | gzip > ./dump.gz # in dumps/"],
        &["sh", "-c", "tar czf ./backup.tgz ./src && \"$TOOLS/upload\" ./backup.tgz"],
        &["/bin/sh", "/scripts/run.sh"],
        &[],
    ] {
        assert!(!relative("/data", line), "{line:?}");
    }
}
