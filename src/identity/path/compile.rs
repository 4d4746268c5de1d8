//! From the configuration to what is judged by.

use ipnet::{IpNet, Ipv4Net};

use super::{AccountPattern, Configuration, Path, PathConfiguration, Paths, Problem, Problems};
use crate::workload::pattern::{Pattern, PatternError};

/// The longest name of a path, in bytes: that of an entry of `expected.deploymentPaths`.
const LONGEST_NAME: usize = 128;

/// What service accounts are called as users.
const ACCOUNT: &str = "system:serviceaccount:";

/// Groups that everybody belongs to, or every service account, or everybody who is not authenticated.
const EVERYBODY: [&str; 3] = ["system:authenticated", "system:serviceaccounts", "system:unauthenticated"];

pub(super) fn compile(configuration: &Configuration) -> Result<Paths, Vec<Problem>> {
    let mut problems = Problems::default();
    let mut paths: Vec<Path> = Vec::new();
    for (index, path) in configuration.deployment_paths.iter().enumerate() {
        let field = format!("deploymentPaths[{index}]");
        problems.name(&format!("{field}.name"), &path.name, "a path", LONGEST_NAME);
        if paths.iter().any(|earlier| earlier.name == path.name) {
            problems.add(
                format!("{field}.name"),
                format!("{:?} is the name of an earlier path: choose another", path.name),
            );
        }
        paths.push(problems.path(&field, path));
    }
    let approvals = configuration.approvals.as_ref().and_then(|approvals| approvals.deployment_paths.clone());
    if let Some(names) = &approvals {
        problems.not_empty("approvals.deploymentPaths", names, "leave it out to let approvals change by any way");
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !paths.iter().any(|path| path.name == **name))
        {
            let field = format!("approvals.deploymentPaths[{index}]");
            problems.add(field, format!("{name:?} is the name of no path: configure it under deploymentPaths"));
        }
    }
    problems.finish(Paths { paths, approvals })
}

/// One path that stands under a field of its own.
pub(super) fn compile_one(field: &str, path: &PathConfiguration) -> Result<Paths, Vec<Problem>> {
    let mut problems = Problems::default();
    problems.name(&format!("{field}.name"), &path.name, "a path", LONGEST_NAME);
    let compiled = problems.path(field, path);
    problems.finish(Paths { paths: vec![compiled], approvals: None })
}

impl Problems {
    fn not_empty(&mut self, field: &str, list: &[String], mend: &str) {
        if list.is_empty() {
            self.add(field, format!("the list is empty: {mend}"));
        }
    }

    fn path(&mut self, field: &str, given: &PathConfiguration) -> Path {
        let preset = given.preset.map(super::Preset::fields).unwrap_or_default();
        let users = self.list(&format!("{field}.users"), given.users.as_ref().or(preset.users.as_ref()), user);
        let groups = self.list(&format!("{field}.groups"), given.groups.as_ref().or(preset.groups.as_ref()), group);
        let accounts = given.service_accounts.as_ref().or(preset.service_accounts.as_ref());
        let pods = self.list(&format!("{field}.pods"), given.pods.as_ref().or(preset.pods.as_ref()), pattern);
        let ranges = given.source_ranges.as_ref().or(preset.source_ranges.as_ref());
        let impersonates = given.impersonates.as_ref().or(preset.impersonates.as_ref());
        let path = Path {
            name: given.name.clone(),
            users,
            groups,
            service_accounts: self.list(&format!("{field}.serviceAccounts"), accounts, account),
            pod_bound: given.pod_bound.or(preset.pod_bound).unwrap_or(false),
            pods,
            source_ranges: self.list(&format!("{field}.sourceRanges"), ranges, range),
            impersonates: self.list(&format!("{field}.impersonates"), impersonates, pattern),
            markers: given.markers.or(preset.markers),
            accept_admission: given.accept_admission.or(preset.accept_admission).unwrap_or(false),
        };
        self.whole(field, given, &preset, &path);
        path
    }

    /// What is wrong with fields together.
    fn whole(&mut self, field: &str, given: &PathConfiguration, preset: &PathConfiguration, path: &Path) {
        let is_given = |list: fn(&PathConfiguration) -> &Option<Vec<String>>| {
            list(given).as_ref().or(list(preset).as_ref()).is_some()
        };
        if !is_given(|p| &p.users) && !is_given(|p| &p.groups) && !is_given(|p| &p.service_accounts) {
            self.add(field, "nobody is named who comes by this path: give users, groups or serviceAccounts");
        }
        if given.pod_bound == Some(false) && !path.pods.is_empty() {
            self.add(
                format!("{field}.podBound"),
                "a token that is not bound has none of the pods: leave out podBound or pods",
            );
        } else if (path.pod_bound || !path.pods.is_empty()) && is_given(|p| &p.users) {
            let mend = "only tokens of service accounts are bound to pods: give the users a path of their own";
            self.add(format!("{field}.users"), mend);
        }
        if path.accept_admission && !path.source_ranges.is_empty() {
            let mend = "admission requests tell no address: leave out acceptAdmission or sourceRanges";
            self.add(format!("{field}.acceptAdmission"), mend);
        }
    }

    fn list<T>(&mut self, field: &str, list: Option<&Vec<String>>, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(list) = list else { return Vec::new() };
        self.not_empty(field, list, "leave it out, or give at least one entry");
        self.each(field, list, read)
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| match error {
        PatternError::Empty => "the entry is empty: remove it, or say who is meant".to_owned(),
        error => error.to_string(),
    })
}

/// A pattern that does not fit everybody.
fn identity(text: &str) -> Result<Pattern, String> {
    let pattern = pattern(text)?;
    if has_only_wildcards(text) {
        return Err(format!("{text:?} fits everybody: a path has to name who comes by it"));
    }
    Ok(pattern)
}

fn has_only_wildcards(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '*' | '?'))
}

fn user(text: &str) -> Result<Pattern, String> {
    match text.strip_prefix(ACCOUNT) {
        Some(account) => {
            let account = account.replacen(':', "/", 1);
            Err(format!("{text:?} is a service account: write {account:?} under serviceAccounts"))
        }
        None => identity(text),
    }
}

fn group(text: &str) -> Result<Pattern, String> {
    let pattern = identity(text)?;
    match EVERYBODY.iter().find(|group| pattern.matches(group)) {
        Some(group) => Err(format!("{text:?} fits {group}, a group that says nothing of who it is: name another")),
        None => Ok(pattern),
    }
}

fn account(text: &str) -> Result<AccountPattern, String> {
    let parts = text.split_once('/').filter(|(_, name)| !name.contains('/') && !text.contains(':'));
    let (namespace, name) = parts.ok_or_else(|| {
        format!("{text:?} is no service account: write NAMESPACE/NAME, such as argocd/argocd-application-controller")
    })?;
    let is_any = !namespace.is_empty() && has_only_wildcards(namespace);
    let namespace = pattern(namespace)?;
    if is_any {
        let why = "an account of the same name in another namespace is somebody else";
        return Err(format!("\"{namespace}\" fits every namespace: {why}"));
    }
    Ok(AccountPattern { namespace, name: pattern(name)? })
}

fn range(text: &str) -> Result<IpNet, String> {
    let range: IpNet = text.parse().map_err(|_| {
        format!("{text:?} is no range of addresses: write ADDRESS/BITS, such as 10.0.0.0/8 or 10.1.2.3/32")
    })?;
    if range != range.trunc() {
        return Err(format!("{text:?} has bits set beyond its length: write {}", range.trunc()));
    }
    match ipv4(range) {
        Some(ipv4) => Err(format!("{text:?} is a range of IPv4: write {ipv4}")),
        None => Ok(range),
    }
}

/// The range of IPv4 that a range of mapped addresses stands for: addresses are compared as IPv4.
fn ipv4(range: IpNet) -> Option<Ipv4Net> {
    let IpNet::V6(range) = range else { return None };
    let length = range.prefix_len().checked_sub(96)?;
    Ipv4Net::new(range.addr().to_ipv4_mapped()?, length).ok()
}
