//! The workload that a command is asked about.

use std::str::FromStr;

use crate::workload::{WorkloadKey, WorkloadKind};

/// `KIND/NAMESPACE/NAME`, as findings and reports write it. The kind may also be written as kubectl takes it: `cronjob`, `cj`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target(pub(super) WorkloadKey);

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mend = || format!("{text:?} is not KIND/NAMESPACE/NAME: write for example CronJob/payments/nightly-backup");
        let [kind, namespace, name] = text.split('/').collect::<Vec<_>>().try_into().map_err(|_| mend())?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "cronjob" | "cronjobs" | "cj" | "cronjob.batch" | "cronjobs.batch" => WorkloadKind::CronJob,
            "job" | "jobs" | "job.batch" | "jobs.batch" => WorkloadKind::Job,
            _ => return Err(format!("{text:?}: the kind must be CronJob or Job")),
        };
        if namespace.is_empty() || name.is_empty() {
            return Err(mend());
        }
        Ok(Self(WorkloadKey { kind, namespace: namespace.to_owned(), name: name.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_kubectl_takes_them() {
        for kind in ["CronJob", "cronjob", "cronjobs", "cj", "cronjobs.batch"] {
            let Target(key) = format!("{kind}/payments/backup").parse().unwrap();
            assert_eq!(key.to_string(), "CronJob/payments/backup");
        }
        let Target(key) = "job/ci/migrate".parse().unwrap();
        assert_eq!(key.to_string(), "Job/ci/migrate");
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "backup", "payments/backup", "CronJob/payments/", "CronJob//x", "CronJob/a/b/c"] {
            assert!(text.parse::<Target>().unwrap_err().contains("CronJob/payments/nightly-backup"), "{text}");
        }
        assert!("Pod/a/b".parse::<Target>().unwrap_err().contains("must be CronJob or Job"));
    }
}
