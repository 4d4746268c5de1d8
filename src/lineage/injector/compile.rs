//! From the configuration of injectors to what Pods are judged by.

use super::{ContainerRule, Injector, VolumeKind, VolumeRule};
use crate::api::approval::ExpectedCommand;
use crate::identity::path::{Problem, Problems};
use crate::inventory::CommandRule;
use crate::lineage::configuration::{
    CommandConfiguration, ContainerConfiguration, InjectorConfiguration, VolumeConfiguration,
};
use crate::workload::image::RepositoryPattern;
use crate::workload::pattern::Pattern;

/// The longest name of an injector, in bytes.
const LONGEST_NAME: usize = 64;

pub(super) fn compile(configuration: &[InjectorConfiguration]) -> Result<Vec<Injector>, Vec<Problem>> {
    let mut problems = Problems::default();
    let mut compiled: Vec<Injector> = Vec::new();
    for (index, given) in configuration.iter().enumerate() {
        let field = format!("injectors[{index}]");
        problems.name(&format!("{field}.name"), &given.name, "an injector", LONGEST_NAME);
        if compiled.iter().any(|earlier| earlier.name == given.name) {
            let message = format!("{:?} is the name of an earlier injector: choose another", given.name);
            problems.add(format!("{field}.name"), message);
        }
        compiled.push(problems.injector(&field, given));
    }
    problems.finish(compiled)
}

impl Problems {
    pub(super) fn injector(&mut self, field: &str, given: &InjectorConfiguration) -> Injector {
        let preset = given.preset.map(super::Preset::fields).unwrap_or_default();
        let images = given.images.as_ref().or(preset.images.as_ref()).map_or(&[][..], Vec::as_slice);
        let containers = given.containers.as_ref().or(preset.containers.as_ref()).map_or(&[][..], Vec::as_slice);
        let volumes = given.volumes.as_ref().or(preset.volumes.as_ref()).map_or(&[][..], Vec::as_slice);
        let env = given.env.as_ref().or(preset.env.as_ref()).map_or(&[][..], Vec::as_slice);
        let pod_fields = given.pod_fields.as_ref().or(preset.pod_fields.as_ref()).cloned().unwrap_or_default();
        if containers.is_empty() && volumes.is_empty() && env.is_empty() && pod_fields.is_empty() {
            self.add(field, "nothing says what it adds: give a preset, containers, volumes, env or podFields");
        }
        if images.is_empty() && !containers.is_empty() {
            self.add(format!("{field}.images"), "nothing says where its containers come from: name the repositories");
        }
        let of_list = |list: &str, index: usize| format!("{field}.{list}[{index}]");
        Injector {
            name: given.name.clone(),
            requested_by: given.requested_by.clone().or(preset.requested_by).unwrap_or_default(),
            images: self.each(&format!("{field}.images"), images, RepositoryPattern::new),
            containers: containers
                .iter()
                .enumerate()
                .map(|(index, container)| self.container(&of_list("containers", index), container))
                .collect(),
            volumes: volumes
                .iter()
                .enumerate()
                .filter_map(|(index, volume)| self.volume(&of_list("volumes", index), volume))
                .collect(),
            env: self.each(&format!("{field}.env"), env, named),
            pod_fields,
        }
    }

    fn container(&mut self, field: &str, given: &ContainerConfiguration) -> ContainerRule {
        if given.name.is_empty() {
            self.add(format!("{field}.name"), "the name is empty: write that of the container");
        }
        if given.roles.as_ref().is_some_and(Vec::is_empty) {
            self.add(format!("{field}.roles"), "the list is empty: leave it out to allow any but ephemeral containers");
        }
        let own_entrypoint = [CommandConfiguration::default()];
        let commands = if given.commands.is_empty() { &own_entrypoint[..] } else { &given.commands };
        let command = |(index, command): (usize, &CommandConfiguration)| {
            let field = format!("{field}.commands[{index}]");
            self.open_end(&format!("{field}.command"), &command.command);
            self.open_end(&format!("{field}.args"), &command.args);
            rule(&command.command, &command.args)
        };
        let commands = commands.iter().enumerate().map(command).collect();
        for (index, hook) in given.hooks.iter().enumerate() {
            self.open_end(&format!("{field}.hooks[{index}]"), hook);
        }
        ContainerRule {
            name: given.name.clone(),
            roles: given.roles.clone().unwrap_or_default(),
            commands,
            hooks: given.hooks.iter().map(|hook| rule(hook, &[])).collect(),
            env: self.each(&format!("{field}.env"), &given.env, named),
            capabilities: given.capabilities.clone(),
            run_as_root: given.run_as_root || given.privileged,
            privileged: given.privileged,
        }
    }

    fn volume(&mut self, field: &str, given: &VolumeConfiguration) -> Option<VolumeRule> {
        if given.kind.names_something() && given.objects.is_empty() && given.annotations.is_empty() {
            let what = match given.kind {
                VolumeKind::HostPath => "paths of the node",
                VolumeKind::Csi => "drivers",
                _ => "objects",
            };
            let kind = given.kind.as_str();
            let message = format!("a volume of kind {kind} can hold anything: name the {what} that it adds");
            self.add(format!("{field}.objects"), message);
        }
        let objects = self.each(&format!("{field}.objects"), &given.objects, Pattern::new);
        let paths = self.each(&format!("{field}.paths"), &given.paths, absolute);
        let workload_paths = self.each(&format!("{field}.workloadPaths"), &given.workload_paths, absolute);
        let annotations = self.each(&format!("{field}.annotations"), &given.annotations, named);
        let name = named(&given.name).map_err(|message| self.add(format!("{field}.name"), message)).ok()?;
        Some(VolumeRule { name, kind: given.kind, objects, paths, workload_paths, annotations })
    }

    /// `**` stands for any further entries, and nothing can follow them.
    fn open_end(&mut self, field: &str, entries: &[String]) {
        if entries.iter().rev().skip(1).any(|entry| entry == "**") {
            self.add(field, "'**' can only be the last entry: write '*' for one entry in between");
        }
    }
}

fn rule(command: &[String], args: &[String]) -> CommandRule {
    CommandRule::compile(&ExpectedCommand { command: Some(command.to_vec()), args: Some(args.to_vec()) })
}

/// A pattern of a name, which does not fit every name.
fn named(text: &str) -> Result<Pattern, String> {
    let pattern = Pattern::new(text).map_err(|error| error.to_string())?;
    if text.chars().all(|c| matches!(c, '*' | '?')) {
        return Err(format!("{text:?} fits every name: an injector is told by the names that it uses"));
    }
    Ok(pattern)
}

/// A pattern of a path in a container.
fn absolute(text: &str) -> Result<Pattern, String> {
    if !text.starts_with('/') || text.len() > 1 && text.ends_with('/') {
        return Err(format!("{text:?} is no path: begin with '/', and do not end with it"));
    }
    Pattern::path(text).map_err(|error| error.to_string())
}
