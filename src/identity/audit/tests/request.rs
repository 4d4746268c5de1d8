use super::super::request::{asks_for_dry_run, may_change_spec};
use super::*;

#[test]
fn dry_runs_are_found_as_the_api_server_finds_them() {
    for uri in [
        "/x?dryRun=All",
        "/x?a=b&dryRun=All",
        "/x?dry%52un=All",
        "/x?dryRun=%41ll",
        "/x?dryRun=All&c=%zz",
        "/x?b;c&dryRun=All",
    ] {
        assert!(asks_for_dry_run(uri), "{uri}");
    }
    // Tried on an API server: none of these is a dry run to it.
    for uri in [
        "/x",
        "/x?",
        "/dryRun=All",
        "/x?dryRun=All;x",
        "/x?dryRun=%zz",
        "/x?dryRun=All%",
        "/x?dryrun=All",
        "/x?x=dryRun=All",
        "/x?dryRun",
    ] {
        assert!(!asks_for_dry_run(uri), "{uri}");
    }
}

#[test]
fn dry_runs_are_no_changes() {
    assert!(is_ignored(json!({ "requestURI": "/x?dryRun=All" })));
    let delete = |uri: &str, level: &str, options: Value| {
        let verb = json!("delete");
        json!({ "verb": verb, "requestURI": uri, "level": level, "requestObject": options })
    };
    let options = |dry_run: Value| json!({ "kind": "DeleteOptions", "dryRun": dry_run });
    assert!(is_ignored(delete("/x", "RequestResponse", options(json!(["All"])))));
    assert!(is_ignored(delete("/x?dryRun=All", "RequestResponse", Value::Null)));
    fact_of(delete("/x", "RequestResponse", options(json!([]))));
    // A body takes the place of the query.
    fact_of(delete("/x?dryRun=All", "RequestResponse", options(Value::Null)));
    // There may have been a body.
    fact_of(delete("/x?dryRun=All", "Metadata", Value::Null));
    // The query of anything else counts at every level.
    assert!(is_ignored(json!({ "requestURI": "/x?dryRun=All", "level": "Metadata" })));
}

/// A large body could hide that there was one.
#[test]
fn what_is_cut_off_does_not_show_a_dry_run() {
    let event = event_with(
        json!({ "verb": "delete", "requestURI": "/x?dryRun=All", "requestReceivedTimestamp": "2026-05-01T08:00:00Z" }),
    );
    let text = event.to_string();
    let cut = format!("{},\"requestObject\":{{\"kind\":\"Dele", &text[..text.len() - 1]);
    let reading = read_value(&json!({ "category": "kube-audit", "properties": { "log": cut } }));
    assert_eq!(reading.facts.len(), 1, "{reading:?}");
}

#[test]
fn patches_that_cannot_change_a_spec() {
    let uri = Some("/x?fieldManager=kubectl-annotate");
    for patch in [
        json!({}),
        json!({ "metadata": { "annotations": { "a": "b" } } }),
        json!({ "apiVersion": "batch/v1", "metadata": {}, "status": {} }),
        json!([{ "op": "add", "path": "/metadata/labels/x", "value": "spec" }]),
        json!([{ "op": "move", "from": "/metadata/labels/x", "path": "/metadata/labels/y" }]),
        json!([]),
    ] {
        assert!(!may_change_spec(&patch.to_string(), uri), "{patch}");
    }
    let whole = json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {} }).to_string();
    assert!(!may_change_spec(&whole, Some("/x")), "without a field manager nothing is applied");
}

#[test]
fn patches_that_can_change_a_spec() {
    let uri = Some("/x?fieldManager=m");
    for patch in [
        json!({ "spec": null }),
        json!({ "$patch": "replace" }),
        json!({ "metadata": {}, "$retainKeys": ["metadata"] }),
        json!({ "Spec": {} }),
        // Applied: what the manager applied before and does not name now is removed.
        json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {} }),
        json!([{ "op": "replace", "path": "/spec/suspend", "value": true }]),
        json!([{ "op": "replace", "path": "", "value": {} }]),
        json!([{ "op": "move", "from": "/spec", "path": "/metadata/labels/x" }]),
        json!([{ "op": "add", "path": "/metadatax/y", "value": 1 }]),
        json!([{ "op": "test", "path": 5 }]),
        json!([5]),
        json!("skipped-too-big-size-object"),
    ] {
        assert!(may_change_spec(&patch.to_string(), uri), "{patch}");
    }
    assert!(may_change_spec(r#"{"metadata":{},"\u0073pec":{}}"#, uri));
    assert!(may_change_spec(r#"[{"path":"/spec","path":"/metadata"},{"path":"/spec"}]"#, uri));
}

#[test]
fn what_a_patch_creates_is_created() {
    let created = |verb: &str, code: u16| fact_of(json!({ "verb": verb, "responseStatus": { "code": code } })).verb;
    assert_eq!(created("patch", 201), Verb::Create, "server-side apply");
    assert_eq!(created("update", 201), Verb::Create);
    assert_eq!((created("patch", 200), created("update", 200)), (Verb::Patch, Verb::Update));
    assert_eq!(created("delete", 201), Verb::Delete);
}

#[test]
fn only_patches_are_looked_into() {
    let patch = json!({ "metadata": { "labels": { "a": "b" } } });
    assert!(!fact_of(json!({ "verb": "patch", "requestObject": patch })).version.may_change_spec);
    assert!(fact_of(json!({ "verb": "update", "requestObject": patch })).version.may_change_spec);
    assert!(fact_of(json!({ "verb": "patch" })).version.may_change_spec);
}
