//! Whether the findings are those that the examples say.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;

use crate::cluster::{Cluster, Key, example};
use crate::screen::Screen;

const EXPECTED: &str = "expected-findings.txt";

/// What is compared of a finding.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    key: Key,
    severity: String,
    reasons: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key: (namespace, name), severity, reasons } = self;
        write!(f, "{namespace:<14} {name:<19} {severity:<10} {reasons}")
    }
}

/// Compares the findings with the expected ones, and says how they differ if they do.
pub async fn findings(cluster: &Cluster, screen: &Screen) -> anyhow::Result<bool> {
    let path = example(EXPECTED);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let expected = parse(&text)?;
    let list = cluster.kubectl(["get", "findings", "-o", "json"]).run().await?.json()?;
    let all = list["items"].as_array().context("a list without items")?;
    let mut found: Vec<Line> = all.iter().map(line).collect();
    found.retain(|line| !cluster.is_foreign(&line.key));
    found.sort();

    let foreign = all.len() - found.len();
    if foreign > 0 {
        screen.note(&format!("findings about CronJobs and Jobs that were here before, which do not count: {foreign}"));
    }
    let unique: BTreeSet<&Line> = found.iter().collect();
    if expected.iter().eq(&found) {
        screen.good(&format!("\nExactly the {} findings that deploy/examples/{EXPECTED} lists.", expected.len()));
        return Ok(true);
    }
    screen.bad(&format!("\nThe findings are not those of deploy/examples/{EXPECTED} (- expected, + found):"));
    for line in expected.iter().filter(|line| !unique.contains(line)) {
        screen.bad(&format!("- {line}"));
    }
    for line in found.iter().filter(|line| !expected.contains(line)) {
        screen.bad(&format!("+ {line}"));
    }
    for pair in found.windows(2).filter(|pair| pair[0] == pair[1]) {
        screen.bad(&format!("+ {} (a second time)", pair[0]));
    }
    Ok(false)
}

fn parse(text: &str) -> anyhow::Result<BTreeSet<Line>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [namespace, name, severity, reasons] => Ok(Line {
                key: ((*namespace).to_owned(), (*name).to_owned()),
                severity: (*severity).to_owned(),
                reasons: (*reasons).to_owned(),
            }),
            _ => anyhow::bail!("{EXPECTED}: not a namespace, a name, a severity and reasons: {line}"),
        })
        .collect()
}

fn line(finding: &Value) -> Line {
    let text = |pointer: &str| finding.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    Line {
        key: (text("/spec/workload/namespace"), text("/spec/workload/name")),
        severity: text("/status/severity"),
        reasons: text("/status/reasons"),
    }
}
