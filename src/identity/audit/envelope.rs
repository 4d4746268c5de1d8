//! Finding the audit events in whatever they are wrapped in.

use jiff::Timestamp;

use super::fields::{entries, fields, pick, pick_cut_off, text};
use super::{Outcome, Reading, cut, google, native};

const NO_EVENT: &str = "expected an audit event, found other JSON";

/// How many envelopes may be wrapped around each other, each array counted as one. Each costs another look at what is inside.
const DEEPEST: usize = 12;

/// What the streams of EKS's log groups begin with: one for each component of the control plane, the audit log among them.
const EKS_STREAMS: &[&str] =
    &["kube-apiserver-", "authenticator-", "kube-controller-manager-", "kube-scheduler-", "cloud-controller-manager-"];

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
        /// Of an `EventList`, or of a list of such.
        items: "items",
        // An entry of Google's Cloud Logging.
        proto_payload: "protoPayload",
        insert_id: "insertId",
        operation: "operation",
        labels: "labels",
        // CloudWatch Logs, as a subscription delivers them, and the output of `aws logs filter-log-events` and `get-log-events`.
        message_type: "messageType",
        log_stream: "logStream" | "logStreamName",
        log_events: "logEvents",
        events: "events",
        // Azure's diagnostic logs, as event hubs deliver them and storage accounts keep them, and a row of `AzureDiagnostics`.
        records: "records",
        category: "category" | "Category",
        properties: "properties",
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
        json_payload: "jsonPayload",
        text_payload: "textPayload",
        raw: "_raw",
        result: "result",
        hits: "hits",
        source: "_source",
        /// What Elastic keeps the line in, within `event`.
        original: "original",
        /// Elastic's integration for Kubernetes keeps the event in `kubernetes.audit`.
        kubernetes: "kubernetes",
        audit: "audit",
        // Grafana Loki: what is pushed to it, and what it answers.
        streams: "streams",
        values: "values",
        /// When it happened, by most of the above.
        time: "time" | "timestamp" | "@timestamp" | "TimeGenerated",
    }
}

/// Reads one JSON value of a record.
pub(super) fn read(value: &str, reading: &mut Reading) {
    if !walk(value, Within::default(), reading) && !is_empty(value) {
        reading.cannot_read(NO_EVENT);
    }
}

/// What a value is in.
#[derive(Clone, Copy, Default)]
struct Within {
    /// How many envelopes.
    depth: usize,
    /// When it happened, by the innermost that told.
    time: Option<Timestamp>,
    /// Whether it is something that Azure may have cut off, as it does at 16 KiB.
    may_be_cut_off: bool,
}

/// Reads a value; says whether it is something that is known: an audit event, an envelope with one, or what is known to be neither.
fn walk(value: &str, within: Within, reading: &mut Reading) -> bool {
    let within = Within { depth: within.depth + 1, ..within };
    if within.depth > DEEPEST {
        return false;
    }
    match value.as_bytes().first() {
        Some(b'{') => pick(value).is_some_and(|outer| object(&outer, within, reading)),
        Some(b'[') => list(value, within, reading),
        Some(b'"') => text(Some(value)).is_some_and(|inner| string(&inner, within, reading)),
        _ => false,
    }
}

/// Reads each entry by itself: one that is nothing does not hide the others. If all are nothing, so is the list.
fn list(array: &str, within: Within, reading: &mut Reading) -> bool {
    let (mut known, mut unknown) = (0, 0);
    entries(array, |entry| *if walk(entry, within, reading) { &mut known } else { &mut unknown } += 1);
    if known > 0 {
        (0..unknown).for_each(|_| reading.cannot_read(NO_EVENT));
    }
    known > 0
}

fn is_empty(array: &str) -> bool {
    let mut is_empty = true;
    entries(array, |_| is_empty = false) && is_empty
}

/// Reads a text within JSON, which may be one line of a log or several.
fn string(text: &str, within: Within, reading: &mut Reading) -> bool {
    let mut known = false;
    cut::values(text, |value| known |= value.is_ok_and(|value| walk(value, within, reading)));
    known || within.may_be_cut_off && cut_off(text, within, reading)
}

/// Reads an audit event of which the end is missing, if it is one: what counts most stands at its beginning.
fn cut_off(text: &str, within: Within, reading: &mut Reading) -> bool {
    let Some(event) = pick_cut_off(text).filter(is_event) else { return false };
    // Whether the request had a body is not known.
    read_event(&Outer { level: None, ..event }, within, reading);
    true
}

fn object(outer: &Outer<'_>, within: Within, reading: &mut Reading) -> bool {
    let within = Within { time: time(outer.time).or(within.time), ..within };
    if is_event(outer) {
        read_event(outer, within, reading);
        return true;
    }
    if let Some(payload) = outer.proto_payload.filter(|payload| payload.starts_with('{')) {
        let Outer { insert_id, operation, labels, time, .. } = *outer;
        let entry = google::Entry { payload, insert_id, operation, labels, timestamp: time };
        reading.events += 1;
        let outcome = google::read(entry, reading);
        took(outcome, reading);
        return true;
    }
    if is_something_else(outer) {
        return true;
    }
    let lists = [outer.items, outer.log_events, outer.events, outer.records, outer.streams];
    if lists.into_iter().flatten().any(|list| list.starts_with('[') && walk(list, within, reading)) {
        return true;
    }
    let azure = Within { may_be_cut_off: true, ..within };
    if [outer.properties, outer.log_s].into_iter().flatten().any(|field| walk(field, azure, reading)) {
        return true;
    }
    // A record may repeat the event in several fields: the first one that has it is enough.
    let fields = [
        outer.kubernetes_audit,
        outer.audit,
        outer.log,
        outer.message,
        outer.event,
        outer.msg,
        outer.data,
        outer.line,
        outer.json,
        outer.json_payload,
        outer.text_payload,
        outer.raw,
        outer.result,
        outer.hits,
        outer.source,
        outer.original,
        outer.kubernetes,
    ];
    fields.into_iter().flatten().any(|field| walk(field, within, reading))
        || outer.values.is_some_and(|values| loki(values, within, reading))
        || lists.into_iter().flatten().any(is_empty)
}

/// Whether this is known to be no audit event, although audit events come in the same way.
fn is_something_else(outer: &Outer<'_>) -> bool {
    let is_other_category = || {
        let category = text(outer.category);
        (outer.properties.is_some() || outer.log_s.is_some())
            && category.is_some_and(|category| !category.starts_with("kube-audit"))
    };
    let is_control_message = || text(outer.message_type).is_some_and(|kind| kind == "CONTROL_MESSAGE");
    let is_other_stream = || {
        text(outer.log_stream).is_some_and(|stream| {
            !stream.starts_with("kube-apiserver-audit-")
                && EKS_STREAMS.iter().any(|component| stream.starts_with(component))
        })
    };
    is_control_message() || is_other_stream() || is_other_category()
}

/// Reads the entries of a stream: pairs of a time and a line.
fn loki(values: &str, within: Within, reading: &mut Reading) -> bool {
    let mut known = false;
    entries(values, |pair| {
        let mut parts = 0;
        entries(pair, |part| {
            parts += 1;
            known |= parts == 2 && walk(part, within, reading);
        });
    });
    known
}

fn is_event(outer: &Outer<'_>) -> bool {
    outer.audit_id.is_some()
        || outer.verb.is_some() && text(outer.api_version).is_some_and(|version| version.starts_with("audit.k8s.io/"))
}

fn read_event(event: &Outer<'_>, within: Within, reading: &mut Reading) {
    reading.events += 1;
    let outcome = native::read(event, within.time, reading);
    took(outcome, reading);
}

fn took(outcome: Outcome, reading: &mut Reading) {
    match outcome {
        Outcome::Fact => {}
        Outcome::Ignored => reading.ignored += 1,
        Outcome::Unreadable(reason) => reading.cannot_read(reason),
    }
}

fn time(value: Option<&str>) -> Option<Timestamp> {
    text(value)?.parse().ok()
}
