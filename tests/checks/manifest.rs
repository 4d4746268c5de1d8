//! Manifests: any stream of bytes.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::sync::LazyLock;

use cronwarden::api::approval::from_value;
use cronwarden::assess::assess;
use cronwarden::inventory::{Approval, Inventory};
use cronwarden::manifest::{Content, Contents, Document, Documents, Level, Place, Position, Problem};
use cronwarden::manifest::{locate, locate_all, read, values};
use cronwarden::workload::{Packed, Workload, packed};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::assert_harmless;

/// Errors that are about objects, and so not about the values of a document.
const ABOUT_OBJECTS: &[&str] = &[
    "Object 'Kind' is missing",
    "Object 'apiVersion' is missing",
    "kubectl takes everything with a field `items` for a list",
    "an item of a list is not an object",
    "`items` is not a list",
    "a manifest is a mapping",
    "the kind of this list stands twice",
];

/// Why `values` refuses a document, and `read` only if it stands in a field that is judged.
const NOT_LOOKED_AT: &[&str] = &[
    "JSON has no numbers that are infinite",
    "aliases expand to too many nodes",
    "the tag !!binary is not read here",
    "the tag !!timestamp is not read here",
    "this value does not fit its tag",
    "values are nested deeper than",
];

/// How deep `serde_json` reads.
const DEEPEST_JSON: usize = 127;

/// An approval that selects everything and that hardly anything satisfies, so that there is something to be said of every field.
static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    let approval = from_value(json!({
        "apiVersion": "cronwarden.dev/v1alpha1",
        "kind": "ApprovedCronJob",
        "metadata": { "name": "all" },
        "spec": {
            "match": { "kinds": ["CronJob", "Job"], "names": ["*"] },
            "expected": {
                "schedules": ["1 2 3 4 5"],
                "timeZones": ["Etc/UTC"],
                "minimumInterval": "24h",
                "windows": ["00:00-00:01"],
                "images": [{ "repository": "registry.example.com/a/b/c", "requireDigest": true }],
                "commands": [{ "command": ["/approved"], "args": [] }],
                "serviceAccounts": ["approved"],
                "labels": { "example.com/team": "a" },
                "suspended": true,
            },
            "allowed": { "podSecurity": "Restricted" },
        },
    }));
    let mut inventory = Inventory::default();
    inventory.insert(Approval::compile(&approval.expect("an approval")));
    inventory
});

pub fn check(input: &[u8]) {
    let documents = split(input);
    // However the bytes arrive.
    let slowly = Documents::new(BufReader::with_capacity(3, input)).map(|result| result.map_err(|e| e.to_string()));
    assert_eq!(slowly.collect::<Vec<_>>(), documents);
    documents.into_iter().flatten().for_each(|document| one(&document));
}

fn split(input: &[u8]) -> Vec<Result<Document, String>> {
    let mut all = Vec::new();
    let (mut end, mut line, mut counted) = (0, 1, 0);
    for result in Documents::new(input) {
        all.push(result.map_err(|error| error.to_string()));
        match all.last() {
            Some(Ok(document)) => {
                let start = usize::try_from(document.offset).expect("an offset");
                assert!(end <= start, "documents overlap");
                end = start + document.text.len();
                let text = input.get(start..end.min(input.len())).expect("a part of the input");
                let added = document.text.strip_prefix(text).expect("the text of the input");
                assert!(added.is_empty() || added == b"\n");
                line += line_ends(&input[counted..start]);
                assert_eq!(document.line, line);
                (end, counted) = (end.min(input.len()), start);
            }
            Some(Err(message)) => assert_harmless(message),
            None => {}
        }
        assert!(all.len() <= 2 * input.len(), "no end of documents");
    }
    all
}

fn one(document: &Document) {
    let contents = read(document);
    assert_eq!(format!("{contents:?}"), format!("{:?}", read(document)), "read twice");
    problems(document, &contents.problems);
    let mut seen = BTreeSet::new();
    for object in &contents.objects {
        assert!(seen.insert(object.index), "two objects have the number {}", object.index);
    }
    let asked: Vec<(usize, &[&str])> = contents.objects.iter().map(|object| (object.index, &[""] as &[_])).collect();
    let whole = locate_all(document, &asked).into_iter().flatten().map(|place| place.start);
    assert!(whole.eq(contents.objects.iter().map(|object| object.position)));
    places(document, &contents);
    for object in &contents.objects {
        if let Content::Workload(workload) = &object.content {
            packs(workload);
        }
    }
    same_values(document, &contents);
}

fn problems(document: &Document, problems: &[Problem]) {
    for problem in problems {
        within(document, problem.position);
        assert_harmless(&problem.message);
    }
    assert!(problems.is_sorted_by_key(|problem| problem.position), "problems out of order: {problems:?}");
}

/// Lines of the source, and columns of what stands there.
fn within(document: &Document, position: Position) {
    let line = position.line.checked_sub(document.line).and_then(|line| usize::try_from(line).ok());
    let line = line.and_then(|line| document.text.split(|byte| *byte == b'\n').nth(line));
    let length = line.expect("a line of the document").len() as u64;
    assert!((1..=length + 1).contains(&position.column), "{position:?} is beyond its line");
}

fn places(document: &Document, contents: &Contents) {
    let mut wanted: Vec<(usize, Vec<String>)> = Vec::new();
    for object in &contents.objects {
        let Content::Workload(workload) = &object.content else { continue };
        let assessment = assess(workload, &INVENTORY, None, Timestamp::UNIX_EPOCH);
        let deviations = assessment.deviations.into_iter().map(|deviation| deviation.path);
        let risks = assessment.risks.into_iter().map(|risk| risk.path);
        let named = ["metadata.name", "metadata.labels[a.b/c]", "spec.jobTemplate.spec.template.spec.containers[9].x"];
        wanted.push((object.index, deviations.chain(risks).chain(named.map(str::to_owned)).collect()));
    }
    let paths: Vec<(usize, Vec<&str>)> =
        wanted.iter().map(|(index, paths)| (*index, paths.iter().map(String::as_str).collect())).collect();
    let asked: Vec<(usize, &[&str])> = paths.iter().map(|(index, paths)| (*index, paths.as_slice())).collect();
    let found = locate_all(document, &asked);
    assert_eq!(found.len(), asked.len());
    for ((index, paths), places) in asked.iter().zip(&found) {
        assert_eq!(places.len(), paths.len());
        for place in places {
            place_within(document, place);
        }
        // Reading a document for each of its objects takes time in the square of them.
        if asked.len() <= 4 {
            assert_eq!(&locate(document, *index, paths), places);
        }
    }
}

fn place_within(document: &Document, place: &Place) {
    within(document, place.start);
    within(document, place.end);
    assert!(place.start <= place.end && place.bytes.start <= place.bytes.end, "{place:?} ends before it starts");
    let before = document.text.get(..place.bytes.start).expect("a start in the text");
    assert!(place.bytes.end <= document.text.len(), "{place:?} ends behind the text");
    assert_eq!(place.start.line, document.line + line_ends(before));
}

fn packs(workload: &Workload) {
    match Packed::pack(workload) {
        Ok(packed) => {
            assert!(packed.size() <= packed::LARGEST);
            assert_eq!(packed.unpack().as_ref(), Ok(workload));
        }
        Err(reason) => assert_harmless(&reason.to_string()),
    }
}

/// What is read are the values of the document.
fn same_values(document: &Document, contents: &Contents) {
    let errors = || contents.problems.iter().filter(|problem| problem.level == Level::Error);
    let all = match values(document) {
        Ok(all) => all,
        Err(problem) => {
            within(document, problem.position);
            assert_harmless(&problem.message);
            assert_eq!(problem.level, Level::Error);
            let known = NOT_LOOKED_AT.iter().any(|known| problem.message.starts_with(known));
            assert!(known || errors().next().is_some(), "only `values` refuses it: {}", problem.message);
            return;
        }
    };
    let about_objects = |problem: &&Problem| ABOUT_OBJECTS.iter().any(|known| problem.message.starts_with(known));
    // The labels of namespaces are read, and may be of the wrong type.
    let labels = all.iter().any(|value| value.to_string().contains("\"Namespace\""));
    let others: Vec<_> = errors().filter(|problem| !about_objects(problem)).collect();
    assert!(others.is_empty() || labels, "only `read` refuses it: {others:?}");
    if errors().next().is_some() {
        return;
    }
    let leaves: Vec<&Value> = all.iter().flat_map(leaves).collect();
    assert_eq!(leaves.len(), contents.objects.len() + contents.skipped.len());
    for object in &contents.objects {
        let value = leaves[object.index];
        if depth(value) > DEEPEST_JSON {
            continue;
        }
        match &object.content {
            Content::Workload(workload) => {
                let again = Workload::from_json(workload.key.kind, &value.to_string());
                assert_eq!(again.as_ref(), Ok(&**workload), "{value}");
            }
            Content::Unreadable { key, reason } => {
                let again = Workload::from_json(key.kind, &value.to_string());
                // `serde_json` takes a list for an object whose fields are not named. The API server stores none.
                let known = reason.to_string().contains("invalid type: sequence");
                assert!(again.is_err() || known, "{reason}, but JSON is read: {value}");
            }
            Content::Approval { value: read, .. } => assert_eq!(read, value),
            Content::Namespace { name, .. } => {
                assert_eq!(name, value["metadata"]["name"].as_str().unwrap_or_default());
            }
        }
    }
}

/// The objects of a value, in the order of their numbers.
fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        value if value.get("items").is_some_and(Value::is_null) => Vec::new(),
        value => nested(value),
    }
}

fn nested(value: &Value) -> Vec<&Value> {
    let items = value.get("items").and_then(Value::as_array);
    items.map_or_else(|| vec![value], |items| items.iter().flat_map(nested).collect())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).count() as u64
}
