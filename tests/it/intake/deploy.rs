//! `deploy/intake`: it builds, a cluster takes it, and it names what the endpoint is told.

use std::path::{Component, Path};

use crate::harness::ControlPlane;
use crate::operator::scene::Scene;

/// The path from one folder to another, as Kustomize wants it.
fn relative(from: &Path, to: &Path) -> String {
    let up = from.components().filter(|part| matches!(part, Component::Normal(_))).map(|_| "../").collect::<String>();
    format!("{up}{}", to.display().to_string().trim_start_matches('/'))
}

#[tokio::test]
async fn a_cluster_takes_the_component() -> anyhow::Result<()> {
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    let overlay = scene.cluster.scratch_dir().canonicalize()?.join("overlay");
    std::fs::create_dir(&overlay)?;
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize()?.join("deploy");
    let (base, component) = (relative(&overlay, &deploy), relative(&overlay, &deploy.join("intake")));
    std::fs::write(
        overlay.join("kustomization.yaml"),
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{base}]\ncomponents: [{component}]\n"
        ),
    )?;
    let built = scene.cluster.kubectl(["kustomize"]).arg(&overlay).run().await?.stdout;
    for variable in ["INTAKE_LISTEN", "TLS_CERT", "TLS_KEY", "INTAKE_CLIENT_CA", "INTAKE_TOKEN_FILE"] {
        assert!(built.contains(&format!("CRONWARDEN_{variable}")), "{variable}:\n{built}");
    }
    let applied = scene.cluster.kubectl(["apply", "--server-side", "-k"]).arg(&overlay).run().await?;
    assert!(!applied.stderr.contains("would violate"), "{}", applied.stderr);
    let policy = deploy.join("intake").join("network-policy.yaml");
    scene.cluster.kubectl(["apply", "--dry-run=server", "-f"]).arg(policy).run().await?;
    Ok(())
}
