//! `deploy/intake`: it builds, a cluster takes it, and it names what the endpoint is told.

use std::path::Path;

use crate::harness::ControlPlane;
use crate::operator::component;
use crate::operator::scene::Scene;

#[tokio::test]
async fn a_cluster_takes_the_component() -> anyhow::Result<()> {
    let scene = Scene::without_operator(ControlPlane::builder()).await?;
    let built = component::apply(&scene, "intake").await?;
    for variable in ["INTAKE_LISTEN", "TLS_CERT", "TLS_KEY", "INTAKE_CLIENT_CA", "INTAKE_TOKEN_FILE"] {
        assert!(built.contains(&format!("CRONWARDEN_{variable}")), "{variable}:\n{built}");
    }
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/intake/network-policy.yaml");
    scene.cluster.kubectl(["apply", "--dry-run=server", "-f"]).arg(policy).run().await?;
    Ok(())
}
