//! Whether a volume, and where it is mounted, is an injector's.

use std::collections::BTreeMap;

use super::{Injector, Likeness, Scene, VolumeKind, VolumeRule};
use crate::workload::pattern::Pattern;
use crate::workload::pod::{Mount, Volume, VolumeSource, clean_path};
use crate::workload::redact::printable;

/// How many characters of a value a reason shows.
const SHOWN: usize = 128;

/// Whose container mounts a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mounting {
    /// The injector's own.
    Own,
    /// The workload's.
    Workload,
}

impl Injector {
    /// What a volume that was added is to the injector.
    pub(in super::super) fn volume(&self, volume: &Volume, scene: Scene<'_>) -> Likeness {
        let rules = self.volumes.iter().filter(|rule| rule.name.matches(&volume.name));
        Likeness::best(rules.map(|rule| rule.mismatch(volume, scene.annotations)))
    }

    /// What a mount is to the injector.
    pub(in super::super) fn mount(&self, mount: &Mount, mounting: Mounting, scene: Scene<'_>) -> Likeness {
        let Some(volume) = scene.added.iter().find(|volume| volume.name == mount.volume) else {
            return Likeness::None;
        };
        let elsewhere = || format!("it does not mount it at {}", printable(&mount.path, SHOWN));
        let rules = self.volumes.iter().filter(|rule| rule.name.matches(&volume.name));
        Likeness::best(rules.map(|rule| {
            let is_there = rule.is_mounted(mount, mounting, scene.annotations);
            rule.mismatch(volume, scene.annotations).or_else(|| (!is_there).then(elsewhere))
        }))
    }
}

impl VolumeRule {
    /// In what a volume of this name is not the injector's; nothing, if all of it fits.
    fn mismatch(&self, volume: &Volume, annotations: &BTreeMap<String, String>) -> Option<String> {
        let Some((kind, objects)) = contents(&volume.source).filter(|(kind, _)| *kind == self.kind) else {
            return Some(format!("it is of another kind than {}", self.kind.as_str()));
        };
        let is_known = |object: &str| {
            self.objects.iter().any(|known| known.matches(object)) || self.is_chosen(object, annotations)
        };
        let foreign = objects.into_iter().find(|object| !is_known(object))?;
        Some(format!("its {} is not {}", kind.as_str(), printable(foreign, SHOWN)))
    }

    fn is_mounted(&self, mount: &Mount, mounting: Mounting, annotations: &BTreeMap<String, String>) -> bool {
        let paths = match mounting {
            Mounting::Own => &self.paths,
            Mounting::Workload => &self.workload_paths,
        };
        let path = clean_path(&mount.path);
        let fits = paths.iter().any(|known: &Pattern| known.matches(&path));
        // A volume that the workload does not mount is not mounted there by an annotation either.
        let is_chosen = !paths.is_empty() && path != "/" && self.is_chosen(&mount.path, annotations);
        mount.sub_path.is_none() && (fits || is_chosen)
    }

    /// Whether the author of the template chose this.
    fn is_chosen(&self, value: &str, annotations: &BTreeMap<String, String>) -> bool {
        let is_choice = |key: &str| self.annotations.iter().any(|pattern| pattern.matches(key));
        annotations.iter().any(|(key, chosen)| chosen == value && is_choice(key))
    }
}

/// What kind of volume it is, and what it names. None for kinds that no injector adds.
fn contents(source: &VolumeSource) -> Option<(VolumeKind, Vec<&str>)> {
    Some(match source {
        VolumeSource::EmptyDir => (VolumeKind::EmptyDir, vec![]),
        VolumeSource::HostPath(path) => (VolumeKind::HostPath, vec![path]),
        VolumeSource::ConfigMap(name) => (VolumeKind::ConfigMap, vec![name]),
        VolumeSource::Secret(name) => (VolumeKind::Secret, vec![name]),
        VolumeSource::Projected { config_maps, secrets, token: _ } => {
            (VolumeKind::Projected, config_maps.iter().chain(secrets).map(String::as_str).collect())
        }
        VolumeSource::DownwardApi => (VolumeKind::DownwardApi, vec![]),
        VolumeSource::Csi { driver, secret } => {
            (VolumeKind::Csi, [driver].into_iter().chain(secret).map(String::as_str).collect())
        }
        VolumeSource::PersistentVolumeClaim(name) => (VolumeKind::PersistentVolumeClaim, vec![name]),
        VolumeSource::Image(reference) => (VolumeKind::Image, vec![reference]),
        VolumeSource::Ephemeral | VolumeSource::Other { .. } => return None,
    })
}

impl VolumeKind {
    /// What the field is called.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::EmptyDir => "emptyDir",
            Self::HostPath => "hostPath",
            Self::ConfigMap => "configMap",
            Self::Secret => "secret",
            Self::Projected => "projected",
            Self::DownwardApi => "downwardAPI",
            Self::Csi => "csi",
            Self::PersistentVolumeClaim => "persistentVolumeClaim",
            Self::Image => "image",
        }
    }

    /// Whether a volume of this kind always names something.
    pub(super) fn names_something(self) -> bool {
        !matches!(self, Self::EmptyDir | Self::DownwardApi | Self::Projected)
    }
}
