//! The normal form of the manifests in `tests/data/manifests`: that of a manifest is that of what the API server stores for
//! it, and it changes with every field that is judged.

use anyhow::Context;
use cronwarden::workload::WorkloadKind;
use http::Method;
use serde_json::Value;

use crate::harness::ControlPlane;
use crate::mutations::{Manifest, changes, manifests, set};
use crate::rest::send;

impl Manifest {
    /// Creates the object and reads it back.
    async fn store(&self, client: &kube::Client) -> anyhow::Result<Value> {
        let namespace = self.object["metadata"]["namespace"].as_str().unwrap_or("default");
        let resource = match self.kind {
            WorkloadKind::CronJob => "cronjobs",
            WorkloadKind::Job => "jobs",
        };
        let path = format!("/apis/batch/v1/namespaces/{namespace}/{resource}");
        let created = send(client, Method::POST, &format!("{path}?fieldValidation=Strict"), &self.object).await?;
        let name = created["metadata"]["name"].as_str().context("no name")?;
        Ok(send(client, Method::GET, &format!("{path}/{name}"), &Value::Null).await?)
    }

    /// Each field in which the normal form of the manifest is not that of the stored object.
    fn differences(&self, stored: &Value) -> anyhow::Result<Vec<String>> {
        let mut ours = self.normal_form(&self.object)?;
        let mut theirs = self.normal_form(stored)?;
        // Only the API server gives these.
        ours.uid.clear();
        theirs.uid.clear();
        if self.object["metadata"]["name"].is_null() {
            theirs.key.name.clone_from(&ours.key.name);
        }
        let mut found = Vec::new();
        differ(&serde_json::to_value(ours)?, &serde_json::to_value(theirs)?, "", &mut found);
        Ok(found.into_iter().map(|difference| format!("{}: {difference}", self.name)).collect())
    }
}

/// Lists where two values differ, as deep down as possible.
fn differ(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().for_each(|(key, value)| differ(value, &b[key], &format!("{path}/{key}"), found));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(a, b, &format!("{path}/{index}"), found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: the manifest has {ours}, the stored object {theirs}")),
    }
}

#[tokio::test]
async fn a_manifest_and_what_is_stored_have_the_same_normal_form() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().start().await?;
    cluster.kubectl(["create", "namespace", "payments"]).run().await?;
    let client = cluster.client().await?;
    let mut wrong = Vec::new();
    for manifest in manifests()? {
        match manifest.store(&client).await {
            Ok(stored) => match manifest.differences(&stored) {
                Ok(differences) => wrong.extend(differences),
                Err(error) => wrong.push(format!("{error:#}")),
            },
            Err(error) => wrong.push(format!("{}: cannot be stored: {error:#}", manifest.name)),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn every_judged_field_changes_the_normal_form() -> anyhow::Result<()> {
    let manifests = manifests()?;
    let mut wrong = Vec::new();
    for (place, field, new) in changes() {
        let mut changed = 0;
        for manifest in &manifests {
            let Some(start) = place.pointer(manifest.kind) else { continue };
            let mut object = manifest.object.clone();
            if !set(&mut object, &format!("{start}{field}"), &new) {
                continue;
            }
            changed += 1;
            if manifest.normal_form(&object)? == manifest.normal_form(&manifest.object)? {
                wrong.push(format!("{}: {field} set to {new} changes nothing", manifest.name));
            }
        }
        // A change that hardly any manifest can take proves nothing.
        if changed < manifests.len() / 3 {
            wrong.push(format!("{field} was changed in {changed} manifests only"));
        }
    }
    assert!(wrong.is_empty(), "{} fields not in the normal form:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
