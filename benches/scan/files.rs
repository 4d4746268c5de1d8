//! The files that every tool reads, written into one folder.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use crate::fleet::{Fleet, cron_job};

/// Where the input is.
pub struct Files {
    /// All CronJobs as YAML documents.
    pub cron_jobs_yaml: PathBuf,
    /// The same objects as a `List` in JSON.
    pub cron_jobs_json: PathBuf,
    /// The inventory: one `ApprovedCronJob` for each job.
    pub approvals: PathBuf,
    /// The same inventory by key, as data of a policy for `conftest`.
    pub data: PathBuf,
    /// Size of the YAML file in bytes.
    pub yaml_bytes: usize,
}

impl Files {
    pub fn write(fleet: Fleet, folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let write = |name: &str, text: &str| -> anyhow::Result<PathBuf> {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let yaml = fleet.cron_jobs_yaml();
        Ok(Self {
            yaml_bytes: yaml.len(),
            cron_jobs_yaml: write("cronjobs.yaml", &yaml)?,
            cron_jobs_json: write_list(fleet, folder.join("cronjobs.json"))?,
            approvals: write("approvals.yaml", &fleet.approvals_yaml())?,
            data: write("data.json", &json!({ "approvals": fleet.approvals_by_key() }).to_string())?,
        })
    }
}

/// As `kubectl get -o json` writes it: one `List`, indented by four.
fn write_list(fleet: Fleet, path: PathBuf) -> anyhow::Result<PathBuf> {
    // They come out of the YAML, so that the two files hold the same objects.
    let items = (0..fleet.cron_jobs).map(|number| serde_saphyr::from_str(&cron_job(number)));
    let items: Vec<Value> = items.collect::<Result<_, _>>().context("a generated CronJob is no YAML")?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items });
    let file = std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut writer = BufWriter::new(file);
    list.serialize(&mut Serializer::with_formatter(&mut writer, PrettyFormatter::with_indent(b"    ")))?;
    writer.flush()?;
    Ok(path)
}
