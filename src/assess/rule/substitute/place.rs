//! What lies at a path of a container, and whether the approval speaks for it.

use super::super::super::SHOWN;
use super::super::super::facts::Facts;
use crate::inventory::Rules;
use crate::workload::Container;
use crate::workload::pattern::Pattern;
use crate::workload::pod::{Mount, Role, Volume, VolumeSource, clean_path};
use crate::workload::redact::printable;

/// Folders of every image that any program may write to, whatever it was sent.
const SCRATCH: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// What a mounted volume holds, if no list of the approval speaks for it. ConfigMaps, Secrets, host paths and images are judged by
/// lists of their own, and an empty directory is filled by containers that are judged too.
pub(super) fn unapproved_content(facts: &Facts<'_>, mount: &Mount) -> Option<String> {
    match &volume(facts, mount)?.source {
        VolumeSource::DownwardApi => Some("fields of the pod".to_owned()),
        VolumeSource::PersistentVolumeClaim(name) => Some(format!("claim {}", printable(name, SHOWN))),
        VolumeSource::Ephemeral => Some("an ephemeral claim".to_owned()),
        VolumeSource::Csi { driver, secret: _ } => Some(format!("storage of driver {}", printable(driver, SHOWN))),
        VolumeSource::Projected { .. } => Some("projected files".to_owned()),
        VolumeSource::Other { field, secrets: _ } => Some(format!("a volume of type {}", printable(field, SHOWN))),
        VolumeSource::EmptyDir
        | VolumeSource::HostPath(_)
        | VolumeSource::ConfigMap(_)
        | VolumeSource::Secret(_)
        | VolumeSource::Image(_) => None,
    }
}

/// What lies at a path that programs are taken from, if nobody approved it as a place for programs. The image itself is approved.
///
/// This asks for more than a mount does, because data is all that most volumes are approved for: a ConfigMap or Secret has to be
/// allowed by its own name, not by a pattern that others fit as well, and an empty directory has to be filled by an init container
/// or sidecar, whose command is judged. Else it holds what the program itself fetched or unpacked.
pub(super) fn unapproved_programs(
    facts: &Facts<'_>,
    rules: &Rules,
    container: &Container,
    path: &str,
) -> Option<String> {
    let path = clean_path(path);
    let innermost = container
        .mounts
        .iter()
        .map(|mount| (clean_path(&mount.path), mount))
        .filter(|(folder, _)| is_under(&path, folder))
        .max_by_key(|(folder, _)| folder.len());
    let Some((_, mount)) = innermost else {
        let folder = SCRATCH.iter().find(|folder| is_under(&path, folder))?;
        return Some(format!("{folder}, where any program can write"));
    };
    match &volume(facts, mount)?.source {
        VolumeSource::ConfigMap(name) => {
            (!names(&rules.config_maps, name)).then(|| format!("ConfigMap {}", printable(name, SHOWN)))
        }
        VolumeSource::Secret(name) => {
            (!names(&rules.secrets, name)).then(|| format!("Secret {}", printable(name, SHOWN)))
        }
        VolumeSource::EmptyDir => (!is_filled_before(facts, container, mount)).then(|| "an empty directory".to_owned()),
        _ => unapproved_content(facts, mount),
    }
}

/// Whether a path is a folder or lies in it. Both are in their shortest form.
pub(super) fn is_under(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn volume<'a>(facts: &Facts<'a>, mount: &Mount) -> Option<&'a Volume> {
    facts.workload.pod.volumes.iter().find(|volume| volume.name == mount.volume)
}

/// Whether a list has the very name, and not just a pattern that fits it.
fn names(allowed: &[Pattern], name: &str) -> bool {
    allowed.iter().any(|pattern| pattern.as_literal() == Some(name))
}

/// Whether another container that starts before the program can write to the volume.
fn is_filled_before(facts: &Facts<'_>, container: &Container, mount: &Mount) -> bool {
    facts.workload.pod.containers.iter().any(|other| {
        matches!(other.role, Role::Init | Role::Sidecar)
            && (other.role.list(), other.index) != (container.role.list(), container.index)
            && other.mounts.iter().any(|its| its.volume == mount.volume && !its.read_only)
    })
}
