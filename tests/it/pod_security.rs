//! The Pod Security level of each pod manifest in `tests/data/pods`: ours against the answers of a real API server.
//!
//! The first part of a manifest's file name is the level that it is meant to need, so that a manifest that lost its point
//! is noticed, and so that most of this can be checked without a server.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use cronwarden::api::approval::PodSecurityLevel;
use cronwarden::workload::pod_security::{level, violations};
use cronwarden::workload::{Pod, Workload, WorkloadKind};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::harness::ControlPlane;

/// Every check of the standards, by the name that it has upstream, but for `procMount`: the API server itself refuses an
/// unmasked `/proc` without a user namespace.
const CHECKS: [&str; 18] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities_baseline",
    "capabilities_restricted",
    "hostNamespaces",
    "hostPathVolumes",
    "hostPorts",
    "hostProbesAndHostLifecycle",
    "privileged",
    "procMount_restricted",
    "restrictedVolumes",
    "runAsNonRoot",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile_baseline",
    "seccompProfile_restricted",
    "sysctls",
    "windowsHostProcess",
];

const ENFORCED: [PodSecurityLevel; 2] = [PodSecurityLevel::Baseline, PodSecurityLevel::Restricted];

/// A pod manifest of `tests/data/pods`.
struct Fixture {
    name: String,
    manifest: Value,
    pod: Pod,
}

impl Fixture {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_stem().context("a file without a name")?.to_string_lossy().into_owned();
        let manifest: Value = serde_saphyr::from_str(&std::fs::read_to_string(file)?)?;
        anyhow::ensure!(manifest["metadata"]["name"] == name.as_str(), "the pod is not called {name}, as its file is");
        let template = json!({ "metadata": manifest["metadata"], "spec": manifest["spec"] });
        let job = json!({ "metadata": { "name": name }, "spec": { "template": template } });
        let pod = Workload::from_json(WorkloadKind::Job, &job.to_string())?.pod;
        Ok(Self { name, manifest, pod })
    }

    /// The level in the name of the file.
    fn meant(&self) -> &str {
        self.name.split_once('-').map_or("", |(level, _)| level)
    }

    /// Asks the API server whether a namespace takes the pod, and returns why not: nothing if it does.
    async fn refused_because(
        &self,
        client: &kube::Client,
        level: PodSecurityLevel,
    ) -> anyhow::Result<BTreeSet<String>> {
        let namespace = namespace(level);
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let mut pod = self.manifest.clone();
        let ephemeral = pod["spec"].as_object_mut().and_then(|spec| spec.remove("ephemeralContainers"));
        let answer = match ephemeral {
            None => send(client, Method::POST, &format!("{pods}?dryRun=All&fieldValidation=Strict"), &pod).await,
            // No pod is created with ephemeral containers: they are added to one that exists.
            Some(containers) => {
                let created = send(client, Method::POST, &format!("{pods}?fieldValidation=Strict"), &pod).await;
                let mut pod =
                    created.with_context(|| format!("{namespace} refuses it even without ephemeral containers"))?;
                pod["spec"]["ephemeralContainers"] = containers;
                let name = &self.name;
                let path = format!("{pods}/{name}/ephemeralcontainers?dryRun=All&fieldValidation=Strict");
                send(client, Method::PUT, &path, &pod).await
            }
        };
        match answer {
            Ok(_) => Ok(BTreeSet::new()),
            Err(kube::Error::Api(status)) if status.code == 403 && status.message.contains("violates PodSecurity") => {
                reasons(&status.message)
            }
            Err(kube::Error::Api(status)) => {
                anyhow::bail!(
                    "the manifest is wrong: {namespace} refuses it, but not for Pod Security: {}",
                    status.message
                )
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn fixtures() -> anyhow::Result<Vec<Fixture>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pods");
    let mut files = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.sort();
    files.iter().map(|file| Fixture::read(file).with_context(|| file.display().to_string())).collect()
}

fn namespace(level: PodSecurityLevel) -> String {
    level.as_str().to_lowercase()
}

async fn send(client: &kube::Client, method: Method, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let request = Request::builder().method(method).uri(path).header("Content-Type", "application/json");
    client.request(request.body(body.to_string().into_bytes()).map_err(kube::Error::HttpError)?).await
}

/// The reasons in a refusal, which reads `… violates PodSecurity "baseline:latest": reason (details), reason (details)`.
fn reasons(message: &str) -> anyhow::Result<BTreeSet<String>> {
    let (_, list) = message.split_once(":latest\": ").with_context(|| format!("an unusual refusal: {message}"))?;
    let mut depth = 0_i32;
    let mut without_details = String::new();
    for character in list.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => without_details.push(character),
            _ => {}
        }
    }
    let singular = |reason: &str| reason.replace("AppArmor profiles", "AppArmor profile");
    Ok(without_details.split(',').map(|reason| singular(reason.trim())).collect())
}

/// The reason that the admission plugin gives when the check fails at the level.
fn reason(check: &str, level: PodSecurityLevel) -> &str {
    let restricted = level == PodSecurityLevel::Restricted;
    match check {
        "allowPrivilegeEscalation" => "allowPrivilegeEscalation != false",
        "appArmorProfile" => "forbidden AppArmor profile",
        "capabilities_baseline" if !restricted => "non-default capabilities",
        "capabilities_baseline" | "capabilities_restricted" => "unrestricted capabilities",
        "hostNamespaces" => "host namespaces",
        "hostPathVolumes" if !restricted => "hostPath volumes",
        "hostPathVolumes" | "restrictedVolumes" => "restricted volume types",
        "hostPorts" => "hostPort",
        "hostProbesAndHostLifecycle" => "probe or lifecycle host",
        "procMount_restricted" => "procMount",
        "runAsNonRoot" => "runAsNonRoot != true",
        "runAsUser" => "runAsUser=0",
        "seccompProfile_baseline" | "seccompProfile_restricted" => "seccompProfile",
        "sysctls" => "forbidden sysctls",
        "windowsHostProcess" => "hostProcess",
        same => same,
    }
}

#[test]
fn pods_need_the_level_in_their_file_name() -> anyhow::Result<()> {
    let fixtures = fixtures()?;
    let wrong: Vec<_> = fixtures
        .iter()
        .filter(|fixture| namespace(level(&fixture.pod)) != fixture.meant())
        .map(|fixture| format!("{}: {:#?}", fixture.name, violations(&fixture.pod, PodSecurityLevel::Restricted)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} pods need another level:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));

    let found = |fixture: &Fixture| violations(&fixture.pod, PodSecurityLevel::Restricted);
    let refused_by: BTreeSet<_> = fixtures.iter().flat_map(found).map(|violation| violation.check).collect();
    assert_eq!(refused_by, BTreeSet::from(CHECKS), "each check refuses some pod, and there is no other check");
    Ok(())
}

#[tokio::test]
async fn admission_agrees_about_every_pod() -> anyhow::Result<()> {
    // Without the flag, validation refuses privileged containers before Pod Security sees them.
    let cluster = ControlPlane::builder().api_server_arg("--allow-privileged=true").start().await?;
    let client = cluster.client().await?;
    for level in ENFORCED {
        let name = namespace(level);
        let labels = json!({
            "pod-security.kubernetes.io/enforce": name,
            "pod-security.kubernetes.io/enforce-version": "latest",
        });
        send(&client, Method::POST, "/api/v1/namespaces", &json!({ "metadata": { "name": name, "labels": labels } }))
            .await?;
        // Pods are refused where it is missing, and the controller that would make it does not run.
        let accounts = format!("/api/v1/namespaces/{name}/serviceaccounts");
        send(&client, Method::POST, &accounts, &json!({ "metadata": { "name": "default" } })).await?;
    }

    let fixtures = fixtures()?;
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let mut admitted_at = PodSecurityLevel::Privileged;
        // From lax to strict: what is admitted last is the strictest level that the server sees met.
        for enforced in ENFORCED {
            let theirs = match fixture.refused_because(&client, enforced).await {
                Ok(theirs) => theirs,
                Err(error) => {
                    wrong.push(format!("{}: {error:#}", fixture.name));
                    continue;
                }
            };
            if theirs.is_empty() {
                admitted_at = enforced;
            }
            let ours: BTreeSet<_> = violations(&fixture.pod, enforced)
                .into_iter()
                .map(|violation| reason(violation.check, enforced).to_owned())
                .collect();
            if ours != theirs {
                let level = enforced.as_str();
                wrong.push(format!("{}: {level} refuses it for {theirs:?}, we for {ours:?}", fixture.name));
            }
        }
        let ours = level(&fixture.pod);
        if ours != admitted_at {
            wrong.push(format!(
                "{}: meets {} on the server, {} here",
                fixture.name,
                admitted_at.as_str(),
                ours.as_str()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} disagreements about {} pods:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
    Ok(())
}
