//! The configuration file of `cronwarden run` and `cronwarden replay`.

use std::path::Path;

use anyhow::{Context, anyhow, bail};

use crate::identity::path::{Configuration, Paths, Problem};
use crate::manifest::{Document, Place, locate_anywhere};

/// Reads the deployment paths of a file. Fails with all that is wrong with them, each with its line.
pub(super) fn read(file: &Path) -> anyhow::Result<Paths> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read --config {}", file.display()))?;
    // A file of nothing but comments configures nothing.
    let configuration: Option<Configuration> = serde_saphyr::from_str(&text)
        .map_err(|error| anyhow!("--config {}: {}", file.display(), error.without_snippet()))?;
    Paths::compile(&configuration.unwrap_or_default()).or_else(|problems| {
        let document = Document { text: text.into_bytes(), offset: 0, line: 1 };
        bail!("--config {}:{}", file.display(), listed(&document, &problems))
    })
}

/// One line for each problem.
fn listed(document: &Document, problems: &[Problem]) -> String {
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    let places = locate_anywhere(document, &fields);
    let line = |(problem, place): (&Problem, Place)| format!("\n  line {}: {problem}", place.start.line);
    problems.iter().zip(places).map(line).collect()
}
