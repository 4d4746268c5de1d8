//! What differs between two versions of a workload, or of the spec of another object, field by field, fit to be shown.

mod fields;
mod json;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::workload::{Pod, Workload};
use fields::Fields;

/// The most differences that are kept of one change.
const MOST: usize = 24;

/// One field that differs. All texts are redacted and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field, as a path into the manifest. That of a container has its place in the newer version.
    pub path: String,
    /// What was there; absent if there was nothing.
    pub old: Option<String>,
    /// What is there now; absent if there is nothing.
    pub new: Option<String>,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first of them, in the order of the manifest.
    pub all: Vec<Difference>,
    /// How many more there are.
    pub more: usize,
}

impl Differences {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn push(&mut self, difference: impl FnOnce() -> Difference) {
        if self.all.len() < MOST {
            self.all.push(difference());
        } else {
            self.more += 1;
        }
    }
}

/// A field as it is shown and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    /// What makes it the same field in another version.
    key: String,
    path: String,
    /// The value as it is: it may be a secret.
    raw: String,
    shown: String,
}

/// What differs between two versions of a workload.
pub fn between(old: &Workload, new: &Workload) -> Differences {
    compared(&Fields::of(old).all, &Fields::of(new).all)
}

/// What differs between two pods. The paths are those in the manifest of a Pod.
pub fn between_pods(old: &Pod, new: &Pod) -> Differences {
    compared(&Fields::of_pod("spec", old).all, &Fields::of_pod("spec", new).all)
}

/// What differs between the specs of two versions of an approval, as JSON texts.
pub fn between_specs(old: &str, new: &str) -> Differences {
    compared(&json::leaves("spec", old), &json::leaves("spec", new))
}

/// What is new or changed in the order of the new version; then what is gone.
fn compared(old: &[Field], new: &[Field]) -> Differences {
    let mut differences = Differences::default();
    let (old, new) = (numbered(old), numbered(new));
    let known: HashMap<Key<'_>, &Field> = old.iter().copied().collect();
    let current: HashSet<Key<'_>> = new.iter().map(|(key, _)| *key).collect();
    for (key, field) in &new {
        let before = known.get(key);
        if before.is_none_or(|before| before.raw != field.raw) {
            differences.push(|| Difference {
                path: field.path.clone(),
                old: before.map(|before| before.shown.clone()),
                new: Some(field.shown.clone()),
            });
        }
    }
    for (_, field) in old.iter().filter(|(key, _)| !current.contains(key)) {
        differences.push(|| Difference { path: field.path.clone(), old: Some(field.shown.clone()), new: None });
    }
    differences
}

/// What makes a field the same in another version, and how many like it stand before it: a variable can be set twice.
type Key<'a> = (&'a str, usize);

fn numbered(fields: &[Field]) -> Vec<(Key<'_>, &Field)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut numbered = Vec::with_capacity(fields.len());
    for field in fields {
        let count = seen.entry(&field.key).or_default();
        numbered.push(((field.key.as_str(), *count), field));
        *count += 1;
    }
    numbered
}
