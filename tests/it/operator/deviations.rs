//! Every deviation that follows from a CronJob alone: the change that makes it, and what the finding then says.

use anyhow::Context;
use cronwarden::api::approval::WorkloadKind;
use cronwarden::api::code::DeviationCode;
use cronwarden::workload::Workload;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::scene::{approval, cron_job};

/// Where all cases live.
pub const NAMESPACE: &str = "payments";

const POD_SPEC: &str = "spec.jobTemplate.spec.template.spec";
const REPOSITORY: &str = "registry.example.com/backup/pgdump";

/// One change of an approved CronJob, and the only deviation that it makes.
pub struct Case {
    pub name: &'static str,
    pub approval: Value,
    pub approved: Value,
    pub changed: Value,
    pub code: DeviationCode,
    pub path: String,
    pub expected: String,
    pub observed: String,
}

/// Puts a value where a JSON pointer points; null takes away what is there.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let mut place = object;
    for part in parent.split('/').skip(1) {
        place = match part.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[part],
        };
    }
    match (place.as_object_mut(), value) {
        (Some(fields), Value::Null) => drop(fields.remove(last)),
        (_, value) => place[last] = value,
    }
}

/// The pointer to a field of the pod spec.
pub fn pod(field: &str) -> String {
    format!("/spec/jobTemplate/spec/template/spec/{field}")
}

/// The pointer to a field of the only container.
pub fn container(field: &str) -> String {
    pod(&format!("containers/0/{field}"))
}

/// A case that is about to be put together.
struct Draft {
    name: &'static str,
    approval: Value,
    approved: Value,
    changed: Value,
}

fn case(name: &'static str) -> Draft {
    let approved = cron_job(NAMESPACE, name);
    Draft { name, approval: approval(NAMESPACE, name), changed: approved.clone(), approved }
}

impl Draft {
    /// The approval is another one than usual.
    fn approval(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.approval, pointer, value);
        self
    }

    /// The CronJob is another one than usual, before and after the change.
    fn base(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.approved, pointer, value);
        self.changed = self.approved.clone();
        self
    }

    fn change(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.changed, pointer, value);
        self
    }

    fn deviates(
        self,
        code: DeviationCode,
        path: impl Into<String>,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Case {
        let Self { name, approval, approved, changed } = self;
        let (path, expected, observed) = (path.into(), expected.into(), observed.into());
        Case { name, approval, approved, changed, code, path, expected, observed }
    }
}

/// All cases.
pub fn cases() -> anyhow::Result<Vec<Case>> {
    let mut cases = times();
    cases.extend(images());
    cases.extend(commands());
    cases.extend(identity());
    cases.extend(templates()?);
    cases.extend(pod_security());
    cases.extend(references());
    cases.extend(malformed());
    Ok(cases)
}

fn times() -> Vec<Case> {
    let year = Timestamp::now().to_zoned(TimeZone::UTC).year();
    vec![
        case("schedule").change("/spec/schedule", json!("30 3 * * *")).deviates(
            DeviationCode::Schedule,
            "spec.schedule",
            "0 2 * * *",
            "30 3 * * *",
        ),
        case("zone").change("/spec/timeZone", json!("Etc/GMT-1")).deviates(
            DeviationCode::TimeZone,
            "spec.timeZone",
            "Etc/UTC",
            "Etc/GMT-1",
        ),
        case("no-zone").change("/spec/timeZone", Value::Null).deviates(
            DeviationCode::TimeZone,
            "spec.timeZone",
            "Etc/UTC",
            "none: the schedule ticks in the zone of the controller manager",
        ),
        case("interval")
            .approval("/spec/expected/schedules", Value::Null)
            .change("/spec/schedule", json!("0,30 2 * * *"))
            .deviates(
                DeviationCode::Interval,
                "spec.schedule",
                "at least 1h between two runs",
                "0,30 2 * * *, which can run after 30m",
            ),
        case("window")
            .approval("/spec/expected/schedules", Value::Null)
            .change("/spec/schedule", json!("0 6 * * *"))
            .deviates(
                DeviationCode::Window,
                "spec.schedule",
                "within 01:00-05:00",
                format!("0 6 * * *, which runs for example at {year}-01-01 06:00 (Etc/UTC)"),
            ),
    ]
}

fn images() -> Vec<Case> {
    let path = format!("{POD_SPEC}.containers[0].image");
    let (approved, other) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
    let image = |name, image: &str| case(name).change(&container("image"), json!(image));
    vec![
        image("image-repository", "registry.example.com.evil.io/backup/pgdump:v3.2").deviates(
            DeviationCode::Image,
            &path,
            format!("{REPOSITORY}:v3.*"),
            "registry.example.com.evil.io/backup/pgdump:v3.2",
        ),
        image("image-tag", "registry.example.com/backup/pgdump:v4.0").deviates(
            DeviationCode::Image,
            &path,
            format!("{REPOSITORY}:v3.*"),
            format!("{REPOSITORY}:v4.0"),
        ),
        case("image-digest")
            .approval("/spec/expected/images", json!([{ "repository": REPOSITORY, "digests": [approved] }]))
            .base(&container("image"), json!(format!("{REPOSITORY}@{approved}")))
            .change(&container("image"), json!(format!("{REPOSITORY}@{other}")))
            .deviates(
                DeviationCode::ImageDigest,
                &path,
                format!("{REPOSITORY}@{approved}"),
                format!("{REPOSITORY}@{other}"),
            ),
        case("image-without-digest")
            .approval("/spec/expected/images", json!([{ "repository": REPOSITORY, "requireDigest": true }]))
            .base(&container("image"), json!(format!("{REPOSITORY}:v3.2@{approved}")))
            .change(&container("image"), json!(format!("{REPOSITORY}:v3.2")))
            .deviates(
                DeviationCode::ImageDigest,
                &path,
                format!("{REPOSITORY} by digest"),
                format!("{REPOSITORY}:v3.2"),
            ),
    ]
}

fn commands() -> Vec<Case> {
    let deviates = |draft: Draft, path: &str, expected: &str, observed: &str| {
        draft.deviates(DeviationCode::Command, format!("{POD_SPEC}.{path}"), expected, observed)
    };
    let init = json!([{
        "name": "prepare",
        "image": "registry.example.com/backup/pgdump:v3.2",
        "command": ["/bin/sh"],
        "args": ["-c", "true"],
    }]);
    vec![
        deviates(
            case("command").change(&container("command"), json!(["/bin/sh"])),
            "containers[0].command",
            r#"["/usr/bin/pgdump"]"#,
            r#"["/bin/sh"] with args ["--all"]"#,
        ),
        deviates(
            case("arguments").change(&container("args"), json!(["--all", "--host=elsewhere"])),
            "containers[0].args",
            r#"["--all"]"#,
            r#"["--all", "--host=elsewhere"]"#,
        ),
        deviates(
            case("init-container").change(&pod("initContainers"), init),
            "initContainers[0].command",
            r#"["/usr/bin/pgdump"]"#,
            r#"["/bin/sh"] with args ["-c", "true"]"#,
        ),
        deviates(
            case("hook").change(&container("lifecycle"), json!({ "preStop": { "exec": { "command": ["/bin/rm"] } } })),
            "containers[0].lifecycle.preStop.exec.command",
            r#"["/usr/bin/pgdump"]"#,
            r#"["/bin/rm"]"#,
        ),
    ]
}

fn identity() -> Vec<Case> {
    let label = |name, value, observed: &str| {
        case(name).change("/metadata/labels/team", value).deviates(
            DeviationCode::Labels,
            "metadata.labels[team]",
            "payments",
            observed,
        )
    };
    vec![
        case("service-account").change(&pod("serviceAccountName"), json!("cluster-admin")).deviates(
            DeviationCode::ServiceAccount,
            format!("{POD_SPEC}.serviceAccountName"),
            "backup",
            "cluster-admin",
        ),
        label("label", json!("intruders"), "intruders"),
        label("no-label", Value::Null, "absent"),
        case("suspended").change("/spec/suspend", json!(true)).deviates(
            DeviationCode::Suspended,
            "spec.suspend",
            "false",
            "true",
        ),
        case("jobs-suspended").change("/spec/jobTemplate/spec/suspend", json!(true)).deviates(
            DeviationCode::Suspended,
            "spec.jobTemplate.spec.suspend",
            "false",
            "true",
        ),
    ]
}

/// The hash is worked out from the manifests: that of what the API server stores has to be the same.
fn templates() -> anyhow::Result<Vec<Case>> {
    let hash = |manifest: &Value| {
        let workload = Workload::from_json(WorkloadKind::CronJob, &manifest.to_string());
        workload.map(|workload| workload.template_hash()).context("a manifest that cannot be read")
    };
    let draft = case("template").change(&container("env/0/name"), json!("PGUSER"));
    let (expected, observed) = (hash(&draft.approved)?, hash(&draft.changed)?);
    let draft = draft.approval("/spec/expected/templateHash", json!(expected));
    Ok(vec![draft.deviates(DeviationCode::Template, POD_SPEC, expected, observed)])
}

fn pod_security() -> Vec<Case> {
    let deviates = |draft: Draft, path: &str, expected: &str, observed: &str| {
        draft.deviates(DeviationCode::PodSecurity, format!("{POD_SPEC}.{path}"), expected, observed)
    };
    let host_path = json!([{ "name": "node", "hostPath": { "path": "/etc" } }]);
    vec![
        deviates(
            case("privileged").change(&container("securityContext"), json!({ "privileged": true })),
            "containers[0].securityContext.privileged",
            "Pod Security Standard Baseline",
            "true",
        ),
        deviates(case("host-path").change(&pod("volumes"), host_path), "volumes[0].hostPath", "no host paths", "/etc"),
        deviates(
            case("capability")
                .approval("/spec/allowed/capabilities", json!(["NET_RAW"]))
                .base(&container("securityContext"), json!({ "capabilities": { "add": ["NET_RAW"] } }))
                .change(&container("securityContext/capabilities/add"), json!(["NET_RAW", "SYS_ADMIN"])),
            "containers[0].securityContext.capabilities.add[1]",
            "only the capabilities NET_RAW",
            "SYS_ADMIN",
        ),
        deviates(
            case("host-network").change(&pod("hostNetwork"), json!(true)),
            "hostNetwork",
            "Pod Security Standard Baseline",
            "true",
        ),
    ]
}

fn references() -> Vec<Case> {
    vec![
        case("secret").change(&container("envFrom"), json!([{ "secretRef": { "name": "root-ca" } }])).deviates(
            DeviationCode::Reference,
            format!("{POD_SPEC}.containers[0].envFrom[0].secretRef"),
            "Secret pg-credentials",
            "Secret root-ca",
        ),
        case("config-map")
            .change(&pod("volumes"), json!([{ "name": "scripts", "configMap": { "name": "scripts" } }]))
            .deviates(
                DeviationCode::Reference,
                format!("{POD_SPEC}.volumes[0].configMap"),
                "no ConfigMap",
                "ConfigMap scripts",
            ),
    ]
}

fn malformed() -> Vec<Case> {
    vec![case("malformed-image").change(&container("image"), json!("registry.example.com/Backup:v3.2")).deviates(
        DeviationCode::Malformed,
        format!("{POD_SPEC}.containers[0].image"),
        "a valid image reference",
        "\"Backup\" is not a repository path segment: write lowercase letters and digits, joined by `.`, `_`, `__` or \
         `-`, and one `/` between segments",
    )]
}
