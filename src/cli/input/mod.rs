//! Manifests from files, folders, globs and standard input.

mod declaration;
mod gather;
mod place;
mod source;

use glob::Pattern;

use super::terminal::progress;
use crate::manifest;
use crate::report;
use source::{Source, Sources};

pub(super) use declaration::Declaration;
pub(super) use gather::{Candidate, Found, Gathered, Origin, joined};

/// How YAML is counted that is no Kubernetes object.
const FOREIGN: &str = "no Kubernetes object";

/// Everything that paths of the command line lead to.
#[derive(Debug, Default)]
pub(super) struct Input {
    sources: Vec<Source>,
    pub(super) gathered: Gathered,
    /// What could not be read, or is suspicious.
    pub(super) problems: Vec<report::Problem>,
}

impl Input {
    /// Reads all that the paths lead to, but what one of the patterns excludes. It never fails: what cannot be read is a problem.
    pub(super) fn read(paths: &[String], excluded: &[Pattern]) -> Self {
        let Sources { files: sources, problems, .. } = Sources::of(paths, excluded);
        let bar = progress(sources.iter().map(Source::size).sum());
        bar.set_message("reading");
        let mut gathered = gather::gather(&sources, &|bytes| bar.inc(bytes));
        bar.finish_and_clear();
        let mut found = std::mem::take(&mut gathered.problems);
        // A file that was named was meant to be a manifest. In a folder there may be all sorts of YAML.
        let foreign = std::mem::take(&mut gathered.foreign);
        let (meant, passed_over): (Vec<_>, Vec<_>) =
            foreign.into_iter().partition(|(source, _)| sources.get(*source).is_some_and(|source| source.is_named));
        found.extend(meant);
        if !passed_over.is_empty() {
            gathered.skipped.insert(FOREIGN.to_owned(), passed_over.len() as u64);
        }
        let is_silent = |(index, source): (usize, &Source)| {
            let is_silent = source.is_named && !gathered.speaking.contains(&index);
            is_silent.then(|| (source.name.clone(), "has no objects: is it the right file?".to_owned()))
        };
        let silent: Vec<_> = sources.iter().enumerate().filter_map(is_silent).collect();
        let kustomizations = sources.iter().filter(|source| !source.is_named && is_kustomization(&source.name));
        let kustomizations: Vec<_> = kustomizations.map(|source| kustomized(&source.name)).collect();
        let problems = problems.into_iter().chain(silent).map(unusable).chain(kustomizations).collect();
        let mut input = Self { sources, gathered, problems };
        for (source, problem) in found {
            input.add_problem(source, problem);
        }
        input
    }

    /// How many files were read.
    pub(super) fn files(&self) -> usize {
        self.sources.len()
    }

    fn add_problem(&mut self, source: usize, problem: manifest::Problem) {
        let manifest::Problem { level, position, message } = problem;
        let Some(file) = self.sources.get(source) else { return };
        let source = report::Source::of(&file.name);
        self.problems.push(report::Problem { source, position: Some(position), level, message, excerpt: None });
    }
}

/// Whether kustomize is told by this file what to make of the manifests beside it.
fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    ["kustomization.yaml", "kustomization.yml"].contains(&name)
}

fn kustomized(path: &str) -> report::Problem {
    let message = "what kustomize makes of the manifests here is not what was judged: judge its output, as in \
                   `kubectl kustomize FOLDER | cronwarden scan -`";
    report::Problem {
        source: report::Source::of(path),
        position: None,
        level: manifest::Level::Warning,
        message: message.to_owned(),
        excerpt: None,
    }
}

fn unusable((path, message): (String, String)) -> report::Problem {
    let source = report::Source::of(&path);
    report::Problem { source, position: None, level: manifest::Level::Error, message, excerpt: None }
}
