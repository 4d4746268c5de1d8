//! `spec.expected` of an approval: what must hold.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What must hold for a workload to satisfy the approval. Each field that is left out is not constrained.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// The schedules, one of which the workload must have. They are compared by meaning: `@daily` equals `0 0 * * *`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 256)))]
    #[x_kube(
        validation = ("self.size() > 0", "schedules must list at least one schedule: leave it out to allow any"),
        validation = ("self.all(s, !s.startsWith('TZ=') && !s.startsWith('CRON_TZ='))",
            "schedules must not carry a zone: remove the TZ= prefix and name the zone in timeZones"),
        validation = ("self.all(s, s.startsWith('TZ=') || s.startsWith('CRON_TZ=') || s.matches('^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^ ]+|[^ @]+( +[^ ]+){4})$'))",
            "schedules must have the five fields minute, hour, day of month, month and day of week (such as '0 2 * * *'), or be a descriptor such as @daily or '@every 1h'")
    )]
    pub schedules: Vec<String>,
    /// The time zones, one of which the workload must name in `spec.timeZone`. An empty entry stands for a workload that names
    /// none. Such a workload runs in the zone of the controller manager, which Cronwarden cannot know, so it satisfies no other
    /// entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(
        validation = ("self.size() > 0", "timeZones must list at least one time zone: leave it out to allow any"),
        validation = ("self.all(z, z.matches('^([A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*)?$') && z != 'Local')",
            "timeZones must be names from the IANA time zone database, such as Etc/UTC or Europe/Zurich, or '' for a workload that names none; Local is not one")
    )]
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
    #[schemars(length(max = 16), inner(length(max = 96)))]
    #[x_kube(
        validation = ("self.size() > 0", "windows must list at least one window: leave it out to allow any time of day"),
        validation = ("self.all(w, w.matches('^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)( [A-Za-z0-9_+/-]+)?$'))",
            "windows must read HH:MM-HH:MM and optionally a time zone, such as '22:00-05:00 Europe/Zurich'"),
        validation = ("self.all(w, w.size() < 11 || w.substring(0, 5) != w.substring(6, 11))",
            "windows must end at another time than they begin: the whole day is 00:00-24:00")
    )]
    pub windows: Vec<String>,
    /// The images, one of which every container must use, init containers and sidecars included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = ("self.size() > 0", "images must list at least one image: leave it out to allow any"))]
    pub images: Vec<ExpectedImage>,
    /// The commands, one of which every container must run. The commands of exec probes and lifecycle hooks count too. Where
    /// commands or images are given, no volume but those that `allowed` names may be mounted over programs, and no variable such
    /// as `LD_PRELOAD` may be set, unless `templateHash` pins the whole template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = ("self.size() > 0", "commands must list at least one command: leave it out to allow any"))]
    pub commands: Vec<ExpectedCommand>,
    /// The service accounts, one of which the workload must run as. A workload that names none runs as `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 253)))]
    #[x_kube(
        validation = ("self.size() > 0", "serviceAccounts must list at least one service account: leave it out to allow any"),
        validation = ("self.all(s, s.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'))",
            "serviceAccounts must be names of service accounts in the namespace of the workload, without wildcards and without a namespace")
    )]
    pub service_accounts: Vec<String>,
    /// Labels that the workload must carry with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "additionalProperties" = { "type": "string", "maxLength": 63 }))]
    #[x_kube(validation = ("self.all(k, self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))",
        "labels must have values that a Kubernetes label can have: at most 63 letters, digits, '-', '_' and '.', without wildcards"))]
    pub labels: BTreeMap<String, String>,
    /// The deployment paths, one of which must have made the last change. The names are those of the operator's
    /// configuration. Without a source of identity evidence the constraint is unknown, and the approval's condition
    /// `FullyChecked` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 128)))]
    #[x_kube(
        validation = ("self.size() > 0", "deploymentPaths must list at least one path: leave it out to allow any"),
        validation = ("self.all(p, p != '')", "deploymentPaths must be names of the operator's configuration: remove the empty entry")
    )]
    pub deployment_paths: Vec<String>,
    /// The hash of the whole normalised pod template, as findings show it: any change of what runs is a deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    #[x_kube(validation = ("self.matches('^sha256:[a-f0-9]{64}$')",
        "templateHash must be sha256: and 64 hexadecimal digits, as shown in a finding's status.templateHash; leave it out to not pin the template"))]
    pub template_hash: Option<String>,
    /// Whether the ConfigMaps that the workload mounts or reads as environment, and that `allowed` names, must keep their content. What
    /// they hold when the approval is first seen to speak for the workload is recorded in `status.configMaps`, as hashes; a change of
    /// the approval's spec records it anew. Unless the operator runs with `--watch-config-maps` the constraint is unknown, and the
    /// condition `FullyChecked` says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub config_map_hashes: bool,
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
    #[schemars(length(max = 512))]
    #[x_kube(
        validation = ("!self.contains('://')", "repository must not have a scheme: write registry.example.com/team/app without https://"),
        validation = ("!self.contains('@')", "repository must not have a digest: move it to digests"),
        validation = ("!self.matches(':[^/]*$') || self.contains('@') || self.contains('://')", "repository must not have a tag: move it to tags"),
        validation = ("!self.contains('**')", "repository must not contain '**': a '*' never crosses a '/', so give one entry for each depth"),
        validation = ("self.matches('^[a-z0-9._:/*?@-]+$')", "repository must be lower-case letters, digits and '.', '_', '-', '/', ':', with the wildcards '*' and '?'")
    )]
    pub repository: String,
    /// The digests, one of which the reference must carry. Without any, a digest is not constrained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 135)))]
    #[x_kube(validation = ("self.all(d, d.matches('^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$'))",
        "digests must be sha256: and 64 hexadecimal digits in lower case, or sha512: and 128"))]
    pub digests: Vec<String>,
    /// The tags, one of which the reference must carry, exact or with the wildcards `*` and `?`. Without any, a tag is not
    /// constrained. A reference without tag and digest has the tag `latest`. A reference with a digest runs what the digest says,
    /// whatever its tag: where tags are given, list its digest too, or set `requireDigest` to accept any digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 128)))]
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
    validation = ("!has(self.command) || self.command.indexOf('**') in [-1, self.command.size() - 1]", "command may have '**' only as its last entry: write '*' for one entry in between"),
    validation = ("!has(self.args) || self.args.indexOf('**') in [-1, self.args.size() - 1]", "args may have '**' only as its last entry: write '*' for one entry in between")
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
