//! The keys of mappings.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::scalar::{self, Scalar};
use super::tree::{Fault, Id, Kind, Node, Tree};

/// From how many keys on a table is faster than comparing all with all.
const MANY: usize = 16;

/// A key as JSON has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key<'t> {
    pub text: Cow<'t, str>,
    /// Keys of different types are different keys to YAML, even where JSON has the same text for both.
    pub sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Integer,
    Float,
    Bool,
}

/// Whether a node is a merge key where it stands as a key.
pub(super) fn is_merge(tree: &Tree<'_>, id: Id) -> bool {
    tree.node(id).is_some_and(|node| {
        node.text == "<<"
            && match node.kind {
                Kind::Plain => true,
                // A lone `!` makes text of everything but of this.
                Kind::Tagged => matches!(tree.tag(node), "!" | "tag:yaml.org,2002:merge"),
                _ => false,
            }
    })
}

/// The key that a node is. Fails for what cannot be a key in JSON.
pub(super) fn key<'t>(tree: &'t Tree<'_>, id: Id) -> Result<Key<'t>, Fault> {
    let fault = |message: &str| Fault::new(tree.start(id), message);
    let Some(node) = tree.node(tree.target(id)) else { return Err(fault("this key is missing")) };
    if node.kind == Kind::Text {
        return Ok(Key { text: Cow::Borrowed(&node.text), sort: Sort::Text });
    }
    let scalar = scalar::resolve(tree, node).map_err(|message| fault(&message))?;
    Ok(match scalar {
        Some(Scalar::Text(text)) => Key { text: Cow::Borrowed(text), sort: Sort::Text },
        Some(Scalar::Bool(value)) => {
            Key { text: Cow::Borrowed(if value { "true" } else { "false" }), sort: Sort::Bool }
        }
        Some(Scalar::Integer(value)) => Key { text: Cow::Owned(value.to_string()), sort: Sort::Integer },
        Some(Scalar::Float(value)) if value.is_nan() => return Err(fault("this cannot be a key: put it in quotes")),
        Some(Scalar::Float(value)) => Key { text: Cow::Owned(scalar::float_key(value)), sort: Sort::Float },
        Some(Scalar::Unsigned(_)) => return Err(fault("a number this large cannot be a key: put it in quotes")),
        Some(Scalar::Null) => return Err(fault("null cannot be a key: put it in quotes")),
        None => return Err(fault("a list or mapping cannot be a key")),
    })
}

/// Looks at the keys of a complete mapping, and says whether it takes more than comparing texts to read them. Fails if
/// `kubectl` cannot read them, or not always to the same effect.
pub(super) fn inspect(tree: &mut Tree<'_>, mapping: Id) -> Result<bool, Fault> {
    let is_text = |node: &Node<'_>| match node.kind {
        Kind::Text => true,
        Kind::Plain => node.text != "<<" && scalar::is_text(&node.text),
        _ => false,
    };
    let mut count = 0_usize;
    let mut texts = true;
    for (key, _) in tree.pairs(mapping) {
        count += 1;
        texts = texts && tree.node(key).is_some_and(is_text);
    }
    if texts && !repeated(tree, mapping, count) {
        return Ok(false);
    }
    let mut merges = Vec::new();
    let mut seen: HashSet<Cow<'_, str>> = HashSet::new();
    let mut twice = Vec::new();
    for (id, _) in tree.pairs(mapping) {
        if is_merge(tree, id) {
            merges.push(tree.start(id));
        } else if !seen.insert(key(tree, id)?.text) {
            twice.push(tree.start(id));
        }
    }
    drop(seen);
    entries(tree, mapping, 0)?;
    for offset in merges {
        tree.warn(
            offset,
            "a merge key: it overrules the keys before it, other than in most tools; write the fields out",
        );
    }
    for offset in twice {
        tree.warn(offset, "this key stands twice in the same mapping: kubectl takes the last one, other tools may not");
    }
    Ok(true)
}

/// Whether a key stands twice in a mapping whose keys are all text.
fn repeated(tree: &Tree<'_>, mapping: Id, count: usize) -> bool {
    let text = |(key, _): (Id, Id)| tree.node(key).map_or("", |node| &*node.text);
    if count > MANY {
        let mut seen = HashSet::with_capacity(count);
        return !tree.pairs(mapping).map(text).all(|text| seen.insert(text));
    }
    let mut seen = [""; MANY];
    for (known, text) in tree.pairs(mapping).map(text).enumerate() {
        if seen.get(..known).is_some_and(|seen| seen.contains(&text)) {
            return true;
        }
        if let Some(slot) = seen.get_mut(known) {
            *slot = text;
        }
    }
    false
}

/// One entry of a mapping.
pub(super) struct Entry<'t> {
    pub key: Key<'t>,
    /// The node of the key.
    pub at: Id,
    pub value: Id,
}

/// What a mapping holds in the end: merge keys are resolved where they stand, and of equal keys the last one counts.
pub(super) fn entries<'t>(tree: &'t Tree<'_>, mapping: Id, depth: usize) -> Result<Vec<Entry<'t>>, Fault> {
    let mut all = Vec::new();
    collect(tree, mapping, depth, &mut all)?;
    let mut last: HashMap<Cow<'t, str>, usize> = HashMap::with_capacity(all.len());
    for (index, entry) in all.iter().enumerate() {
        if let Some(before) = last.insert(entry.key.text.clone(), index).and_then(|before| all.get(before))
            && before.key.sort != entry.key.sort
        {
            let message = "this key stands twice, as text and as something else, and kubectl takes either: remove one";
            return Err(Fault::new(tree.start(entry.at), message));
        }
    }
    let mut index = 0;
    all.retain(|entry| {
        index += 1;
        last.get(&entry.key.text) == Some(&(index - 1))
    });
    Ok(all)
}

fn collect<'t>(tree: &'t Tree<'_>, mapping: Id, depth: usize, all: &mut Vec<Entry<'t>>) -> Result<(), Fault> {
    let fault = |message: &str| Fault::new(tree.start(mapping), message);
    if depth > super::tree::DEEPEST {
        return Err(fault("merge keys are nested too deeply: write the fields out"));
    }
    for (at, value) in tree.pairs(mapping) {
        if !is_merge(tree, at) {
            if depth > 0 {
                tree.count_aliased(1).map_err(fault)?;
            }
            all.push(Entry { key: key(tree, at)?, at, value });
            continue;
        }
        let merged = tree.target(value);
        match tree.kind(merged) {
            Some(Kind::Mapping) => collect(tree, merged, depth + 1, all)?,
            // An alias of a list is not allowed here, but a list of aliases is.
            Some(Kind::Sequence) if merged == value => {
                let items: Vec<Id> = tree.children(merged).collect();
                for item in items.into_iter().rev() {
                    let item = tree.target(item);
                    if tree.kind(item) != Some(Kind::Mapping) {
                        return Err(fault("only mappings can be merged"));
                    }
                    tree.count_aliased(1).map_err(fault)?;
                    collect(tree, item, depth + 1, all)?;
                }
            }
            _ => return Err(fault("only mappings can be merged")),
        }
    }
    Ok(())
}

/// The key and value nodes of a field. Nothing if the node is no mapping, or does not have the field.
pub(super) fn field(tree: &Tree<'_>, mapping: Id, name: &str) -> Option<(Id, Id)> {
    let mapping = tree.target(mapping);
    let node = tree.node(mapping).filter(|node| node.kind == Kind::Mapping)?;
    if node.hard {
        let entries = entries(tree, mapping, 0).ok()?;
        return entries.into_iter().find(|entry| entry.key.text == name).map(|entry| (entry.at, entry.value));
    }
    tree.pairs(mapping).find(|(key, _)| tree.node(*key).is_some_and(|key| key.text == name))
}

/// The text of a scalar that is text.
pub(super) fn text<'t>(tree: &'t Tree<'_>, id: Id) -> Option<&'t str> {
    let node = tree.node(tree.target(id))?;
    match scalar::resolve(tree, node).ok()?? {
        Scalar::Text(text) => Some(text),
        _ => None,
    }
}
