//! The recipes of `docs/ci.md` that need a cluster.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::document::{blocks, file};
use super::sandbox::Sandbox;
use super::{RECIPES, scripts};
use crate::harness::ControlPlane;
use crate::operator::scene::Scene;

/// A cluster with Cronwarden's definitions and roles, and the namespaces of the examples.
async fn cluster() -> anyhow::Result<Scene> {
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    for namespace in ["payments", "shop"] {
        scene.cluster.kubectl(["create", "namespace", namespace]).run().await?;
    }
    Ok(scene)
}

#[tokio::test]
async fn a_baseline_of_a_cluster_is_an_inventory() -> anyhow::Result<()> {
    let scene = cluster().await?;
    let mut sandbox = Sandbox::new(None);
    scene.cluster.kubectl(["apply", "-k"]).arg(sandbox.repository().join("manifests")).run().await?;
    sandbox.variables.insert("KUBECONFIG", scene.cluster.kubeconfig().display().to_string());
    sandbox.run("git rm --quiet -r inventory && mkdir inventory").succeeded();
    let [script] = &scripts("From a cluster")[..] else { panic!("not one script") };
    sandbox.run(script).succeeded();
    scene.cluster.kubectl(["apply", "-f"]).arg(sandbox.repository().join("inventory")).run().await?;
    // The inventory that was just applied, as the Argo CD hook asks for it.
    sandbox.run("cronwarden scan manifests --inventory cluster").succeeded();
    Ok(())
}

#[tokio::test]
async fn argo_cd() -> anyhow::Result<()> {
    let scene = cluster().await?;
    let inventory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recipes/main/inventory");
    scene.cluster.kubectl(["apply", "-f"]).arg(inventory).run().await?;
    let account = file(&blocks("ci.md"), "platform/cronwarden-check.yaml").text;
    scene.cluster.kubectl(["apply", "-f", "-"]).stdin(account).run().await?;
    let token = scene.cluster.service_account_token("shop", "cronwarden-check").await?;
    let kubeconfig = scene.cluster.kubeconfig_with_token(&token)?;

    for (pull_request, code) in [(None, 0), (Some("changed"), 1)] {
        let mut sandbox = Sandbox::new(pull_request);
        sandbox.variables.insert("KUBECONFIG", kubeconfig.display().to_string());
        let (_, paths) = RECIPES.iter().find(|(heading, _)| *heading == "Argo CD").context("the recipe")?;
        for path in *paths {
            sandbox.write(path, &file(&blocks("ci.md"), path).text);
        }
        let rendered = sandbox.run("kubectl kustomize manifests").succeeded().stdout;
        scene.cluster.kubectl(["apply", "--dry-run=server", "-f", "-"]).stdin(rendered.clone()).run().await?;
        let objects: Vec<Value> = serde_saphyr::from_multiple(&rendered)?;
        let job = hook(&objects, "Job");
        let manifests = hook(&objects, "ConfigMap");
        assert!(wave(manifests) < wave(job), "the hook needs its manifests");

        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], "cronwarden-check");
        assert_eq!(pod["volumes"][0]["configMap"]["name"], manifests["metadata"]["name"]);
        let mounted = sandbox.repository().join("../mounted");
        mount(manifests, &mounted);
        let at = pod["containers"][0]["volumeMounts"][0]["mountPath"].as_str().context("a path")?;
        let arguments: Vec<String> = pod["containers"][0]["args"]
            .as_array()
            .context("arguments")?
            .iter()
            .map(|argument| argument.as_str().unwrap().replace(at, &mounted.display().to_string()))
            .collect();
        sandbox.call("cronwarden", arguments.iter().map(String::as_str)).ended_with(code);
    }
    Ok(())
}

/// The object of this kind that is a hook before the sync.
fn hook<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let object = objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    assert_eq!(object["metadata"]["annotations"]["argocd.argoproj.io/hook"], "PreSync");
    object
}

fn wave(object: &Value) -> i32 {
    object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str().unwrap().parse().unwrap()
}

/// Lays out a ConfigMap as the kubelet mounts it: each file is a link into a hidden folder.
fn mount(config_map: &Value, folder: &Path) {
    let data = folder.join("..2026_06_01_00_00_00.123456789");
    std::fs::create_dir_all(&data).unwrap();
    symlink(data.file_name().unwrap(), folder.join("..data")).unwrap();
    for (name, text) in config_map["data"].as_object().unwrap() {
        std::fs::write(data.join(name), text.as_str().unwrap()).unwrap();
        symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
    }
}
