//! Manifests from files, folders, globs and standard input.

mod gather;
mod place;
mod source;

use glob::Pattern;

use super::terminal::progress;
use crate::manifest;
use crate::report;
use source::{Source, Sources};

pub(super) use gather::{Candidate, Found, Gathered, Origin};

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
        let found = std::mem::take(&mut gathered.problems);
        let mut input = Self { sources, gathered, problems: problems.into_iter().map(unusable).collect() };
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

fn unusable((path, message): (String, String)) -> report::Problem {
    let source = report::Source::of(&path);
    report::Problem { source, position: None, level: manifest::Level::Error, message, excerpt: None }
}
