//! The judgement as a catalogue: each folder of `tests/data/assess` holds a workload, an inventory and the assessment that
//! has to come of them, in full. It may hold events that tell who made them, too, and what ConfigMaps hold: see [`evidence`] and
//! [`content`].
//!
//! `UPDATE_FIXTURES=1` rewrites what is expected, for review with `git diff`; the test fails then, so that it never passes
//! by itself.

pub mod catalogue;
mod content;
pub mod evidence;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use catalogue::{Comparison, text, yaml};
use content::Content;
use cronwarden::api::code::{DeviationCode, RiskCode, Severity};
use cronwarden::api::finding::{ConsideredApproval, Deviation, Outcome, Risk};
use cronwarden::api::{ApprovedCronJob, ScheduledWorkloadFinding};
use cronwarden::assess::{
    Assessment, CheckOutcome, ConfigMaps, Explanation, Surroundings, assess, explain, missing, unreadable,
};
use cronwarden::finding::{Record, Subject, Write, plan, reference};
use cronwarden::inventory::{Approval, Inventory, Labels};
use cronwarden::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};
use evidence::{Evidence, Told};
use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When everything is judged, unless `expected.yaml` says otherwise.
pub const NOW: &str = "2026-06-01T00:00:00Z";

/// So that the catalogue does not shrink unnoticed.
const FEWEST_FIXTURES: usize = 190;

/// The codes that tell who did it.
const FROM_EVENTS: [&str; 7] = [
    "DeploymentPath",
    "UnattributedChange",
    "HumanActor",
    "AnonymousActor",
    "Impersonation",
    "SelfApproval",
    "EvidenceTampering",
];

/// The codes that a workload and the inventory alone cannot lead to: they need events, Jobs and Pods at run time, privileges, or what
/// other workloads do.
pub const NOT_FROM_OBJECTS: [&str; 15] = [
    "DeploymentPath",
    "UnattributedChange",
    "ManualRun",
    "ForgedOwner",
    "TemplateDrift",
    "TickSquatting",
    "PodDrift",
    "PowerfulServiceAccount",
    "RecentPrivilegeChange",
    "HumanActor",
    "AnonymousActor",
    "Impersonation",
    "SelfApproval",
    "EvidenceTampering",
    "FanOut",
];

/// What `expected.yaml` holds: an assessment, and when it is made if that matters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    severity: Severity,
    severity_reasons: Vec<String>,
    pub deviations: Vec<Deviation>,
    pub risks: Vec<Risk>,
    approvals: Vec<ConsideredApproval>,
    pub unknown: Vec<Unknown>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own_approvals: Vec<String>,
}

/// What an approval expects and cannot be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    code: DeviationCode,
    pub expected: String,
    approval: String,
}

impl Expected {
    /// An assessment, and when it is made if that matters.
    pub fn of(assessment: &Assessment, now: Option<Timestamp>) -> Self {
        // Without `..`, so that no new part of an assessment is forgotten here.
        // A fixture is one workload, so that there is no campaign that it could belong to.
        let Assessment {
            deviations,
            risks,
            approvals,
            unknown,
            severity,
            severity_reasons,
            own_approvals,
            campaign: _,
        } = assessment.clone();
        let unknown =
            unknown.into_iter().map(|u| Unknown { code: u.code, expected: u.expected, approval: u.approval }).collect();
        Self { now, severity, severity_reasons, deviations, risks, approvals, unknown, own_approvals }
    }

    /// The codes of its deviations and risks.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        let deviations = self.deviations.iter().map(|deviation| deviation.code.as_str());
        deviations.chain(self.risks.iter().map(|risk| risk.code.as_str()))
    }
}

/// A folder of `tests/data/assess`.
struct Fixture {
    folder: PathBuf,
    /// The workload, unless it cannot be read or the fixture is about its absence.
    workload: Option<Workload>,
    now: Timestamp,
    expected: Option<Expected>,
    assessment: Assessment,
    /// Of a workload that can be read.
    explanation: Option<Explanation>,
    approvals: usize,
    /// Who made the workload and the approvals, if the fixture tells.
    evidence: Option<Evidence>,
    /// What would be judged if everything were told in the opposite order.
    reversed: Option<Assessment>,
}

impl Fixture {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let expected: Option<Expected> = yaml(&folder.join("expected.yaml"))?;
        let now = expected.as_ref().and_then(|expected| expected.now).unwrap_or(NOW.parse()?);
        let (approvals, inventory) = self::inventory(folder)?;
        let namespace: Labels = yaml(&folder.join("namespace.yaml"))?.unwrap_or_default();
        let nobody = |workload, assessment| Self {
            folder: folder.to_owned(),
            workload,
            now,
            expected: expected.clone(),
            assessment,
            explanation: None,
            approvals: approvals.len(),
            evidence: None,
            reversed: None,
        };
        if let Some(key) = yaml::<WorkloadKey>(&folder.join("missing.yaml"))? {
            return Ok(nobody(None, missing(&key, &inventory.requiring(&key, now))));
        }
        let (metadata, workload) = workload(&folder.join("workload.yaml"))?;
        let workload = match workload {
            Ok(workload) => workload,
            Err(reason) => return Ok(nobody(None, unreadable(&reason))),
        };
        let subject = evidence::Subject { workload: &workload, metadata: &metadata };
        let told = Told::read(folder)?;
        let evidence = told.as_ref().map(|told| told.evidence(&subject, &approvals, now)).transpose()?;
        let reversed = told.map(Told::reversed).map(|told| told.evidence(&subject, &approvals, now)).transpose()?;
        let content = Content::read(folder)?;
        let config_maps = content.as_ref().map(|content| content as &dyn ConfigMaps);
        let known = Surroundings { config_maps, ..Surroundings::from(&namespace) };
        let judged = |evidence: &Option<Evidence>| match evidence {
            Some(evidence) => evidence.judge(|identity| assess(&workload, &inventory, known.with(identity), now)),
            None => assess(&workload, &inventory, known, now),
        };
        let (assessment, reversed) = (judged(&evidence), reversed.is_some().then(|| judged(&reversed)));
        let explanation = match &evidence {
            Some(evidence) => evidence.judge(|identity| explain(&workload, &inventory, known.with(identity), now)),
            None => explain(&workload, &inventory, known, now),
        };
        let fixture = nobody(Some(workload.clone()), assessment);
        Ok(Self { explanation: Some(explanation), evidence, reversed, ..fixture })
    }

    fn name(&self) -> String {
        catalogue::name(&self.folder)
    }

    fn observed(&self) -> Expected {
        Expected::of(&self.assessment, self.expected.as_ref().and_then(|expected| expected.now))
    }
}

/// Every fixture, by name.
fn all() -> anyhow::Result<Vec<Fixture>> {
    let folders = catalogue::folders("assess")?.into_iter();
    folders.map(|folder| Fixture::read(&folder).with_context(|| folder.display().to_string())).collect()
}

/// The approvals of a fixture, and the inventory that they make.
pub fn inventory(folder: &Path) -> anyhow::Result<(Vec<ApprovedCronJob>, Inventory)> {
    let approvals = serde_saphyr::from_multiple::<ApprovedCronJob>(&text(&folder.join("inventory.yaml"))?)?;
    let mut inventory = Inventory::default();
    for approval in &approvals {
        let replaced = inventory.insert(Approval::compile(approval));
        ensure!(replaced.is_none(), "two approvals have the same name");
    }
    Ok((approvals, inventory))
}

/// The workload of a fixture, or why it cannot be read, with its metadata.
fn workload(file: &Path) -> anyhow::Result<(ObjectMeta, Result<Workload, Unreadable>)> {
    let manifest: Value = yaml(file)?.with_context(|| file.display().to_string())?;
    let kind = serde_json::from_value::<WorkloadKind>(manifest["kind"].clone())?;
    let metadata = serde_json::from_value(manifest["metadata"].clone()).unwrap_or_default();
    Ok((metadata, Workload::from_json(kind, &manifest.to_string())))
}

#[test]
fn every_workload_is_assessed_as_expected() -> anyhow::Result<()> {
    let mut comparison = Comparison::default();
    for fixture in all()? {
        comparison.add(&fixture.folder, fixture.expected.as_ref(), &fixture.observed())?;
    }
    comparison.settle(FEWEST_FIXTURES);
    Ok(())
}

#[test]
fn every_code_has_a_fixture() -> anyhow::Result<()> {
    let fixtures = all()?;
    let shown: BTreeSet<&str> = fixtures.iter().filter_map(|f| f.expected.as_ref()).flat_map(Expected::codes).collect();
    let every =
        DeviationCode::ALL.iter().map(|code| code.as_str()).chain(RiskCode::ALL.iter().map(|code| code.as_str()));
    let expected: BTreeSet<&str> =
        every.filter(|code| !NOT_FROM_OBJECTS.contains(code) || FROM_EVENTS.contains(code)).collect();
    assert_eq!(shown, expected, "left: codes with a fixture, right: codes that objects and events can lead to");
    Ok(())
}

/// Events come by several ways and are repeated: in which order they arrive must not matter.
#[test]
fn events_may_arrive_in_any_order() -> anyhow::Result<()> {
    let mut told = 0;
    for fixture in all()? {
        let name = fixture.name();
        let Some(reversed) = fixture.reversed else { continue };
        told += 1;
        assert_eq!(reversed, fixture.assessment, "{name}: judged otherwise if told in the opposite order");
    }
    assert!(told > 40, "only {told} fixtures tell who did it");
    Ok(())
}

/// Whatever is judged: packing loses nothing, the finding stays within bounds, and once written it is not written again.
#[test]
fn every_finding_is_written_once() -> anyhow::Result<()> {
    for fixture in all()? {
        let name = fixture.name();
        if let Some(workload) = &fixture.workload {
            assert_eq!(Packed::pack(workload)?.unpack()?, *workload, "{name}: packing changes the workload");
        }
        let key = fixture.workload.as_ref().map(|workload| workload.key.clone()).unwrap_or_default();
        let reference = reference(&key, "6f1c2a0e-0000-4000-8000-000000000000");
        let attribution = fixture.evidence.as_ref().map(Evidence::attribution);
        let subject = Subject { workload: fixture.workload.as_ref(), attribution, ..Subject::of(&reference) };
        let write = plan(subject, &fixture.assessment, None, fixture.now);
        assert_eq!(
            write.is_none(),
            fixture.assessment.deviations.is_empty(),
            "{name}: a finding, or none, contrary to the assessment"
        );
        let Some(Write::Apply { name: finding, workload, status, create: true, notice: Some(notice) }) = write else {
            continue;
        };
        let size = serde_json::to_string(&status)?.len();
        assert!(size < 100 * 1024, "{name}: the status takes {size} bytes");
        assert!(notice.note.len() <= 1024, "{name}: the note is too long");
        let json = serde_json::to_string(&status)?;
        assert!(!json.contains("hunter2-S3cr3t"), "{name}: a credential is shown");
        assert!(!json.contains("\\u00"), "{name}: a control character is shown");

        let mut read_back = ScheduledWorkloadFinding::new(
            &finding,
            cronwarden::api::finding::ScheduledWorkloadFindingSpec { workload, ..Default::default() },
        );
        read_back.status = Some(serde_json::from_str(&json)?);
        let record = Record::of(&read_back);
        let later = fixture.now.saturating_add(jiff::SignedDuration::from_hours(1))?;
        assert_eq!(plan(subject, &fixture.assessment, Some(&record), later), None, "{name}: written twice");
    }
    Ok(())
}

/// A verdict and its explanation are the same evaluation: every approval is there, and the deviations are those of its checks.
#[test]
fn every_assessment_is_explained_by_what_was_compared() -> anyhow::Result<()> {
    let mut explained = 0;
    for fixture in all()? {
        let name = fixture.name();
        let Some(Explanation { assessment, approvals }) = &fixture.explanation else { continue };
        explained += 1;
        assert_eq!(*assessment, fixture.assessment, "{name}: explained otherwise than assessed");
        assert_eq!(approvals.len(), fixture.approvals, "{name}: not every approval is explained");
        for (i, approval) in approvals.iter().enumerate() {
            let considered = assessment.approvals.get(i).map(|considered| (&considered.name, considered.outcome));
            assert_eq!(approval.outcome.map(|outcome| (&approval.name, outcome)), considered, "{name}");
            assert_eq!(approval.mismatches.is_empty(), approval.outcome.is_some(), "{name}: {}", approval.name);
            for check in &approval.checks {
                let text = format!("{} {} {}", check.path, check.expected, check.observed);
                assert!(!text.contains("hunter2-S3cr3t"), "{name}: a credential is shown: {text}");
                assert!(!text.chars().any(char::is_control), "{name}: a control character is shown: {text:?}");
            }
        }
        let Some(nearest) = approvals.first().filter(|a| a.outcome.is_some_and(|o| o != Outcome::Invalid)) else {
            continue;
        };
        let deviating = nearest.checks.iter().filter(|check| check.outcome == CheckOutcome::Deviates);
        let deviating: Vec<_> = deviating.map(|c| (c.code, &c.path, &c.expected, &c.observed)).collect();
        let deviations: Vec<_> =
            assessment.deviations.iter().map(|d| (d.code, &d.path, &d.expected, &d.observed)).collect();
        assert_eq!(deviating, deviations, "{name}: the deviations are not those of the nearest approval");
    }
    assert!(explained >= FEWEST_FIXTURES, "only {explained} fixtures are explained");
    Ok(())
}
