//! What a workload looks like, redacted and bounded.

use crate::api::finding::{Snapshot, SnapshotContainer};
use crate::workload::pod::{Container, EnvFrom, EnvSource, VolumeSource};
use crate::workload::redact::{command_line, credentials, printable};
use crate::workload::{Workload, pod_security};

/// The size that a snapshot may have, in bytes of JSON. It leaves room for what comes last, the note of what is left out.
const LARGEST: usize = 8 * 1024 - 256;
/// The size that a container may have there before it is shown in short.
const LARGEST_CONTAINER: usize = 3 * 1024;
const LONGEST_TEXT: usize = 256;
const MOST_ENTRIES: usize = 24;

/// Keeps what fits, in the order in which it matters: what runs, then labels and volumes.
pub(super) fn of(workload: &Workload) -> Snapshot {
    let mut snapshot = Snapshot {
        schedule: workload.cron.as_ref().map(|cron| printable(&cron.schedule, LONGEST_TEXT)),
        time_zone: workload
            .cron
            .as_ref()
            .and_then(|cron| cron.time_zone.as_deref())
            .map(|zone| printable(zone, LONGEST_TEXT)),
        suspend: workload.suspended(),
        service_account: printable(&workload.pod.service_account, LONGEST_TEXT),
        pod_security: pod_security::level(&workload.pod).as_str().to_owned(),
        ..Snapshot::default()
    };
    let mut room = Room { left: LARGEST.saturating_sub(size(&snapshot)) };
    let containers = room.fill(&mut snapshot.containers, workload.pod.containers.iter().map(container));
    let labels = workload.labels.iter().map(|(key, value)| printable(&format!("{key}={value}"), LONGEST_TEXT));
    let labels = room.fill(&mut snapshot.labels, labels);
    let volumes = workload.pod.volumes.iter().map(|v| format!("{}: {}", printable(&v.name, 63), volume(&v.source)));
    let left_out = room.fill(&mut snapshot.volumes, volumes);
    let left_out: Vec<String> = [(containers, "containers"), (labels, "labels"), (left_out, "volumes")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    snapshot.truncated =
        (!left_out.is_empty()).then(|| format!("{} left out: the snapshot is full", left_out.join(", ")));
    snapshot
}

/// The room that is left in a snapshot.
struct Room {
    left: usize,
}

impl Room {
    /// Takes what fits and returns how many did not.
    fn fill<T: serde::Serialize>(&mut self, list: &mut Vec<T>, mut entries: impl Iterator<Item = T>) -> usize {
        while let Some(entry) = entries.next() {
            // A comma, a colon and a pair of quotes may come on top.
            let needed = size(&entry) + 4;
            if needed > self.left || list.len() >= MOST_ENTRIES {
                return entries.count() + 1;
            }
            self.left -= needed;
            list.push(entry);
        }
        0
    }
}

fn size(value: &impl serde::Serialize) -> usize {
    // Everything in a snapshot has a JSON form.
    serde_json::to_string(value).map_or(0, |text| text.len())
}

/// A container, as fully as its share of the room allows: one that is padded must not push out the others.
fn container(container: &Container) -> SnapshotContainer {
    let full = within(container, MOST_ENTRIES, LONGEST_TEXT);
    if size(&full) <= LARGEST_CONTAINER { full } else { within(container, MOST_ENTRIES / 6, LONGEST_TEXT / 4) }
}

fn within(container: &Container, entries: usize, length: usize) -> SnapshotContainer {
    let variables = container.env.iter().map(|variable| match &variable.source {
        EnvSource::Literal(_) => format!("{}=[redacted]", variable.name),
        EnvSource::ConfigMap(name, key) => format!("{} from ConfigMap {name}, key {key}", variable.name),
        EnvSource::Secret(name, key) => format!("{} from Secret {name}, key {key}", variable.name),
        EnvSource::Field(path) => format!("{} from {path}", variable.name),
        EnvSource::Other(field) => format!("{} from {field}", variable.name),
    });
    let whole = container.env_from.iter().map(|source| match source {
        EnvFrom::ConfigMap(name) => format!("all of ConfigMap {name}"),
        EnvFrom::Secret(name) => format!("all of Secret {name}"),
    });
    let (command, args) = command_line(&container.command, &container.args, length);
    SnapshotContainer {
        name: printable(&container.name, 63),
        role: container.role.as_str().to_owned(),
        image: printable(&credentials(&container.image), length),
        command: shortened(command, entries),
        args: shortened(args, entries),
        env: shortened(variables.chain(whole).map(|text| printable(&text, length)).collect(), entries),
    }
}

fn shortened(mut list: Vec<String>, most: usize) -> Vec<String> {
    let more = list.len().saturating_sub(most);
    if more > 0 {
        list.truncate(most);
        list.push(format!("… ({more} more)"));
    }
    list
}

fn volume(source: &VolumeSource) -> String {
    let text = match source {
        VolumeSource::EmptyDir => "empty directory".to_owned(),
        VolumeSource::HostPath(path) => format!("path of the node {path}"),
        VolumeSource::ConfigMap(name) => format!("ConfigMap {name}"),
        VolumeSource::Secret(name) => format!("Secret {name}"),
        VolumeSource::Projected { config_maps, secrets, token } => {
            let mut parts: Vec<String> = config_maps.iter().map(|name| format!("ConfigMap {name}")).collect();
            parts.extend(secrets.iter().map(|name| format!("Secret {name}")));
            parts.extend(token.then(|| "service account token".to_owned()));
            format!("projected {}", parts.join(", "))
        }
        VolumeSource::DownwardApi => "fields of the pod".to_owned(),
        VolumeSource::PersistentVolumeClaim(name) => format!("claim {name}"),
        VolumeSource::Ephemeral => "ephemeral claim".to_owned(),
        VolumeSource::Csi { driver, secret: _ } => format!("driver {driver}"),
        VolumeSource::Image(reference) => format!("image {reference}"),
        VolumeSource::Other { field, secrets: _ } => field.clone(),
    };
    printable(&text, LONGEST_TEXT)
}
