//! Drafts on a real API server: it accepts every one of them, as `kubectl` reads it.

use std::collections::BTreeSet;

use cronwarden::api::ApprovedCronJob;
use cronwarden::draft::{Options, baseline, yaml};
use cronwarden::workload::Workload;

use super::{distinct_workloads, hostile, now, options};
use crate::harness::ControlPlane;
use crate::rest::repository;

#[tokio::test]
async fn every_draft_is_accepted_as_it_was_written() -> anyhow::Result<()> {
    let cluster = ControlPlane::builder().start().await?;
    let definition = repository("crds/approvedcronjobs.yaml");
    cluster.kubectl(["create"]).arg(format!("--filename={}", definition.display())).run().await?;
    cluster.kubectl(["wait", "--for=condition=Established", "crd", "--all"]).run().await?;
    let workloads: Vec<Workload> =
        distinct_workloads()?.into_iter().map(|(_, workload)| workload).chain(hostile::workloads()).collect();
    let folder = tempfile::tempdir()?;
    for (i, options) in [options(true), options(false), Options::default()].into_iter().enumerate() {
        let drafts = baseline(workloads.clone(), &options, i == 1, now()).drafts;
        assert!(drafts.len() > 100, "only {} drafts", drafts.len());
        let file = folder.path().join(format!("{i}.yaml"));
        std::fs::write(&file, yaml(&drafts))?;
        let file = format!("--filename={}", file.display());
        let output =
            cluster.kubectl(["create", "--dry-run=server", "--validate=strict", "--output=json", &file]).run().await?;
        let documents = serde_json::Deserializer::from_str(&output.stdout).into_iter::<ApprovedCronJob>();
        let stored = documents.collect::<Result<Vec<_>, _>>()?;
        assert_eq!(stored.len(), drafts.len());
        let mut seen = BTreeSet::new();
        for (mut read, draft) in stored.into_iter().zip(&drafts) {
            assert!(seen.insert(read.metadata.name.clone()), "two drafts have one name");
            assert_eq!(read.metadata.name, draft.approval.metadata.name);
            read.metadata = draft.approval.metadata.clone();
            assert_eq!(read, draft.approval);
        }
    }
    Ok(())
}
