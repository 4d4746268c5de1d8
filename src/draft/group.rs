//! Drafts for many workloads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::most;
use super::{Baseline, Draft, Options, Undrafted, approval, name};
use crate::api::approval::Match;
use crate::workload::{Workload, WorkloadKey};

/// Drafts an inventory: one approval for each workload or, grouped, one for all workloads of the same kind and name whose approvals
/// differ in nothing but the namespace. The result does not depend on the order of the workloads.
pub fn baseline(
    workloads: impl IntoIterator<Item = Workload>,
    options: &Options,
    group: bool,
    now: Timestamp,
) -> Baseline {
    let mut undrafted = Vec::new();
    let mut drafted: Vec<(WorkloadKey, Draft)> = Vec::new();
    for workload in each_once(workloads, &mut undrafted) {
        match approval(&workload, options, now) {
            Ok(draft) => drafted.push((workload.key, draft)),
            Err(refused) => undrafted.push(refused),
        }
    }
    let mut drafts: Vec<Draft> =
        if group { grouped(drafted) } else { drafted.into_iter().map(|(_, draft)| draft).collect() };
    drafts.sort_by(|a, b| a.approval.metadata.name.cmp(&b.approval.metadata.name));
    undrafted.sort();
    Baseline { drafts, undrafted }
}

/// The workloads by key. Of different ones with the same key, only the first by content is drafted for: two approvals for it
/// would approve both.
fn each_once(workloads: impl IntoIterator<Item = Workload>, undrafted: &mut Vec<Undrafted>) -> Vec<Workload> {
    let mut by_key: BTreeMap<WorkloadKey, BTreeMap<String, Workload>> = BTreeMap::new();
    for mut workload in workloads {
        workload.uid.clear();
        let content = serde_json::to_string(&workload).unwrap_or_default();
        by_key.entry(workload.key.clone()).or_default().insert(content, workload);
    }
    for (key, versions) in &by_key {
        // Nameless ones are refused anyway.
        if versions.len() > 1 && !key.name.is_empty() {
            let reason = format!(
                "there are {} different workloads of this kind, namespace and name: a draft is made for one of them",
                versions.len()
            );
            undrafted.push(Undrafted { workload: key.clone(), reason });
        }
    }
    by_key.into_values().filter_map(|versions| versions.into_values().next()).collect()
}

fn grouped(drafted: Vec<(WorkloadKey, Draft)>) -> Vec<Draft> {
    let mut groups: BTreeMap<(WorkloadKey, String), Vec<(WorkloadKey, Draft)>> = BTreeMap::new();
    for (key, draft) in drafted {
        let common = WorkloadKey { namespace: String::new(), ..key.clone() };
        groups.entry((common, content(&draft))).or_default().push((key, draft));
    }
    let mut drafts = Vec::new();
    for ((common, content), members) in groups {
        if let Ok([(_, draft)]) = <[_; 1]>::try_from(members.clone()) {
            drafts.push(draft);
            continue;
        }
        for (i, part) in members.chunks(most::NAMESPACES).enumerate() {
            let name = name::of_group(common.kind, &common.name, &format!("{i} {content}"));
            drafts.extend(merged(part, name));
        }
    }
    drafts
}

/// All that an approval says but for the namespaces.
fn content(draft: &Draft) -> String {
    let mut spec = draft.approval.spec.clone();
    spec.matches = Match::default();
    serde_json::to_string(&spec).unwrap_or_default()
}

fn merged(members: &[(WorkloadKey, Draft)], name: String) -> Option<Draft> {
    let (_, first) = members.first()?;
    let mut merged = first.clone();
    merged.approval.metadata.name = Some(name);
    merged.approval.spec.matches.namespaces = members.iter().map(|(key, _)| key.namespace.clone()).collect();
    let mut notes: BTreeSet<_> = merged.notes.iter().cloned().collect();
    let mut left_out: BTreeSet<_> = merged.left_out.iter().cloned().collect();
    for (_, other) in members {
        merged.notes.extend(other.notes.iter().filter(|note| notes.insert((*note).clone())).cloned());
        merged.left_out.extend(other.left_out.iter().filter(|left| left_out.insert((*left).clone())).cloned());
    }
    Some(merged)
}
