//! A Pod as it runs: whose it is, what it was told to run, and which images ran.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workload::image::is_digest;
use crate::workload::pod::Role;
use crate::workload::{Pod, Unreadable, read_json};

/// The labels by which the Pods of a Job know its name, the newer one first.
const JOB_NAME: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];
/// The finalizer of Pods whose end the Job controller has not counted yet: `JobTrackingFinalizer` of `k8s.io/api/batch/v1`.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// The labels by which they know its uid.
const CONTROLLER_UID: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];

/// A Pod, with what is judged of it and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The Job that its labels name. Whoever creates a Pod chooses its labels.
    pub job_name: Option<String>,
    /// The uid of the Job that its labels name.
    pub job_uid: Option<String>,
    /// Its controller, by its owner references.
    pub controller: Option<Controller>,
    /// What it was told to run.
    pub pod: Pod,
    /// The images that ran.
    pub images: Vec<RanImage>,
    /// Whether it has run to its end, with success or without.
    pub finished: bool,
    /// Whether the Job controller still counts on it: then it cannot be gone without having been told to go.
    pub is_tracked: bool,
}

/// The owner reference with `controller: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controller {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// The image of a container that was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RanImage {
    /// The path of the container's image in the manifest of the Pod.
    pub path: String,
    /// The name of the container.
    pub container: String,
    /// What the container is.
    pub role: Role,
    /// The image as the spec of the Pod has it.
    pub image: String,
    /// The digest by which a registry serves what ran; absent before it is pulled, and where the runtime tells only the ID that the
    /// image has on the node.
    pub digest: Option<String>,
}

impl RunningPod {
    /// Reads it from the JSON text of a Pod. Fails as [`Pod::from_json_of_pod`] does.
    pub fn from_json(text: &str) -> Result<Self, Unreadable> {
        let pod = Pod::from_json_of_pod(text)?;
        let object: Object = read_json(text)?;
        let metadata = object.metadata.unwrap_or_default();
        let labels = metadata.labels.unwrap_or_default();
        let label = |keys: [&str; 2]| keys.iter().find_map(|key| labels.get(*key).cloned().flatten());
        let status = object.status.unwrap_or_default();
        let controller =
            metadata.owner_references.unwrap_or_default().into_iter().find(|owner| owner.controller == Some(true));
        Ok(Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            job_name: label(JOB_NAME),
            job_uid: label(CONTROLLER_UID),
            controller: controller.map(|owner| Controller {
                kind: owner.kind.unwrap_or_default(),
                name: owner.name.unwrap_or_default(),
                uid: owner.uid.unwrap_or_default(),
            }),
            images: images(&pod, &status),
            pod,
            finished: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            is_tracked: metadata.finalizers.unwrap_or_default().iter().flatten().any(|name| name == TRACKING),
        })
    }
}

/// The images of the containers that have a status.
fn images(pod: &Pod, status: &Status) -> Vec<RanImage> {
    let ran = |container: &crate::workload::Container| {
        let statuses = match container.role {
            Role::Main => &status.container_statuses,
            Role::Init | Role::Sidecar => &status.init_container_statuses,
            Role::Ephemeral => &status.ephemeral_container_statuses,
        };
        let is_own = |status: &&ContainerStatus| status.name.as_deref() == Some(container.name.as_str());
        let status = statuses.as_deref().unwrap_or_default().iter().find(is_own)?;
        Some(RanImage {
            path: format!("spec.{}[{}].image", container.role.list(), container.index),
            container: container.name.clone(),
            role: container.role,
            image: container.image.clone(),
            digest: status.image_id.as_deref().and_then(digest),
        })
    };
    pod.containers.iter().filter_map(ran).collect()
}

/// The digest in an `imageID`: `REPOSITORY@sha256:…`, behind `docker-pullable://` in the times of dockershim.
///
/// The kubelet passes on `image_ref` of the runtime. Where an image has no digest of a registry, because it was loaded on the node,
/// that is the ID of the image: containerd writes it `sha256:…` and dockershim `docker://sha256:…`, but it is the hash of the
/// image's configuration, which no approval can name and no registry serves.
fn digest(image_id: &str) -> Option<String> {
    let (_, digest) = image_id.rsplit_once('@')?;
    is_digest(digest).then(|| digest.to_owned())
}

#[derive(Deserialize)]
struct Object {
    metadata: Option<Metadata>,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
    owner_references: Option<Vec<Owner>>,
    finalizers: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Owner {
    kind: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    controller: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    name: Option<String>,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn digest_of(c: char) -> String {
        format!("sha256:{}", c.to_string().repeat(64))
    }

    fn full() -> Value {
        let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "w", "uid": "u", "controller": true});
        json!({
            "metadata": {
                "namespace": "n", "name": "w-x7k2p", "uid": "p",
                "labels": {"batch.kubernetes.io/job-name": "w", "job-name": "older", "controller-uid": "u"},
                "ownerReferences": [{"kind": "PodGroup", "name": "g", "uid": "g"}, owner],
            },
            "spec": {
                "containers": [{"name": "c", "image": "busybox"}],
                "initContainers": [{"name": "i", "image": "busybox:1"}, {"name": "later", "image": "busybox:2"}],
                "ephemeralContainers": [{"name": "e", "image": "debug"}],
            },
            "status": {
                "phase": "Failed",
                "containerStatuses": [
                    {"name": "c", "image": "other", "imageID": format!("docker.io/library/busybox@{}", digest_of('a'))},
                ],
                "initContainerStatuses": [{"name": "i", "imageID": digest_of('b')}],
                "ephemeralContainerStatuses": [{"name": "e", "imageID": ""}],
            },
        })
    }

    #[test]
    fn a_pod_is_read_with_its_owner_and_the_images_that_ran() {
        let pod = RunningPod::from_json(&full().to_string()).unwrap();
        assert_eq!((pod.namespace.as_str(), pod.name.as_str(), pod.uid.as_str()), ("n", "w-x7k2p", "p"));
        assert_eq!((pod.job_name.as_deref(), pod.job_uid.as_deref()), (Some("w"), Some("u")));
        let controller = Controller { kind: "Job".to_owned(), name: "w".to_owned(), uid: "u".to_owned() };
        assert_eq!(pod.controller, Some(controller));
        assert!(pod.finished);
        let images: Vec<_> =
            pod.images.iter().map(|ran| (ran.path.as_str(), ran.image.as_str(), ran.digest.clone())).collect();
        let expected = [
            ("spec.initContainers[0].image", "busybox:1", None),
            ("spec.containers[0].image", "busybox", Some(digest_of('a'))),
            ("spec.ephemeralContainers[0].image", "debug", None),
        ];
        assert_eq!(images, expected);
    }

    #[test]
    fn digests_are_told_from_the_ids_of_images() {
        let of = |text: &str| digest(&text.replace("DIGEST", &digest_of('a')));
        for text in ["docker.io/library/busybox@DIGEST", "docker-pullable://busybox@DIGEST", "r.io:5000/a/b@DIGEST"] {
            assert_eq!(of(text), Some(digest_of('a')), "{text}");
        }
        for text in ["", "DIGEST", "docker://DIGEST", "busybox@sha256:short", "busybox@", "\u{1b}[2J"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn hostile_pods_are_refused_or_read_and_never_fatal() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "null", "[]", "{}", r#"{"spec": null}"#, r#"{"spec": {"containers": 1}}"#, &deep] {
            assert!(RunningPod::from_json(text).is_err(), "{text:.40}");
        }
        let nulls = json!({
            "metadata": {"labels": {"job-name": null}, "ownerReferences": null},
            "spec": {"containers": [{}], "volumes": [{}], "tolerations": [{}], "securityContext": null},
            "status": {"containerStatuses": [{}, {"name": null, "imageID": null}], "phase": null},
        });
        let pod = RunningPod::from_json(&nulls.to_string()).unwrap();
        assert_eq!((pod.job_name, pod.controller, pod.finished), (None, None, false));
        let error =
            RunningPod::from_json(r#"{"spec": {}, "status": {"containerStatuses": [{"imageID": 1}]}}"#).unwrap_err();
        assert_eq!(error.path(), "status.containerStatuses[0].imageID");
    }
}
