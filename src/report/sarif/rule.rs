//! Codes in the words of SARIF.

use serde_json::{Value, json};

use super::super::words::Code;
use crate::api::code::Severity;
use crate::api::finding::Attack;

/// A code as a rule. Risks are rules too, so that their codes are explained where results name them.
pub(super) fn of(code: Code) -> Value {
    let Attack { technique, detection_strategy, analytic } = Attack::default();
    let mut properties = json!({
        "tags": [
            "security",
            "kubernetes",
            format!("attack.{}", technique.to_ascii_lowercase()),
            format!("external/mitre-attack/{technique}"),
        ],
    });
    if let (Some(severity), Some(fields)) = (code.severity(), properties.as_object_mut()) {
        fields.insert("security-severity".to_owned(), score(severity).into());
    }
    let effect = code.effect();
    let (meaning, help) = (code.meaning(), code.help());
    json!({
        "id": code.as_str(),
        "name": code.as_str(),
        "shortDescription": { "text": meaning },
        "fullDescription": { "text": help },
        "help": {
            "text": format!("{help}\n\n{effect}\n\nMITRE ATT&CK: {technique}, {detection_strategy}, {analytic}"),
            "markdown": format!(
                "**{}**: {help}\n\n{effect}\n\nMITRE ATT&CK: [{technique}]({}), {detection_strategy}, {analytic}",
                code.as_str(),
                page(&technique)
            ),
        },
        "helpUri": page(&technique),
        "defaultConfiguration": { "level": code.severity().map_or("note", level) },
        "properties": properties,
    })
}

/// The page of a technique.
fn page(technique: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}/", technique.replace('.', "/"))
}

/// The level of a severity. SARIF has no more than three.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// The score of a severity as GitHub reads it: from 0.1 low, from 4.0 medium, from 7.0 high, above 9.0 critical.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
