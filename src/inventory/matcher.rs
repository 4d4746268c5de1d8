//! Which workloads an approval speaks for.

use kube::core::{Selector, SelectorExt};

use super::Labels;
use crate::workload::pattern::Pattern;
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

/// The compiled `spec.match` of an approval.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    pub(super) kinds: Vec<WorkloadKind>,
    pub(super) namespaces: Vec<Pattern>,
    pub(super) names: Vec<Pattern>,
    pub(super) namespace_selector: Option<Selector>,
    pub(super) selector: Option<Selector>,
}

impl Matcher {
    /// A matcher that selects nothing: that of an approval whose `match` cannot be read.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Whether it selects the workload, which lives in a namespace with the given labels.
    pub fn selects(&self, workload: &Workload, namespace: &Labels) -> bool {
        self.covers(&workload.key)
            && self.namespace_selector.as_ref().is_none_or(|selector| selector.matches(namespace))
            && self.selector.as_ref().is_none_or(|selector| selector.matches(&workload.labels))
    }

    /// Whether kind, namespace and name fit: all that can be said without looking at labels.
    pub fn covers(&self, key: &WorkloadKey) -> bool {
        self.kinds.contains(&key.kind) && fits(&self.namespaces, &key.namespace) && fits(&self.names, &key.name)
    }

    /// The patterns of namespaces; none means any namespace.
    pub fn namespaces(&self) -> &[Pattern] {
        &self.namespaces
    }

    /// The patterns of names; none means any name.
    pub fn names(&self) -> &[Pattern] {
        &self.names
    }

    /// Whether it selects every workload in every namespace.
    pub fn is_everything(&self) -> bool {
        let all = |patterns: &[Pattern]| patterns.is_empty() || patterns.iter().any(Pattern::is_catch_all);
        let any = |selector: &Option<Selector>| selector.as_ref().is_none_or(|s| s.matches(&Labels::new()));
        all(&self.namespaces) && all(&self.names) && any(&self.namespace_selector) && any(&self.selector)
    }

    /// Every workload that it names without wildcards.
    pub(super) fn exact_keys(&self) -> Vec<WorkloadKey> {
        let names = self.names.iter().filter_map(Pattern::as_literal);
        names
            .flat_map(|name| {
                self.namespaces.iter().filter_map(Pattern::as_literal).flat_map(move |namespace| {
                    self.kinds.iter().map(move |kind| WorkloadKey {
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                        kind: *kind,
                    })
                })
            })
            .collect()
    }
}

fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(text))
}
