//! Which workloads an approval speaks for.

use kube::core::{Expression, Selector, SelectorExt};

use super::{Labels, join};
use crate::workload::pattern::Pattern;
use crate::workload::redact::printable;
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

/// How many characters of the workload's own text a mismatch shows.
const SHOWN: usize = 256;

/// The label of a namespace that holds its name.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The compiled `spec.match` of an approval.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    pub(super) kinds: Vec<WorkloadKind>,
    pub(super) namespaces: Vec<Pattern>,
    pub(super) names: Vec<Pattern>,
    pub(super) namespace_selector: Option<Selector>,
    pub(super) selector: Option<Selector>,
}

/// A part of `spec.match` that a workload does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The field, such as `spec.match.namespaces`.
    pub field: String,
    /// What it asks for: one of its entries, or one requirement of a selector in the notation of `kubectl get --selector`.
    pub expected: String,
    /// What the workload has. Safe to show.
    pub observed: String,
}

impl Mismatch {
    fn new(field: &str, expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { field: field.to_owned(), expected: expected.into(), observed: observed.into() }
    }
}

impl Matcher {
    /// A matcher that selects nothing: that of an approval whose `match` cannot be read.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Whether it selects the workload, which lives in a namespace with the given labels. Where these are not known, it does unless
    /// something else speaks against it: see [`Matcher::fits_namespace`].
    pub fn selects<'l>(&self, workload: &Workload, namespace: impl Into<Option<&'l Labels>>) -> bool {
        self.covers(&workload.key)
            && self.fits_namespace(&workload.key.namespace, namespace.into()) != Some(false)
            && self.selector.as_ref().is_none_or(|selector| selector.matches(&workload.labels))
    }

    /// Whether the labels of a namespace fit; `None` if they are not known and would decide it.
    pub fn fits_namespace(&self, name: &str, labels: Option<&Labels>) -> Option<bool> {
        let Some(selector) = &self.namespace_selector else { return Some(true) };
        if let Some(labels) = labels {
            return Some(selector.matches(labels));
        }
        let (known, unknown): (Vec<_>, Vec<_>) =
            selector.clone().into_iter().partition(|expression| key_of(expression) == NAME_LABEL);
        let labels = name_label(name);
        if known.iter().any(|expression| !expression.matches(&labels)) {
            return Some(false);
        }
        unknown.is_empty().then_some(true)
    }

    /// What `spec.match.namespaceSelector` asks for, in the notation of `kubectl get --selector`.
    pub fn namespace_selector(&self) -> String {
        self.namespace_selector.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether kind, namespace and name fit: all that can be said without looking at labels.
    pub fn covers(&self, key: &WorkloadKey) -> bool {
        self.kinds.contains(&key.kind) && fits(&self.namespaces, &key.namespace) && fits(&self.names, &key.name)
    }

    /// Why it does not select the workload, which lives in a namespace with the given labels: every part that does not fit. Empty
    /// exactly if [`Matcher::selects`] says that it does.
    pub fn mismatches<'l>(&self, workload: &Workload, namespace: impl Into<Option<&'l Labels>>) -> Vec<Mismatch> {
        if self.kinds.is_empty() {
            return vec![Mismatch::new("spec.match", "a match that can be used", "it selects nothing")];
        }
        let key = &workload.key;
        let mut found = Vec::new();
        if !self.kinds.contains(&key.kind) {
            found.push(Mismatch::new("spec.match.kinds", join(&self.kinds, " or "), key.kind.as_str()));
        }
        for (field, patterns, name) in
            [("spec.match.namespaces", &self.namespaces, &key.namespace), ("spec.match.names", &self.names, &key.name)]
        {
            if !fits(patterns, name) {
                found.push(Mismatch::new(field, join(patterns, " or "), printable(name, SHOWN)));
            }
        }
        let namespace = namespace.into();
        if self.fits_namespace(&key.namespace, namespace) == Some(false) {
            let labels = namespace.cloned().unwrap_or_else(|| name_label(&key.namespace));
            found.extend(unmatched("spec.match.namespaceSelector", self.namespace_selector.as_ref(), &labels));
        }
        found.extend(unmatched("spec.match.selector", self.selector.as_ref(), &workload.labels));
        found
    }

    /// Whether it speaks for workloads of this kind.
    pub fn speaks_for(&self, kind: WorkloadKind) -> bool {
        self.kinds.contains(&kind)
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

/// The label that the API server gives to every namespace: nobody can choose another value.
fn name_label(namespace: &str) -> Labels {
    Labels::from([(NAME_LABEL.to_owned(), namespace.to_owned())])
}

fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(text))
}

/// Every requirement of a selector that labels do not meet.
fn unmatched(field: &str, selector: Option<&Selector>, labels: &Labels) -> Vec<Mismatch> {
    let unmet = selector.cloned().into_iter().flatten().filter(|expression| !expression.matches(labels));
    unmet
        .map(|expression| {
            let key = key_of(&expression);
            let observed = labels
                .get(key)
                .map_or_else(|| format!("no label {key}"), |value| format!("{key}={}", printable(value, SHOWN)));
            Mismatch::new(field, expression.to_string(), observed)
        })
        .collect()
}

fn key_of(expression: &Expression) -> &str {
    match expression {
        Expression::In(key, _)
        | Expression::NotIn(key, _)
        | Expression::Equal(key, _)
        | Expression::NotEqual(key, _)
        | Expression::Exists(key)
        | Expression::DoesNotExist(key) => key,
    }
}
