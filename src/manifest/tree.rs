//! A document as a tree in one vector: each node is followed by its descendants, so that a finished part can be cut off again.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use super::key;

/// The place of a node in its tree.
pub(super) type Id = u32;

/// How many nodes may be visited through aliases: as many as `kubectl` allows for documents of usual sizes.
const MOST_ALIASED: usize = 400_000;

/// How many nodes a tree may have. The items of a list are not held at once.
const MOST_NODES: usize = 2_000_000;

/// How deep values may be nested.
pub(super) const DEEPEST: usize = 256;

/// How many warnings are told of one document.
const MOST_WARNINGS: usize = 100;

/// What is wrong, and where in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub offset: usize,
    pub message: String,
}

impl Fault {
    pub fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Mapping,
    Sequence,
    /// A scalar whose text says what type it has.
    Plain,
    /// A scalar that is text, whatever it looks like.
    Text,
    /// A scalar whose tag says what type it has.
    Tagged,
    /// A number, `true`, `false` or `null` of JSON.
    Literal,
    Alias,
}

pub(super) struct Node<'a> {
    pub kind: Kind,
    /// For a mapping: whether it has merge keys, keys that are no text, or the same key twice.
    pub hard: bool,
    pub start: u32,
    pub end: u32,
    /// The node after this one and all of its descendants.
    pub next: Id,
    /// For an alias the node that it stands for, for a tagged scalar its tag.
    pub extra: u32,
    pub text: Cow<'a, str>,
}

/// The nodes of a document, or of those parts of it that were not read yet.
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    tags: Vec<String>,
    aliased: Cell<usize>,
    pub warnings: Vec<Fault>,
}

impl<'a> Tree<'a> {
    pub fn new(size: usize) -> Self {
        // A rough guess, to spare most of the growth.
        let nodes = Vec::with_capacity((size / 20).min(1 << 16));
        Self { nodes, tags: Vec::new(), aliased: Cell::new(0), warnings: Vec::new() }
    }

    /// The node; beyond the end the last one, which never happens.
    pub fn node(&self, id: Id) -> Option<&Node<'a>> {
        self.nodes.get(id as usize)
    }

    pub fn len(&self) -> Id {
        Id::try_from(self.nodes.len()).unwrap_or(Id::MAX)
    }

    pub fn kind(&self, id: Id) -> Option<Kind> {
        self.node(id).map(|node| node.kind)
    }

    pub fn start(&self, id: Id) -> usize {
        self.node(id).map_or(0, |node| node.start as usize)
    }

    pub fn range(&self, id: Id) -> Range<usize> {
        self.node(id).map_or(0..0, |node| node.start as usize..node.end.max(node.start) as usize)
    }

    pub fn after(&self, id: Id) -> Id {
        self.node(id).map_or(Id::MAX, |node| node.next)
    }

    pub fn tag(&self, node: &Node<'_>) -> &str {
        self.tags.get(node.extra as usize).map_or("", String::as_str)
    }

    /// The node that an alias stands for, or else the node itself.
    pub fn target(&self, id: Id) -> Id {
        match self.node(id) {
            Some(node) if node.kind == Kind::Alias => node.extra,
            _ => id,
        }
    }

    /// The children of a collection; of a mapping keys and values in turn.
    pub fn children(&self, id: Id) -> Children<'_, 'a> {
        Children { tree: self, next: id + 1, end: self.after(id).min(self.len()) }
    }

    /// The keys and values of the root that stand before a node, while neither of the two is complete.
    pub fn root_pairs_before(&self, end: Id) -> impl Iterator<Item = (Id, Id)> {
        let mut children = Children { tree: self, next: 1, end: end.min(self.len()) };
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The keys and values of a mapping as they stand there.
    pub fn pairs(&self, id: Id) -> impl Iterator<Item = (Id, Id)> {
        let mut children = self.children(id);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Counts nodes that are visited through an alias. Fails if they are too many.
    pub fn count_aliased(&self, count: usize) -> Result<(), &'static str> {
        let total = self.aliased.get().saturating_add(count);
        self.aliased.set(total);
        if total > MOST_ALIASED { Err("aliases expand to too many nodes: write the values out") } else { Ok(()) }
    }

    pub fn too_many_aliased(&self) -> bool {
        self.aliased.get() > MOST_ALIASED
    }

    pub fn warn(&mut self, offset: usize, message: &str) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(Fault::new(offset, message));
        }
    }
}

pub(super) struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: Id,
    end: Id,
}

impl Iterator for Children<'_, '_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        let id = self.next;
        (id < self.end).then(|| {
            self.next = self.tree.after(id).max(id + 1);
            id
        })
    }
}

/// Takes each item of the root's `items` as soon as it is complete. It says whether the item is read and can be forgotten.
pub(super) trait Items {
    /// The root's `items` begin; whatever was taken before is overruled.
    fn begin(&mut self, sequence: Id);
    fn item(&mut self, tree: &mut Tree<'_>, item: Id) -> bool;
}

/// Builds a tree out of what a parser says.
pub(super) struct Builder<'a, 'i, I> {
    pub tree: Tree<'a>,
    open: Vec<Open>,
    anchors: Vec<(usize, Id)>,
    /// The number of anchors when the current item of the root's list began.
    anchors_before: usize,
    list: Option<Id>,
    items: &'i mut I,
}

struct Open {
    id: Id,
    children: u32,
    last: Id,
}

impl<'a, 'i, I: Items> Builder<'a, 'i, I> {
    pub fn new(size: usize, items: &'i mut I) -> Self {
        let tree = Tree::new(size);
        Self { tree, open: Vec::new(), anchors: Vec::new(), anchors_before: 0, list: None, items }
    }

    fn push(&mut self, kind: Kind, range: Range<usize>, text: Cow<'a, str>, extra: u32) -> Result<Id, Fault> {
        let id = self.tree.len();
        if self.tree.nodes.len() >= MOST_NODES {
            let message = format!("more than {MOST_NODES} values in one object: split the document");
            return Err(Fault::new(range.start, message));
        }
        let place = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        let (start, end) = (place(range.start), place(range.end));
        self.tree.nodes.push(Node { kind, hard: false, start, end, next: id + 1, extra, text });
        Ok(id)
    }

    pub fn scalar(&mut self, kind: Kind, text: Cow<'a, str>, range: Range<usize>, anchor: usize) -> Result<(), Fault> {
        let id = self.push(kind, range, text, 0)?;
        self.anchor(anchor, id);
        self.complete(id);
        Ok(())
    }

    pub fn tagged(&mut self, tag: String, text: Cow<'a, str>, range: Range<usize>, anchor: usize) -> Result<(), Fault> {
        if self.tree.tags.last() != Some(&tag) {
            self.tree.tags.push(tag);
        }
        let known = u32::try_from(self.tree.tags.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let id = self.push(Kind::Tagged, range, text, known)?;
        self.anchor(anchor, id);
        self.complete(id);
        Ok(())
    }

    pub fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), Fault> {
        let found = self.anchors.binary_search_by_key(&anchor, |(known, _)| *known).ok();
        let Some((_, target)) = found.and_then(|index| self.anchors.get(index)).copied() else {
            return Err(Fault::new(range.start, "this alias has no anchor"));
        };
        if self.open.iter().any(|open| open.id == target) {
            return Err(Fault::new(range.start, "this alias stands for something that contains it"));
        }
        let id = self.push(Kind::Alias, range, Cow::Borrowed(""), target)?;
        self.complete(id);
        Ok(())
    }

    pub fn start(&mut self, kind: Kind, range: Range<usize>, anchor: usize) -> Result<(), Fault> {
        let id = self.push(kind, range, Cow::Borrowed(""), 0)?;
        let listed = kind == Kind::Sequence && anchor == 0 && self.in_items();
        self.anchor(anchor, id);
        self.open.push(Open { id, children: 0, last: id });
        if listed {
            self.list = Some(id);
            self.items.begin(id);
            self.anchors_before = self.anchors.len();
        }
        Ok(())
    }

    /// Whether what comes now is the value of the root's key `items`.
    fn in_items(&self) -> bool {
        let [root] = self.open.as_slice() else { return false };
        let is_value = self.tree.kind(root.id) == Some(Kind::Mapping) && root.children % 2 == 1;
        let is_text = |key: &&Node<'_>| matches!(key.kind, Kind::Text | Kind::Plain);
        is_value && self.tree.node(root.last).filter(is_text).is_some_and(|key| key.text == "items")
    }

    /// Ends the innermost collection; a block has no end of its own but that of its last node.
    pub fn end(&mut self, end: Option<usize>) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let next = self.tree.len();
        let last = self.tree.node(open.last).map_or(0, |node| node.end);
        if let Some(node) = self.tree.nodes.get_mut(open.id as usize) {
            node.end = end.and_then(|end| u32::try_from(end).ok()).unwrap_or(last);
            node.next = next;
        }
        if self.list == Some(open.id) {
            self.list = None;
        }
        if self.tree.kind(open.id) == Some(Kind::Mapping) {
            let hard = key::inspect(&mut self.tree, open.id)?;
            if let Some(node) = self.tree.nodes.get_mut(open.id as usize) {
                node.hard = hard;
            }
        }
        self.complete(open.id);
        Ok(())
    }

    /// Whether what comes now is the root.
    pub fn at_root(&self) -> bool {
        self.open.is_empty()
    }

    fn anchor(&mut self, anchor: usize, id: Id) {
        if anchor > 0 {
            self.anchors.push((anchor, id));
        }
    }

    fn complete(&mut self, id: Id) {
        let Some(parent) = self.open.last_mut() else { return };
        parent.children = parent.children.wrapping_add(1);
        parent.last = id;
        if self.list == Some(parent.id) {
            let read = self.items.item(&mut self.tree, id);
            if read && self.anchors.len() == self.anchors_before {
                self.tree.nodes.truncate(id as usize);
                if let Some(parent) = self.open.last_mut() {
                    parent.last = parent.id;
                }
            }
            self.anchors_before = self.anchors.len();
        }
    }
}
