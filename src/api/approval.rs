//! `ApprovedCronJob`: one entry of the inventory.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One entry of the inventory: which scheduled workloads it speaks for, what it expects of them and what it tolerates.
///
/// A workload is approved when at least one approval that selects it is satisfied in full: everything under `expected`
/// holds, and nothing is present that `allowed` does not name. The resource is cluster-scoped, so that whoever
/// administers a namespace cannot approve their own workloads.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cronwarden.dev",
    version = "v1alpha1",
    kind = "ApprovedCronJob",
    shortname = "acj",
    status = "ApprovedCronJobStatus",
    derive = "PartialEq",
    doc = "An approved scheduled workload: which CronJobs it speaks for, what is expected of them and what they may use.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Whether the approval can be used; if not, see its conditions",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Matched",
        type_ = "integer",
        description = "How many workloads the approval selects",
        json_path = ".status.matchedWorkloads"
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        description = "From when on the approval approves nothing",
        json_path = ".spec.expiresAt"
    ),
    printcolumn(
        name = "Owner",
        type_ = "string",
        description = "The team that answers for the workload",
        json_path = ".spec.owner.team"
    ),
    printcolumn(
        name = "Ticket",
        type_ = "string",
        description = "The change record behind the approval",
        json_path = ".spec.change.ticket",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why the approval is, or is not, ready",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.expected) || !has(self.expected.required) || !self.expected.required || (has(self.match.names) && has(self.match.namespaces) && self.match.names.all(n, !n.contains('*') && !n.contains('?')) && self.match.namespaces.all(n, !n.contains('*') && !n.contains('?')) && !has(self.match.selector) && !has(self.match.namespaceSelector))",
        "expected.required needs to know which workloads must exist: list match.namespaces and match.names without wildcards, and use no selectors"),
    validation = ("!has(self.expected) || !has(self.expected.required) || !self.expected.required || !has(self.match.kinds) || self.match.kinds == ['CronJob']",
        "expected.required is for CronJobs only: a Job ends by itself, so remove Job from match.kinds or make a second approval")
)]
pub struct ApprovedCronJobSpec {
    /// Which workloads this approval speaks for. All the parts that are given must agree.
    #[serde(rename = "match")]
    pub matches: Match,
    /// Who answers for the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The change record behind the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// From this time on the approval approves nothing: the workloads that relied on it get a finding `ApprovalExpired`.
    /// Without it the approval does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// What must hold. Each field that is left out is not constrained.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expected: Expected,
    /// What may be present. Whatever is left out must be absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allowed: Allowed,
}

/// Which workloads an approval speaks for. Every part that is given must agree (AND); within a list one entry is enough.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.namespaces) || has(self.namespaceSelector) || has(self.names) || has(self.selector)",
        "match must say what it is for: give at least one of namespaces, namespaceSelector, names or selector (names: [\"*\"] with namespaces: [\"*\"] approves every name everywhere)")
)]
pub struct Match {
    /// The kinds of workload: `CronJob` (the default) or `Job` (one that no CronJob accounts for).
    #[serde(default = "default_kinds", skip_serializing_if = "is_default_kinds")]
    #[schemars(length(min = 1, max = 2))]
    #[x_kube(validation = ("self.all(k, self.exists_one(o, o == k))", "kinds must name each kind once: remove the repeated entry"))]
    pub kinds: Vec<WorkloadKind>,
    /// Names of namespaces, exact or with the wildcards `*` (any characters) and `?` (one character).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 63)))]
    #[x_kube(validation = ("self.all(n, n.matches('^[a-z0-9*?-]+$'))",
        "namespaces must be names of namespaces (lower-case letters, digits and '-'), optionally with the wildcards '*' and '?'"))]
    pub namespaces: Vec<String>,
    /// Labels of the namespace. An empty selector covers every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Names of workloads, exact or with the wildcards `*` (any characters) and `?` (one character).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(n, n.matches('^[a-z0-9.*?-]+$'))",
        "names must be names of workloads (lower-case letters, digits, '-' and '.'), optionally with the wildcards '*' and '?'"))]
    pub names: Vec<String>,
    /// Labels of the workload itself. Whoever writes the workload chooses them, so they narrow an approval but prove nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// A kind of scheduled workload.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// A `batch/v1` CronJob.
    #[default]
    CronJob,
    /// A `batch/v1` Job that no CronJob accounts for.
    Job,
}

impl WorkloadKind {
    /// The kind as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::Job => "Job",
        }
    }
}

impl std::fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who answers for an approved workload.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The team, as the organisation names it.
    #[schemars(length(min = 1, max = 128))]
    pub team: String,
    /// How to reach them: a channel, an address, a rota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub contact: Option<String>,
}

/// The change record behind an approval: free text for people, never evaluated.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The ticket or pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub ticket: Option<String>,
    /// Why the workload is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub reason: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub approved_by: Option<String>,
}

/// What must hold for a workload to satisfy the approval. Each field that is left out is not constrained.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// The schedules, one of which the workload must have. They are compared by meaning: `@daily` equals `0 0 * * *`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(max = 256)))]
    #[x_kube(
        validation = ("self.all(s, !s.startsWith('TZ=') && !s.startsWith('CRON_TZ='))",
            "schedules must not carry a zone: remove the TZ= prefix and name the zone in timeZones"),
        validation = ("self.all(s, s.startsWith('TZ=') || s.startsWith('CRON_TZ=') || s.matches('^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^ ]+|[^ @]+( +[^ ]+){4})$'))",
            "schedules must have the five fields minute, hour, day of month, month and day of week (such as '0 2 * * *'), or be a descriptor such as @daily or '@every 1h'")
    )]
    pub schedules: Vec<String>,
    /// The time zones, one of which the workload must name in `spec.timeZone`. A workload without a time zone runs in the
    /// zone of the controller manager, which Cronwarden cannot know, so it satisfies none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(max = 64)))]
    #[x_kube(validation = ("self.all(z, z.matches('^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$') && z != 'Local')",
        "timeZones must be names from the IANA time zone database, such as Etc/UTC or Europe/Zurich; Local is not one"))]
    pub time_zones: Vec<String>,
    /// The densest that the schedule may ever get, such as `1h` or `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = ("self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$') && self.matches('[1-9]')",
        "minimumInterval must be a duration of hours, minutes and seconds greater than zero, such as 1h, 15m or 1h30m"))]
    pub minimum_interval: Option<String>,
    /// Times of day that every tick must fall into: `HH:MM-HH:MM`, then optionally a time zone (without one, Etc/UTC).
    /// A window may pass midnight; its end is exclusive; `00:00-24:00` is the whole day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(max = 96)))]
    #[x_kube(validation = ("self.all(w, w.matches('^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)( [A-Za-z0-9_+/-]+)?$'))",
        "windows must read HH:MM-HH:MM and optionally a time zone, such as '22:00-05:00 Europe/Zurich'"))]
    pub windows: Vec<String>,
    /// The images, one of which every container must use, init containers and sidecars included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    pub images: Vec<ExpectedImage>,
    /// The commands, one of which every container must run. The commands of exec probes and lifecycle hooks count too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    pub commands: Vec<ExpectedCommand>,
    /// The service accounts, one of which the workload must run as. A workload that names none runs as `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(s, s.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'))",
        "serviceAccounts must be names of service accounts in the namespace of the workload, without wildcards and without a namespace"))]
    pub service_accounts: Vec<String>,
    /// Labels that the workload must carry with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = ("self.all(k, self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))",
        "labels must have values that a Kubernetes label can have: at most 63 letters, digits, '-', '_' and '.', without wildcards"))]
    pub labels: BTreeMap<String, String>,
    /// The deployment paths, one of which must have made the last change. The names are those of the operator's
    /// configuration. Without a source of identity evidence the constraint is unknown, and the approval's condition
    /// `FullyChecked` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 128)))]
    pub deployment_paths: Vec<String>,
    /// The hash of the whole normalised pod template, as findings show it: any change of what runs is a deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    #[x_kube(validation = ("self.matches('^sha256:[a-f0-9]{64}$')",
        "templateHash must be sha256: and 64 hexadecimal digits, as shown in a finding's status.templateHash; leave it out to not pin the template"))]
    pub template_hash: Option<String>,
    /// Whether the workload must be suspended (`true`) or must not be (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
    /// Whether the absence of the workload is itself a finding, such as a backup that someone deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// One expected image.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedImage {
    /// The repository, exact or with the wildcard `*`, which never crosses a `/`. Docker Hub names are completed as the
    /// container runtime does: `nginx` is `docker.io/library/nginx`.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(
        validation = ("!self.contains('://')", "repository must not have a scheme: write registry.example.com/team/app without https://"),
        validation = ("!self.contains('@')", "repository must not have a digest: move it to digests"),
        validation = ("!self.matches(':[^/]*$') || self.contains('@') || self.contains('://')", "repository must not have a tag: move it to tags"),
        validation = ("self.matches('^[a-z0-9._:/*?@-]+$')", "repository must be lower-case letters, digits and '.', '_', '-', '/', ':', with the wildcards '*' and '?'")
    )]
    pub repository: String,
    /// The digests, one of which the reference must carry. Without any, a digest is not constrained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 135)))]
    #[x_kube(validation = ("self.all(d, d.matches('^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$'))",
        "digests must be sha256: and 64 hexadecimal digits in lower case, or sha512: and 128"))]
    pub digests: Vec<String>,
    /// The tags, one of which the reference must carry, exact or with the wildcards `*` and `?`. Without any, a tag is not
    /// constrained. A reference without tag and digest has the tag `latest`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 128)))]
    #[x_kube(validation = ("self.all(t, t.matches('^[A-Za-z0-9_.*?-]+$'))",
        "tags must be letters, digits, '_', '.' and '-', with the wildcards '*' and '?'"))]
    pub tags: Vec<String>,
    /// Whether the reference must be pinned by a digest, any digest if `digests` names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_digest: bool,
}

/// One expected command. Entries are compared one by one and may hold the wildcards `*` and `?`; a last entry `**` stands for
/// any further entries.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.command) || has(self.args)", "commands must say something: give command, args or both"),
    validation = ("!has(self.command) || self.command.size() == 0 || self.command[0:self.command.size() - 1].all(a, a != '**')", "command may have '**' only as its last entry"),
    validation = ("!has(self.args) || self.args.size() == 0 || self.args[0:self.args.size() - 1].all(a, a != '**')", "args may have '**' only as its last entry")
)]
pub struct ExpectedCommand {
    /// The container's `command`. An empty list means that the container must have none, so that the image's own
    /// entrypoint runs. Left out, the command is not constrained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(max = 1024)))]
    pub command: Option<Vec<String>>,
    /// The container's `args`. An empty list means that the container must have none. Left out, they are not constrained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(max = 4096)))]
    pub args: Option<Vec<String>>,
}

/// What may be present in a workload. Whatever is left out must be absent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// The weakest Pod Security Standard that the pod may need. Host paths and added capabilities are judged by the lists
    /// below, whatever the level.
    #[serde(default)]
    pub pod_security: PodSecurityLevel,
    /// The host paths that may be mounted, exact or with the wildcards `*` and `?`, which never cross a `/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 512)))]
    #[x_kube(
        validation = ("self.all(p, p.startsWith('/'))", "hostPaths must be absolute paths: start them with '/'"),
        validation = ("self.all(p, !p.matches('(^|/)[.][.](/|$)'))", "hostPaths must not contain '..': write the path that is meant")
    )]
    pub host_paths: Vec<String>,
    /// The Linux capabilities that containers may add beyond those that the Baseline standard tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 64)))]
    #[x_kube(validation = ("self.all(c, c.matches('^[A-Z][A-Z0-9_]*$') && !c.startsWith('CAP_'))",
        "capabilities must be written as in a pod, in upper case and without CAP_, such as NET_ADMIN"))]
    pub capabilities: Vec<String>,
    /// The Secrets that may be referred to, exact or with the wildcards `*` and `?`. Image pull secrets do not count: no
    /// container can read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(s, s.matches('^[a-z0-9.*?-]+$'))",
        "secrets must be names of Secrets in the namespace of the workload, optionally with the wildcards '*' and '?'"))]
    pub secrets: Vec<String>,
    /// The ConfigMaps that may be referred to, exact or with the wildcards `*` and `?`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(max = 253)))]
    #[x_kube(validation = ("self.all(s, s.matches('^[a-z0-9.*?-]+$'))",
        "configMaps must be names of ConfigMaps in the namespace of the workload, optionally with the wildcards '*' and '?'"))]
    pub config_maps: Vec<String>,
    /// Whether people may run the workload by hand, as with `kubectl create job --from=cronjob/…`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual_runs: bool,
}

/// A level of the Pod Security Standards, from strict to lax.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PodSecurityLevel {
    /// The pod follows the hardening practices.
    Restricted,
    /// The pod uses no known way to raise its privileges (the default).
    #[default]
    Baseline,
    /// Anything goes.
    Privileged,
}

impl PodSecurityLevel {
    /// The level as approvals write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "Restricted",
            Self::Baseline => "Baseline",
            Self::Privileged => "Privileged",
        }
    }
}

/// What Cronwarden made of an approval.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedCronJobStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: the spec is valid and the approval is used. `Matched`: it selects at least one workload. `Expired`: its time
    /// has passed. `Broad`: it approves more than a reviewer could mean. `FullyChecked`: everything that it expects can
    /// be checked here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// How many workloads the approval selects.
    #[serde(default)]
    pub matched_workloads: i32,
    /// Up to ten of them, as `Kind/namespace/name`, in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
}

fn default_kinds() -> Vec<WorkloadKind> {
    vec![WorkloadKind::CronJob]
}

fn is_default_kinds(kinds: &Vec<WorkloadKind>) -> bool {
    *kinds == default_kinds()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
