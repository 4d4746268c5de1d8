//! Events of `audit.k8s.io`, and rows of Azure's tables that have the same fields under names of their own.
//!
//! The fields are those of `k8s.io/apiserver/pkg/apis/audit/v1`. The columns are those of the tables `AKSAudit` and `AKSAuditAdmin` in
//! the reference of Azure Monitor Logs. Azure has no column for the impersonated user: what was done in another's name is told as done
//! by whoever was authenticated. A column of type `dynamic` may be exported as an object or as text.

use jiff::Timestamp;

use super::change::{Change, facts, object_kind, verb};
use super::envelope::Outer;
use super::fields::{fields, number, owned, picked, text, texts, unquoted};
use super::request::{asks_for_dry_run, deletes_nothing, may_change_spec};
use super::{Outcome, Reading};
use crate::identity::{Actor, Object, ObjectKind, PodIdentity, User, Verb};

fields! {
    /// `ObjectReference`. Its `resourceVersion` is the one that was asked for, not the one that came of it.
    ObjectRef {
        resource: "resource",
        group: "apiGroup",
        namespace: "namespace",
        name: "name",
        uid: "uid",
        subresource: "subresource",
    }
}

fields! {
    /// `UserInfo` of `authentication.k8s.io/v1`.
    UserInfo { username: "username", groups: "groups", extra: "extra", }
}

fields! {
    /// What tokens of service accounts say of the pod that they are bound to.
    Extra {
        pod_name: "authentication.kubernetes.io/pod-name",
        pod_uid: "authentication.kubernetes.io/pod-uid",
        node_name: "authentication.kubernetes.io/node-name",
    }
}

fields! {
    /// The annotations that count.
    Annotations { reason: "authorization.k8s.io/reason", }
}

fields! {
    /// A `Status`, as the event has it: without details.
    Status { code: "code", }
}

/// Reads an event. If it has no time, it happened when its envelope `told` that it did.
pub(super) fn read(event: &Outer<'_>, told: Option<Timestamp>, reading: &mut Reading) -> Outcome {
    // Most events are reads: they need not be looked at any further.
    let Some(verb) = text(event.verb).and_then(|text| verb(&text)) else { return Outcome::Ignored };
    let Some(kind) = kind(event) else { return Outcome::Ignored };
    match text(event.stage).as_deref() {
        Some("ResponseComplete") => {}
        Some(_) => return Outcome::Ignored,
        None => return Outcome::Unreadable("an audit event about a workload has no stage"),
    }
    let status = unquoted(event.response_status);
    let verb = match (number(picked::<Status<'_>>(status.as_deref()).code), verb) {
        // What is applied on the server's side, or updated, is created if it was not there.
        (Some(201), Verb::Patch | Verb::Update) => Verb::Create,
        (Some(200..300), _) => verb,
        (Some(_), _) => return Outcome::Ignored,
        (None, _) => return Outcome::Unreadable("an audit event about a workload does not say how the request ended"),
    };
    let uri = text(event.request_uri);
    let request = unquoted(event.request_object);
    if is_dry_run(event, verb, uri.as_deref(), request.as_deref()) {
        return Outcome::Ignored;
    }
    let id = owned(event.audit_id);
    if id.is_empty() {
        return Outcome::Unreadable("an audit event about a workload has no ID");
    }
    let Some(at) = time(event.stage_time).or_else(|| time(event.received_time)).or(told) else {
        return Outcome::Unreadable("an audit event about a workload has no time");
    };
    let Some(actor) = actor(event) else {
        return Outcome::Unreadable("an audit event about a workload does not say who made the request");
    };
    let reference = unquoted(event.object_ref);
    let reference: ObjectRef<'_> = picked(reference.as_deref());
    let response = unquoted(event.response_object);
    let change = Change {
        id,
        at,
        actor,
        verb,
        object: Object { kind, namespace: owned(reference.namespace), name: owned(reference.name) },
        uid: Some(owned(reference.uid)).filter(|uid| !uid.is_empty()),
        may_change_spec: verb != Verb::Patch
            || kind == ObjectKind::Finding
            || request.as_deref().is_none_or(|patch| may_change_spec(patch, uri.as_deref())),
        request: request.as_deref(),
        response: response.as_deref(),
    };
    let before = reading.facts.len();
    facts(&change, &mut reading.facts);
    if reading.facts.len() > before { Outcome::Fact } else { Outcome::Ignored }
}

/// The kind of object that the event is about, if facts are. The status of a workload is its controller's; that of a finding is ours.
fn kind(event: &Outer<'_>) -> Option<ObjectKind> {
    let reference = unquoted(event.object_ref)?;
    let reference: ObjectRef<'_> = picked(Some(&reference));
    let kind = object_kind(&text(reference.group)?, &text(reference.resource)?)?;
    match text(reference.subresource).as_deref() {
        None | Some("") => Some(kind),
        Some("status") if kind == ObjectKind::Finding => Some(ObjectKind::FindingStatus),
        Some(_) => None,
    }
}

/// Whether nothing was meant to change.
///
/// A deletion takes its options from its body, and from the query only if it has no body: a deletion with both is carried out if the
/// body does not ask for a dry run. Where the event does not show that there was no body, the query of a deletion proves nothing.
fn is_dry_run(event: &Outer<'_>, verb: Verb, uri: Option<&str>, request: Option<&str>) -> bool {
    let in_query = || uri.is_some_and(asks_for_dry_run);
    if !verb.deletes() {
        return in_query();
    }
    let level = text(event.level);
    match request {
        Some(options) => deletes_nothing(options),
        None => matches!(level.as_deref(), Some("Request" | "RequestResponse")) && in_query(),
    }
}

fn time(value: Option<&str>) -> Option<Timestamp> {
    text(value)?.parse().ok()
}

fn actor(event: &Outer<'_>) -> Option<Actor> {
    let authenticated = unquoted(event.user)?;
    let authenticated: UserInfo<'_> = picked(Some(&authenticated));
    let impersonated = unquoted(event.impersonated_user);
    let addresses = unquoted(event.source_ips);
    let annotations = unquoted(event.annotations);
    let actor = Actor {
        user: user(authenticated).filter(|user| !user.username.is_empty())?,
        impersonated: impersonated.and_then(|other| user(picked(Some(&other)))),
        source_ips: texts(addresses.as_deref()),
        user_agent: owned(event.user_agent),
        pod: pod(picked(authenticated.extra)),
        authorization: owned(picked::<Annotations<'_>>(annotations.as_deref()).reason),
    };
    Some(actor.bounded())
}

fn user(info: UserInfo<'_>) -> Option<User> {
    Some(User { username: text(info.username)?.into_owned(), groups: texts(info.groups) })
}

fn pod(extra: Extra<'_>) -> Option<PodIdentity> {
    let [name, uid, node] =
        [extra.pod_name, extra.pod_uid, extra.node_name].map(|value| texts(value).into_iter().next());
    (name.is_some() || uid.is_some()).then(|| PodIdentity {
        name: name.unwrap_or_default(),
        uid: uid.unwrap_or_default(),
        node: node.unwrap_or_default(),
    })
}
