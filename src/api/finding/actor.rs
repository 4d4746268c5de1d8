//! Who did something, as findings write it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who changed a workload. Every text is bounded and harmless to print.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Who it was, for reading in a list. A name in brackets is a claim of the object, and can be forged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown: String,
    /// The user name that counted for the request: that of the impersonated user, if it was made in another's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The groups of that user. At most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Who was authenticated, if the request was made in another's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonator: Option<String>,
    /// The addresses that the request came from. Only the last one was seen by the API server; the client can choose the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "sourceIPs")]
    pub source_ips: Vec<String>,
    /// What the client called itself. It can choose that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The pod that the token of the service account is bound to, and its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// What was done: create, update, patch, delete or deletecollection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// `auditID` of the event in the audit log of the API server, or `uid` of the admission request.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "auditID")]
    pub audit_id: Option<String>,
    /// Why the API server allowed it, such as the binding that grants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_by: Option<String>,
    /// The deployment path that the change came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_path: Option<String>,
    /// The field manager that the object names. Whoever makes a request can choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_manager: Option<String>,
    /// How it is known.
    pub evidence: Evidence,
}

/// Somebody other than Cronwarden removed or changed a finding.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// What was done: create, update, patch, delete or deletecollection.
    pub verb: String,
    /// When it was done, or seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Who did it, if an event tells.
    #[serde(default)]
    pub actor: Actor,
}

/// How an actor is known.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// From an audit event of the API server.
    Audit,
    /// From an admission request of the API server.
    Admission,
    /// From the object's managed fields, which whoever writes the object can forge.
    ManagedFields,
    /// It is not known.
    #[default]
    Unknown,
}
