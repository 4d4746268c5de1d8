//! Whether a container is one that an injector adds.

use super::{ContainerRule, Injector, Likeness, Mounting, Scene, is_plain};
use crate::inventory::join;
use crate::workload::image::ImageRef;
use crate::workload::pod::{Container, ContainerSecurityContext, EnvVar, Hook, Mount, Role};
use crate::workload::redact::{command_line, credentials, printable};

/// How many characters of a value a reason shows.
const SHOWN: usize = 128;

impl ContainerRule {
    /// In what a container of this name is not the injector's; nothing, if all of it fits.
    pub(super) fn mismatch(&self, injector: &Injector, container: &Container, scene: Scene<'_>) -> Option<String> {
        let Container {
            role,
            index: _,
            name: _,
            image,
            pull_policy: _,
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
        if *role == Role::Ephemeral || !self.roles.is_empty() && !self.roles.iter().any(|known| known.is(*role)) {
            return Some(format!("it does not add it as {}", phrase(*role)));
        }
        if !ImageRef::parse(image).is_ok_and(|image| injector.images.iter().any(|known| known.matches(&image))) {
            return Some(format!("its images are of {}", join(&injector.images, ", ")));
        }
        if !self.commands.iter().any(|known| known.fits(command, args)) {
            let (command, args) = command_line(command, args, SHOWN);
            let line = printable(&[command, args].concat().join(" "), SHOWN);
            return Some(format!("it does not run \"{line}\""));
        }
        if let Some(variable) = env.iter().find(|variable| !self.has_variable(variable, scene)) {
            return Some(format!("it does not set {} so", shown(&variable.name)));
        }
        if !env_from.is_empty() {
            return Some("it takes no variables from whole ConfigMaps or Secrets".to_owned());
        }
        if let Some(reason) = mounts.iter().find_map(|mount| foreign_mount(injector, mount, scene)) {
            return Some(reason);
        }
        let is_foreign =
            |hook: &&Hook| hook.host.is_some() || !self.hooks.iter().any(|known| known.hook_fits(&hook.command));
        if let Some(hook) = hooks.iter().find(is_foreign) {
            return Some(format!("its {} is another", hook.field));
        }
        if working_dir.is_some() || !host_ports.is_empty() {
            return Some("it sets neither a working directory nor ports of the node".to_owned());
        }
        self.exceeded(security)
    }

    fn has_variable(&self, EnvVar { name, source }: &EnvVar, scene: Scene<'_>) -> bool {
        let is_own = self.env.iter().any(|known| known.matches(name)) && is_plain(source);
        is_own || scene.injectors.iter().any(|other| other.sets(name, source))
    }

    /// The first right that a container has and the injector does not give it.
    fn exceeded(&self, security: &ContainerSecurityContext) -> Option<String> {
        let ContainerSecurityContext {
            privileged,
            allow_privilege_escalation,
            read_only_root_filesystem: _,
            run_as_non_root,
            run_as_user,
            run_as_group,
            proc_mount,
            capabilities,
            seccomp_profile,
            app_armor_profile,
            se_linux_options,
            windows_options,
        } = security;
        let added = capabilities.as_ref().and_then(|capabilities| capabilities.add.as_deref()).unwrap_or_default();
        if *privileged == Some(true) && !self.privileged {
            return Some("it is never privileged".to_owned());
        }
        if let Some(capability) = added.iter().find(|capability| !self.capabilities.contains(capability)) {
            return Some(format!("it does not add the capability {}", shown(capability)));
        }
        let is_root = *run_as_user == Some(0) || *run_as_group == Some(0) || *run_as_non_root == Some(false);
        if (is_root || *allow_privilege_escalation == Some(true)) && !self.run_as_root {
            return Some("it neither runs as root nor gains privileges".to_owned());
        }
        let is_unconfined =
            [seccomp_profile, app_armor_profile].into_iter().flatten().any(|profile| profile.kind == "Unconfined");
        let is_labelled = se_linux_options
            .as_ref()
            .is_some_and(|label| label.user.is_some() || label.role.is_some() || label.kind.is_some());
        let is_unmasked = proc_mount.is_some() || windows_options.is_some();
        (is_unconfined || is_labelled || is_unmasked).then(|| "its securityContext is another".to_owned())
    }
}

/// Why a mount of the injector's container is not its own, nor another's.
fn foreign_mount(injector: &Injector, mount: &Mount, scene: Scene<'_>) -> Option<String> {
    let is_added = |other: &Injector| other.mount(mount, Mounting::Workload, scene) == Likeness::Same;
    let volume = || shown(&mount.volume);
    match injector.mount(mount, Mounting::Own, scene) {
        Likeness::Same => None,
        _ if scene.injectors.iter().any(is_added) => None,
        Likeness::Imitation(reason) => Some(format!("volume {}: {reason}", volume())),
        Likeness::None => Some(format!("it does not mount volume {} at {}", volume(), shown(&mount.path))),
    }
}

fn phrase(role: Role) -> &'static str {
    match role {
        Role::Main => "a container",
        Role::Init => "an init container",
        Role::Sidecar => "a sidecar",
        Role::Ephemeral => "an ephemeral container",
    }
}

fn shown(text: &str) -> String {
    printable(&credentials(text), SHOWN)
}
