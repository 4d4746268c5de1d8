//! Who makes Jobs: the CronJob controller, and the controllers that a platform team trusts to.

use serde::Deserialize;

use super::marks::{Marks, Owner};
use crate::identity::path::{Mismatch, PathConfiguration, Paths, Problem, Tool};
use crate::identity::{Actor, Deed, Source};
use crate::workload::Workload;
use crate::workload::markers::HOOK;

/// The accounts as which the CronJob controller of Kubernetes runs: one of its own with `--use-service-account-credentials`, else
/// that of its manager (`cmd/kube-controller-manager/app/batch.go` of Kubernetes).
const CRON_JOB_CONTROLLERS: [&str; 2] =
    ["system:serviceaccount:kube-system:cronjob-controller", "system:kube-controller-manager"];

/// The accounts of the controllers of Kubernetes that remove Jobs, or their owners, when their time has come.
const CLEANERS: [&str; 4] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:ttl-after-finished-controller",
    "system:serviceaccount:kube-system:job-controller",
    "system:kube-controller-manager",
];

/// A controller that is trusted to make Jobs. What it is trusted for is told by its evidence: the owner of the Job, and who created it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MakerConfiguration {
    /// The name, for messages.
    pub name: String,
    /// What stands for the fields below that are left out.
    pub preset: Option<MakerPreset>,
    /// The kinds of object that own its Jobs, one of which has to be the controller of the Job.
    pub owners: Option<Vec<OwnerConfiguration>>,
    /// Patterns of names of users who are no service accounts.
    pub users: Option<Vec<String>>,
    /// Patterns of names of groups.
    pub groups: Option<Vec<String>>,
    /// Patterns of service accounts: `NAMESPACE/NAME`.
    pub service_accounts: Option<Vec<String>>,
    /// Whether the token has to be bound to a pod.
    pub pod_bound: Option<bool>,
}

/// A kind of object that owns Jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerConfiguration {
    /// Its API group.
    pub group: String,
    /// Its kind.
    pub kind: String,
}

/// A widespread controller that makes Jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum MakerPreset {
    /// Argo Workflows: resource templates with `setOwnerReference` make Jobs as the service account of the workflow's own pod
    /// (`workflow/executor/resource.go` of `argoproj/argo-workflows`), so the service accounts have to be given.
    ArgoWorkflows,
    /// Tekton: its controller, installed into `tekton-pipelines` as `config/core` of `tektoncd/pipeline` does.
    Tekton,
    /// KEDA: its operator makes the Jobs of a `ScaledJob` (`pkg/scaling/executor/scale_jobs.go` of `kedacore/keda`), installed into `keda`
    /// as its chart does.
    KEDA,
    /// Hooks of Helm charts, which have no owner: who calls Helm has to be given.
    HelmHooks,
}

/// Who makes Jobs.
#[derive(Clone, Debug)]
pub struct Makers {
    cron_job_controllers: Vec<String>,
    others: Vec<Maker>,
}

#[derive(Clone, Debug)]
struct Maker {
    name: String,
    owners: Vec<OwnerConfiguration>,
    /// One path, of the same name.
    identities: Paths,
}

impl Default for Makers {
    fn default() -> Self {
        Self { cron_job_controllers: CRON_JOB_CONTROLLERS.map(str::to_owned).into(), others: Vec::new() }
    }
}

impl MakerPreset {
    fn fields(self) -> MakerConfiguration {
        let owners = |group: &str, kinds: &[&str]| {
            let owner = |kind: &&str| OwnerConfiguration { group: group.to_owned(), kind: (*kind).to_owned() };
            Some(kinds.iter().map(owner).collect())
        };
        let account = |account: &str| Some(vec![account.to_owned()]);
        let none = MakerConfiguration { pod_bound: Some(true), ..MakerConfiguration::default() };
        match self {
            Self::ArgoWorkflows => MakerConfiguration { owners: owners("argoproj.io", &["Workflow"]), ..none },
            Self::Tekton => MakerConfiguration {
                owners: owners("tekton.dev", &["TaskRun", "PipelineRun", "CustomRun"]),
                service_accounts: account("tekton-pipelines/tekton-pipelines-controller"),
                ..none
            },
            Self::KEDA => MakerConfiguration {
                owners: owners("keda.sh", &["ScaledJob"]),
                service_accounts: account("keda/keda-operator"),
                ..none
            },
            Self::HelmHooks => MakerConfiguration::default(),
        }
    }
}

impl Makers {
    /// Compiles a configuration; without `cron_job_controllers`, those of Kubernetes. Fails with all that is wrong with it.
    pub fn compile(
        cron_job_controllers: Option<&Vec<String>>,
        makers: &[MakerConfiguration],
    ) -> Result<Self, Vec<Problem>> {
        let mut compiled = Self::default();
        let mut problems = Vec::new();
        if let Some(users) = cron_job_controllers {
            if users.is_empty() || users.iter().any(String::is_empty) {
                let message = "name the users as whom the CronJob controller runs, or leave it out".to_owned();
                problems.push(Problem { field: "cronJobControllers".to_owned(), message });
            }
            compiled.cron_job_controllers.clone_from(users);
        }
        for (index, maker) in makers.iter().enumerate() {
            let field = format!("jobControllers[{index}]");
            if makers.iter().take(index).any(|earlier| earlier.name == maker.name) {
                let message = format!("{:?} is the name of an earlier one: choose another", maker.name);
                problems.push(Problem { field: format!("{field}.name"), message });
            }
            match Maker::compile(&field, maker) {
                Ok(maker) => compiled.others.push(maker),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() { Ok(compiled) } else { Err(problems) }
    }

    /// Whether this is the CronJob controller itself. Whoever impersonates it is not.
    pub fn is_cron_job_controller(&self, actor: &Actor) -> bool {
        actor.impersonated.is_none() && self.cron_job_controllers.contains(&actor.user.username)
    }

    /// Whether this is one of the controllers of Kubernetes that remove what is no longer needed.
    pub fn is_cleaner(&self, actor: &Actor) -> bool {
        let is_known = CLEANERS.contains(&actor.user.username.as_str());
        self.is_cron_job_controller(actor) || actor.impersonated.is_none() && is_known
    }

    /// Whether somebody makes Jobs all the time.
    pub fn is_maker(&self, actor: &Actor, source: Source) -> bool {
        let is_it = |maker: &Maker| maker.identities.has_identity(actor, source);
        self.is_cron_job_controller(actor) || self.others.iter().any(is_it)
    }

    /// Whether the marks of a Job are those of the Jobs of a trusted controller, whoever created it. Gives the name of the first.
    pub fn claimed_by(&self, marks: &Marks, workload: Option<&Workload>) -> Option<&str> {
        self.others.iter().find(|maker| maker.has_marks(marks, workload)).map(|maker| maker.name.as_str())
    }

    /// The trusted controller that made a Job: its marks and who created it agree. Fails with what does not, where the marks are those of
    /// such a controller.
    pub fn made_by(
        &self,
        marks: &Marks,
        workload: &Workload,
        creator: &Deed,
    ) -> Result<Option<&str>, (&str, Mismatch)> {
        let mut first = None;
        for maker in self.others.iter().filter(|maker| maker.has_marks(marks, Some(workload))) {
            let Deed { actor, source, .. } = creator;
            match maker.identities.check(&maker.name, actor, *source, &workload.markers(), &workload.key) {
                Ok(()) => return Ok(Some(&maker.name)),
                Err(mismatch) => _ = first.get_or_insert((maker.name.as_str(), mismatch)),
            }
        }
        first.map_or(Ok(None), Err)
    }
}

impl Maker {
    fn compile(field: &str, given: &MakerConfiguration) -> Result<Self, Vec<Problem>> {
        let preset = given.preset.map(MakerPreset::fields).unwrap_or_default();
        let is_hooks = given.preset == Some(MakerPreset::HelmHooks);
        let owners = given.owners.clone().or(preset.owners).unwrap_or_default();
        let mut problems = Vec::new();
        if owners.is_empty() != is_hooks {
            let message = if is_hooks {
                "hooks of Helm have no owner: leave out owners"
            } else {
                "give the kinds that own its Jobs, such as {group: keda.sh, kind: ScaledJob}"
            };
            problems.push(Problem { field: format!("{field}.owners"), message: message.to_owned() });
        }
        if let Some(at) = owners.iter().position(|owner| owner.group.is_empty() || owner.kind.is_empty()) {
            let message = "give both group and kind, such as {group: keda.sh, kind: ScaledJob}".to_owned();
            problems.push(Problem { field: format!("{field}.owners[{at}]"), message });
        }
        let path = PathConfiguration {
            name: given.name.clone(),
            users: given.users.clone(),
            groups: given.groups.clone(),
            service_accounts: given.service_accounts.clone().or(preset.service_accounts),
            pod_bound: given.pod_bound.or(preset.pod_bound),
            markers: is_hooks.then_some(Tool::Helm),
            ..PathConfiguration::default()
        };
        match Paths::compile_one(field, &path) {
            Ok(identities) if problems.is_empty() => Ok(Self { name: given.name.clone(), owners, identities }),
            Ok(_) => Err(problems),
            Err(more) => Err(problems.into_iter().chain(more).collect()),
        }
    }

    fn has_marks(&self, marks: &Marks, workload: Option<&Workload>) -> bool {
        let is_owner =
            |owner: &Owner| self.owners.iter().any(|one| *one.group == *owner.group && *one.kind == *owner.kind);
        match marks.owner.as_deref() {
            Some(owner) => is_owner(owner),
            None => {
                self.owners.is_empty()
                    && workload.is_some_and(|workload| workload.marker_annotations.contains_key(HOOK))
            }
        }
    }
}
