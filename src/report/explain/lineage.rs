//! Where a Job comes from and what ran of it; how the last runs of a CronJob came about.

use jiff::Timestamp;
use serde::Serialize;

use super::super::words::{codes, shown};
use crate::api::code::Severity;
use crate::api::finding::{Link, LinkKind};
use crate::assess::{Assessment, PulledImage};
use crate::lineage::{Origin, Traced, of_job};
use crate::workload::WorkloadKey;

/// The longest name that others are aligned with, in characters. A digest is longer.
const LONGEST_NAME: usize = 64;

/// How many digits of a digest stand in a line.
const DIGITS: usize = 12;

/// How many digests stand in a line.
const MOST_DIGESTS: usize = 3;

/// Where a Job comes from, and what ran of it.
#[derive(Clone, Copy, Debug)]
pub struct Lineage<'a> {
    /// What accounts for it.
    pub traced: &'a Traced,
    /// The chain that it stands in, down to what ran in its Pods.
    pub links: &'a [Link],
    /// How many of its Pods are not in the chain.
    pub more_pods: usize,
    /// The judgement of the CronJob that it belongs to, if that is known.
    pub cron_job: Option<&'a Assessment>,
}

/// A Job of a CronJob.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its kind, namespace and name.
    pub key: WorkloadKey,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What accounts for it.
    pub traced: Traced,
    /// The judgement of it.
    pub assessment: Assessment,
    /// What ran in its Pods, each image and digest once.
    pub images: Vec<PulledImage>,
}

/// What came of a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Verdict {
    Approved,
    /// Something else than an approval of its own speaks for it.
    AccountedFor,
    Deviating,
    Unknown,
}

impl Verdict {
    /// `origin` is what accounts for a Job.
    pub(super) fn of(assessment: &Assessment, origin: Option<&Origin>) -> Self {
        match (assessment.deviations.is_empty(), assessment.is_approved(), origin) {
            (false, ..) => Self::Deviating,
            (true, false, _) => Self::Unknown,
            (true, true, None | Some(Origin::Standalone { .. })) => Self::Approved,
            (true, true, Some(_)) => Self::AccountedFor,
        }
    }
}

/// What accounts for a Job that deviates in nothing, as a phrase. None if it needs an approval of its own.
pub(super) fn accounted(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Run { cron_job, tick, .. } => {
            let tick = tick.map(|tick| format!(", as its run of {tick}")).unwrap_or_default();
            Some(format!("accounted for by CronJob {}{tick}", shown(cron_job)))
        }
        Origin::Manual { cron_job, .. } => {
            Some(format!("accounted for by CronJob {}, whose approval allows runs by hand", shown(cron_job)))
        }
        Origin::Child { maker, .. } => Some(format!("accounted for by the trusted controller {}", shown(maker))),
        Origin::Standalone { .. } | Origin::Forged { .. } | Origin::Squatting { .. } => None,
    }
}

/// The CronJob of a Job, with what came of judging it; where to read more of it.
pub(super) fn cron_job(key: &WorkloadKey, lineage: &Lineage<'_>) -> Option<String> {
    let assessment = lineage.cron_job?;
    let (Origin::Run { cron_job, .. } | Origin::Manual { cron_job, .. } | Origin::Squatting { cron_job, .. }) =
        &lineage.traced.origin
    else {
        return None;
    };
    let verdict = match Verdict::of(assessment, None) {
        Verdict::Deviating => format!("deviates, {}", assessment.severity),
        Verdict::Approved | Verdict::AccountedFor => "approved".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
    };
    let (namespace, name) = (shown(&key.namespace), shown(cron_job));
    Some(format!("{verdict} (cronwarden explain CronJob/{namespace}/{name})"))
}

/// The chain, a line for each link.
pub(super) fn chain(lineage: &Lineage<'_>) -> Vec<String> {
    let cells: Vec<[String; 3]> = lineage
        .links
        .iter()
        .map(|Link { kind, name, rests_on }| [kind.as_str().to_owned(), shown(name), shown(rests_on)])
        .collect();
    let mut lines = aligned(&cells);
    if lineage.more_pods > 0 {
        lines.push(format!("… and {} more Pods", lineage.more_pods));
    }
    lines
}

/// The runs, a line for each.
pub(super) fn runs(runs: &[Run]) -> Vec<String> {
    let cells: Vec<[String; 4]> = runs
        .iter()
        .map(|run| {
            let at = run.tick().or(run.created).map(|at| at.to_string()).unwrap_or_default();
            [at, shown(&run.key.name), run.phrase(), run.digests()]
        })
        .collect();
    aligned(&cells)
}

/// Lines whose cells stand below each other, but for those that are longer than most.
fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let length = |text: &String| text.chars().count();
    let width = |column: usize| {
        let lengths = rows.iter().filter_map(|row| row.get(column)).map(length);
        lengths.filter(|length| *length <= LONGEST_NAME).max().unwrap_or_default()
    };
    let line = |row: &[String; N]| {
        let padded = row.iter().enumerate().map(|(column, text)| format!("{text:<width$}", width = width(column)));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

impl Run {
    fn tick(&self) -> Option<Timestamp> {
        match self.traced.origin {
            Origin::Run { tick, .. } => tick,
            Origin::Squatting { due, .. } => Some(due),
            Origin::Manual { .. } | Origin::Child { .. } | Origin::Standalone { .. } | Origin::Forged { .. } => None,
        }
    }

    fn phrase(&self) -> String {
        let origin = match &self.traced.origin {
            Origin::Run { .. } => "run of the schedule",
            Origin::Manual { .. } => "run by hand",
            Origin::Child { .. } => "made by a trusted controller",
            Origin::Standalone { .. } => "nothing accounts for it",
            Origin::Forged { .. } => "forged owner",
            Origin::Squatting { .. } => "took the name of a run before its time",
        };
        match Verdict::of(&self.assessment, Some(&self.traced.origin)) {
            Verdict::Deviating => format!("{origin}: {}, {}", self.assessment.severity, self.reasons()),
            Verdict::Unknown => format!("{origin}: unknown"),
            Verdict::Approved | Verdict::AccountedFor => origin.to_owned(),
        }
    }

    fn reasons(&self) -> String {
        codes(self.assessment.deviations.iter().map(|deviation| deviation.code.as_str()))
    }

    fn digests(&self) -> String {
        let short = |image: &PulledImage| {
            let (algorithm, digits) = image.digest.split_once(':').unwrap_or(("", &image.digest));
            let digits: String = digits.chars().take(DIGITS).collect();
            shown(&format!("{algorithm}:{digits}…"))
        };
        let mut digests: Vec<String> = Vec::new();
        for digest in self.images.iter().map(short) {
            if !digests.contains(&digest) {
                digests.push(digest);
            }
        }
        let more = digests.len().saturating_sub(MOST_DIGESTS);
        digests.truncate(MOST_DIGESTS);
        match (digests.is_empty(), more) {
            (true, _) => "no digest is known".to_owned(),
            (false, 0) => digests.join(", "),
            (false, more) => format!("{} and {more} more", digests.join(", ")),
        }
    }
}

/// A link for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneLink {
    kind: LinkKind,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    rests_on: String,
}

impl OneLink {
    pub(super) fn of(link: &Link) -> Self {
        let Link { kind, name, rests_on } = link;
        Self { kind: *kind, name: shown(name), rests_on: shown(rests_on) }
    }
}

/// A run for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneRun {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<String>,
    origin: &'static str,
    rests_on: String,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasons: String,
    digests: Vec<OneDigest>,
}

#[derive(Serialize)]
struct OneDigest {
    image: String,
    digest: String,
}

impl OneRun {
    pub(super) fn of(run: &Run) -> Self {
        let deviates = !run.assessment.deviations.is_empty();
        let rests_on = of_job(&run.key, &run.traced).pop().map(|link| shown(&link.rests_on));
        let digest = |image: &PulledImage| OneDigest { image: shown(&image.image), digest: shown(&image.digest) };
        Self {
            name: shown(&run.key.name),
            created: run.created.map(|created| created.to_string()),
            tick: run.tick().map(|tick| tick.to_string()),
            origin: origin(&run.traced.origin),
            rests_on: rests_on.unwrap_or_default(),
            verdict: Verdict::of(&run.assessment, Some(&run.traced.origin)),
            severity: deviates.then_some(run.assessment.severity),
            reasons: run.reasons(),
            digests: run.images.iter().map(digest).collect(),
        }
    }
}

/// The CronJob of a Job, for programs.
#[derive(Serialize)]
pub(super) struct OneParent {
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
}

impl OneParent {
    pub(super) fn of(assessment: &Assessment) -> Self {
        let deviates = !assessment.deviations.is_empty();
        Self { verdict: Verdict::of(assessment, None), severity: deviates.then_some(assessment.severity) }
    }
}

/// What accounts for a Job, as a word.
pub(super) fn origin(origin: &Origin) -> &'static str {
    match origin {
        Origin::Run { .. } => "Run",
        Origin::Manual { .. } => "Manual",
        Origin::Child { .. } => "Child",
        Origin::Standalone { .. } => "Standalone",
        Origin::Forged { .. } => "Forged",
        Origin::Squatting { .. } => "Squatting",
    }
}
