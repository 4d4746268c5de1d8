//! In what a Pod differs from the template of its Job.
//!
//! Both are brought to what has to be equal: first what the cluster itself fills in is left aside, then what known injectors
//! added. Whatever is left is compared field by field, so that a field counts unless something here says why it does not.

mod cluster;
mod injected;
mod stricter;
#[cfg(test)]
mod tests;

use super::injector::Injectors;
use crate::workload::Pod;
use crate::workload::difference::between_pods;
use crate::workload::pod::{Container, Role};

/// In what a Pod differs from the template of its Job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// What differs, containers first.
    pub differences: Vec<Difference>,
    /// How many more differences there are.
    pub more: usize,
    /// The injectors that were recognised, by what they added.
    pub injectors: Vec<String>,
    /// What has the name of something that an injector adds, and is not it. All of it is among the differences, too.
    pub imitations: Vec<Imitation>,
}

impl Drift {
    /// Whether what runs is what was to run.
    pub fn is_none(&self) -> bool {
        self.differences.is_empty()
    }
}

/// One field that differs. All texts are redacted and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field, as a path into the manifest of the Pod, such as `spec.containers[1].image`.
    pub path: String,
    /// What the template has; absent if it has nothing.
    pub expected: Option<String>,
    /// What the Pod has; absent if it has nothing.
    pub observed: Option<String>,
}

/// Something that has an injector's name and is not the injector's. All texts are redacted and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imitation {
    /// Where it is in the manifest of the Pod, such as `spec.containers[1]`.
    pub path: String,
    /// The injector that it imitates.
    pub injector: String,
    /// What the injector does otherwise.
    pub reason: String,
}

impl std::fmt::Display for Imitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} imitates {}: {}", self.path, self.injector, self.reason)
    }
}

/// In what a Pod differs from the template of its Job. Ephemeral containers always do: a template has none.
pub fn drift(template: &Pod, pod: &Pod, injectors: &Injectors) -> Drift {
    let mut expected = template.clone();
    let mut observed = pod.clone();
    expected.containers.retain(|container| container.role != Role::Ephemeral);
    cluster::leave_aside(&mut expected, &mut observed);
    stricter::leave_aside(&mut expected, &mut observed);
    let found = injected::take_out(&expected, &mut observed, injectors);
    let differences = between_pods(&expected, &observed);
    Drift {
        differences: differences
            .all
            .into_iter()
            .map(|difference| Difference { path: difference.path, expected: difference.old, observed: difference.new })
            .collect(),
        more: differences.more,
        injectors: found.injectors,
        imitations: found.imitations,
    }
}

/// The container of the template that a container of the Pod was made from. One that moved to another list is another.
fn counterpart<'a>(template: &'a Pod, container: &Container) -> Option<&'a Container> {
    let is_same = |known: &&Container| known.name == container.name && known.role.list() == container.role.list();
    template.containers.iter().find(is_same)
}
