//! From the fields of a manifest to the normal form, with the defaults that the API server would fill in.
//!
//! The defaults follow `pkg/apis/batch/v1/defaults.go` and `pkg/apis/core/v1/defaults.go` of Kubernetes.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fields::{self, Handler, Named, Object, PodSpec};
use super::image::ImageRef;
use super::markers::is_marker;
use super::pod::{
    Container, ContainerSecurityContext, EnvFrom, EnvSource, EnvVar, Hook, Literal, Mount, Pod, PodSecurityContext,
    Role, SeLinux, Toleration, Volume, VolumeSource,
};
use super::{Cron, JobSettings, Unreadable, Workload, WorkloadKey, WorkloadKind, redact, template};

/// The longest text that the normal form keeps as it is, in bytes. A longer one is cut, and its hash appended, so that it
/// still differs from every other text.
pub const LONGEST_TEXT: usize = 4096;

/// The sources of a volume that the normal form knows, the most dangerous first: the API server refuses more than one.
const KNOWN_SOURCES: [&str; 10] = [
    "hostPath",
    "csi",
    "image",
    "secret",
    "configMap",
    "projected",
    "persistentVolumeClaim",
    "ephemeral",
    "downwardAPI",
    "emptyDir",
];

/// The labels that the API server generates for the pods of a Job, and by that for a Job without labels of its own.
const GENERATED_LABELS: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn workload(kind: WorkloadKind, object: Object) -> Result<Workload, Unreadable> {
    let metadata = object.metadata.unwrap_or_default();
    let spec = object.spec.ok_or_else(|| Unreadable::new("spec is absent"))?;
    let (cron, job) = match kind {
        WorkloadKind::CronJob => {
            let (cron, job) = cron(spec)?;
            (Some(cron), job)
        }
        WorkloadKind::Job => (None, spec),
    };
    let template = job.template.unwrap_or_default();
    let template_metadata = template.metadata.unwrap_or_default();
    Ok(Workload {
        key: WorkloadKey {
            namespace: metadata.namespace.filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned()),
            name: metadata.name.unwrap_or_default(),
            kind,
        },
        uid: metadata.uid.unwrap_or_default(),
        labels: labels(kind, metadata.labels, template_metadata.labels.as_ref()),
        marker_annotations: text_map(metadata.annotations.map(markers)),
        cron,
        job: JobSettings {
            ttl_after_finished: job.ttl_seconds_after_finished,
            active_deadline: job.active_deadline_seconds,
            suspend: job.suspend.unwrap_or(false),
            parallelism: job.parallelism.unwrap_or(1),
            completions: job.completions.or(if job.parallelism.is_none() { Some(1) } else { None }),
            manual_selector: job.manual_selector.filter(|is_manual| *is_manual),
        },
        pod: pod(template.spec.unwrap_or_default(), template_metadata),
    })
}

type RawMap = Option<BTreeMap<String, Option<String>>>;

/// The annotations by which deployment tools mark what they apply.
fn markers(mut annotations: BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
    annotations.retain(|key, _| is_marker(key));
    annotations
}

/// The API server gives a Job without labels those of its pods.
fn labels(
    kind: WorkloadKind,
    own: RawMap,
    of_template: Option<&BTreeMap<String, Option<String>>>,
) -> BTreeMap<String, String> {
    let own = own.filter(|labels| !labels.is_empty());
    match kind {
        WorkloadKind::CronJob => text_map(own),
        WorkloadKind::Job => chosen_labels(own.or_else(|| of_template.cloned())),
    }
}

/// Labels without those that the API server generates.
fn chosen_labels(labels: RawMap) -> BTreeMap<String, String> {
    let mut labels = text_map(labels);
    labels.retain(|key, _| !GENERATED_LABELS.contains(&key.as_str()));
    labels
}

/// Splits the spec of a CronJob into what is its own and the spec of its Jobs.
fn cron(spec: fields::Spec) -> Result<(Cron, fields::Spec), Unreadable> {
    let job = spec
        .job_template
        .and_then(|template| template.spec)
        .ok_or_else(|| Unreadable::new("spec.jobTemplate.spec is absent"))?;
    let cron = Cron {
        schedule: bounded(spec.schedule.unwrap_or_default()),
        time_zone: spec.time_zone.map(bounded),
        suspend: spec.suspend.unwrap_or(false),
        concurrency_policy: or_default(spec.concurrency_policy, "Allow"),
        successful_history: spec.successful_jobs_history_limit.unwrap_or(3),
        failed_history: spec.failed_jobs_history_limit.unwrap_or(1),
        starting_deadline: spec.starting_deadline_seconds,
    };
    Ok((cron, *job))
}

pub(super) fn pod(spec: PodSpec, metadata: fields::Metadata) -> Pod {
    let init = containers(spec.init_containers, Role::Init);
    let main = containers(spec.containers, Role::Main);
    let ephemeral = containers(spec.ephemeral_containers, Role::Ephemeral);
    let account = spec.service_account_name.filter(|name| !name.is_empty()).or(spec.service_account);
    let settings = [
        ("affinity", spec.affinity),
        ("dnsConfig", spec.dns_config),
        ("dnsPolicy", spec.dns_policy.filter(|policy| policy != "ClusterFirst").map(Value::String)),
        ("hostAliases", spec.host_aliases),
        ("hostname", spec.hostname.map(Value::String)),
        ("schedulerName", spec.scheduler_name.filter(|name| name != "default-scheduler").map(Value::String)),
        ("subdomain", spec.subdomain.map(Value::String)),
    ];
    let (app_armor_annotations, annotations) =
        text_map(metadata.annotations).into_iter().partition(|(key, _)| key.starts_with(APP_ARMOR_ANNOTATION));
    Pod {
        labels: chosen_labels(metadata.labels),
        annotations,
        settings: settings
            .into_iter()
            .filter_map(|(field, value)| Some((field.to_owned(), bounded(template::canonical(value?)?))))
            .collect(),
        app_armor_annotations: without_prefix(app_armor_annotations),
        containers: init.chain(main).chain(ephemeral).collect(),
        volumes: spec.volumes.unwrap_or_default().into_iter().map(volume).collect(),
        // Filled in when the pod is created, by the ServiceAccount admission plugin.
        service_account: or_default(account, "default"),
        automount_token: spec.automount_service_account_token,
        host_pid: spec.host_pid.unwrap_or(false),
        host_ipc: spec.host_ipc.unwrap_or(false),
        host_network: spec.host_network.unwrap_or(false),
        own_user_namespace: spec.host_users == Some(false),
        share_process_namespace: spec.share_process_namespace.unwrap_or(false),
        security: pod_security(spec.security_context.unwrap_or_default()),
        tolerations: spec.tolerations.unwrap_or_default().into_iter().map(toleration).collect(),
        node_selector: text_map(spec.node_selector),
        node_name: non_empty(spec.node_name),
        os: spec.os.and_then(|os| os.name),
        priority_class: non_empty(spec.priority_class_name),
        runtime_class: spec.runtime_class_name,
        // There is no default that a Job could have: the API server refuses `Always`, which it would fill in.
        restart_policy: spec.restart_policy.unwrap_or_default(),
        image_pull_secrets: spec.image_pull_secrets.unwrap_or_default().into_iter().map(name).collect(),
    }
}

fn without_prefix(annotations: BTreeMap<String, String>) -> BTreeMap<String, String> {
    annotations
        .into_iter()
        .filter_map(|(key, profile)| Some((key.strip_prefix(APP_ARMOR_ANNOTATION)?.to_owned(), profile)))
        .collect()
}

fn containers(list: Option<Vec<fields::Container>>, role: Role) -> impl Iterator<Item = Container> {
    (0u32..).zip(list.unwrap_or_default()).map(move |(index, raw)| container(raw, role, index))
}

fn container(raw: fields::Container, role: Role, index: u32) -> Container {
    let role = match role {
        Role::Init if raw.restart_policy.as_deref() == Some("Always") => Role::Sidecar,
        role => role,
    };
    let image = bounded(raw.image.unwrap_or_default());
    let mounts = raw.volume_mounts.unwrap_or_default().into_iter().map(mount);
    let devices = raw.volume_devices.unwrap_or_default().into_iter().map(device);
    Container {
        role,
        index,
        name: raw.name.unwrap_or_default(),
        pull_policy: or_default(raw.image_pull_policy, default_pull_policy(&image)),
        image,
        command: texts(raw.command),
        args: texts(raw.args),
        working_dir: non_empty(raw.working_dir).map(bounded),
        env: raw.env.unwrap_or_default().into_iter().map(env_var).collect(),
        env_from: raw.env_from.unwrap_or_default().into_iter().filter_map(env_from).collect(),
        mounts: mounts.chain(devices).collect(),
        security: security(raw.security_context.unwrap_or_default()),
        host_ports: raw.ports.unwrap_or_default().into_iter().filter_map(|p| p.host_port).filter(|p| *p != 0).collect(),
        hooks: [
            ("livenessProbe", raw.liveness_probe),
            ("readinessProbe", raw.readiness_probe),
            ("startupProbe", raw.startup_probe),
        ]
        .into_iter()
        .chain(raw.lifecycle.into_iter().flat_map(|lifecycle| {
            [("lifecycle.postStart", lifecycle.post_start), ("lifecycle.preStop", lifecycle.pre_stop)]
        }))
        .filter_map(|(field, handler)| hook(field, handler?))
        .collect(),
    }
}

/// `Always` for the tag `latest`, else `IfNotPresent`. An image that cannot be parsed gets no tag, as in the API server.
fn default_pull_policy(image: &str) -> &'static str {
    match ImageRef::parse(image) {
        Ok(image) if image.tag() == Some("latest") => "Always",
        _ => "IfNotPresent",
    }
}

/// `procMount: Default` is what the API server fills in for none. Empty lists are not stored.
fn security(mut context: ContainerSecurityContext) -> ContainerSecurityContext {
    context.proc_mount = context.proc_mount.filter(|mount| mount != "Default");
    if let Some(capabilities) = &mut context.capabilities {
        capabilities.add.take_if(|list| list.is_empty());
        capabilities.drop.take_if(|list| list.is_empty());
    }
    context.se_linux_options = context.se_linux_options.map(se_linux);
    context
}

fn pod_security(mut context: PodSecurityContext) -> PodSecurityContext {
    context.sysctls.take_if(|list| list.is_empty());
    context.se_linux_options = context.se_linux_options.map(se_linux);
    context
}

fn se_linux(label: SeLinux) -> SeLinux {
    SeLinux {
        user: non_empty(label.user),
        role: non_empty(label.role),
        kind: non_empty(label.kind),
        level: non_empty(label.level),
    }
}

fn toleration(raw: Toleration) -> Toleration {
    Toleration {
        key: non_empty(raw.key),
        operator: non_empty(raw.operator),
        value: non_empty(raw.value),
        effect: non_empty(raw.effect),
    }
}

fn env_var(raw: fields::EnvVar) -> EnvVar {
    let from = raw.value_from.unwrap_or_default().into_iter().find_map(|(field, selector)| Some((field, selector?)));
    let source = match from {
        None => EnvSource::Literal(Literal(bounded(raw.value.unwrap_or_default()))),
        Some((field, selector)) => {
            let name = selector.name.unwrap_or_default();
            let key = selector.key.unwrap_or_default();
            match field.as_str() {
                "configMapKeyRef" => EnvSource::ConfigMap(name, key),
                "secretKeyRef" => EnvSource::Secret(name, key),
                "fieldRef" => EnvSource::Field(selector.field_path.unwrap_or_default()),
                _ => EnvSource::Other(format!("{field} {}", selector.resource.unwrap_or(key)).trim_end().to_owned()),
            }
        }
    };
    EnvVar { name: bounded(raw.name.unwrap_or_default()), source }
}

fn env_from(raw: fields::EnvFrom) -> Option<EnvFrom> {
    let config_map = raw.config_map_ref.map(|r| EnvFrom::ConfigMap(name(r)));
    config_map.or_else(|| raw.secret_ref.map(|r| EnvFrom::Secret(name(r))))
}

fn mount(raw: fields::Mount) -> Mount {
    Mount {
        volume: raw.name.unwrap_or_default(),
        path: bounded(raw.mount_path.unwrap_or_default()),
        sub_path: non_empty(raw.sub_path).or(non_empty(raw.sub_path_expr)).map(bounded),
        read_only: raw.read_only.unwrap_or(false),
    }
}

fn device(raw: fields::Device) -> Mount {
    Mount {
        volume: raw.name.unwrap_or_default(),
        path: bounded(raw.device_path.unwrap_or_default()),
        ..Mount::default()
    }
}

fn hook(field: &str, handler: Handler) -> Option<Hook> {
    let hosted = |field: &str, hosted: Option<fields::Hosted>| Some((field.to_owned(), non_empty(hosted?.host)?));
    let hook = Hook {
        field: field.to_owned(),
        command: texts(handler.exec.and_then(|exec| exec.command)),
        host: hosted("httpGet", handler.http_get).or_else(|| hosted("tcpSocket", handler.tcp_socket)),
    };
    (!hook.command.is_empty() || hook.host.is_some()).then_some(hook)
}

fn volume(mut fields: BTreeMap<String, Value>) -> Volume {
    let name = fields.remove("name").as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    fields.retain(|_, value| !value.is_null());
    // A field that Kubernetes does not know is dropped by the API server and must not hide one that it does know.
    let known = KNOWN_SOURCES.iter().find_map(|field| fields.remove_entry(*field));
    let source = known.or_else(|| fields.pop_first());
    Volume { name, source: source.map_or(VolumeSource::EmptyDir, |(field, value)| volume_source(field, &value)) }
}

fn volume_source(field: String, value: &Value) -> VolumeSource {
    let text = |name: &str| bounded(value[name].as_str().unwrap_or_default().to_owned());
    match field.as_str() {
        "emptyDir" => VolumeSource::EmptyDir,
        "hostPath" => VolumeSource::HostPath(text("path")),
        "configMap" => VolumeSource::ConfigMap(text("name")),
        "secret" => VolumeSource::Secret(text("secretName")),
        "downwardAPI" => VolumeSource::DownwardApi,
        "persistentVolumeClaim" => VolumeSource::PersistentVolumeClaim(text("claimName")),
        "ephemeral" => VolumeSource::Ephemeral,
        "image" => VolumeSource::Image(text("reference")),
        "csi" => VolumeSource::Csi {
            driver: text("driver"),
            secret: value["nodePublishSecretRef"]["name"].as_str().map(str::to_owned),
        },
        "projected" => projected(&value["sources"]),
        _ => VolumeSource::Other {
            secrets: ["/secretRef/name", "/secretName"]
                .into_iter()
                .filter_map(|pointer| value.pointer(pointer)?.as_str().map(str::to_owned))
                .collect(),
            field,
        },
    }
}

fn projected(sources: &Value) -> VolumeSource {
    let sources = sources.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = |field: &str| {
        sources
            .iter()
            .filter_map(|source| source[field]["name"].as_str().map(|name| bounded(name.to_owned())))
            .collect()
    };
    VolumeSource::Projected {
        config_maps: names("configMap"),
        secrets: names("secret"),
        token: sources.iter().any(|source| !source["serviceAccountToken"].is_null()),
    }
}

fn name(named: Named) -> String {
    bounded(named.name.unwrap_or_default())
}

fn texts(list: Option<Vec<Option<String>>>) -> Vec<String> {
    list.unwrap_or_default().into_iter().map(|text| bounded(text.unwrap_or_default())).collect()
}

fn text_map(map: Option<BTreeMap<String, Option<String>>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().map(|(key, value)| (key, bounded(value.unwrap_or_default()))).collect()
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn or_default(text: Option<String>, default: &str) -> String {
    non_empty(text).unwrap_or_else(|| default.to_owned())
}

fn bounded(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let digest = redact::hex(&Sha256::digest(text.as_bytes()), 64);
    let cut = text.floor_char_boundary(LONGEST_TEXT);
    format!("{}… ({} bytes, sha256:{digest})", &text[..cut], text.len())
}
