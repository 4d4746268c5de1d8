//! The workload that a command is asked about.

use std::str::FromStr;

use anyhow::Context;

use crate::workload::{WorkloadKey, WorkloadKind};

/// `KIND/NAMESPACE/NAME`, as findings and reports write it, or `KIND/NAME` beside `--namespace`. The kind may also be written as kubectl
/// takes it: `cronjob`, `cj`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    kind: WorkloadKind,
    namespace: Option<String>,
    name: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mend = || format!("{text:?} is not KIND/NAMESPACE/NAME: write for example CronJob/payments/nightly-backup");
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some(namespace), name),
            _ => return Err(mend()),
        };
        let kind = match kind.to_ascii_lowercase().as_str() {
            "cronjob" | "cronjobs" | "cj" | "cronjob.batch" | "cronjobs.batch" => WorkloadKind::CronJob,
            "job" | "jobs" | "job.batch" | "jobs.batch" => WorkloadKind::Job,
            _ => return Err(format!("{text:?} is not KIND/NAMESPACE/NAME: the kind must be CronJob or Job")),
        };
        if namespace.is_some_and(str::is_empty) || name.is_empty() {
            return Err(mend());
        }
        Ok(Self { kind, namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

impl Target {
    /// The workload that is meant where this is the namespace of those that name none. Fails if neither says it.
    pub(super) fn key(&self, namespace: Option<&str>) -> anyhow::Result<WorkloadKey> {
        let Self { kind, namespace: own, name } = self;
        let namespace = own.as_deref().or(namespace);
        let namespace = namespace
            .with_context(|| format!("which namespace? Write {kind}/NAMESPACE/{name}, or name it with --namespace"))?;
        Ok(WorkloadKey { kind: *kind, namespace: namespace.to_owned(), name: name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_kubectl_takes_them() {
        for kind in ["CronJob", "cronjob", "cronjobs", "cj", "cronjobs.batch"] {
            let target: Target = format!("{kind}/payments/backup").parse().unwrap();
            assert_eq!(target.key(None).unwrap().to_string(), "CronJob/payments/backup");
        }
        let target: Target = "job/ci/migrate".parse().unwrap();
        assert_eq!(target.key(Some("other")).unwrap().to_string(), "Job/ci/migrate");
        let target: Target = "cj/backup".parse().unwrap();
        assert_eq!(target.key(Some("payments")).unwrap().to_string(), "CronJob/payments/backup");
        assert!(target.key(None).unwrap_err().to_string().contains("CronJob/NAMESPACE/backup"));
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "backup", "CronJob/", "CronJob/payments/", "CronJob//x", "CronJob/a/b/c"] {
            assert!(text.parse::<Target>().unwrap_err().contains("CronJob/payments/nightly-backup"), "{text}");
        }
        assert!("Pod/a/b".parse::<Target>().unwrap_err().contains("must be CronJob or Job"));
    }
}
