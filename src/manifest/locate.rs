//! Where fields stand.

use std::ops::Range;

use super::key::field;
use super::list;
use super::object::Everything;
use super::place::Lines;
use super::tree::{Id, Kind, Tree};
use super::yaml;
use super::{Document, Place, Position};

/// Where fields of an object stand in its document, one place for each path.
///
/// A path is one of an assessment, such as `spec.template.spec.containers[0].image` or `metadata.labels[example.com/team]`, or
/// empty for the whole object. A field that is absent stands where the nearest field above it has its key. The document is
/// read again: for several of its objects see [`locate_all`].
pub fn locate(document: &Document, index: usize, paths: &[&str]) -> Vec<Place> {
    locate_all(document, &[(index, paths)]).pop().unwrap_or_default()
}

/// As [`locate`], for several objects of a document at once, each with the paths that are wanted of it.
pub fn locate_all(document: &Document, wanted: &[(usize, &[&str])]) -> Vec<Vec<Place>> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|which| wanted.get(*which).map(|(index, _)| *index));
    let taken = list::objects(document, &mut |tree, leaf| {
        let from = order.partition_point(|which| wanted.get(*which).is_some_and(|(index, _)| *index < leaf.index));
        let of_leaf = order.iter().skip(from).map_while(|which| {
            let (_, paths) = wanted.get(*which).filter(|(index, _)| *index == leaf.index)?;
            Some((*which, paths.iter().map(|path| range(tree, leaf.node, path)).collect::<Vec<_>>()))
        });
        of_leaf.collect::<Vec<_>>()
    });
    let whole = 0..document.text.len();
    let nowhere = wanted.iter().map(|(_, paths)| paths.iter().map(|_| whole.clone()).collect());
    let mut ranges: Vec<Vec<_>> = nowhere.collect();
    for (which, found) in taken.found.into_iter().flatten() {
        if let Some(slot) = ranges.get_mut(which) {
            *slot = found;
        }
    }
    places(document, ranges)
}

/// As [`locate`], in a YAML document that is no Kubernetes object.
pub fn locate_anywhere(document: &Document, paths: &[&str]) -> Vec<Place> {
    let ranges = match yaml::read(&document.text, &mut Everything) {
        Ok(read) if read.tree.len() > 0 => paths.iter().map(|path| range(&read.tree, 0, path)).collect(),
        _ => paths.iter().map(|_| 0..document.text.len()).collect(),
    };
    places(document, vec![ranges]).pop().unwrap_or_default()
}

/// Turns ranges in any order into places, with one pass over the text.
fn places(document: &Document, ranges: Vec<Vec<Range<usize>>>) -> Vec<Vec<Place>> {
    let mut offsets: Vec<usize> = ranges.iter().flatten().flat_map(|range| [range.start, range.end]).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut lines = Lines::new(&document.text, document.line);
    let start = lines.position(0);
    let positions: Vec<Position> = offsets.iter().map(|offset| lines.position(*offset)).collect();
    let position = |offset: usize| {
        let found = offsets.binary_search(&offset).ok().and_then(|found| positions.get(found));
        found.copied().unwrap_or(start)
    };
    let place = |bytes: Range<usize>| Place { start: position(bytes.start), end: position(bytes.end), bytes };
    ranges.into_iter().map(|ranges| ranges.into_iter().map(place).collect()).collect()
}

fn range(tree: &Tree<'_>, object: Id, path: &str) -> Range<usize> {
    let mut node = object;
    let mut key = None;
    for step in steps(path) {
        let found = match step {
            Step::Field(name) => field(tree, node, name).map(|(key, value)| (Some(key), value)),
            Step::Bracket(name) => {
                let sequence = tree.target(node);
                let number = name.parse::<usize>().ok().filter(|_| tree.kind(sequence) == Some(Kind::Sequence));
                match number {
                    Some(number) => tree.children(sequence).nth(number).map(|item| (None, item)),
                    None => field(tree, node, name).map(|(key, value)| (Some(key), value)),
                }
            }
        };
        let Some((found_key, value)) = found else {
            return key.map_or_else(|| tree.range(node), |key| tree.range(key));
        };
        (key, node) = (found_key, value);
    }
    let range = tree.range(node);
    match key {
        // A value that is left out: `suspend:`.
        Some(key) if range.is_empty() => tree.range(key),
        _ => range,
    }
}

enum Step<'p> {
    Field(&'p str),
    Bracket(&'p str),
}

/// The steps of a path: names between dots, and numbers or names in brackets.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some((inside, behind)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            rest = behind;
            return Some(Step::Bracket(inside));
        }
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['.', '[']).filter(|end| *end > 0).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        rest = behind;
        Some(Step::Field(name))
    })
}
