//! From a document to the objects in it: lists are taken apart as `kubectl` does.
//!
//! Follows `unstructuredJSONScheme` of `k8s.io/apimachinery/pkg/apis/meta/v1/unstructured` and `FlattenListVisitor` of
//! `k8s.io/cli-runtime/pkg/resource`: whatever has a field `items` is a list, of whatever kind it is.

use super::key::{field, text};
use super::tree::{DEEPEST, Fault, Id, Items, Kind, Tree};
use super::{Document, json, text as characters, yaml};

/// How many errors are told of one document.
const MOST_ERRORS: usize = 100;

/// An object that is no list.
pub(super) struct Leaf<'t> {
    /// Its number among the objects of the document.
    pub index: usize,
    pub node: Id,
    pub api_version: &'t str,
    pub kind: &'t str,
}

/// What was made of the objects of a document.
pub(super) struct Taken<T> {
    pub found: Vec<T>,
    pub errors: Vec<Fault>,
    pub warnings: Vec<Fault>,
    /// Why a value that is no object at all is none.
    pub foreign: Vec<Fault>,
}

impl<T> Default for Taken<T> {
    fn default() -> Self {
        Self { found: Vec::new(), errors: Vec::new(), warnings: Vec::new(), foreign: Vec::new() }
    }
}

/// Gives each object of a document to `take`. Items of a list come as soon as they are complete, and are forgotten then.
pub(super) fn objects<T>(document: &Document, take: &mut dyn FnMut(&Tree<'_>, &Leaf<'_>) -> T) -> Taken<T> {
    let text = &document.text;
    let start = text.iter().position(|byte| !json::is_space(*byte)).unwrap_or(text.len());
    let is_json = text.get(start) == Some(&b'{');
    let json_fault = if is_json {
        let (taken, fault) = values(text, start, take);
        let Some(fault) = fault else { return taken };
        Some(fault)
    } else {
        None
    };
    let mut collector = Collector::new(take, 0);
    match yaml::read(text, &mut collector) {
        Ok(read) => {
            let mut taken = collector.finish(&read.tree);
            taken.errors.extend(read.behind);
            taken
        }
        Err(fault) => {
            // A brace and a quote: whoever wrote this meant JSON.
            let quoted = text.get(start + 1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""));
            let fault = json_fault.filter(|_| quoted).unwrap_or(fault);
            Taken { errors: vec![fault], ..Taken::default() }
        }
    }
}

/// The JSON values of a text, and what stands behind them that is none.
fn values<T>(text: &[u8], start: usize, take: &mut dyn FnMut(&Tree<'_>, &Leaf<'_>) -> T) -> (Taken<T>, Option<Fault>) {
    let mut all = Taken::default();
    all.errors.extend(characters::line_end(text));
    let (mut offset, mut index) = (start, 0);
    while offset < text.len() {
        let mut collector = Collector::new(&mut *take, index);
        match json::read(text, offset, &mut collector) {
            Ok((tree, end)) => {
                let (taken, next) = collector.finish_counting(&tree);
                index = next;
                all.found.extend(taken.found);
                all.errors.extend(taken.errors);
                all.warnings.extend(taken.warnings);
                all.foreign.extend(taken.foreign);
                offset = end;
            }
            Err(fault) => return (all, Some(fault)),
        }
        while text.get(offset).is_some_and(|byte| json::is_space(*byte)) {
            offset += 1;
        }
    }
    (all, None)
}

struct Collector<'f, T> {
    take: &'f mut dyn FnMut(&Tree<'_>, &Leaf<'_>) -> T,
    found: Vec<T>,
    errors: Vec<Fault>,
    foreign: Option<Fault>,
    first: usize,
    index: usize,
    /// The root's `items`, if they were taken while they were read.
    list: Option<Id>,
    /// Items that have no kind of their own, from before the kind of the list was known.
    waiting: Vec<(Id, usize)>,
    /// The version and kind that items without any were given.
    given: Option<(String, String)>,
}

impl<'f, T> Collector<'f, T> {
    fn new(take: &'f mut dyn FnMut(&Tree<'_>, &Leaf<'_>) -> T, first: usize) -> Self {
        Self {
            take,
            found: Vec::new(),
            errors: Vec::new(),
            foreign: None,
            first,
            index: first,
            list: None,
            waiting: Vec::new(),
            given: None,
        }
    }

    fn finish(self, tree: &Tree<'_>) -> Taken<T> {
        self.finish_counting(tree).0
    }

    /// What was taken, and the number of the next object.
    fn finish_counting(mut self, tree: &Tree<'_>) -> (Taken<T>, usize) {
        match tree.kind(0) {
            None => {}
            Some(Kind::Mapping) => self.root(tree),
            Some(_) if is_null(tree, 0) => {}
            Some(_) => {
                let message = "this is no Kubernetes object: a manifest is a mapping, not a list or a single value";
                self.foreign = Some(Fault::new(tree.start(0), message));
            }
        }
        if tree.too_many_aliased() {
            self.error(0, "aliases expand to too many nodes: write the values out");
        }
        let taken = Taken {
            found: self.found,
            errors: self.errors,
            warnings: tree.warnings.clone(),
            foreign: self.foreign.into_iter().collect(),
        };
        (taken, self.index)
    }

    fn root(&mut self, tree: &Tree<'_>) {
        let kind = own(tree, 0, "kind").unwrap_or_default();
        let api_version = own(tree, 0, "apiVersion").unwrap_or_default();
        let items = field(tree, 0, "items").map(|(_, value)| value);
        if items.is_none() || items != self.list {
            self.forget();
        }
        let Some(items) = items else {
            if field(tree, 0, "kind").is_none() {
                let message = "this is no Kubernetes object: a manifest needs `kind` and `apiVersion`";
                self.foreign = Some(Fault::new(tree.start(0), message));
            } else {
                self.leaf(tree, 0, api_version, kind);
            }
            return;
        };
        if kind.is_empty() {
            self.error(tree.start(0), "Object 'Kind' is missing: kubectl does not read this list");
        }
        if !kind.ends_with("List") {
            let message = "kubectl takes everything with a field `items` for a list, and reads nothing else of it";
            self.error(tree.start(0), message);
        }
        let item_kind = kind.strip_suffix("List").unwrap_or(kind);
        if self.list == Some(items) {
            let given = self.given.take();
            if given.is_some_and(|given| given != (api_version.to_owned(), item_kind.to_owned())) {
                let message = "the kind of this list stands twice, and its items have none: write it once";
                self.error(tree.start(0), message);
            }
            for (node, index) in std::mem::take(&mut self.waiting) {
                self.named(tree, node, index, api_version, item_kind);
            }
            return;
        }
        let sequence = tree.target(items);
        if tree.kind(sequence) == Some(Kind::Sequence) {
            let aliased = usize::from(sequence != items);
            for item in tree.children(sequence) {
                if tree.count_aliased(aliased).is_err() {
                    return;
                }
                self.item_of(tree, item, Some((api_version, item_kind)));
            }
        } else if !is_null(tree, sequence) {
            self.error(tree.start(items), "`items` is not a list: kubectl does not read this");
        }
    }

    fn error(&mut self, offset: usize, message: &str) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(Fault::new(offset, message));
        }
    }

    fn forget(&mut self) {
        self.found.clear();
        self.errors.clear();
        self.waiting.clear();
        self.given = None;
        self.index = self.first;
    }

    /// Takes an item of the outermost list. Returns whether it was taken now.
    fn item_of(&mut self, tree: &Tree<'_>, item: Id, given: Option<(&str, &str)>) -> bool {
        let node = tree.target(item);
        if tree.kind(node) != Some(Kind::Mapping) {
            self.error(tree.start(item), "an item of a list is not an object");
            return true;
        }
        let kind = own(tree, node, "kind").unwrap_or_default();
        let api_version = own(tree, node, "apiVersion").unwrap_or_default();
        if nested_items(tree, node).is_some() {
            self.nested(tree, item, 1);
        } else if !kind.is_empty() || !api_version.is_empty() {
            self.leaf(tree, item, api_version, kind);
        } else if let Some((api_version, kind)) = given {
            self.leaf(tree, item, api_version, kind);
        } else {
            self.waiting.push((item, self.index));
            self.index += 1;
            return false;
        }
        true
    }

    /// A list in a list, or an object in one.
    fn nested(&mut self, tree: &Tree<'_>, item: Id, depth: usize) {
        let node = tree.target(item);
        if node != item && tree.count_aliased(1).is_err() {
            return;
        }
        if tree.kind(node) != Some(Kind::Mapping) || depth > DEEPEST {
            self.error(tree.start(item), "an item of a list is not an object");
            return;
        }
        if let Some(items) = nested_items(tree, node) {
            for item in tree.children(items) {
                if depth > 1 && tree.count_aliased(1).is_err() {
                    return;
                }
                self.nested(tree, item, depth + 1);
            }
            return;
        }
        let kind = own(tree, node, "kind").unwrap_or_default();
        let api_version = own(tree, node, "apiVersion").unwrap_or_default();
        self.leaf(tree, item, api_version, kind);
    }

    fn leaf(&mut self, tree: &Tree<'_>, node: Id, api_version: &str, kind: &str) {
        let index = self.index;
        self.index += 1;
        self.named(tree, node, index, api_version, kind);
    }

    fn named(&mut self, tree: &Tree<'_>, node: Id, index: usize, api_version: &str, kind: &str) {
        let missing = match (api_version, kind) {
            (_, "") => "Object 'Kind' is missing: a manifest needs `kind` and `apiVersion`",
            ("", _) => "Object 'apiVersion' is missing: a manifest needs `kind` and `apiVersion`",
            _ => {
                let taken = (self.take)(tree, &Leaf { index, node, api_version, kind });
                self.found.push(taken);
                return;
            }
        };
        self.error(tree.start(node), missing);
    }
}

impl<T> Items for Collector<'_, T> {
    fn begin(&mut self, sequence: Id) {
        self.forget();
        self.list = Some(sequence);
    }

    fn item(&mut self, tree: &mut Tree<'_>, item: Id) -> bool {
        let root = self.list.unwrap_or_default();
        let own = |name: &str| {
            let mut pairs = tree.root_pairs_before(root.saturating_sub(1));
            pairs.find_map(|(key, value)| (text(tree, key)? == name).then(|| text(tree, value))?)
        };
        let given = own("apiVersion").zip(own("kind"));
        let given =
            given.map(|(version, kind)| (version.to_owned(), kind.strip_suffix("List").unwrap_or(kind).to_owned()));
        let borrowed = given.as_ref().map(|(version, kind)| (version.as_str(), kind.as_str()));
        let taken = self.item_of(tree, item, borrowed);
        self.given = self.given.take().or(given);
        taken
    }
}

/// The text of a field of a mapping.
fn own<'t>(tree: &'t Tree<'_>, node: Id, name: &str) -> Option<&'t str> {
    field(tree, node, name).and_then(|(_, value)| text(tree, value))
}

/// The items of a list in a list.
fn nested_items(tree: &Tree<'_>, node: Id) -> Option<Id> {
    let items = tree.target(field(tree, node, "items")?.1);
    (tree.kind(items) == Some(Kind::Sequence)).then_some(items)
}

fn is_null(tree: &Tree<'_>, id: Id) -> bool {
    let node = tree.node(id);
    node.is_some_and(|node| super::scalar::resolve(tree, node) == Ok(Some(super::scalar::Scalar::Null)))
}
