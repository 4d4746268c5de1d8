//! What known injectors added.

use super::{Imitation, counterpart};
use crate::lineage::injector::{Injector, Injectors, Likeness, Mounting, PodField, Scene};
use crate::workload::Pod;
use crate::workload::pod::{Container, Volume};
use crate::workload::redact::printable;

/// How many imitations are told of one Pod.
const MOST: usize = 16;
/// How many characters of a name are shown.
const SHOWN: usize = 64;

/// What was recognised.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) injectors: Vec<String>,
    pub(super) imitations: Vec<Imitation>,
}

/// Takes out of a Pod what injectors added.
pub(super) fn take_out(expected: &Pod, observed: &mut Pod, injectors: &Injectors) -> Found {
    let is_added = |volume: &&Volume| !expected.volumes.iter().any(|known| known.name == volume.name);
    let added: Vec<Volume> = observed.volumes.iter().filter(is_added).cloned().collect();
    let mut found = Found::default();
    let scene = Scene { added: &added, annotations: &expected.annotations, injectors: &injectors.all };
    let mut task = Task { expected, scene, found: &mut found };
    task.containers(observed, injectors);
    for injector in &injectors.all {
        // Where an injector has containers, the rest is its own only beside one of them.
        let is_told = !injector.has_containers() || task.found.injectors.contains(&injector.name);
        if is_told && injector.is_requested(scene) {
            task.workload(observed, injector);
            task.volumes(observed, injector);
            task.pod_fields(observed, injector);
        }
    }
    found
}

struct Task<'a> {
    expected: &'a Pod,
    scene: Scene<'a>,
    found: &'a mut Found,
}

impl Task<'_> {
    /// Takes out containers that were added.
    fn containers(&mut self, observed: &mut Pod, injectors: &Injectors) {
        let (expected, scene) = (self.expected, self.scene);
        observed.containers.retain(|container| {
            let is_known = counterpart(expected, container).is_some();
            is_known || !self.is_own(injectors, &path(container), |injector| injector.container(container, scene))
        });
    }

    /// Whether something is one of the injectors'. If it only looks like it, that is noted.
    fn is_own(&mut self, injectors: &Injectors, path: &str, likeness: impl Fn(&Injector) -> Likeness) -> bool {
        let mut imitated = None;
        for injector in &injectors.all {
            match likeness(injector) {
                Likeness::Same => {
                    self.recognised(injector);
                    return true;
                }
                Likeness::Imitation(reason) => {
                    imitated.get_or_insert((injector, reason));
                }
                Likeness::None => {}
            }
        }
        if let Some((injector, reason)) = imitated {
            self.imitation(path.to_owned(), injector, reason);
        }
        false
    }

    /// Takes out what was added to the workload's own containers.
    fn workload(&mut self, observed: &mut Pod, injector: &Injector) {
        let scene = self.scene;
        for container in &mut observed.containers {
            let Some(known) = counterpart(self.expected, container) else { continue };
            let path = path(container);
            container.env.retain(|variable| {
                let is_added = !known.env.iter().any(|known| known.name == variable.name);
                let is_own = is_added && injector.sets(&variable.name, &variable.source);
                if is_own {
                    self.recognised(injector);
                }
                !is_own
            });
            container.mounts.retain(|mount| {
                if known.mounts.contains(mount) {
                    return true;
                }
                let likeness = injector.mount(mount, Mounting::Workload, scene);
                let at = format!("{path}.volumeMounts[{}]", printable(&mount.path, SHOWN));
                self.is_foreign(injector, at, likeness)
            });
        }
    }

    /// Takes out volumes that were added.
    fn volumes(&mut self, observed: &mut Pod, injector: &Injector) {
        let scene = self.scene;
        observed.volumes.retain(|volume| {
            if !scene.added.contains(volume) {
                return true;
            }
            let at = format!("spec.volumes[{}]", printable(&volume.name, SHOWN));
            self.is_foreign(injector, at, injector.volume(volume, scene))
        });
    }

    fn is_foreign(&mut self, injector: &Injector, path: String, likeness: Likeness) -> bool {
        match likeness {
            Likeness::Same => {
                self.recognised(injector);
                return false;
            }
            Likeness::Imitation(reason) => self.imitation(path, injector, reason),
            Likeness::None => {}
        }
        true
    }

    fn pod_fields(&mut self, observed: &mut Pod, injector: &Injector) {
        for field in &injector.pod_fields {
            match field {
                PodField::DnsConfig => self.setting(observed, "dnsConfig"),
                PodField::DnsPolicy => self.setting(observed, "dnsPolicy"),
                PodField::HostAliases => self.setting(observed, "hostAliases"),
                PodField::ShareProcessNamespace => {
                    observed.share_process_namespace = self.expected.share_process_namespace;
                }
            }
        }
    }

    fn setting(&self, observed: &mut Pod, field: &str) {
        observed.settings.remove(field);
        if let Some((field, value)) = self.expected.settings.get_key_value(field) {
            observed.settings.insert(field.clone(), value.clone());
        }
    }

    fn recognised(&mut self, injector: &Injector) {
        if !self.found.injectors.contains(&injector.name) {
            self.found.injectors.push(injector.name.clone());
        }
    }

    fn imitation(&mut self, path: String, injector: &Injector, reason: String) {
        if self.found.imitations.len() < MOST {
            self.found.imitations.push(Imitation { path, injector: injector.name.clone(), reason });
        }
    }
}

fn path(container: &Container) -> String {
    format!("spec.{}[{}]", container.role.list(), container.index)
}
