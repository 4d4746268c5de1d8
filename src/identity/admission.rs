//! Admission requests: who is about to change what.
//!
//! The form is that of `k8s.io/api/admission/v1`. The user is the one in whose name the request is made: an admission request does not
//! tell who impersonated them, nor where the request came from.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Actor, Fact, Object, ObjectKind, PodIdentity, Source, User, Verb, Version};

/// The longest uid that is answered with. API servers send 36 characters.
const LONGEST_UID: usize = 256;

/// An admission request.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Identifies the request; the answer has to have the same.
    pub uid: String,
    /// What is about to be done, unless the request is about something else, or about nothing that lasts.
    pub fact: Option<Fact>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    request: Option<&'a RawValue>,
}

/// Every field by itself: one that is not as it should be hides no other, least of all the uid.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    sub_resource: Option<&'a RawValue>,
    #[serde(borrow)]
    namespace: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    operation: Option<&'a RawValue>,
    #[serde(borrow)]
    user_info: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    old_object: Option<&'a RawValue>,
    #[serde(borrow)]
    dry_run: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    group: String,
    resource: String,
}

#[derive(Deserialize)]
struct UserInfo {
    username: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: Extra,
}

#[derive(Default, Deserialize)]
struct Extra {
    #[serde(default, rename = "authentication.kubernetes.io/pod-name")]
    pod_name: Vec<String>,
    #[serde(default, rename = "authentication.kubernetes.io/pod-uid")]
    pod_uid: Vec<String>,
    #[serde(default, rename = "authentication.kubernetes.io/node-name")]
    node_name: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Timestamp>,
}

#[derive(Deserialize, PartialEq)]
struct Spec {
    spec: Option<serde_json::Value>,
}

/// Reads the body of a request, an `AdmissionReview`, that was received at `now`. `None` if it has no uid: then there is nothing that
/// could be answered.
pub fn read(body: &[u8], now: Timestamp) -> Option<Review> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let request: Request<'_> = serde_json::from_str(envelope.request?.get()).ok()?;
    let uid = text(request.uid).filter(|uid| !uid.is_empty() && uid.len() <= LONGEST_UID)?;
    let fact = fact(&uid, &request, now);
    Some(Review { uid, fact })
}

fn fact(uid: &str, request: &Request<'_>, at: Timestamp) -> Option<Fact> {
    if parsed::<Option<bool>>(request.dry_run).flatten() == Some(true) {
        return None;
    }
    let verb = match text(request.operation)?.as_str() {
        "CREATE" => Verb::Create,
        "UPDATE" => Verb::Update,
        "DELETE" => Verb::Delete,
        _ => return None,
    };
    let kind = kind(&parsed(request.resource)?, &text(request.sub_resource).unwrap_or_default())?;
    let body = if verb.deletes() { request.old_object } else { request.object };
    let body = body.filter(|body| body.get() != "null");
    let metadata = parsed::<Body>(body).unwrap_or_default().metadata;
    Some(Fact {
        source: Source::Admission,
        id: uid.to_owned(),
        at,
        actor: actor(parsed(request.user_info)?)?,
        verb,
        object: Object {
            kind,
            namespace: named(request.namespace, metadata.namespace),
            // A name that the API server made up is in the object only.
            name: named(request.name, metadata.name),
        },
        version: Version {
            uid: metadata.uid.filter(|uid| !uid.is_empty()),
            generation: metadata.generation,
            // The one that the object has is of the version before.
            resource_version: None,
            created: metadata.creation_timestamp,
            may_change_spec: verb != Verb::Update || kind.workload().is_none() || may_change_spec(request),
        },
        body: body.map(|body| body.get().into()),
    })
}

fn kind(resource: &Resource, subresource: &str) -> Option<ObjectKind> {
    let kind = match (resource.group.as_str(), resource.resource.as_str()) {
        ("batch", "cronjobs") => ObjectKind::CronJob,
        ("batch", "jobs") => ObjectKind::Job,
        ("cronwarden.dev", "approvedcronjobs") => ObjectKind::Approval,
        ("cronwarden.dev", "scheduledworkloadfindings") => ObjectKind::Finding,
        _ => return None,
    };
    match subresource {
        "" => Some(kind),
        "status" if kind == ObjectKind::Finding => Some(ObjectKind::FindingStatus),
        _ => None,
    }
}

/// Whether an update could change the spec; `false` only if both versions are there and have the same.
fn may_change_spec(request: &Request<'_>) -> bool {
    match (parsed::<Spec>(request.object), parsed::<Spec>(request.old_object)) {
        (Some(new), Some(old)) => new != old,
        _ => true,
    }
}

fn actor(info: UserInfo) -> Option<Actor> {
    if info.username.is_empty() {
        return None;
    }
    let first = |values: Vec<String>| values.into_iter().next().filter(|value| !value.is_empty());
    let (name, uid, node) = (first(info.extra.pod_name), first(info.extra.pod_uid), first(info.extra.node_name));
    let pod = (name.is_some() || uid.is_some()).then(|| PodIdentity {
        name: name.unwrap_or_default(),
        uid: uid.unwrap_or_default(),
        node: node.unwrap_or_default(),
    });
    let user = User { username: info.username, groups: info.groups };
    Some(Actor { user, pod, ..Actor::default() }.bounded())
}

fn named(requested: Option<&RawValue>, stored: Option<String>) -> String {
    text(requested).filter(|name| !name.is_empty()).or(stored).unwrap_or_default()
}

fn text(value: Option<&RawValue>) -> Option<String> {
    parsed(value)
}

fn parsed<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    fn cron_job(schedule: &str) -> Value {
        json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {
                "name": "nightly", "namespace": "payments", "uid": "u-1", "generation": 2, "resourceVersion": "41",
                "creationTimestamp": "2026-11-01T00:00:00Z",
            },
            "spec": { "schedule": schedule },
        })
    }

    fn review(changes: &Value) -> Value {
        let mut request = json!({
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": "batch", "version": "v1", "kind": "CronJob" },
            "resource": { "group": "batch", "version": "v1", "resource": "cronjobs" },
            "name": "nightly",
            "namespace": "payments",
            "operation": "UPDATE",
            "userInfo": {
                "username": "system:serviceaccount:ci:deployer",
                "uid": "x",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "extra": {
                    "authentication.kubernetes.io/pod-name": ["runner-1"],
                    "authentication.kubernetes.io/pod-uid": ["p-1"],
                    "authentication.kubernetes.io/credential-id": ["JTI=1"],
                },
            },
            "object": cron_job("0 3 * * *"),
            "oldObject": cron_job("0 2 * * *"),
            "dryRun": false,
        });
        for (key, value) in changes.as_object().unwrap() {
            request[key] = value.clone();
        }
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request })
    }

    fn read_with(changes: &Value) -> Option<Review> {
        read(review(changes).to_string().as_bytes(), now())
    }

    fn fact_with(changes: &Value) -> Option<Fact> {
        read_with(changes).expect("a uid can be read").fact
    }

    #[test]
    fn an_update_becomes_a_fact() {
        let fact = fact_with(&json!({})).unwrap();
        assert_eq!((fact.source, fact.verb, fact.at), (Source::Admission, Verb::Update, now()));
        assert_eq!(fact.id, "705ab4f5-6393-11e8-b7cc-42010a800002");
        let object = Object { kind: ObjectKind::CronJob, namespace: "payments".to_owned(), name: "nightly".to_owned() };
        assert_eq!(fact.object, object);
        assert_eq!(fact.actor.user.username, "system:serviceaccount:ci:deployer");
        assert_eq!(fact.actor.user.groups.len(), 2);
        let pod = PodIdentity { name: "runner-1".to_owned(), uid: "p-1".to_owned(), node: String::new() };
        assert_eq!(fact.actor.pod, Some(pod));
        assert_eq!(fact.actor.impersonated, None);
        let version = Version {
            uid: Some("u-1".to_owned()),
            generation: Some(2),
            resource_version: None,
            created: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            may_change_spec: true,
        };
        assert_eq!(fact.version, version);
        let body: Value = serde_json::from_str(&fact.body.unwrap()).unwrap();
        assert_eq!(body, cron_job("0 3 * * *"));
    }

    #[test]
    fn an_update_that_keeps_the_spec_says_so() {
        let same = json!({ "oldObject": cron_job("0 3 * * *") });
        assert!(!fact_with(&same).unwrap().version.may_change_spec);
        assert!(fact_with(&json!({ "oldObject": null })).unwrap().version.may_change_spec);
    }

    #[test]
    fn a_created_object_has_the_name_that_the_server_gave_it() {
        let fact = fact_with(&json!({ "operation": "CREATE", "name": "", "oldObject": null })).unwrap();
        assert_eq!((fact.verb, fact.object.name.as_str()), (Verb::Create, "nightly"));
        assert!(fact.version.may_change_spec);
    }

    #[test]
    fn a_deletion_has_the_object_as_it_was() {
        let fact = fact_with(&json!({ "operation": "DELETE", "object": null, "name": "" })).unwrap();
        assert_eq!((fact.verb, fact.object.name.as_str()), (Verb::Delete, "nightly"));
        assert!(fact.body.unwrap().contains("0 2 * * *"));
    }

    #[test]
    fn what_is_about_nothing_that_lasts_or_matters_is_no_fact() {
        for changes in [
            json!({ "dryRun": true }),
            json!({ "operation": "CONNECT" }),
            json!({ "subResource": "status" }),
            json!({ "resource": { "group": "", "version": "v1", "resource": "pods" } }),
            json!({ "resource": "cronjobs" }),
            json!({ "userInfo": { "username": "" } }),
            json!({ "userInfo": null }),
        ] {
            assert_eq!(fact_with(&changes), None, "{changes}");
        }
    }

    #[test]
    fn the_status_of_a_finding_is_a_fact() {
        let resource =
            json!({ "group": "cronwarden.dev", "version": "v1alpha1", "resource": "scheduledworkloadfindings" });
        let fact = fact_with(&json!({ "resource": resource, "subResource": "status" })).unwrap();
        assert_eq!(fact.object.kind, ObjectKind::FindingStatus);
        assert!(fact.version.may_change_spec);
    }

    #[test]
    fn the_uid_is_read_whatever_else_is_there() {
        for garbage in [
            json!({ "object": [1, 2], "oldObject": "x", "userInfo": 7, "operation": {}, "dryRun": "maybe" }),
            json!({ "object": { "metadata": 3 }, "namespace": [] }),
        ] {
            assert!(read_with(&garbage).is_some(), "{garbage}");
        }
        let deep = format!("{{\"request\":{{\"uid\":\"u\",\"object\":{}1{}}}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(deep.as_bytes(), now()).map(|review| review.uid).as_deref(), Some("u"));
    }

    #[test]
    fn without_a_uid_there_is_nothing_to_answer() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"request":{}}"#,
            r#"{"request":{"uid":""}}"#,
            r#"{"request":{"uid":1}}"#,
            "{\"request\":{\"uid\":\"u\"",
        ] {
            assert_eq!(read(body.as_bytes(), now()), None, "{body}");
        }
        assert_eq!(read(format!(r#"{{"request":{{"uid":"{}"}}}}"#, "u".repeat(257)).as_bytes(), now()), None);
    }

    /// What a real API server asked: kept under `tests/data/admission`.
    #[test]
    fn what_an_api_server_asks_is_read() {
        let read = |body: &str| read(body.as_bytes(), now()).unwrap().fact.unwrap();
        let create = read(include_str!("../../tests/data/admission/create.json"));
        let update = read(include_str!("../../tests/data/admission/update.json"));
        let delete = read(include_str!("../../tests/data/admission/delete.json"));
        for (fact, verb, generation) in
            [(&create, Verb::Create, 1), (&update, Verb::Update, 2), (&delete, Verb::Delete, 2)]
        {
            assert_eq!((fact.verb, fact.version.generation), (verb, Some(generation)));
            assert_eq!((fact.object.namespace.as_str(), fact.object.name.as_str()), ("payments", "nightly"));
            assert_eq!(fact.actor.user.groups, ["system:masters", "system:authenticated"]);
            assert!(fact.version.uid.is_some() && fact.version.uid == create.version.uid);
            assert!(fact.version.created.is_some() && fact.version.may_change_spec && fact.body.is_some());
        }
        let finding = read(include_str!("../../tests/data/admission/finding.json"));
        assert_eq!(finding.object.kind, ObjectKind::Finding);
        assert_eq!(finding.actor.user.service_account(), Some(("cronwarden", "cronwarden")));
        // Its token was made by hand: it is bound to no pod.
        assert_eq!(finding.actor.pod, None);
    }
}
