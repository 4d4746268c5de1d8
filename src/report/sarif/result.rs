//! Deviations in the words of SARIF.

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::document::placed;
use super::super::lines::risk as risk_phrase;
use super::super::words::{expected, observed, shown, source};
use super::super::{Judged, Spot};
use super::{message, place, rule};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::workload::WorkloadKey;
use crate::workload::redact::hex;

/// The most locations that are told with one result: GitHub shows 100.
const MOST_RISKS: usize = 20;

/// The results of a run.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) all: Vec<Value>,
    /// How many were left out.
    pub(super) left_out: usize,
    /// How often each fingerprint was met.
    met: HashMap<String, u32>,
}

impl Results {
    /// Adds every deviation of a workload, as long as there are fewer results than the limit.
    pub(super) fn add(&mut self, judged: &Judged, limit: usize) {
        for (i, (deviation, spot)) in placed(&judged.assessment.deviations, &judged.deviations).enumerate() {
            if self.all.len() >= limit {
                self.left_out += 1;
                continue;
            }
            let spot = spot.or(judged.workload.as_ref());
            let (risks, related) = if i == 0 { risks(judged) } else { (String::new(), Vec::new()) };
            let identity = self.identity(judged, deviation);
            let assessment = &judged.assessment;
            let text = format!(
                "{}: {}. Expected: {}.",
                message(&judged.key.to_string()),
                observed(deviation).replace("](", "] ("),
                expected(deviation).replace("](", "] (")
            );
            let mut location = json!({ "logicalLocations": [logical(&judged.key)] });
            let physical = place::of(&judged.source, spot.map(|spot| place::region(&spot.place)));
            if let (Some(physical), Some(fields)) = (physical, location.as_object_mut()) {
                fields.insert("physicalLocation".to_owned(), physical);
            }
            self.all.push(json!({
                "ruleId": deviation.code.as_str(),
                "ruleIndex": DeviationCode::ALL.iter().position(|code| *code == deviation.code),
                "level": rule::level(assessment.severity),
                "message": { "text": text + &risks },
                "locations": [location],
                "relatedLocations": related,
                "partialFingerprints": { "cronwarden/v1": identity },
                "properties": {
                    "severity": assessment.severity.as_str(),
                    "path": shown(&deviation.path),
                    "fingerprint": judged.fingerprint,
                },
            }));
        }
    }

    /// Identifies a deviation from run to run: it stays when lines move, and changes when the evidence does. The same workload may
    /// be in several files, or several times in one.
    fn identity(&mut self, judged: &Judged, deviation: &Deviation) -> String {
        let mut hash = Sha256::new();
        let key = judged.key.to_string();
        let file = source(&judged.source);
        for part in [file.as_str(), &key, &judged.fingerprint, deviation.code.as_str(), &deviation.path] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let identity = hex(&hash.finalize(), 32);
        let times = self.met.entry(identity.clone()).and_modify(|times| *times += 1).or_insert(1);
        format!("{identity}:{times}")
    }
}

/// The workload, as an object of a cluster.
fn logical(key: &WorkloadKey) -> Value {
    json!({
        "name": shown(&key.name),
        "fullyQualifiedName": shown(&key.to_string()),
        "kind": "resource",
    })
}

/// The risks of a workload: as lines, and where they are.
fn risks(judged: &Judged) -> (String, Vec<Value>) {
    let mut lines = Vec::new();
    let mut related = Vec::new();
    for (risk, spot) in placed(&judged.assessment.risks, &judged.risks).take(MOST_RISKS) {
        let phrase = message(&risk_phrase(risk));
        let physical = spot.and_then(|Spot { place, .. }| place::of(&judged.source, Some(place::region(place))));
        match physical {
            Some(physical) => {
                let id = related.len() + 1;
                lines.push(format!("\n- risk [{}]({id}): {}", risk.code, message(&risk.detail)));
                related.push(json!({ "id": id, "physicalLocation": physical, "message": { "text": phrase } }));
            }
            None => lines.push(format!("\n- risk {phrase}")),
        }
    }
    let more = judged.assessment.risks.len().saturating_sub(MOST_RISKS);
    lines.extend((more > 0).then(|| format!("\n- {more} more risks")));
    (lines.concat(), related)
}
