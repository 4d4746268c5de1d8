//! What runs in the place of an approved image's own program: volumes mounted over programs, and variables that make a program
//! load other code.
//!
//! Where an approval says what may run, but does not pin the whole template by `expected.templateHash`, such a substitution would
//! let other code run under an approved image and command.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use crate::api::code::DeviationCode;
use crate::inventory::Rules;
use crate::workload::Container;
use crate::workload::pod::{EnvSource, Mount, VolumeSource, clean_path};
use crate::workload::redact::printable;

/// Folders in which images keep their programs and what programs load.
const PROGRAMS: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
];

/// Variables by which the loader or an interpreter runs code before the program itself.
const LOADERS: &[&str] = &["LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "PERL5OPT", "PYTHONSTARTUP"];

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.constrain_nothing() || rules.template_hash.is_some() {
        return;
    }
    // Either list stands for what may run.
    let field = if rules.commands.is_empty() { "spec.expected.images" } else { "spec.expected.commands" };
    for (path, container) in facts.containers() {
        let mut found = false;
        for (i, mount) in container.mounts.iter().enumerate() {
            let Some(content) = unapproved_content(facts, mount) else { continue };
            if covers_program(&mount.path, container) {
                found = true;
                notes.compare(false, DeviationCode::Command, field, || {
                    let observed = format!("{content} mounted over {}", printable(&mount.path, SHOWN));
                    Texts::new(format!("{path}.volumeMounts[{i}].mountPath"), "the programs of the image", observed)
                });
            }
        }
        for (i, variable) in container.env.iter().enumerate() {
            let is_set = !matches!(&variable.source, EnvSource::Literal(value) if value.expose().is_empty());
            if is_set && LOADERS.contains(&variable.name.as_str()) {
                found = true;
                notes.compare(false, DeviationCode::Command, field, || {
                    Texts::new(
                        format!("{path}.env[{i}]"),
                        "no code but the program's",
                        format!("{} is set", variable.name),
                    )
                });
            }
        }
        if !found {
            notes.compare(true, DeviationCode::Command, field, || {
                Texts::new(path, "the programs of the image", "nothing is mounted over them or loaded before them")
            });
        }
    }
}

/// What a mounted volume holds, if no list of the approval speaks for it. ConfigMaps, Secrets, host paths and images are judged by
/// lists of their own, and an empty directory is filled by containers that are judged too.
fn unapproved_content(facts: &Facts<'_>, mount: &Mount) -> Option<String> {
    let volume = facts.workload.pod.volumes.iter().find(|volume| volume.name == mount.volume)?;
    match &volume.source {
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

/// Whether a mount replaces the container's own program, or a folder of programs or a part of it.
fn covers_program(mount: &str, container: &Container) -> bool {
    let mount = clean_path(mount);
    let is_under = |path: &str, folder: &str| {
        folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let own = container.command.first().filter(|program| program.starts_with('/'));
    own.is_some_and(|program| is_under(&clean_path(program), &mount))
        || PROGRAMS.iter().any(|folder| is_under(folder, &mount) || is_under(&mount, folder))
}
