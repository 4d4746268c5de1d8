//! Reading the audit log of the API server: who did what.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// An audit policy that records every request, without bodies.
pub const AUDIT_POLICY_METADATA: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
";

/// An audit policy that records every request; those about workloads and roles with bodies.
pub const AUDIT_POLICY_REQUEST_RESPONSE: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: RequestResponse
    verbs: [create, update, patch, delete, deletecollection]
    resources:
      - group: batch
      - group: rbac.authorization.k8s.io
  - level: Metadata
";

/// One audit event, with what tests look at as fields.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// `auditID`, the same for all stages of one request.
    pub audit_id: String,
    /// `RequestReceived`, `ResponseStarted`, `ResponseComplete` or `Panic`.
    pub stage: String,
    /// `get`, `list`, `create` and so on.
    pub verb: String,
    /// The path with its query.
    pub request_uri: String,
    /// `user.username`: who made the request, also when it was made in another's name.
    pub user: String,
    /// `impersonatedUser.username`: in whose name the request was made.
    pub impersonated_user: Option<String>,
    /// What the request was about; `None` for paths such as `/readyz`.
    pub object: Option<ObjectRef>,
    /// `responseStatus.code`.
    pub code: Option<u16>,
    /// The whole event.
    pub raw: Value,
}

/// The `objectRef` of an audit event. Parts that are missing there are empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectRef {
    /// API group; empty for the core group.
    pub api_group: String,
    /// Plural resource name.
    pub resource: String,
    /// Subresource such as `status`.
    pub subresource: String,
    /// Namespace; empty for what has none.
    pub namespace: String,
    /// Name; empty for lists and for a create whose name the server chose.
    pub name: String,
}

impl AuditEvent {
    fn from_json(raw: Value) -> Self {
        let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            audit_id: text("/auditID"),
            stage: text("/stage"),
            verb: text("/verb"),
            request_uri: text("/requestURI"),
            user: text("/user/username"),
            impersonated_user: raw.get("impersonatedUser").map(|_| text("/impersonatedUser/username")),
            object: raw.get("objectRef").map(|_| ObjectRef {
                api_group: text("/objectRef/apiGroup"),
                resource: text("/objectRef/resource"),
                subresource: text("/objectRef/subresource"),
                namespace: text("/objectRef/namespace"),
                name: text("/objectRef/name"),
            }),
            code: raw.pointer("/responseStatus/code").and_then(Value::as_u64).and_then(|code| code.try_into().ok()),
            raw,
        }
    }

    /// Whether the API server answered with success.
    pub fn succeeded(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    /// Whether this is a server-side dry run, which is audited like the real thing but changes nothing.
    pub fn is_dry_run(&self) -> bool {
        let query = self.request_uri.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair.strip_prefix("dryRun=").is_some_and(|value| !value.is_empty()))
    }

    /// Whether this is a finished attempt, successful or refused, to change something for real.
    pub fn is_write(&self) -> bool {
        self.stage == "ResponseComplete"
            && matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
            && !self.is_dry_run()
            && !self.is_question()
    }

    /// Whether a review was asked for, such as who one is: that is a `create`, and creates nothing.
    fn is_question(&self) -> bool {
        let groups = ["authentication.k8s.io", "authorization.k8s.io"];
        self.object.as_ref().is_some_and(|o| groups.contains(&o.api_group.as_str()) && o.resource.ends_with("reviews"))
    }
}

/// All events from `offset` to the current end of the log, and the offset at which to go on next time. An event that the
/// API server is still writing is left for then. A log that does not exist yet is empty.
pub fn read_from(path: &Path, offset: u64) -> anyhow::Result<(Vec<AuditEvent>, u64)> {
    read_where(path, offset, |_| true)
}

/// The same, but only the events whose line is wanted.
fn read_where(path: &Path, offset: u64, wanted: impl Fn(&[u8]) -> bool) -> anyhow::Result<(Vec<AuditEvent>, u64)> {
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), offset)),
        other => other.with_context(|| format!("cannot open {}", path.display()))?,
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let events = bytes[..complete]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && wanted(line))
        .map(|line| {
            let line = serde_json::from_slice(line).with_context(|| format!("not JSON in {}", path.display()))?;
            Ok(AuditEvent::from_json(line))
        })
        .collect::<anyhow::Result<_>>()?;
    Ok((events, offset + u64::try_from(complete)?))
}

/// All events up to the current end of the log.
pub fn read(path: &Path) -> anyhow::Result<Vec<AuditEvent>> {
    Ok(read_from(path, 0)?.0)
}

/// The same as [`read`] of the log and [`writes_by`], without reading what is about others: a busy log is large.
pub fn read_writes_by(path: &Path, user: &str) -> anyhow::Result<Vec<AuditEvent>> {
    let (events, _) = read_where(path, 0, |line| memchr::memmem::find(line, user.as_bytes()).is_some())?;
    Ok(writes_by(events, user))
}

/// The finished attempts of `user` to change something, dry runs left out. A refused attempt is one too: see
/// [`AuditEvent::succeeded`].
pub fn writes_by(events: Vec<AuditEvent>, user: &str) -> Vec<AuditEvent> {
    events.into_iter().filter(|event| event.user == user && event.is_write()).collect()
}
