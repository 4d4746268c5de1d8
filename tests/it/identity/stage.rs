//! A cluster that tells the operator who does what, and the people and programs that do it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Context;
use cronwarden::api::finding::{Evidence, ScheduledWorkloadFindingStatus as Status, State};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::harness::{Builder, Kubectl, KubectlOutput, eventually};
use crate::intake::{Files, leaked};
use crate::operator::scene::{PATIENCE, Scene, namespace};

/// The deployment paths of the operator.
pub const PATHS: &str = r#"
deploymentPaths:
  - name: argocd
    preset: ArgoCD
  - name: flux
    preset: Flux
  - name: ci
    serviceAccounts: ["ci/deployer"]
    podBound: true
  - name: pipeline
    users: ["pipeline"]
"#;

/// People, and the groups that they are in. Developers may edit CronJobs, the pipeline approvals as well, and mallory anything.
const PEOPLE: [(&str, &[&str]); 5] = [
    ("jane", &["developers"]),
    ("john", &["developers"]),
    ("ghost", &["developers"]),
    ("pipeline", &["pipelines"]),
    ("mallory", &["administrators"]),
];

/// A cluster that tells the operator who does what.
pub struct Stage {
    pub scene: Scene,
    pub files: Files,
    kubeconfigs: BTreeMap<String, PathBuf>,
}

impl Stage {
    /// A cluster whose audit webhook tells the operator, which runs with this configuration.
    pub async fn start(configuration: &str) -> anyhow::Result<Self> {
        let files = Files::make()?;
        let builder = files.control_plane()?;
        let mut stage = Self::prepare(files, builder, configuration).await?;
        let arguments = stage.files.arguments();
        stage.scene.arguments.extend(arguments);
        stage.scene.start_operator().await?;
        stage.listens("webhook").await;
        Ok(stage)
    }

    /// A cluster with people in it, and without the operator.
    pub async fn prepare(files: Files, builder: Builder, configuration: &str) -> anyhow::Result<Self> {
        let builder = PEOPLE.iter().fold(builder, |builder, (name, groups)| builder.user(name, groups));
        let mut scene = Scene::without_operator(builder).await?;
        let file = scene.cluster.scratch_dir().join("configuration.yaml");
        std::fs::write(&file, configuration)?;
        scene.arguments.extend(["--config", leaked(file.display().to_string())]);
        scene.apply(&permissions()).await?;
        let mut kubeconfigs = BTreeMap::new();
        for (name, _) in PEOPLE {
            let kubeconfig = scene.cluster.kubeconfig_with_token(scene.cluster.user_token(name)?)?;
            kubeconfigs.insert(name.to_owned(), kubeconfig);
        }
        Ok(Self { scene, files, kubeconfigs })
    }

    /// Waits until events have arrived.
    pub async fn listens(&self, source: &str) {
        let metric = format!("cronwarden_intake_events_total{{source=\"{source}\"}}");
        eventually("events have arrived", PATIENCE, async || match self.scene.count(&metric) {
            Ok(1..) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    /// A call of `kubectl` by somebody.
    pub fn kubectl(&self, who: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Kubectl> {
        let kubeconfig = self.kubeconfigs.get(who).with_context(|| format!("nobody is called {who}"))?;
        Ok(self.scene.cluster.kubectl(args).kubeconfig(kubeconfig))
    }

    /// The same to its end, which has to be good.
    pub async fn run(&self, who: &str, args: &[&str]) -> anyhow::Result<KubectlOutput> {
        self.kubectl(who, args)?.run().await
    }

    /// A call of `kubectl` with an object.
    pub async fn send(&self, who: &str, args: &[&str], object: &Value) -> anyhow::Result<KubectlOutput> {
        self.kubectl(who, args)?.args(["-f", "-"]).stdin(object.to_string()).run().await
    }

    /// Creates an object as somebody.
    pub async fn create(&self, who: &str, object: &Value) -> anyhow::Result<()> {
        self.send(who, &["create"], object).await.map(drop)
    }

    /// Changes the spec of a CronJob as somebody.
    pub async fn patch(&self, who: &str, namespace: &str, name: &str, spec: Value) -> anyhow::Result<()> {
        let patch = json!({ "spec": spec }).to_string();
        self.run(who, &["patch", "cronjob", name, "-n", namespace, "--type=merge", "-p", &patch]).await.map(drop)
    }

    /// Makes a service account, and a pod that runs as it if it is given a name. From now on somebody of the name `who` has its token,
    /// which is bound to the pod.
    pub async fn account(&mut self, who: &str, account: (&str, &str), pod: Option<&str>) -> anyhow::Result<()> {
        let (home, name) = account;
        let of_account =
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "namespace": home, "name": name } });
        self.scene.apply(&[namespace(home), of_account]).await?;
        let mut args = vec!["create".to_owned(), "token".to_owned(), name.to_owned(), format!("--namespace={home}")];
        if let Some(pod) = pod {
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "namespace": home, "name": pod },
                "spec": { "serviceAccountName": name, "containers": [{ "name": "main", "image": "registry.example.com/main:v1" }] },
            });
            let created = self.scene.cluster.kubectl(["create", "-o", "json", "-f", "-"]).stdin(manifest.to_string());
            let uid = created.run().await?.json()?["metadata"]["uid"].as_str().context("a pod has a uid")?.to_owned();
            args.extend([
                "--bound-object-kind=Pod".to_owned(),
                format!("--bound-object-name={pod}"),
                format!("--bound-object-uid={uid}"),
            ]);
        }
        let token = self.scene.cluster.kubectl(args).run().await?.stdout;
        let kubeconfig = self.scene.cluster.kubeconfig_with_token(token.trim())?;
        self.kubeconfigs.insert(who.to_owned(), kubeconfig);
        Ok(())
    }

    /// Waits until what is recorded of a workload fits.
    pub async fn status(&self, namespace: &str, name: &str, what: &str, fits: impl Fn(&Status) -> bool) -> Status {
        let finding = self.scene.finding(namespace, name, what, |f| f.status.as_ref().is_some_and(&fits)).await;
        finding.status.expect("it has one")
    }

    /// Waits until somebody is known by audit to have made a workload what it is.
    pub async fn made_by(&self, user: &str, namespace: &str, name: &str) -> Status {
        let by = |s: &Status| s.actor.username.as_deref() == Some(user) && s.actor.evidence == Evidence::Audit;
        self.status(namespace, name, &format!("made by {user}"), by).await
    }

    /// Waits until a finding is in a state, for these reasons.
    pub async fn found(&self, state: State, reasons: &str, namespace: &str, name: &str) -> Status {
        let what = format!("{} for {reasons}", state.as_str());
        self.status(namespace, name, &what, |s| s.state == state && s.reasons == reasons).await
    }

    /// Fails unless there are findings about just these workloads.
    pub async fn only_about(&self, expected: &[&str]) -> anyhow::Result<()> {
        let found = self.scene.all_findings().await?;
        let mut names: Vec<&str> = found.iter().map(|finding| finding.spec.workload.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{found:#?}");
        Ok(())
    }
}

fn permissions() -> Vec<Value> {
    let role = |name: &str, rules: Value| {
        let kind = "ClusterRole";
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": name }, "rules": rules })
    };
    let group = |name: &str| json!({ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name });
    let account =
        |namespace: &str, name: &str| json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name });
    let binding = |name: &str, role: &str, subjects: &[Value]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": subjects,
        })
    };
    let deployers = [
        account("argocd", "argocd-application-controller"),
        account("flux-system", "kustomize-controller"),
        account("ci", "deployer"),
        account("team-a", "reconciler"),
        group("pipelines"),
    ];
    vec![
        role("workload-editor", json!([{ "apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["*"] }])),
        role(
            "impersonator",
            json!([{ "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"] }]),
        ),
        binding("developers", "workload-editor", &[group("developers")]),
        binding("deployers", "workload-editor", &deployers),
        binding("approvers", "cronwarden-approver", &[group("pipelines"), group("developers")]),
        binding("impersonators", "impersonator", &[account("flux-system", "kustomize-controller")]),
        binding("administrators", "cluster-admin", &[group("administrators")]),
    ]
}

/// The codes of the risks of a finding.
pub fn risks(status: &Status) -> Vec<&str> {
    status.risk_reasons.split(',').collect()
}

/// Sends audit events to the operator, as an API server does.
pub async fn post(files: &Files, events: &[Value]) -> anyhow::Result<()> {
    let kubeconfig = Kubeconfig::read_from(files.path("audit-webhook.kubeconfig"))?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.cluster_url = format!("https://{}", files.address()).parse()?;
    // A proxy set in the environment has no business with loopback.
    config.proxy_url = None;
    let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events });
    let request = http::Request::post("/audit").header("content-type", "application/json");
    let request = request.body(list.to_string().into_bytes())?;
    kube::Client::try_from(config)?.request_text(request).await?;
    Ok(())
}
