//! `deploy` with one of its components, as users put them together.

use std::path::{Component, Path, PathBuf};

use super::scene::Scene;

/// The path from one folder to another, as Kustomize wants it.
fn relative(from: &Path, to: &Path) -> String {
    let up = from.components().filter(|part| matches!(part, Component::Normal(_))).map(|_| "../").collect::<String>();
    format!("{up}{}", to.display().to_string().trim_start_matches('/'))
}

/// Makes an overlay of `deploy` with a component, and returns its folder.
pub fn overlay(scene: &Scene, component: &str) -> anyhow::Result<PathBuf> {
    let overlay = scene.cluster.scratch_dir().canonicalize()?.join(format!("overlay-{component}"));
    std::fs::create_dir(&overlay)?;
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize()?.join("deploy");
    let (base, component) = (relative(&overlay, &deploy), relative(&overlay, &deploy.join(component)));
    std::fs::write(
        overlay.join("kustomization.yaml"),
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{base}]\ncomponents: [{component}]\n"
        ),
    )?;
    Ok(overlay)
}

/// Applies it. Returns what would be applied.
pub async fn apply(scene: &Scene, component: &str) -> anyhow::Result<String> {
    let overlay = overlay(scene, component)?;
    let built = scene.cluster.kubectl(["kustomize"]).arg(&overlay).run().await?.stdout;
    let applied = scene.cluster.kubectl(["apply", "--server-side", "-k"]).arg(&overlay).run().await?;
    anyhow::ensure!(!applied.stderr.contains("would violate"), "{}", applied.stderr);
    Ok(built)
}
