//! The objects of a document.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::key::{field, text};
use super::list::{self, Leaf};
use super::place::Lines;
use super::tree::{Fault, Tree};
use super::value::Value;
use super::{Document, Position, json, yaml};
use crate::workload::redact::printable;
use crate::workload::{Unreadable, Workload, WorkloadKey, WorkloadKind};

/// The longest name of a kind that is told, in characters.
const LONGEST_KIND: usize = 128;

/// What a document holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The objects that are judged, or by which others are.
    pub objects: Vec<Object>,
    /// What is wrong or suspicious, in the order of the text.
    pub problems: Vec<Problem>,
    /// `apiVersion/kind` of each object that is of no interest.
    pub skipped: Vec<String>,
    /// Values that are no objects at all, without a `kind`: `kubectl` refuses them. Where a manifest was meant,
    /// that is an error; in a folder there may be all sorts of YAML.
    pub foreign: Vec<Problem>,
}

/// An object of a document.
#[derive(Debug)]
pub struct Object {
    /// Its number among all objects of the document, with those of no interest: 0, or its place in a list.
    pub index: usize,
    /// Where it starts in the source.
    pub position: Position,
    /// What it is.
    pub content: Content,
}

/// What an object is.
#[derive(Debug)]
pub enum Content {
    /// A CronJob or Job.
    Workload(Box<Workload>),
    /// A CronJob or Job with a field that cannot have the value it has.
    Unreadable {
        /// Its kind, namespace and name.
        key: WorkloadKey,
        /// What is wrong with it.
        reason: Unreadable,
    },
    /// An `ApprovedCronJob`, of whatever version.
    Approval {
        /// Its name.
        name: String,
        /// All of it.
        value: serde_json::Value,
    },
    /// A namespace.
    Namespace {
        /// Its name.
        name: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
    },
}

/// Something wrong or suspicious in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// Where it is in the source.
    pub position: Position,
    /// What it is, and how to mend it. It may quote the document and is made harmless.
    pub message: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something was not read, or `kubectl` would read something else.
    Error,
    /// Everything was read, as `kubectl` does, but it may mislead a reader.
    Warning,
}

/// Reads a document. What cannot be read is among the problems.
///
/// Where `kubectl` reads the objects of a document, they are here, too, or there is an error among the problems. What it refuses is a
/// problem, or foreign.
pub fn read(document: &Document) -> Contents {
    let taken = list::objects(document, &mut |tree, leaf| (tree.start(leaf.node), leaf.index, content(tree, leaf)));
    let mut lines = Lines::new(&document.text, document.line);
    let mut contents = Contents { problems: problems(&mut lines, taken.errors, taken.warnings), ..Contents::default() };
    contents.foreign = taken.foreign.iter().map(|fault| problem(&mut lines, Level::Error, fault)).collect();
    for (start, index, found) in taken.found {
        match found {
            Found::Object(content) => {
                contents.objects.push(Object { index, position: lines.position(start), content });
            }
            Found::Skipped(kind) => contents.skipped.push(kind),
            Found::Wrong(fault) => contents.problems.push(problem(&mut lines, Level::Error, &fault)),
        }
    }
    contents.problems.sort_by_key(|problem| problem.position);
    contents
}

/// The JSON values that `kubectl` makes of a document before it looks for objects in them; nothing for an empty one.
///
/// Fails at whatever [`read`] calls an error, but for what only concerns objects.
pub fn values(document: &Document) -> Result<Vec<serde_json::Value>, Problem> {
    let text = &document.text;
    let mut lines = Lines::new(text, document.line);
    let mut refuse = |fault: &Fault| problem(&mut lines, Level::Error, fault);
    let start = text.iter().position(|byte| !json::is_space(*byte)).unwrap_or(text.len());
    let mut offset = start;
    let mut all = Vec::new();
    while text.get(start) == Some(&b'{') && offset < text.len() {
        let Ok((tree, end)) = json::read(text, offset, &mut Everything) else { break };
        all.push(value(&tree, 0).map_err(|fault| refuse(&fault))?);
        offset = end;
        while text.get(offset).is_some_and(|byte| json::is_space(*byte)) {
            offset += 1;
        }
    }
    if !all.is_empty() && offset == text.len() {
        return match super::text::line_end(text) {
            Some(fault) => Err(refuse(&fault)),
            None => Ok(all),
        };
    }
    let read = yaml::read(text, &mut Everything).map_err(|fault| refuse(&fault))?;
    if let Some(fault) = read.behind {
        return Err(refuse(&fault));
    }
    if read.tree.len() == 0 {
        return Ok(Vec::new());
    }
    value(&read.tree, 0).map(|value| vec![value]).map_err(|fault| refuse(&fault))
}

/// Keeps all items.
pub(super) struct Everything;

impl super::tree::Items for Everything {
    fn begin(&mut self, _sequence: super::tree::Id) {}

    fn item(&mut self, _tree: &mut Tree<'_>, _item: super::tree::Id) -> bool {
        false
    }
}

fn value(tree: &Tree<'_>, node: super::tree::Id) -> Result<serde_json::Value, Fault> {
    serde_json::Value::deserialize(Value::new(tree, node)).map_err(|refused| Fault::new(tree.start(node), refused.0))
}

enum Found {
    Object(Content),
    Skipped(String),
    Wrong(Fault),
}

fn content(tree: &Tree<'_>, leaf: &Leaf<'_>) -> Found {
    let group = leaf.api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, leaf.api_version, leaf.kind) {
        (_, "batch/v1" | "batch/v1beta1", "CronJob") => Found::Object(workload(tree, leaf, WorkloadKind::CronJob)),
        (_, "batch/v1", "Job") => Found::Object(workload(tree, leaf, WorkloadKind::Job)),
        ("cronwarden.dev", _, "ApprovedCronJob") => match value(tree, leaf.node) {
            Ok(value) => Found::Object(Content::Approval { name: metadata(tree, leaf, "name"), value }),
            Err(fault) => Found::Wrong(fault),
        },
        (_, "v1", "Namespace") => match labels(tree, leaf) {
            Ok(labels) => Found::Object(Content::Namespace { name: metadata(tree, leaf, "name"), labels }),
            Err(fault) => Found::Wrong(fault),
        },
        _ => Found::Skipped(printable(&format!("{}/{}", leaf.api_version, leaf.kind), LONGEST_KIND)),
    }
}

fn workload(tree: &Tree<'_>, leaf: &Leaf<'_>, kind: WorkloadKind) -> Content {
    match Workload::from_fields(kind, &Value::new(tree, leaf.node)) {
        Ok(workload) => Content::Workload(Box::new(workload)),
        Err(reason) => {
            let namespace = Some(metadata(tree, leaf, "namespace")).filter(|namespace| !namespace.is_empty());
            let namespace = namespace.unwrap_or_else(|| "default".to_owned());
            Content::Unreadable { key: WorkloadKey { namespace, name: metadata(tree, leaf, "name"), kind }, reason }
        }
    }
}

/// A text of the metadata; the empty text if it is absent or no text.
fn metadata(tree: &Tree<'_>, leaf: &Leaf<'_>, name: &str) -> String {
    let metadata = field(tree, leaf.node, "metadata");
    let value = metadata.and_then(|(_, metadata)| field(tree, metadata, name));
    value.and_then(|(_, value)| text(tree, value)).unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Labelled {
    metadata: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    labels: Option<BTreeMap<String, Option<String>>>,
}

fn labels(tree: &Tree<'_>, leaf: &Leaf<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let read = Labelled::deserialize(Value::new(tree, leaf.node));
    let read = read.map_err(|refused| Fault::new(tree.start(leaf.node), refused.0))?;
    let labels = read.metadata.unwrap_or_default().labels.unwrap_or_default();
    Ok(labels.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

fn problems(lines: &mut Lines<'_>, errors: Vec<Fault>, warnings: Vec<Fault>) -> Vec<Problem> {
    let errors = errors.into_iter().map(|fault| (Level::Error, fault));
    let mut all: Vec<_> = errors.chain(warnings.into_iter().map(|fault| (Level::Warning, fault))).collect();
    all.sort_by_key(|(_, fault)| fault.offset);
    all.iter().map(|(level, fault)| problem(lines, *level, fault)).collect()
}

fn problem(lines: &mut Lines<'_>, level: Level, fault: &Fault) -> Problem {
    Problem { level, position: lines.position(fault.offset), message: printable(&fault.message, 512) }
}
