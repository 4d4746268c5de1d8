//! What an approval expects and allows, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::SignedDuration;

use crate::api::approval::PodSecurityLevel;
use crate::workload::Workload;
use crate::workload::image::{ImageRef, RepositoryPattern};
use crate::workload::pattern::Pattern;
use crate::workload::redact;
use crate::workload::reference::{Reference, Referent, references};
use crate::workload::schedule::{Schedule, Window};

/// How many characters of one entry of a command a message shows.
const LONGEST_ENTRY: usize = 256;

/// A value together with the text that it was compiled from, for messages.
#[derive(Clone, Debug)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// The text.
    pub text: String,
}

/// The compiled `spec.expected` and `spec.allowed` of an approval. Empty lists constrain nothing under `expected` and allow nothing under
/// `allowed`.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `expected.schedules`.
    pub schedules: Vec<Written<Schedule>>,
    /// `expected.timeZones`.
    pub time_zones: Vec<ZoneRule>,
    /// `expected.minimumInterval`.
    pub minimum_interval: Option<Written<SignedDuration>>,
    /// `expected.windows`.
    pub windows: Vec<Written<Window>>,
    /// `expected.images`.
    pub images: Vec<ImageRule>,
    /// `expected.commands`.
    pub commands: Vec<CommandRule>,
    /// `expected.serviceAccounts`.
    pub service_accounts: Vec<String>,
    /// `expected.labels`.
    pub labels: BTreeMap<String, String>,
    /// `expected.deploymentPaths`.
    pub deployment_paths: Vec<String>,
    /// `expected.templateHash`.
    pub template_hash: Option<String>,
    /// `expected.configMapHashes`.
    pub config_map_hashes: bool,
    /// `expected.suspended`.
    pub suspended: Option<bool>,
    /// `expected.required`.
    pub required: bool,
    /// `allowed.podSecurity`.
    pub pod_security: PodSecurityLevel,
    /// `allowed.hostPaths`.
    pub host_paths: Vec<Pattern>,
    /// `allowed.capabilities`.
    pub capabilities: Vec<String>,
    /// `allowed.secrets`.
    pub secrets: Vec<Pattern>,
    /// `allowed.configMaps`.
    pub config_maps: Vec<Pattern>,
    /// `allowed.manualRuns`.
    pub manual_runs: bool,
}

impl Rules {
    /// Whether nothing says what the workload may run or as whom: such an approval speaks for a name only.
    pub fn constrain_nothing(&self) -> bool {
        self.images.is_empty() && self.commands.is_empty() && self.template_hash.is_none()
    }

    /// The ConfigMaps of a workload whose content must stay what was recorded, each with the first place that refers to it. Those that
    /// are not allowed are not among them: what anybody can make a workload refer to shall not fill up the record.
    pub fn held_config_maps<'w>(&self, workload: &'w Workload) -> Vec<Reference<'w>> {
        if !self.config_map_hashes {
            return Vec::new();
        }
        let mut held = references(workload);
        let mut seen = BTreeSet::new();
        held.retain(|reference| {
            reference.referent == Referent::ConfigMap
                && self.config_maps.iter().any(|pattern| pattern.matches(reference.name))
                && seen.insert(reference.name)
        });
        held
    }
}

/// A compiled entry of `expected.timeZones`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneRule {
    /// The workload names this zone.
    Named(String),
    /// The workload names none.
    Unnamed,
}

impl std::fmt::Display for ZoneRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Unnamed => f.write_str("no zone"),
        }
    }
}

/// A compiled entry of `expected.images`.
#[derive(Clone, Debug)]
pub struct ImageRule {
    /// `repository`.
    pub repository: Written<RepositoryPattern>,
    /// `tags`.
    pub tags: Vec<Pattern>,
    /// `digests`.
    pub digests: Vec<String>,
    /// `requireDigest`.
    pub require_digest: bool,
}

impl ImageRule {
    /// Whether the tag of an image of this repository is approved. An image that is named by one of the approved digests needs
    /// no tag: the digest says more.
    pub fn tag_fits(&self, image: &ImageRef) -> bool {
        let by_digest = image.digest().is_some_and(|digest| self.digests.iter().any(|d| d == digest));
        self.tags.is_empty()
            || match image.tag() {
                Some(tag) => self.tags.iter().any(|pattern| pattern.matches(tag)),
                None => by_digest,
            }
    }

    /// Whether the digest, or its absence, is approved.
    pub fn digest_fits(&self, image: &ImageRef) -> bool {
        match image.digest() {
            // The runtime pulls by the digest and does not look at the tag, so an approved tag says nothing about it.
            Some(_) if self.digests.is_empty() => self.require_digest || self.tags.is_empty(),
            Some(digest) => self.digests.iter().any(|d| d == digest),
            None => self.digests.is_empty() && !self.require_digest,
        }
    }
}

impl std::fmt::Display for ImageRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repository.text)?;
        match self.tags.as_slice() {
            [] => {}
            [tag] => write!(f, ":{tag}")?,
            tags => write!(f, ":({})", join(tags, "|"))?,
        }
        match self.digests.as_slice() {
            [] if self.require_digest => f.write_str(" by digest"),
            [] => Ok(()),
            [digest] => write!(f, "@{digest}"),
            digests => write!(f, "@({})", digests.join("|")),
        }
    }
}

/// A compiled entry of `expected.commands`.
#[derive(Clone, Debug)]
pub struct CommandRule {
    /// `command`; absent if it is not constrained.
    pub command: Option<Arguments>,
    /// `args`; absent if they are not constrained.
    pub args: Option<Arguments>,
    /// Both as text, once somebody asks: redacting takes longer than a judgement.
    shown: OnceLock<(Option<String>, Option<String>)>,
}

impl CommandRule {
    pub(super) fn new(command: Option<Arguments>, args: Option<Arguments>) -> Self {
        Self { command, args, shown: OnceLock::new() }
    }

    /// Whether a container with this command and these arguments is approved.
    pub fn fits(&self, command: &[String], args: &[String]) -> bool {
        self.command_fits(command) && self.args.as_ref().is_none_or(|expected| expected.fit(args))
    }

    /// Whether the command alone is approved.
    pub fn command_fits(&self, command: &[String]) -> bool {
        self.command.as_ref().is_none_or(|expected| expected.fit(command))
    }

    /// `command` for messages; absent if it is not constrained. Of an approval as of a workload, what looks like a credential is not
    /// shown: where the one satisfies the other, it is the same.
    pub fn shown_command(&self) -> Option<&str> {
        self.shown().0.as_deref()
    }

    /// `args` for messages; absent if they are not constrained.
    pub fn shown_args(&self) -> Option<&str> {
        self.shown().1.as_deref()
    }

    fn shown(&self) -> &(Option<String>, Option<String>) {
        self.shown.get_or_init(|| {
            let texts = |arguments: &Option<Arguments>| arguments.as_ref().map_or_else(Vec::new, Arguments::texts);
            let (command, args) = redact::command_line(&texts(&self.command), &texts(&self.args), LONGEST_ENTRY);
            (self.command.as_ref().map(|_| list(&command)), self.args.as_ref().map(|_| list(&args)))
        })
    }

    /// Whether the command of a probe or hook is approved: it has no arguments of its own, so it may be the command alone or
    /// the command with its arguments.
    pub fn hook_fits(&self, command: &[String]) -> bool {
        let Some(expected) = &self.command else { return false };
        expected.fit(command)
            || self.args.as_ref().is_some_and(|args| {
                !expected.open
                    && command.len() >= expected.patterns.len()
                    && expected.fit(&command[..expected.patterns.len()])
                    && args.fit(&command[expected.patterns.len()..])
            })
    }
}

/// A list of patterns, one for each argument.
#[derive(Clone, Debug)]
pub struct Arguments {
    pub(super) patterns: Vec<Pattern>,
    /// Whether any further arguments may follow.
    pub(super) open: bool,
}

impl Arguments {
    /// The entries as they are written.
    fn texts(&self) -> Vec<String> {
        let open = self.open.then(|| "**".to_owned());
        self.patterns.iter().map(ToString::to_string).chain(open).collect()
    }

    /// Whether every argument fits its pattern.
    pub fn fit(&self, arguments: &[String]) -> bool {
        let count_fits =
            if self.open { arguments.len() >= self.patterns.len() } else { arguments.len() == self.patterns.len() };
        count_fits && self.patterns.iter().zip(arguments).all(|(pattern, argument)| pattern.matches(argument))
    }
}

impl std::fmt::Display for CommandRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.shown_command(), self.shown_args()) {
            (Some(command), Some(args)) => write!(f, "{command} with args {args}"),
            (Some(command), None) => write!(f, "{command} with any args"),
            (None, Some(args)) => write!(f, "any command with args {args}"),
            (None, None) => f.write_str("any command"),
        }
    }
}

fn list(entries: &[String]) -> String {
    let quoted: Vec<String> = entries.iter().map(|entry| format!("\"{entry}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// The texts of several patterns in a row.
pub fn join<T: std::fmt::Display>(patterns: &[T], separator: &str) -> String {
    patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
