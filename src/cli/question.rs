//! Workloads that somebody asks about, with everything that they are judged by.

use anyhow::{Context, bail};

use super::connect::{Cluster, runtime};
use super::declared::Declared;
use super::input::{Candidate, Input};
use super::target::Target;
use super::terminal::tell;
use crate::api::ScheduledWorkloadFinding;
use crate::cluster::read;
use crate::manifest::{Level, Position};
use crate::report::{Problem, Source};
use crate::workload::{Workload, WorkloadKey};

/// Where the answer is looked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Place {
    /// Look into this file, folder, glob, or -, and not into the cluster.
    ///
    /// May be repeated.
    #[arg(short, long = "filename", value_name = "PATH")]
    files: Vec<String>,
    /// Only these approvals count: a file, a folder, a glob, or `cluster`.
    ///
    /// May be repeated. Without it, those of the place where the workload is.
    #[arg(long, value_name = "PATH|cluster")]
    inventory: Vec<String>,
    /// The namespace of a workload that is named as KIND/NAME.
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    pub(super) cluster: Cluster,
}

/// Workloads and what they are judged by.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) asked: Vec<Asked>,
    pub(super) declared: Declared,
    /// Whether all input could be used.
    pub(super) is_complete: bool,
}

/// A workload that is asked about.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) workload: Workload,
    /// Where it was found.
    pub(super) source: Source,
    /// Where it stands there; absent for an object from a cluster.
    pub(super) position: Option<Position>,
    /// The finding about it, if it is in a cluster that has one.
    pub(super) finding: Option<Box<ScheduledWorkloadFinding>>,
}

impl Place {
    /// Looks for the workload that is meant. Fails if it is not there or cannot be read.
    pub(super) fn ask_target(&self, target: &Target) -> anyhow::Result<Question> {
        self.ask(&target.key(self.namespace.as_deref())?)
    }

    /// Looks for a workload. Fails if it is not there or cannot be read.
    pub(super) fn ask(&self, key: &WorkloadKey) -> anyhow::Result<Question> {
        if self.files.is_empty() {
            return self.ask_cluster(key);
        }
        let question = self.ask_files(&self.files, |other| other == key)?;
        if question.asked.is_empty() {
            bail!("there is no {key} in {}", self.files.join(", "));
        }
        Ok(question)
    }

    /// Asks about every workload of a file of manifests that a scan would judge. Fails if there is none.
    pub(super) fn ask_all(&self, path: &str) -> anyhow::Result<Question> {
        let mut files = self.files.clone();
        files.push(path.to_owned());
        let mut question = self.ask_files(&files, |_| true)?;
        let (asked, declared) = (&mut question.asked, &question.declared);
        asked.retain(|asked| declared.judges(asked.workload.key.kind));
        if asked.is_empty() {
            bail!("there is no CronJob in {}, nor a Job that an approval matches", files.join(", "));
        }
        Ok(question)
    }

    fn ask_files(&self, files: &[String], is_meant: impl Fn(&WorkloadKey) -> bool) -> anyhow::Result<Question> {
        let mut input = Input::read(files, &[]);
        let declared = Declared::of(&self.inventory, &self.cluster, &mut input)?;
        warn(&input.problems);
        warn(&declared.problems);
        let is_complete = is_usable(&input.problems) && is_usable(&declared.problems);
        let found: Vec<Candidate> = std::mem::take(&mut input.gathered.workloads);
        let asked = found.into_iter().filter(|found| is_meant(&found.object.0)).map(|found| {
            let (source, position) = (input.source(&found.origin), Some(found.origin.position));
            let (key, packed) = found.object;
            let workload = packed.and_then(|packed| packed.unpack());
            let workload = workload.with_context(|| format!("{key} cannot be read"))?;
            anyhow::Ok(Asked { workload, source, position, finding: None })
        });
        Ok(Question { asked: asked.collect::<anyhow::Result<_>>()?, declared, is_complete })
    }

    fn ask_cluster(&self, key: &WorkloadKey) -> anyhow::Result<Question> {
        let mut declared = Declared::of(&self.inventory, &self.cluster, &mut Input::default())?;
        let (workload, finding) = runtime()?.block_on(async {
            let client = self.cluster.connect().await?;
            let workload = read::workload(&client, key).await?;
            if self.inventory.is_empty() {
                declared.add_inventory(&client).await?;
            }
            declared.add_namespaces(&client, Some(&key.namespace)).await?;
            let finding = read::finding_about(&client, &workload).await;
            anyhow::Ok((workload, finding.map(Box::new)))
        })?;
        warn(&declared.problems);
        let is_complete = is_usable(&declared.problems);
        let asked = vec![Asked { workload, source: Source::Cluster, position: None, finding }];
        Ok(Question { asked, declared, is_complete })
    }
}

/// Tells people of problems that do not keep the command from its work.
pub(super) fn warn(problems: &[Problem]) {
    for problem in problems {
        let level = match problem.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        tell(format_args!("{level}: {problem}"));
    }
}

/// Whether there is nothing among the problems that could not be used.
pub(super) fn is_usable(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.level != Level::Error)
}
