//! Finding the audit events in whatever they are wrapped in.

use super::fields::{entries, fields, pick, text};
use super::{Outcome, Reading, native};

const NO_EVENT: &str = "expected an audit event, found other JSON";

/// How many envelopes may be wrapped around each other, each array counted as one. Each costs another look at what is inside.
const DEEPEST: usize = 10;

fields! {
    /// The fields by which a form is recognised, and those of an audit event, which is the form that is met most.
    Outer {
        // An audit event: the names of `audit.k8s.io/v1`, and the columns of Azure's tables.
        kind: "kind",
        api_version: "apiVersion",
        level: "level" | "Level",
        audit_id: "auditID" | "AuditId",
        stage: "stage" | "Stage",
        request_uri: "requestURI" | "RequestUri",
        verb: "verb" | "Verb",
        user: "user" | "User",
        impersonated_user: "impersonatedUser",
        source_ips: "sourceIPs" | "SourceIps",
        user_agent: "userAgent" | "UserAgent",
        object_ref: "objectRef" | "ObjectRef",
        response_status: "responseStatus" | "ResponseStatus",
        request_object: "requestObject" | "RequestObject",
        response_object: "responseObject" | "ResponseObject",
        received_time: "requestReceivedTimestamp" | "RequestReceivedTime",
        stage_time: "stageTimestamp" | "StageReceivedTime",
        annotations: "annotations" | "Annotations",
        /// Of an `EventList`.
        items: "items",
        /// `CloudWatch` Logs, as a subscription delivers them. Its other kind of message only tries whether anybody listens.
        message_type: "messageType",
        /// The events of that.
        log_events: "logEvents",
        /// The output of `aws logs filter-log-events` and `get-log-events`.
        events: "events",
        /// Azure's diagnostic logs, as event hubs deliver them and storage accounts keep them.
        records: "records",
        /// What a record of Azure's diagnostic logs is.
        category: "category" | "Category",
        /// What it says.
        properties: "properties",
        /// The column of `AzureDiagnostics` that holds the event.
        log_s: "log_s",
        // Where log shippers put the line that they read, or what they made of it.
        log: "log",
        message: "message",
        event: "event",
        msg: "msg",
        data: "data",
        line: "line",
        kubernetes_audit: "kubernetes_audit",
        json: "json",
        raw: "_raw",
        /// Elastic's integration for Kubernetes keeps the event in `kubernetes.audit`.
        kubernetes: "kubernetes",
        /// The field of that.
        audit: "audit",
    }
}

/// Reads one JSON value of a record.
pub(super) fn read(value: &str, reading: &mut Reading) {
    if !walk(value, DEEPEST, reading) {
        reading.cannot_read(NO_EVENT);
    }
}

/// Reads a value; says whether it is something that is known: an audit event, an envelope, or what is known to be neither.
fn walk(value: &str, depth: usize, reading: &mut Reading) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value.as_bytes().first() {
        Some(b'{') => pick(value).is_some_and(|outer| object(&outer, depth, reading)),
        Some(b'[') => list(value, depth, reading),
        Some(b'"') => text(Some(value)).is_some_and(|inner| line(&inner, depth, reading)),
        _ => false,
    }
}

/// Reads each entry by itself: one that is nothing does not hide the others.
fn list(array: &str, depth: usize, reading: &mut Reading) -> bool {
    entries(array, |entry| {
        if !walk(entry, depth, reading) {
            reading.cannot_read(NO_EVENT);
        }
    })
}

/// Reads the text of a log line, which may have a time or a host before its JSON.
fn line(text: &str, depth: usize, reading: &mut Reading) -> bool {
    let Some(start) = text.find(['{', '[', '"']) else { return false };
    let text = text[start..].trim_end();
    walk(text, depth, reading)
}

fn object(outer: &Outer<'_>, depth: usize, reading: &mut Reading) -> bool {
    if outer.audit_id.is_some() || is_event(outer) {
        event(outer, reading);
        return true;
    }
    if let Some(items) = outer.items.filter(|_| is_audit(outer)) {
        return list(items, depth, reading);
    }
    false
}

fn is_audit(outer: &Outer<'_>) -> bool {
    text(outer.api_version).is_some_and(|version| version.starts_with("audit.k8s.io/"))
}

fn is_event(outer: &Outer<'_>) -> bool {
    outer.verb.is_some() && is_audit(outer)
}

fn event(outer: &Outer<'_>, reading: &mut Reading) {
    reading.events += 1;
    match native::read(outer, reading) {
        Outcome::Fact => {}
        Outcome::Ignored => reading.ignored += 1,
        Outcome::Unreadable(reason) => reading.cannot_read(reason),
    }
}
