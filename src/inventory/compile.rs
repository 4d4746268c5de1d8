//! From the text of an approval to values that can be compared.

use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;

use super::rules::{Arguments, Written};
use super::{Approval, CommandRule, ImageRule, Matcher, Problem, Rules, ZoneRule};
use crate::api::ApprovedCronJob;
use crate::api::approval::{Allowed, Expected, ExpectedCommand, ExpectedImage, Match};
use crate::workload::image::{RepositoryPattern, is_digest};
use crate::workload::pattern::Pattern;
use crate::workload::redact::printable;
use crate::workload::schedule::{Schedule, Window, time_zone};

impl Approval {
    /// Compiles an approval. It never fails as a whole: what cannot be compiled makes it one that approves nothing.
    pub fn compile(object: &ApprovedCronJob) -> Self {
        let mut problems = Problems::default();
        let matcher = matcher(&object.spec.matches, &mut problems);
        let rules = rules(&object.spec.expected, &object.spec.allowed, &mut problems);
        Self {
            name: name(object.metadata.name.as_deref()),
            generation: object.metadata.generation,
            // Half a matcher could select more than was meant.
            matcher: if problems.0.is_empty() { matcher } else { matcher.unless_broken(&problems) },
            expires_at: object.spec.expires_at.as_ref().map(|time| time.0),
            rules: if problems.0.is_empty() { Ok(rules) } else { Err(problems.0) },
        }
    }

    /// An approval that cannot even be read.
    pub fn unreadable(name_: &str, generation: Option<i64>, reason: &str) -> Self {
        Self {
            name: name(Some(name_)),
            generation,
            matcher: Matcher::nothing(),
            expires_at: None,
            rules: Err(vec![Problem { field: "spec".to_owned(), message: printable(reason, 256) }]),
        }
    }
}

fn name(name: Option<&str>) -> Arc<str> {
    name.unwrap_or_default().into()
}

/// Collects what cannot be compiled.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    /// Keeps the value, or notes why there is none.
    fn keep<T, E: std::fmt::Display>(&mut self, field: impl FnOnce() -> String, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push(Problem { field: field(), message: error.to_string() })).ok()
    }

    /// Compiles every entry of a list.
    fn each<'a, S, T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        list: &'a [S],
        compile: impl Fn(&'a S) -> Result<T, E>,
    ) -> Vec<T> {
        let compiled = list.iter().enumerate().map(|(i, entry)| self.keep(|| format!("{field}[{i}]"), compile(entry)));
        compiled.flatten().collect()
    }
}

impl Matcher {
    /// Selects nothing if the match itself has problems; otherwise the approval still says what it would speak for.
    fn unless_broken(self, problems: &Problems) -> Self {
        if problems.0.iter().any(|problem| problem.field.starts_with("spec.match")) { Self::nothing() } else { self }
    }
}

fn matcher(spec: &Match, problems: &mut Problems) -> Matcher {
    let mut selector = |field: &str, selector: &Option<LabelSelector>| {
        let compiled = Selector::try_from(selector.clone()?);
        problems.keep(|| format!("spec.match.{field}"), compiled)
    };
    let namespace_selector = selector("namespaceSelector", &spec.namespace_selector);
    let workload_selector = selector("selector", &spec.selector);
    Matcher {
        kinds: spec.kinds.clone(),
        namespaces: problems.each("spec.match.namespaces", &spec.namespaces, |text| Pattern::new(text)),
        names: problems.each("spec.match.names", &spec.names, |text| Pattern::new(text)),
        namespace_selector,
        selector: workload_selector,
    }
}

fn rules(expected: &Expected, allowed: &Allowed, problems: &mut Problems) -> Rules {
    Rules {
        schedules: problems.each("spec.expected.schedules", &expected.schedules, |text| {
            Schedule::parse(text).map(|value| Written { value, text: text.clone() })
        }),
        time_zones: problems.each("spec.expected.timeZones", &expected.time_zones, |name| {
            if name.is_empty() {
                return Ok(ZoneRule::Unnamed);
            }
            time_zone(name).map(|_| ZoneRule::Named(name.clone())).ok_or_else(|| unknown_zone(name))
        }),
        minimum_interval: expected.minimum_interval.as_ref().and_then(|text| {
            let field = || "spec.expected.minimumInterval".to_owned();
            problems.keep(field, duration(text)).map(|value| Written { value, text: text.clone() })
        }),
        windows: problems.each("spec.expected.windows", &expected.windows, |text| {
            Window::parse(text).map(|value| Written { value, text: text.clone() })
        }),
        images: (0..).zip(&expected.images).filter_map(|(i, image)| image_rule(i, image, problems)).collect(),
        commands: expected.commands.iter().map(CommandRule::compile).collect(),
        service_accounts: expected.service_accounts.clone(),
        labels: expected.labels.clone(),
        deployment_paths: expected.deployment_paths.clone(),
        template_hash: expected.template_hash.clone(),
        config_map_hashes: expected.config_map_hashes,
        suspended: expected.suspended,
        required: expected.required,
        pod_security: allowed.pod_security,
        host_paths: problems.each("spec.allowed.hostPaths", &allowed.host_paths, |text| Pattern::path(folder(text))),
        capabilities: allowed.capabilities.clone(),
        secrets: problems.each("spec.allowed.secrets", &allowed.secrets, |text| Pattern::new(text)),
        config_maps: problems.each("spec.allowed.configMaps", &allowed.config_maps, |text| Pattern::new(text)),
        manual_runs: allowed.manual_runs,
    }
}

/// Host paths are compared without a slash at the end, however they are written.
fn folder(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path,
        folder => folder,
    }
}

fn unknown_zone(name: &str) -> String {
    format!(
        "{} is not in the IANA time zone database: write a name such as Europe/Zurich or Etc/UTC",
        printable(name, 64)
    )
}

/// Hours, minutes and seconds, in this order, as the schema demands.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let mend = || format!("{} is not a duration: write hours, minutes and seconds, such as 1h30m", printable(text, 32));
    let mut seconds = 0i64;
    let mut rest = text;
    for (unit, length) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let number: i64 = number.parse().map_err(|_| mend())?;
            seconds = number.checked_mul(length).and_then(|n| seconds.checked_add(n)).ok_or_else(mend)?;
            rest = after;
        }
    }
    if rest.is_empty() && seconds > 0 { Ok(SignedDuration::from_secs(seconds)) } else { Err(mend()) }
}

fn image_rule(index: usize, image: &ExpectedImage, problems: &mut Problems) -> Option<ImageRule> {
    let field = format!("spec.expected.images[{index}]");
    let repository = problems.keep(|| format!("{field}.repository"), RepositoryPattern::new(&image.repository));
    let digests = problems.each(&format!("{field}.digests"), &image.digests, |digest| {
        is_digest(digest).then(|| digest.clone()).ok_or("is not sha256: and 64 hexadecimal digits in lower case")
    });
    let tags = problems.each(&format!("{field}.tags"), &image.tags, |tag| Pattern::new(tag));
    Some(ImageRule {
        repository: Written { value: repository?, text: image.repository.clone() },
        tags,
        digests,
        require_digest: image.require_digest,
    })
}

impl CommandRule {
    /// Compiles an entry of `expected.commands`.
    pub fn compile(command: &ExpectedCommand) -> Self {
        Self::new(command.command.as_deref().map(arguments), command.args.as_deref().map(arguments))
    }
}

fn arguments(list: &[String]) -> Arguments {
    let (list, open) = match list {
        [fixed @ .., last] if last == "**" => (fixed, true),
        all => (all, false),
    };
    Arguments { patterns: list.iter().map(|text| Pattern::argument(text)).collect(), open }
}
