//! The folders of `tests/data/jobs`.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use cronwarden::api::ApprovedCronJob;
use cronwarden::assess::{self, Lineage, PodReport, Surroundings};
use cronwarden::identity::path::Paths;
use cronwarden::inventory::Inventory;
use cronwarden::lineage::{InjectorConfiguration, Injectors, MakerConfiguration, Makers, RunningPod, Traced, of_job};
use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, Told};
use super::scene::{CronJob, Scene};
use crate::fixtures::catalogue::{folders, text, yaml};
use crate::fixtures::evidence::{self, Evidence, Subject};
use crate::fixtures::{self, NOW};

/// What `case.yaml` holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Circumstances {
    /// When the CronJob became what it is from what it is in `cronjob-before.yaml`.
    changed: Option<Timestamp>,
    /// Whether the CronJob was there before anybody watched.
    #[serde(default)]
    listed: bool,
}

/// What `configuration.yaml` holds, as `cronwarden run --config` reads it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configuration {
    cron_job_controllers: Option<Vec<String>>,
    #[serde(default)]
    job_controllers: Vec<MakerConfiguration>,
    #[serde(default)]
    injectors: Vec<InjectorConfiguration>,
}

/// A folder, and what came of it.
pub struct Example {
    pub folder: PathBuf,
    pub expected: Option<Expected>,
    pub observed: Expected,
    /// What would come of it if everything were told in the opposite order.
    pub reversed: Option<Expected>,
}

/// Every example, by name.
pub fn all() -> anyhow::Result<Vec<Example>> {
    let folders = folders("jobs")?.into_iter();
    folders.map(|folder| Example::read(&folder).with_context(|| folder.display().to_string())).collect()
}

impl Example {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let job: Value = yaml(&folder.join("job.yaml"))?.context("no job.yaml")?;
        let scene = Scene::of(&job, cron_job(folder)?)?;
        let configuration: Configuration = yaml(&folder.join("configuration.yaml"))?.unwrap_or_default();
        let Configuration { cron_job_controllers, job_controllers, injectors } = configuration;
        let makers = Makers::compile(cron_job_controllers.as_ref(), &job_controllers);
        let makers = makers.map_err(|problems| anyhow!("{problems:?}"))?;
        let injectors = Injectors::compile(&injectors).map_err(|problems| anyhow!("{problems:?}"))?;
        let (approvals, inventory) = fixtures::inventory(folder)?;
        let setting = Setting {
            metadata: serde_json::from_value(job["metadata"].clone())?,
            pods: scene.reports(&pods(folder)?, &injectors),
            scene,
            makers,
            approvals,
            inventory,
            now: NOW.parse()?,
        };
        let told = evidence::Told::by_events(folder, Paths::default())?;
        let observed = setting.judged(told.as_ref())?;
        let reversed = told.map(|told| setting.judged(Some(&told.reversed()))).transpose()?;
        let expected = yaml(&folder.join("expected.yaml"))?;
        Ok(Self { folder: folder.to_owned(), expected, observed, reversed })
    }
}

/// Everything but who created the Job.
struct Setting {
    scene: Scene,
    metadata: ObjectMeta,
    pods: Vec<PodReport>,
    makers: Makers,
    approvals: Vec<ApprovedCronJob>,
    inventory: Inventory,
    now: Timestamp,
}

impl Setting {
    fn judged(&self, told: Option<&evidence::Told>) -> anyhow::Result<Expected> {
        let subject = Subject { workload: &self.scene.job, metadata: &self.metadata };
        let evidence = told.map(|told| told.evidence(&subject, &self.approvals, self.now)).transpose()?;
        let traced = self.scene.traced(evidence.as_ref().and_then(Evidence::creator), &self.makers);
        let known = Surroundings::default();
        let assessment = match &evidence {
            Some(evidence) => evidence.judge(|identity| self.assessed(&traced, known.with(identity))),
            None => self.assessed(&traced, known),
        };
        let mut chain = of_job(&self.scene.job.key, &traced);
        let pod = self.pods.iter().find(|pod| !pod.is_clean()).or(self.pods.last());
        chain.extend(pod.into_iter().flat_map(PodReport::chain));
        Ok(Expected {
            origin: Told::of(&traced),
            basis: traced.basis.to_string(),
            chain,
            injectors: self.pods.iter().flat_map(|pod| pod.injectors.clone()).collect(),
            assessment: fixtures::Expected::of(&assessment, None),
        })
    }

    fn assessed(&self, traced: &Traced, surroundings: Surroundings<'_>) -> assess::Assessment {
        let lineage = Lineage { traced, cron_job: self.scene.parent(), is_outdated: false, pods: &self.pods };
        assess::job(&self.scene.job, lineage, &self.inventory, surroundings, self.now)
    }
}

fn cron_job(folder: &Path) -> anyhow::Result<Option<CronJob>> {
    let Some(now) = yaml::<Value>(&folder.join("cronjob.yaml"))? else { return Ok(None) };
    let Circumstances { changed, listed } = yaml(&folder.join("case.yaml"))?.unwrap_or_default();
    let since = now["metadata"]["creationTimestamp"].as_str().filter(|_| !listed).map(str::parse).transpose()?;
    let before: Option<Value> = yaml(&folder.join("cronjob-before.yaml"))?;
    let cron_job = match (before, changed) {
        (Some(before), Some(at)) => CronJob::of(&before, since, &[(now, at)]),
        (None, None) => CronJob::of(&now, since, &[]),
        _ => Err(anyhow!("cronjob-before.yaml and the time of the change belong together")),
    };
    cron_job.map(Some)
}

fn pods(folder: &Path) -> anyhow::Result<Vec<RunningPod>> {
    let file = folder.join("pod.yaml");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let pods: Vec<Value> = serde_saphyr::from_multiple(&text(&file)?)?;
    ensure!(!pods.is_empty(), "no Pod in {}", file.display());
    pods.iter().map(|pod| Ok(RunningPod::from_json(&pod.to_string())?)).collect()
}
