//! From a request that succeeded to facts: what was changed, and what became of it.

use jiff::Timestamp;

use super::fields::{entries, fields, number, owned, pick, picked, text};
use crate::identity::{Actor, Fact, Object, ObjectKind, Source, Verb, Version};

fields! {
    /// What counts of an object of the API, of whatever kind.
    Head {
        kind: "kind",
        api_version: "apiVersion",
        metadata: "metadata",
        /// Of a list.
        items: "items",
        /// Of a `Table`.
        rows: "rows",
        /// Of a `Status`: the object that was deleted.
        details: "details",
    }
}

fields! {
    /// What counts of `metadata`, and of the `details` of a `Status`.
    Metadata {
        name: "name",
        namespace: "namespace",
        uid: "uid",
        generation: "generation",
        resource_version: "resourceVersion",
        created: "creationTimestamp",
    }
}

fields! {
    /// One row of a `Table`.
    Row { object: "object", }
}

/// A request for a change that the API server carried out.
pub(super) struct Change<'a> {
    /// Identifies the request.
    pub(super) id: String,
    /// When it was answered.
    pub(super) at: Timestamp,
    /// Who asked.
    pub(super) actor: Actor,
    /// What was asked.
    pub(super) verb: Verb,
    /// Of what, as the request names it.
    pub(super) object: Object,
    /// The uid, if the request names it.
    pub(super) uid: Option<String>,
    /// The body of the request.
    pub(super) request: Option<&'a str>,
    /// The body of the response.
    pub(super) response: Option<&'a str>,
    /// Whether it could have changed the spec.
    pub(super) may_change_spec: bool,
}

/// Group and resource as a kind of object, if facts are about it.
pub(super) fn object_kind(group: &str, resource: &str) -> Option<ObjectKind> {
    match (group, resource) {
        ("batch", "cronjobs") => Some(ObjectKind::CronJob),
        ("batch", "jobs") => Some(ObjectKind::Job),
        ("cronwarden.dev", "approvedcronjobs") => Some(ObjectKind::Approval),
        ("cronwarden.dev", "scheduledworkloadfindings") => Some(ObjectKind::Finding),
        _ => None,
    }
}

/// A verb that changes something.
pub(super) fn verb(text: &str) -> Option<Verb> {
    [Verb::Create, Verb::Update, Verb::Patch, Verb::Delete, Verb::DeleteCollection]
        .into_iter()
        .find(|verb| verb.as_str() == text)
}

/// What is written in `apiVersion` and `kind` of an object, but for the version.
fn written(kind: ObjectKind) -> (&'static str, &'static str) {
    match kind {
        ObjectKind::CronJob => ("batch/", "CronJob"),
        ObjectKind::Job => ("batch/", "Job"),
        ObjectKind::Approval => ("cronwarden.dev/", "ApprovedCronJob"),
        ObjectKind::Finding | ObjectKind::FindingStatus => ("cronwarden.dev/", "ScheduledWorkloadFinding"),
    }
}

/// Adds the facts of a change.
pub(super) fn facts(change: &Change<'_>, facts: &mut Vec<Fact>) {
    let head: Head<'_> = picked(change.response);
    if change.verb == Verb::DeleteCollection {
        let before = facts.len();
        if let Some(items) = head.items {
            entries(items, |item| facts.extend(fact_of_item(change, item)));
        } else if let Some(rows) = head.rows {
            entries(rows, |row| facts.extend(fact_of_row(change, row)));
        }
        if facts.len() == before && head.items.is_none() {
            facts.push(fact(change, Version::default(), Metadata::default(), None));
        }
        return;
    }
    facts.push(match Answer::of(change, &head) {
        Answer::Object(body) => fact_of_object(change, head, Some(body)),
        Answer::Metadata => fact_of_object(change, head, None),
        Answer::Row(row) => fact_of_row(change, row).unwrap_or_else(|| fact_without_answer(change)),
        Answer::Deleted(details) => {
            let details: Metadata<'_> = picked(Some(details));
            let version = Version { uid: uid(details.uid), ..Version::default() };
            fact(change, version, Metadata::default(), None)
        }
        Answer::Nothing => fact_without_answer(change),
    });
}

/// What the body of a response is.
enum Answer<'a> {
    /// The object.
    Object(&'a str),
    /// The metadata of the object, for a client that asked for no more.
    Metadata,
    /// The object as the only row of a table.
    Row(&'a str),
    /// The details of a `Status`.
    Deleted(&'a str),
    /// Nothing that helps.
    Nothing,
}

impl<'a> Answer<'a> {
    fn of(change: &Change<'a>, head: &Head<'a>) -> Self {
        let Some(response) = change.response else { return Self::Nothing };
        let (kind, api_version) = (text(head.kind), text(head.api_version));
        let (kind, api_version) = (kind.as_deref().unwrap_or_default(), api_version.as_deref().unwrap_or_default());
        match kind {
            "PartialObjectMetadata" => Self::Metadata,
            "Table" => head.rows.and_then(first).map_or(Self::Nothing, Self::Row),
            "Status" if api_version == "v1" || api_version.is_empty() => {
                head.details.map_or(Self::Nothing, Self::Deleted)
            }
            _ if is_of(change.object.kind, kind, api_version) => Self::Object(response),
            _ => Self::Nothing,
        }
    }
}

fn is_of(wanted: ObjectKind, kind: &str, api_version: &str) -> bool {
    let (group, name) = written(wanted);
    kind == name && api_version.starts_with(group)
}

fn first(array: &str) -> Option<&str> {
    let mut first = None;
    entries(array, |entry| {
        first.get_or_insert(entry);
    });
    first
}

/// An item of a list has its kind only if it was decoded without knowing it.
fn fact_of_item(change: &Change<'_>, item: &str) -> Option<Fact> {
    let head: Head<'_> = pick(item)?;
    let is_whole = match (text(head.kind), text(head.api_version)) {
        (None, None) => true,
        (kind, api_version) => is_of(change.object.kind, &kind.unwrap_or_default(), &api_version.unwrap_or_default()),
    };
    Some(fact_of_object(change, head, Some(item).filter(|_| is_whole)))
}

fn fact_of_row(change: &Change<'_>, row: &str) -> Option<Fact> {
    let row: Row<'_> = pick(row)?;
    Some(fact_of_object(change, pick(row.object?)?, None))
}

fn fact_of_object(change: &Change<'_>, head: Head<'_>, body: Option<&str>) -> Fact {
    let metadata: Metadata<'_> = picked(head.metadata);
    let version = Version {
        uid: uid(metadata.uid),
        generation: number(metadata.generation),
        resource_version: text(metadata.resource_version).and_then(|version| version.parse().ok()),
        created: text(metadata.created).and_then(|time| time.parse().ok()),
        may_change_spec: true,
    };
    fact(change, version, metadata, body)
}

/// What is left where there is no body: the request itself.
fn fact_without_answer(change: &Change<'_>) -> Fact {
    fact(change, Version::default(), Metadata::default(), None)
}

fn uid(value: Option<&str>) -> Option<String> {
    Some(owned(value)).filter(|uid| !uid.is_empty())
}

fn fact(change: &Change<'_>, version: Version, answered: Metadata<'_>, body: Option<&str>) -> Fact {
    let requested = || -> Metadata<'_> { picked(picked::<Head<'_>>(change.request).metadata) };
    let mut object = change.object.clone();
    let name = owned(answered.name);
    if !name.is_empty() {
        object.name = name;
    }
    // What is created is named by the body where the event has no other name.
    if object.name.is_empty() && change.verb == Verb::Create {
        object.name = owned(requested().name);
    }
    if object.namespace.is_empty() {
        object.namespace = owned(answered.namespace);
    }
    Fact {
        source: Source::Audit,
        id: change.id.clone(),
        at: change.at,
        actor: change.actor.clone(),
        verb: change.verb,
        object,
        version: Version {
            uid: version.uid.or_else(|| change.uid.clone()),
            may_change_spec: change.may_change_spec,
            ..version
        },
        body: body.map(Box::from),
    }
}
