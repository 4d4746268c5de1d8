//! Cloud Audit Logs of Google Kubernetes Engine: entries of Cloud Logging with a `protoPayload`.
//!
//! Follows the references of `LogEntry` and `AuditLog` in Google's documentation, and the entries that `k8s.io` writes as published
//! tools read them. They differ from the API server's own events in what counts here:
//!
//! - There is one entry a request, once it is answered. `status.code` is one of gRPC, and absent when all went well.
//! - The verb is the last part of `methodName`, as in `io.k8s.batch.v1.cronjobs.patch`. What it was done to is told by `resourceName`:
//!   `batch/v1/namespaces/NAMESPACE/cronjobs/NAME`.
//! - The ID of the API server is the one of the operation; the `insertId` of older entries is another.
//! - The user is a `principalEmail`, without groups; an impersonated one is told as `authoritySelector`. A service account of Google that
//!   somebody borrowed is who the API server authenticated. Who borrowed it is not told here.
//! - There is no URI. So a dry run of anything but a deletion cannot be told from the real thing.
//! - Bodies have an `@type`, and may have neither `kind` nor `apiVersion`.

use std::borrow::Cow;

use super::change::{Change, facts, object_kind, verb};
use super::fields::{fields, number, owned, pick, picked, text};
use super::request::{deletes_nothing, may_change_spec};
use super::{Outcome, Reading};
use crate::identity::{Actor, Object, ObjectKind, User, Verb};

fields! {
    /// What counts of an `AuditLog`.
    Payload {
        service: "serviceName",
        method: "methodName",
        resource: "resourceName",
        authentication: "authenticationInfo",
        metadata: "requestMetadata",
        status: "status",
        request: "request",
        response: "response",
    }
}

fields! {
    /// `AuthenticationInfo`
    Authentication { email: "principalEmail", subject: "principalSubject", selector: "authoritySelector", }
}

fields! {
    /// `RequestMetadata`
    RequestMetadata { address: "callerIp", agent: "callerSuppliedUserAgent", }
}

fields! {
    /// `google.rpc.Status`
    Status { code: "code", }
}

fields! {
    /// `LogEntryOperation`
    Operation { id: "id", }
}

fields! {
    /// The labels that count: the annotations of the API server's event.
    Labels { reason: "authorization.k8s.io/reason", }
}

/// What counts of a `LogEntry`.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) payload: &'a str,
    pub(super) insert_id: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    pub(super) labels: Option<&'a str>,
    pub(super) timestamp: Option<&'a str>,
}

/// Reads an entry.
pub(super) fn read(entry: Entry<'_>, reading: &mut Reading) -> Outcome {
    let payload: Payload<'_> = picked(Some(entry.payload));
    let Some(method) = text(payload.method) else { return Outcome::Ignored };
    let Some(verb) = method.rsplit('.').next().and_then(verb) else { return Outcome::Ignored };
    let Some(object) = text(payload.resource).and_then(|name| object(&name)) else { return Outcome::Ignored };
    if text(payload.service).is_some_and(|service| service != "k8s.io") {
        return Outcome::Ignored;
    }
    // Some exporters translate the code to the one of HTTP.
    match number(picked::<Status<'_>>(payload.status).code) {
        None | Some(0 | 200..300) => {}
        Some(_) => return Outcome::Ignored,
    }
    if verb.deletes() && payload.request.is_some_and(deletes_nothing) {
        return Outcome::Ignored;
    }
    let operation = owned(picked::<Operation<'_>>(entry.operation).id);
    let id = if operation.is_empty() { owned(entry.insert_id) } else { operation };
    if id.is_empty() {
        return Outcome::Unreadable("an entry of Cloud Audit Logs about a workload has no ID");
    }
    let Some(at) = text(entry.timestamp).and_then(|time| time.parse().ok()) else {
        return Outcome::Unreadable("an entry of Cloud Audit Logs about a workload has no time");
    };
    let Some(actor) = actor(&payload, entry.labels) else {
        return Outcome::Unreadable("an entry of Cloud Audit Logs about a workload does not say who made the request");
    };
    let change = Change {
        id,
        at,
        actor,
        verb,
        uid: None,
        may_change_spec: verb != Verb::Patch
            || object.kind == ObjectKind::Finding
            || payload.request.is_none_or(|patch| may_change_spec(patch, None)),
        object,
        request: payload.request,
        response: payload.response,
    };
    let before = reading.facts.len();
    facts(&change, &mut reading.facts);
    if reading.facts.len() > before { Outcome::Fact } else { Outcome::Ignored }
}

/// What a resource name names, if facts are about it: `GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME`, without a namespace for what
/// has none, and without a name where the request had none.
fn object(resource_name: &str) -> Option<Object> {
    let mut parts = resource_name.split('/');
    let (group, _version, first) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, resource) = if first == "namespaces" { (parts.next()?, parts.next()?) } else { ("", first) };
    let kind = object_kind(group, resource)?;
    let name = parts.next().unwrap_or_default();
    let kind = match (parts.next(), kind) {
        (None, kind) => kind,
        (Some("status"), ObjectKind::Finding) => ObjectKind::FindingStatus,
        (Some(_), _) => return None,
    };
    Some(Object { kind, namespace: namespace.to_owned(), name: name.to_owned() })
}

fn actor(payload: &Payload<'_>, labels: Option<&str>) -> Option<Actor> {
    let authentication: Authentication<'_> = pick(payload.authentication?)?;
    let user = |name: Option<&str>| {
        Some(User { username: owned(name), groups: Vec::new() }).filter(|user| !user.username.is_empty())
    };
    let metadata: RequestMetadata<'_> = picked(payload.metadata);
    let labels: Labels<'_> = picked(labels);
    let actor = Actor {
        user: user(authentication.email).or_else(|| user(authentication.subject))?,
        impersonated: user(authentication.selector),
        source_ips: text(metadata.address).map(Cow::into_owned).into_iter().collect(),
        user_agent: owned(metadata.agent),
        pod: None,
        authorization: owned(labels.reason),
    };
    Some(actor.bounded())
}
