//! From a request that succeeded to facts: what was changed, and what became of it.

use std::borrow::Cow;

use jiff::Timestamp;

use super::fields::{entries, fields, number, owned, pick, picked, text};
use crate::identity::{Actor, Fact, Object, ObjectKind, Source, Verb, Version};

/// The most objects of a `deletecollection` that become facts of their own. If there are more, another fact without a name follows.
const MOST_ITEMS: usize = 10_000;

fields! {
    /// What counts of an object of the API, of whatever kind.
    Head {
        kind: "kind",
        api_version: "apiVersion",
        /// Both, of a body in Google's logs: `batch.k8s.io/v1.CronJob`.
        google_type: "@type",
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

/// The group and the kind of an object, as it says itself.
fn written(kind: ObjectKind) -> (&'static str, &'static str) {
    match kind {
        ObjectKind::CronJob => ("batch", "CronJob"),
        ObjectKind::Job => ("batch", "Job"),
        ObjectKind::Approval => ("cronwarden.dev", "ApprovedCronJob"),
        ObjectKind::Finding | ObjectKind::FindingStatus => ("cronwarden.dev", "ScheduledWorkloadFinding"),
    }
}

/// Adds the facts of a change. There are none if a whole collection was deleted in which nothing was.
pub(super) fn facts(change: &Change<'_>, facts: &mut Vec<Fact>) {
    let head: Head<'_> = picked(change.response);
    if change.verb == Verb::DeleteCollection {
        let mut deleted = 0;
        let mut add = |fact: Option<Fact>| {
            if deleted < MOST_ITEMS {
                facts.extend(fact);
            }
            deleted += 1;
        };
        let are_told = match (head.items, head.rows) {
            (Some(items), _) => entries(items, |item| add(fact_of_item(change, item))),
            (None, Some(rows)) => entries(rows, |row| add(fact_of_row(change, row))),
            (None, None) => false,
        };
        if !are_told || deleted > MOST_ITEMS {
            facts.push(fact_without_answer(change));
        }
        return;
    }
    facts.push(match Answer::of(change, &head) {
        Answer::Object(body) => fact_of_object(change, head, Some(body)),
        Answer::Metadata => fact_of_object(change, head, None),
        Answer::Row(row) => fact_of_row(change, row).unwrap_or_else(|| fact_without_answer(change)),
        Answer::Deleted(details) => {
            let details: Metadata<'_> = picked(Some(details));
            fact(change, Version { uid: uid(details.uid), ..Version::default() }, Metadata::default(), None)
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
        let (api_version, kind) = head.api_version_and_kind();
        match &*kind {
            "PartialObjectMetadata" => Self::Metadata,
            "Table" => head.rows.and_then(first).map_or(Self::Nothing, Self::Row),
            "Status" => head.details.map_or(Self::Nothing, Self::Deleted),
            _ if is_of(change.object.kind, &api_version, &kind) => Self::Object(response),
            _ => Self::Nothing,
        }
    }
}

impl<'a> Head<'a> {
    fn api_version_and_kind(&self) -> (Cow<'a, str>, Cow<'a, str>) {
        if let (None, Some(Cow::Borrowed(name))) = (self.kind, text(self.google_type)) {
            let (api_version, kind) = name.rsplit_once('.').unwrap_or(("", name));
            return (Cow::Borrowed(api_version), Cow::Borrowed(kind));
        }
        (text(self.api_version).unwrap_or_default(), text(self.kind).unwrap_or_default())
    }
}

/// Whether an object is of a kind. Google writes `batch.k8s.io` where Kubernetes writes `batch`.
fn is_of(wanted: ObjectKind, api_version: &str, kind: &str) -> bool {
    let (group, name) = written(wanted);
    let found = api_version.split_once('/').map_or("", |(group, _)| group.strip_suffix(".k8s.io").unwrap_or(group));
    kind == name && found == group
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
    let (api_version, kind) = head.api_version_and_kind();
    let is_whole = kind.is_empty() || is_of(change.object.kind, &api_version, &kind);
    Some(fact_of_object(change, head, Some(item).filter(|_| is_whole)))
}

/// A row of a table has the metadata of its object, unless the client asked for the whole object.
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
