//! Many objects, and many changes of them: random, but the same for the same seed.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use serde_json::{Value, json};

use super::scene::{PATIENCE, approval, cron_job};
use crate::harness::try_eventually;

/// How many requests are under way at once: enough to create a thousand objects within seconds.
const AT_ONCE: usize = 16;

/// How many sequences of changes run side by side. Each has objects of its own, so the order of their changes is certain.
const LANES: u64 = 8;

/// How many different CronJobs a lane creates, changes, deletes and creates again.
const NAMES: u64 = 60;

/// The namespaces of the CronJobs that [`Changes`] makes.
pub const NAMESPACES: [&str; 3] = ["apps-1", "apps-2", "batch"];

/// Applies many objects.
pub async fn apply_all(client: &Client, objects: impl IntoIterator<Item = Value>) -> anyhow::Result<()> {
    let all = stream::iter(objects).map(|object| async move { apply(client, &object).await });
    all.buffer_unordered(AT_ONCE).try_collect().await
}

/// Creates an object or makes it what the manifest says.
pub async fn apply(client: &Client, object: &Value) -> anyhow::Result<()> {
    let (api, name) = endpoint(client, object)?;
    api.patch(&name, &PatchParams::apply("crowd").force(), &Patch::Apply(object)).await?;
    Ok(())
}

/// Deletes an object if it exists.
pub async fn delete(client: &Client, object: &Value) -> anyhow::Result<()> {
    let (api, name) = endpoint(client, object)?;
    match api.delete(&name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

fn endpoint(client: &Client, object: &Value) -> anyhow::Result<(Api<DynamicObject>, String)> {
    let types: TypeMeta = serde_json::from_value(object.clone())?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&types)?);
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let api = match text("/metadata/namespace") {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    Ok((api, text("/metadata/name").unwrap_or_default().to_owned()))
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A long sequence of creations, updates and deletions of CronJobs and approvals, and of changed labels of namespaces.
pub struct Changes {
    lanes: Vec<Lane>,
}

struct Lane {
    number: u64,
    numbers: Numbers,
    /// The names of the objects that exist.
    existing: Vec<String>,
}

impl Changes {
    pub fn new(seed: u64) -> Self {
        let lane = |number| Lane { number, numbers: Numbers::new(seed ^ (number << 32)), existing: Vec::new() };
        Self { lanes: (0..LANES).map(lane).collect() }
    }

    /// Makes the next changes, `count` of them or a few more, and counts each one when it is done.
    pub async fn make(&mut self, client: &Client, count: usize, done: &AtomicUsize) -> anyhow::Result<()> {
        let each = count.div_ceil(self.lanes.len());
        let lanes = self.lanes.iter_mut().map(|lane| async move {
            for _ in 0..each {
                let (object, wanted) = lane.next();
                // The API server may be away for a while. Both can be done twice.
                try_eventually("a change is made", PATIENCE, async || {
                    let made = if wanted { apply(client, &object).await } else { delete(client, &object).await };
                    made.map_err(|error| format!("{error:#}"))
                })
                .await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(lanes).await.map(drop)
    }
}

impl Lane {
    /// The next object to be applied, or deleted.
    fn next(&mut self) -> (Value, bool) {
        let object = match self.numbers.below(20) {
            // One lane only: two that change the labels of one namespace would race.
            0 if self.number == 0 => return (self.labelled_namespace(), true),
            0 | 1 => self.approval(),
            _ => self.cron_job(),
        };
        let identity = format!("{}{}", object["kind"], object["metadata"]["name"]);
        match self.existing.iter().position(|other| *other == identity) {
            Some(position) if self.numbers.below(3) == 0 => {
                self.existing.swap_remove(position);
                (object, false)
            }
            Some(_) => (object, true),
            None => {
                self.existing.push(identity);
                (object, true)
            }
        }
    }

    /// One of the lane's CronJobs, as it should be or with something wrong. A name always has the same namespace.
    fn cron_job(&mut self) -> Value {
        let number = self.numbers.below(NAMES);
        let mut job = cron_job(namespace_of(number), &self.name(number));
        let changes = [
            ("/spec/schedule", json!("*/5 * * * *")),
            ("/spec/timeZone", json!("Europe/Zurich")),
            ("/spec/suspend", json!(true)),
            ("/metadata/labels/team", json!("nobody")),
            ("/spec/jobTemplate/spec/template/spec/serviceAccountName", json!("admin")),
            ("/spec/jobTemplate/spec/template/spec/hostNetwork", json!(true)),
            ("/spec/jobTemplate/spec/template/spec/containers/0/image", json!("docker.io/library/xmrig:latest")),
            ("/spec/jobTemplate/spec/template/spec/containers/0/args/0", json!("--some")),
        ];
        for (pointer, value) in changes {
            if self.numbers.below(8) == 0 {
                set(&mut job, pointer, value);
            }
        }
        job
    }

    /// One of the lane's approvals. Some need labels of the namespace, some require a CronJob to exist.
    fn approval(&mut self) -> Value {
        let kind = self.numbers.below(4);
        let prefix = format!("lane-{}-", self.number);
        let mut approval = approval(NAMESPACES[0], &format!("{prefix}{kind}"));
        let number = self.numbers.below(NAMES);
        let team = if self.numbers.below(2) == 0 { "payments" } else { "nobody" };
        approval["spec"]["expected"]["labels"] = json!({ "team": team });
        approval["spec"]["match"] = match kind {
            0 => json!({ "namespaces": ["apps-*"], "names": [format!("{prefix}{}*", number % 6)] }),
            1 => json!({ "namespaceSelector": { "matchLabels": { "tier": "gold" } }, "names": [format!("{prefix}*")] }),
            2 => {
                json!({ "names": [format!("{prefix}?{}", number % 10)], "selector": { "matchLabels": { "team": team } } })
            }
            _ => json!({ "namespaces": [namespace_of(number)], "names": [self.name(number)] }),
        };
        if kind == 3 {
            approval["spec"]["expected"]["required"] = json!(true);
        }
        approval
    }

    fn labelled_namespace(&mut self) -> Value {
        let tier = if self.numbers.below(2) == 0 { "gold" } else { "lead" };
        let name = NAMESPACES[usize::try_from(self.numbers.below(3)).unwrap_or_default()];
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "tier": tier } } })
    }

    fn name(&self, number: u64) -> String {
        format!("lane-{}-{number:02}", self.number)
    }
}

fn namespace_of(number: u64) -> &'static str {
    NAMESPACES[usize::try_from(number % 3).unwrap_or_default()]
}

/// Sets a value, also one that is not there yet.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    let parent = object.pointer_mut(parent).expect("the parent exists");
    match parent {
        Value::Array(list) => list[field.parse::<usize>().expect("a position")] = value,
        parent => parent[field] = value,
    }
}
