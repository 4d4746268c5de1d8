//! `cronwarden approve`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::ValueEnum;
use jiff::Timestamp;
use similar::TextDiff;

use super::connect::runtime;
use super::declared::Declared;
use super::question::{Asked, Place, Question};
use super::target::Target;
use super::terminal::{print, tell};
use super::{FOUND, UNUSABLE};
use crate::api::ApprovedCronJob;
use crate::api::code::DeviationCode;
use crate::api::finding::Risk;
use crate::assess::{Assessment, assess};
use crate::cluster::read;
use crate::draft::{Accepted, Code, Draft, LeftOut, Note, Options, approval, change, yaml};
use crate::workload::redact::printable;
use crate::workload::{Workload, WorkloadKey};

/// What `cronwarden approve` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A finding, a workload, or a file of manifests.
    ///
    /// A workload is written as in CronJob/payments/nightly-backup. The standard input is `-`.
    #[arg(value_name = "FINDING|KIND/NAMESPACE/NAME|PATH")]
    target: String,
    /// Allow what this code names.
    ///
    /// May be repeated. `all` allows everything.
    #[arg(long, value_name = "CODE")]
    accept_risk: Vec<Accepted>,
    /// Draft a new approval even where one could be changed.
    #[arg(long)]
    new: bool,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    place: Place,
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

/// Approvals being drafted for one workload after the other.
struct Drafting {
    declared: Declared,
    options: Options,
    always_new: bool,
    now: Timestamp,
    /// By the name of the approval.
    changes: BTreeMap<String, Change>,
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Question { asked, declared, is_complete } = arguments.question()?;
    let mut drafting = Drafting {
        declared,
        options: Options { accepted: arguments.accept_risk.iter().cloned().collect(), strict: false },
        always_new: arguments.new,
        now: Timestamp::now(),
        changes: BTreeMap::new(),
    };
    let mut is_refused = false;
    let mut drafted = Vec::new();
    for Asked { workload, .. } in &asked {
        match drafting.add(workload)? {
            Answer::Nothing => {}
            Answer::Drafted => drafted.push(workload),
            Answer::Refused => is_refused = true,
        }
    }
    for workload in drafted {
        if !drafting.assess(workload).deviations.is_empty() {
            is_refused = true;
            tell(format_args!(
                "{}: what other workloads need takes its approval away again: approve it alone",
                workload.key
            ));
        }
    }
    // A part of the answer could be taken for all of it.
    if is_refused {
        return Ok(ExitCode::from(FOUND));
    }
    let changes = drafting.changes;
    print(&match arguments.output {
        Output::Yaml => yaml(&changes.into_values().map(|change| change.after).collect::<Vec<_>>()),
        Output::Diff => changes.values().map(diff).collect::<String>(),
    })?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) })
}

/// What came of drafting for a workload.
enum Answer {
    /// It needs no draft, or no draft could help it.
    Nothing,
    Drafted,
    /// People have to decide something first.
    Refused,
}

impl Drafting {
    fn assess(&self, workload: &Workload) -> Assessment {
        let namespace = self.declared.labels(&workload.key.namespace);
        assess(workload, &self.declared.inventory, namespace, self.now)
    }

    /// Fails if the workload can have no approval.
    fn add(&mut self, workload: &Workload) -> anyhow::Result<Answer> {
        let key = &workload.key;
        let assessment = self.assess(workload);
        if assessment.deviations.is_empty() {
            let by = assessment.nearest().unwrap_or_default();
            match assessment.unknown.first() {
                None => tell(format_args!("{key} deviates from nothing: the approval {by} speaks for it")),
                Some(unknown) => {
                    tell(format_args!(
                        "{key} cannot be judged: {by} expects {}{}",
                        printable(&unknown.expected, 256),
                        who_knows(unknown.code)
                    ));
                }
            }
            return Ok(Answer::Nothing);
        }
        let nearest = assessment.nearest().and_then(|name| self.declared.approvals.get(name));
        let before = nearest.filter(|_| !self.always_new).cloned();
        let (before, after) = match before {
            Some(before) => {
                let mut after = self.change(&before, workload)?;
                if !speaks_for_others(&before, key) {
                    (Some(before), after)
                } else if others_lose(&before, &after.approval) {
                    self.anew(workload)?
                } else {
                    let text = "this speaks for other workloads, too: what is added is approved for them as well (--new \
                                drafts an approval for one workload alone)";
                    after.notes.push(Note { field: String::new(), text: text.to_owned() });
                    (Some(before), after)
                }
            }
            None => self.anew(workload)?,
        };
        let undecided = self.undecided(&assessment, &after);
        if !undecided.is_empty() {
            refuse(key, &undecided);
            return Ok(Answer::Refused);
        }
        let name = after.approval.metadata.name.clone().unwrap_or_default();
        let before = self.changes.remove(&name).map_or(before, |change| change.before);
        self.declared.put_draft(after.approval.clone());
        self.changes.insert(name, Change { before, after });
        Ok(Answer::Drafted)
    }

    /// What the draft leaves out, and every other risk that nobody has accepted: who approves a workload approves its risks.
    fn undecided(&self, assessment: &Assessment, draft: &Draft) -> Vec<LeftOut> {
        let mut undecided = draft.left_out.clone();
        for Risk { code, path, detail } in &assessment.risks {
            let code = Code::Risk(*code);
            if !self.options.accepted.contains(code) && !undecided.iter().any(|left| left.code == Some(code)) {
                let (path, detail) = (path.clone(), detail.clone());
                undecided.push(LeftOut { code: Some(code), field: String::new(), path, detail });
            }
        }
        undecided
    }

    fn change(&self, before: &ApprovedCronJob, workload: &Workload) -> anyhow::Result<Draft> {
        let namespace = self.declared.labels(&workload.key.namespace);
        let after = change(before, workload, &self.options, namespace, self.now);
        after.map_err(|undrafted| anyhow!("{}: {}", undrafted.workload, undrafted.reason))
    }

    /// An approval for this workload alone. If there is one of that name already, it is changed: a new one would replace it.
    fn anew(&self, workload: &Workload) -> anyhow::Result<(Option<ApprovedCronJob>, Draft)> {
        let after = approval(workload, &self.options, self.now);
        let after = after.map_err(|undrafted| anyhow!("{}: {}", undrafted.workload, undrafted.reason))?;
        let name = after.approval.metadata.name.as_deref().unwrap_or_default();
        match self.declared.approvals.get(name) {
            Some(before) => Ok((Some(before.clone()), self.change(before, workload)?)),
            None => Ok((None, after)),
        }
    }
}

/// Who can tell what cannot be told here.
fn who_knows(code: DeviationCode) -> &'static str {
    match code {
        DeviationCode::DeploymentPath => {
            ", and only the operator is told who deploys: its finding and the condition FullyChecked of the approval say more"
        }
        // There is nothing to add to the approval.
        DeviationCode::Reference => {
            ", and only the operator reads those: its finding says which keys changed. Look at what they hold now; any change of the \
             approval's spec, such as another change.ticket, has it recorded anew"
        }
        _ => "",
    }
}

/// Whether an approval may speak for more than one workload.
fn speaks_for_others(approval: &ApprovedCronJob, key: &WorkloadKey) -> bool {
    let is_alone = |names: &[String], name: &String| matches!(names, [only] if only == name);
    let matches = &approval.spec.matches;
    !(is_alone(&matches.namespaces, &key.namespace) && is_alone(&matches.names, &key.name) && matches.kinds.len() <= 1)
}

/// Whether a change for one workload may take the approval of others away: what can have one value only got another.
fn others_lose(before: &ApprovedCronJob, after: &ApprovedCronJob) -> bool {
    let (before, after) = (&before.spec.expected, &after.spec.expected);
    before.template_hash != after.template_hash || before.suspended != after.suspended || before.labels != after.labels
}

impl Arguments {
    fn question(&self) -> anyhow::Result<Question> {
        if self.target == "-" || Path::new(&self.target).exists() {
            return self.place.ask_all(&self.target);
        }
        if looks_like_file(&self.target) {
            bail!("{}: there is no such file", printable(&self.target, 256));
        }
        if self.target.contains('/') {
            let target: Target =
                self.target.parse().map_err(|error: String| anyhow!("{error}, or a file that exists"))?;
            return self.place.ask_target(&target);
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
        let Some(kind) = workload.kind.workload() else {
            bail!("the finding {} is about an approval: no approval speaks for those", self.target)
        };
        let key = WorkloadKey { kind, namespace: workload.namespace.clone(), name: workload.name.clone() };
        let question = self.place.ask(&key)?;
        let recorded = finding.status.and_then(|status| status.template_hash);
        let changed = |asked: &Asked| recorded.as_ref().is_some_and(|hash| *hash != asked.workload.template_hash());
        if question.asked.iter().any(changed) {
            bail!("{key} is not what the finding saw any more: read the finding again, then repeat");
        }
        Ok(question)
    }
}

/// Whether a name is that of a file of manifests rather than of a finding or a workload.
fn looks_like_file(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["yaml", "yml", "json"].contains(&extension))
}

fn refuse(key: &WorkloadKey, left_out: &[LeftOut]) {
    tell(format_args!("{key}: not drafted, because somebody has to decide first:"));
    for LeftOut { code, field, path, detail } in left_out {
        let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
        match code {
            Some(code) => tell(format_args!("  {code}: {place}{detail} (to accept it: --accept-risk {code})")),
            None => {
                tell(format_args!("  {field}: {place}{detail} (change the approval by hand, or draft a --new one)"));
            }
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
