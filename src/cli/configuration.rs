//! The configuration file of `cronwarden run` and `cronwarden replay`.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;

use crate::identity::path::{self, Approvals, PathConfiguration, Paths, Problem};
use crate::lineage::{InjectorConfiguration, Injectors, MakerConfiguration, Makers};
use crate::manifest::{Document, Place, locate_anywhere};

/// What the file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configuration {
    /// The deployment paths.
    #[serde(default)]
    deployment_paths: Vec<PathConfiguration>,
    /// How approvals are to be changed.
    approvals: Option<Approvals>,
    /// The users as whom the CronJob controller runs.
    cron_job_controllers: Option<Vec<String>>,
    /// The controllers that are trusted to make Jobs.
    #[serde(default)]
    job_controllers: Vec<MakerConfiguration>,
    /// What adds to Pods.
    #[serde(default)]
    injectors: Vec<InjectorConfiguration>,
}

/// What the file says, compiled.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) paths: Paths,
    pub(super) makers: Makers,
    pub(super) injectors: Injectors,
}

/// Reads a file, if there is one. `cron_job_controllers` stand before those of the file, if there are any. Fails with all that is wrong
/// with it, each with its line.
pub(super) fn read(file: Option<&Path>, cron_job_controllers: &[String]) -> anyhow::Result<Configured> {
    let text = match file {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read --config {}", file.display()))?
        }
        None => String::new(),
    };
    let shown = file.map(|file| file.display().to_string()).unwrap_or_default();
    // A file of nothing but comments configures nothing.
    let configuration: Option<Configuration> =
        serde_saphyr::from_str(&text).map_err(|error| anyhow!("--config {shown}: {}", error.without_snippet()))?;
    let mut configuration = configuration.unwrap_or_default();
    if !cron_job_controllers.is_empty() {
        configuration.cron_job_controllers = Some(cron_job_controllers.to_owned());
    }
    configuration.compile().or_else(|problems| {
        let document = Document { text: text.into_bytes(), offset: 0, line: 1 };
        bail!("--config {shown}:{}", listed(&document, &problems))
    })
}

impl Configuration {
    /// Compiles every part, so that all that is wrong is told at once.
    fn compile(self) -> Result<Configured, Vec<Problem>> {
        let Self { deployment_paths, approvals, cron_job_controllers, job_controllers, injectors } = self;
        let mut problems = Vec::new();
        let mut keep = |more: Vec<Problem>| problems.extend(more);
        let paths = Paths::compile(&path::Configuration { deployment_paths, approvals }).map_err(&mut keep);
        let makers = Makers::compile(cron_job_controllers.as_ref(), &job_controllers).map_err(&mut keep);
        let injectors = Injectors::compile(&injectors).map_err(&mut keep);
        match (paths, makers, injectors) {
            (Ok(paths), Ok(makers), Ok(injectors)) => Ok(Configured { paths, makers, injectors }),
            _ => Err(problems),
        }
    }
}

/// One line for each problem.
fn listed(document: &Document, problems: &[Problem]) -> String {
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    let places = locate_anywhere(document, &fields);
    let line = |(problem, place): (&Problem, Place)| format!("\n  line {}: {problem}", place.start.line);
    problems.iter().zip(places).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Configured {
        let configuration: Configuration = serde_saphyr::from_str(text).unwrap();
        configuration.compile().unwrap()
    }

    #[test]
    fn the_example_is_usable() {
        let configured = compiled(include_str!("../../deploy/examples/configuration.yaml"));
        assert!(["argocd", "ci", "emergency"].iter().all(|name| configured.paths.is_configured(name)));
        let made_by = |kind: &str, group: &str| {
            let owner = format!(
                r#"{{"metadata":{{"ownerReferences":[{{"apiVersion":"{group}/v1","kind":"{kind}","name":"n","controller":true}}]}}}}"#
            );
            configured.makers.claimed_by(&crate::lineage::Marks::of(&owner), None).map(str::to_owned)
        };
        assert_eq!(made_by("TaskRun", "tekton.dev").as_deref(), Some("tekton"));
        assert_eq!(made_by("ScaledJob", "keda.sh").as_deref(), Some("keda"));
        assert_eq!(made_by("Workflow", "argoproj.io").as_deref(), Some("reports"));
        assert_eq!(made_by("Import", "imports.example.com"), None);
    }

    /// What the documentation shows can be copied.
    #[test]
    fn the_examples_of_the_documentation_are_usable() {
        let page = include_str!("../../docs/jobs.md");
        let blocks = page.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
        let is_configuration = |block: &&str| !block.starts_with("spec:");
        assert_eq!(blocks.filter(is_configuration).map(compiled).count(), 2);
    }
}
