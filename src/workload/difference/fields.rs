//! A workload as a list of fields.
//!
//! The structs are taken apart without `..`, so that a field that the normal form learns to hold is not forgotten here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Field;
use crate::workload::pod::{Container, EnvFrom, EnvSource, EnvVar, Hook, Mount, Role, Volume};
use crate::workload::redact::{REDACTED, arguments, command_line, credentials, printable};
use crate::workload::{Cron, JobSettings, Pod, Workload};

/// The longest value that is shown, in characters.
const SHOWN: usize = 256;
/// The longest path that is shown, in characters.
const LONGEST_PATH: usize = 256;

/// The fields of a workload, in the order in which they matter.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) all: Vec<Field>,
}

impl Fields {
    pub(super) fn of(workload: &Workload) -> Self {
        let Workload { key: _, uid: _, labels, marker_annotations, cron, job, pod } = workload;
        let mut fields = Self::default();
        if let Some(cron) = cron {
            fields.cron(cron);
        }
        fields.containers(workload.pod_path(), pod);
        fields.pod(workload.pod_path(), pod);
        fields.job(workload.job_path(), job);
        fields.map("metadata.labels", labels);
        fields.map("metadata.annotations", marker_annotations);
        fields
    }

    /// The fields of a pod whose spec has this path: first what each container is, then those of the pod, then the rest of the
    /// containers, so that many variables of one container cannot hide another container.
    pub(super) fn of_pod(path: &str, pod: &Pod) -> Self {
        let mut fields = Self::default();
        fields.containers(path, pod);
        fields.pod(path, pod);
        fields.all.sort_by_key(Field::rank);
        fields
    }

    fn containers(&mut self, path: &str, pod: &Pod) {
        for container in &pod.containers {
            self.container(&format!("{path}.{}[{}]", container.role.list(), container.index), container);
        }
    }

    fn cron(&mut self, cron: &Cron) {
        let Cron {
            schedule,
            time_zone,
            suspend,
            concurrency_policy,
            successful_history,
            failed_history,
            starting_deadline,
        } = cron;
        self.text("spec.schedule", schedule);
        self.optional("spec.timeZone", time_zone.as_deref());
        self.flag("spec.suspend", *suspend);
        self.text("spec.concurrencyPolicy", concurrency_policy);
        self.text("spec.successfulJobsHistoryLimit", &successful_history.to_string());
        self.text("spec.failedJobsHistoryLimit", &failed_history.to_string());
        self.number("spec.startingDeadlineSeconds", *starting_deadline);
    }

    fn job(&mut self, path: &str, job: &JobSettings) {
        let JobSettings { ttl_after_finished, active_deadline, suspend, parallelism, completions, manual_selector } =
            job;
        self.number(&format!("{path}.ttlSecondsAfterFinished"), *ttl_after_finished);
        self.number(&format!("{path}.activeDeadlineSeconds"), *active_deadline);
        self.flag(&format!("{path}.suspend"), *suspend);
        self.text(&format!("{path}.parallelism"), &parallelism.to_string());
        self.number(&format!("{path}.completions"), *completions);
        self.optional(&format!("{path}.manualSelector"), manual_selector.map(as_text));
    }

    fn pod(&mut self, path: &str, pod: &Pod) {
        let Pod {
            containers: _,
            volumes,
            service_account,
            automount_token,
            host_pid,
            host_ipc,
            host_network,
            own_user_namespace,
            share_process_namespace,
            security,
            labels,
            annotations,
            settings,
            app_armor_annotations,
            tolerations,
            node_selector,
            node_name,
            os,
            priority_class,
            runtime_class,
            restart_policy,
            image_pull_secrets,
        } = pod;
        self.text(&format!("{path}.serviceAccountName"), service_account);
        self.optional(&format!("{path}.automountServiceAccountToken"), automount_token.map(as_text));
        self.flag(&format!("{path}.hostPID"), *host_pid);
        self.flag(&format!("{path}.hostIPC"), *host_ipc);
        self.flag(&format!("{path}.hostNetwork"), *host_network);
        self.optional(&format!("{path}.hostUsers"), own_user_namespace.then_some("false"));
        self.flag(&format!("{path}.shareProcessNamespace"), *share_process_namespace);
        self.value(&format!("{path}.securityContext"), security);
        for Volume { name, source } in volumes {
            self.value(&format!("{path}.volumes[{name}]"), source);
        }
        let object = path.strip_suffix("spec").unwrap_or(path);
        self.map(&format!("{object}metadata.labels"), labels);
        self.map(&format!("{object}metadata.annotations"), annotations);
        self.map(&format!("{object}metadata.annotations(apparmor)"), app_armor_annotations);
        self.map(path, settings);
        self.map(&format!("{path}.nodeSelector"), node_selector);
        self.list(&format!("{path}.tolerations"), tolerations);
        self.optional(&format!("{path}.nodeName"), node_name.as_deref());
        self.optional(&format!("{path}.os.name"), os.as_deref());
        self.optional(&format!("{path}.priorityClassName"), priority_class.as_deref());
        self.optional(&format!("{path}.runtimeClassName"), runtime_class.as_deref());
        self.text(&format!("{path}.restartPolicy"), restart_policy);
        self.list(&format!("{path}.imagePullSecrets"), image_pull_secrets);
    }

    fn container(&mut self, path: &str, container: &Container) {
        let Container {
            role,
            index: _,
            name,
            image,
            pull_policy,
            command,
            args,
            working_dir,
            env,
            env_from,
            mounts,
            security,
            host_ports,
            hooks,
        } = container;
        // The same container may have another place in another version.
        let from = self.all.len();
        self.text(&format!("{path}.name"), name);
        self.text(&format!("{path}.image"), image);
        self.optional(&format!("{path}.restartPolicy"), (*role == Role::Sidecar).then_some("Always"));
        let (shown_command, shown_args) = command_line(command, args, SHOWN);
        self.line(&format!("{path}.command"), command, &shown_command);
        self.line(&format!("{path}.args"), args, &shown_args);
        self.text(&format!("{path}.imagePullPolicy"), pull_policy);
        self.optional(&format!("{path}.workingDir"), working_dir.as_deref());
        for variable in env {
            self.variable(path, variable);
        }
        for (i, source) in env_from.iter().enumerate() {
            let text = match source {
                EnvFrom::ConfigMap(name) => format!("all of ConfigMap {name}"),
                EnvFrom::Secret(name) => format!("all of Secret {name}"),
            };
            self.text(&format!("{path}.envFrom[{i}]"), &text);
        }
        for Mount { volume, path: at, sub_path, read_only } in mounts {
            let part = sub_path.as_ref().map(|part| format!(", only {part}")).unwrap_or_default();
            let mode = if *read_only { ", read-only" } else { "" };
            self.text(&format!("{path}.volumeMounts[{at}]"), &format!("volume {volume}{part}{mode}"));
        }
        self.value(&format!("{path}.securityContext"), security);
        self.list(&format!("{path}.ports"), host_ports);
        for Hook { field, command, host } in hooks {
            self.line(&format!("{path}.{field}.exec.command"), command, &arguments(command, SHOWN));
            if let Some((by, host)) = host {
                self.text(&format!("{path}.{field}.{by}.host"), host);
            }
        }
        for field in self.all.iter_mut().skip(from) {
            let rest = field.key.strip_prefix(path).unwrap_or_default();
            field.key = format!("{}[{name}]{rest}", role.list());
        }
    }

    /// A literal value is compared and never shown.
    fn variable(&mut self, path: &str, EnvVar { name, source }: &EnvVar) {
        let (raw, shown) = match source {
            EnvSource::Literal(value) => (value.expose().to_owned(), REDACTED.to_owned()),
            EnvSource::ConfigMap(name, key) => shown_as_it_is(format!("ConfigMap {name}, key {key}")),
            EnvSource::Secret(name, key) => shown_as_it_is(format!("Secret {name}, key {key}")),
            EnvSource::Field(field) => shown_as_it_is(format!("field {field}")),
            EnvSource::Other(field) => shown_as_it_is(field.clone()),
        };
        self.push(&format!("{path}.env[{name}]"), raw, &shown);
    }

    fn map(&mut self, path: &str, map: &BTreeMap<String, String>) {
        for (key, value) in map {
            self.text(&format!("{path}.{key}"), value);
        }
    }

    fn line(&mut self, path: &str, raw: &[String], shown: &[String]) {
        if !raw.is_empty() {
            let raw = serde_json::to_string(raw).unwrap_or_default();
            self.push(path, raw, &shown.join(" "));
        }
    }

    fn list<T: Serialize>(&mut self, path: &str, list: &[T]) {
        if !list.is_empty() {
            self.value(path, &list);
        }
    }

    fn value(&mut self, path: &str, value: &impl Serialize) {
        let value = serde_json::to_value(value).map(without_nulls).unwrap_or_default();
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        if !is_empty {
            self.text(path, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }

    fn flag(&mut self, path: &str, value: bool) {
        self.text(path, as_text(value));
    }

    fn number(&mut self, path: &str, value: Option<i64>) {
        self.optional(path, value.map(|value| value.to_string()).as_deref());
    }

    fn optional(&mut self, path: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(path, value);
        }
    }

    fn text(&mut self, path: &str, value: &str) {
        self.push(path, value.to_owned(), &credentials(value));
    }

    fn push(&mut self, path: &str, raw: String, shown: &str) {
        self.all.push(Field {
            key: path.to_owned(),
            path: printable(path, LONGEST_PATH),
            raw,
            shown: printable(shown, SHOWN),
        });
    }
}

/// The fields that say what a container is.
const ESSENTIAL: [&str; 6] = ["name", "image", "command", "args", "restartPolicy", "securityContext"];

impl Field {
    /// How far behind in a pod it is told.
    fn rank(&self) -> u8 {
        match self.key.split_once("].").filter(|(list, _)| list.to_ascii_lowercase().contains("containers[")) {
            Some((_, field)) if ESSENTIAL.contains(&field) => 0,
            Some(_) => 2,
            None => 1,
        }
    }
}

fn shown_as_it_is(text: String) -> (String, String) {
    (text.clone(), text)
}

fn as_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(entries) => Value::Array(entries.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
