//! What the library says of approvals without a server, against what the API server says of them.

use std::collections::BTreeSet;

use cronwarden::api::validation::{Invalid, normalised, validate};
use cronwarden::api::{ApprovedCronJob, all_crds};
use http::Method;
use kube::core::Status;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::crds::approval;
use crate::harness::ControlPlane;
use crate::rest::{repository, send, yaml};

const CREATE: &str = "/apis/cronwarden.dev/v1alpha1/approvedcronjobs?dryRun=All&fieldValidation=Strict";

/// So that the tables do not shrink unnoticed.
const FEWEST: usize = 250;

const NO_SUCH_TYPE: &str = "the server's words depend on the address that is asked, and kubectl finds none to ask";

/// Where the two do not say the same, and why. The verdict is the same, unless the reason says otherwise.
const KNOWN: &[(&str, &str)] = &[
    ("no kind", NO_SUCH_TYPE),
    ("an empty kind", NO_SUCH_TYPE),
    ("a kind that is a number", NO_SUCH_TYPE),
    ("a version that there is not", NO_SUCH_TYPE),
    ("another group", NO_SUCH_TYPE),
    ("a version without a group", NO_SUCH_TYPE),
    ("no apiVersion", NO_SUCH_TYPE),
    ("an apiVersion that is a number", NO_SUCH_TYPE),
    ("an apiVersion that is nothing of the kind", NO_SUCH_TYPE),
    ("an apiVersion that is null", NO_SUCH_TYPE),
    ("a name that is to be generated from what is none", "the server objects to the random name as well"),
    ("a time of creation that is none", "Go tells which part of a time it could not read"),
    ("an hour of one digit", "accepted by the server, but the operator cannot read it"),
    ("an offset of a whole day", "accepted by the server, although no time zone has it"),
];

/// An entry of `tests/data/approvals/objects.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    what: String,
    refused: bool,
    object: serde_json::Map<String, Value>,
}

impl Entry {
    fn whole(self) -> Case {
        let mut whole = approval(&json!({ "match": { "names": ["backup"] } }));
        for (name, value) in self.object {
            if value == "null!" {
                whole.as_object_mut().expect("an object").remove(&name);
            } else {
                whole[name] = value;
            }
        }
        Case { what: self.what, refused: self.refused, object: whole }
    }
}

struct Case {
    what: String,
    refused: bool,
    object: Value,
}

/// All approvals of `tests/data/approvals`.
fn cases() -> anyhow::Result<Vec<Case>> {
    let objects: Vec<Entry> = yaml(&repository("tests/data/approvals/objects.yaml"))?;
    let mut cases: Vec<Case> = objects.into_iter().map(Entry::whole).collect();
    for (file, title, refused) in [("refused", "wrong", true), ("accepted", "what", false)] {
        let entries: Vec<Value> = yaml(&repository(&format!("tests/data/approvals/{file}.yaml")))?;
        cases.extend(entries.into_iter().map(|mut entry| {
            if entry["spec"].get("match").is_none() {
                entry["spec"]["match"] = json!({ "namespaces": ["payments"], "names": ["backup"] });
            }
            let what = entry[title].as_str().unwrap_or_default().to_owned();
            Case { what, refused, object: approval(&entry["spec"]) }
        }));
    }
    anyhow::ensure!(cases.len() >= FEWEST, "only {} cases", cases.len());
    Ok(cases)
}

/// How the server prints what it found while decoding, and how it prints what it found afterwards.
fn said_by_server(status: &Status) -> BTreeSet<String> {
    let causes: Vec<_> = status.details.iter().flat_map(|details| &details.causes).collect();
    if causes.is_empty() {
        return BTreeSet::from([status.message.clone()]);
    }
    causes.into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}

/// The same of what the library found.
fn said_by_us(found: &[Invalid]) -> BTreeSet<String> {
    let decoding = "ApprovedCronJob in version \"v1alpha1\" cannot be handled as a ApprovedCronJob";
    let all: Vec<&str> = found.iter().map(|invalid| invalid.message.as_str()).collect();
    match all.first() {
        Some(first) if first.starts_with("unknown field") => {
            BTreeSet::from([format!("{decoding}: strict decoding error: {}", all.join(", "))])
        }
        Some(first) if first.starts_with("json: ") => BTreeSet::from([format!("{decoding}: {first}")]),
        _ => found.iter().map(ToString::to_string).collect(),
    }
}

#[tokio::test]
async fn approvals_are_judged_as_by_the_api_server() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().start().await?;
    let files = all_crds().into_iter().map(|crd| repository(&format!("crds/{}.yaml", crd.spec.names.plural)));
    cluster.kubectl(["create"]).args(files.map(|file| format!("--filename={}", file.display()))).run().await?;
    cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all"]).run().await?;
    let client = cluster.client().await?;

    let mut wrong = Vec::new();
    let mut differing = BTreeSet::new();
    for Case { what, refused, object } in cases()? {
        let found = validate(&object);
        let (accepted, said) = match send(&client, Method::POST, CREATE, &object).await {
            Ok(stored) => {
                // The server drops what is empty; `normalised` keeps it, as it was written.
                if normalised(object)["spec"] != stored["spec"] {
                    wrong.push(format!("{what}: stored as {}", stored["spec"]));
                }
                (true, BTreeSet::new())
            }
            Err(kube::Error::Api(status)) => (false, said_by_server(&status)),
            Err(error) => return Err(error.into()),
        };
        if accepted == refused {
            wrong.push(format!("{what}: the server says {said:?}"));
        }
        let ours = said_by_us(&found);
        if ours != said {
            differing.insert(what.clone());
            if !KNOWN.iter().any(|(known, _)| *known == what) {
                wrong.push(format!("{what}:\n  server: {said:#?}\n  here:   {ours:#?}"));
            }
        }
    }
    let agreeing: Vec<_> = KNOWN.iter().filter(|(known, _)| !differing.contains(*known)).collect();
    assert!(agreeing.is_empty(), "these agree by now: {agreeing:?}");
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn what_is_accepted_can_be_read() -> anyhow::Result<()> {
    for Case { what, object, .. } in cases()? {
        if validate(&object).is_empty() {
            serde_json::from_value::<ApprovedCronJob>(normalised(object))
                .map_err(|error| anyhow::anyhow!("{what}: {error}"))?;
        }
    }
    Ok(())
}
