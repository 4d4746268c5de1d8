//! `cronwarden approve`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueEnum;
use jiff::Timestamp;
use similar::TextDiff;

use super::connect::runtime;
use super::question::{Asked, Place, Question};
use super::target::Target;
use crate::api::ApprovedCronJob;
use crate::assess::assess;
use crate::cluster::read;
use crate::draft::{Accepted, Draft, LeftOut, Options, approval, change, yaml};
use crate::workload::WorkloadKey;

/// Exit code: something would have to be accepted first.
const REFUSED: u8 = 1;

/// What `cronwarden approve` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A finding, a workload such as CronJob/payments/nightly-backup, or a file of manifests (- for standard input).
    #[arg(value_name = "FINDING|KIND/NAMESPACE/NAME|PATH")]
    target: String,
    #[command(flatten)]
    place: Place,
    /// Allow what this code names; `all` allows everything. May be repeated.
    #[arg(long, value_name = "CODE")]
    accept_risk: Vec<Accepted>,
    /// Draft a new approval even where there is one that could be changed.
    #[arg(long)]
    new: bool,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// The whole approval, as `kubectl apply -f -` takes it.
    #[default]
    Yaml,
    /// What changes in the nearest approval.
    Diff,
}

/// An approval that the command makes or changes.
struct Change {
    before: Option<ApprovedCronJob>,
    after: Draft,
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Question { asked, mut declared } = arguments.question()?;
    let options = Options { accepted: arguments.accept_risk.iter().cloned().collect(), strict: false };
    let now = Timestamp::now();
    let mut changes: BTreeMap<String, Change> = BTreeMap::new();
    let mut is_refused = false;
    for Asked { workload, .. } in asked {
        let key = &workload.key;
        let namespace = declared.labels(&key.namespace);
        let assessment = assess(&workload, &declared.inventory, namespace, now);
        if assessment.deviations.is_empty() {
            let by = assessment.nearest().unwrap_or_default();
            eprintln!("{key} deviates from nothing: the approval {by} speaks for it");
            continue;
        }
        let nearest = assessment.nearest().and_then(|name| declared.approvals.get(name)).filter(|_| !arguments.new);
        let after = match nearest {
            Some(nearest) => change(nearest, &workload, &options, namespace, now),
            None => approval(&workload, &options, now),
        };
        let after = after.map_err(|undrafted| anyhow::anyhow!("{}: {}", undrafted.workload, undrafted.reason))?;
        if !after.left_out.is_empty() {
            is_refused = true;
            refuse(key, &after.left_out);
            continue;
        }
        let name = after.approval.metadata.name.clone().unwrap_or_default();
        let before = changes.remove(&name).map_or_else(|| nearest.cloned(), |change| change.before);
        declared.put(after.approval.clone());
        changes.insert(name, Change { before, after });
    }
    let text: String = match arguments.output {
        Output::Yaml => yaml(&changes.into_values().map(|change| change.after).collect::<Vec<_>>()),
        Output::Diff => changes.values().map(diff).collect(),
    };
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot print")?;
    Ok(if is_refused { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS })
}

impl Arguments {
    fn question(&self) -> anyhow::Result<Question> {
        if self.target == "-" || Path::new(&self.target).exists() {
            return self.place.ask_all(&self.target);
        }
        if self.target.contains('/') {
            let Target(key) = self.target.parse().map_err(|error: String| anyhow::anyhow!("{error}, or a file"))?;
            return self.place.ask(&key);
        }
        self.ask_finding()
    }

    /// Asks about the workload of a finding as it is now, and says if that is not what the finding saw.
    fn ask_finding(&self) -> anyhow::Result<Question> {
        let finding = runtime()?.block_on(async {
            let client = self.place.cluster.connect().await?;
            read::finding(&client, &self.target).await
        })?;
        let workload = &finding.spec.workload;
        let key =
            WorkloadKey { kind: workload.kind, namespace: workload.namespace.clone(), name: workload.name.clone() };
        let question = self.place.ask(&key)?;
        let recorded = finding.status.and_then(|status| status.template_hash);
        let changed = |asked: &Asked| recorded.as_ref().is_some_and(|hash| *hash != asked.workload.template_hash());
        if question.asked.iter().any(changed) {
            bail!("{key} is not what the finding saw any more: read the finding again, then repeat");
        }
        Ok(question)
    }
}

fn refuse(key: &WorkloadKey, left_out: &[LeftOut]) {
    eprintln!("{key} is not approved by what follows from it without a decision:");
    for LeftOut { code, field: _, path, detail } in left_out {
        let place = if path.is_empty() { String::new() } else { format!(" at {path}") };
        match code {
            Some(code) => eprintln!("  {code}{place}: {detail}; to accept it: --accept-risk {code}"),
            None => eprintln!("  {detail}{place}"),
        }
    }
}

/// The change as a unified diff; a new approval is all additions.
fn diff(change: &Change) -> String {
    let before =
        change.before.iter().cloned().map(|approval| Draft { approval, notes: Vec::new(), left_out: Vec::new() });
    let before = yaml(&before.collect::<Vec<_>>());
    let after = yaml(std::slice::from_ref(&change.after));
    let name = change.after.approval.metadata.name.clone().unwrap_or_default();
    let names = (format!("a/{name}.yaml"), format!("b/{name}.yaml"));
    TextDiff::from_lines(&before, &after).unified_diff().header(&names.0, &names.1).to_string()
}
