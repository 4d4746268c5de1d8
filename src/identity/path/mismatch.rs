//! Why a change does not come by a path.

use thiserror::Error;

use super::Tool;

/// How much of a text that the author of a request or of an object chose a reason repeats, in characters.
const LONGEST_EXCERPT: usize = 128;

/// Why a change does not come by a path: one clause. It can contain text that whoever made the change chose, cut but not escaped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct Mismatch(#[from] Reason);

/// See [`Mismatch`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Reason {
    #[error("no deployment path {path} is configured")]
    NotConfigured { path: String },
    #[error("the request was anonymous")]
    Anonymous,
    #[error("{user} is none of the identities of {path}")]
    Identity { user: String, path: String },
    /// Who was authenticated is not known, and whom they acted as is one whom the path acts as.
    #[error("the admission request does not tell whether it was {path} that acted as {user}")]
    Impersonator { user: String, path: String },
    #[error("{user} acted as {impersonated}, and is none of the identities of {path} itself")]
    Impersonation { user: String, impersonated: String, path: String },
    #[error("{user} acted as {impersonated}, which {path} does not do")]
    Assumed { user: String, impersonated: String, path: String },
    #[error(
        "the admission request does not tell whether somebody else acted as {user}, and {path} does not accept that"
    )]
    Admission { user: String, path: String },
    #[error("the token of {user} is not bound to a pod")]
    Unbound { user: String },
    #[error("the token of {user} is bound to the pod {pod}, which is none of those of {path}")]
    Pod { user: String, pod: String, path: String },
    #[error("the address that the request came from is not known")]
    NoAddress,
    #[error("the request came from {address}, which is in none of the source ranges of {path}")]
    Address { address: String, path: String },
    #[error("Argo CD's tracking id names {named}")]
    Copied { named: String },
    #[error("Argo CD's tracking id {text:?} names no object")]
    Tracking { text: String },
    #[error("the object does not carry the markers of {tool}")]
    Markers { tool: Tool },
}

impl Mismatch {
    pub(super) fn not_configured(path: &str) -> Self {
        Reason::NotConfigured { path: excerpt(path) }.into()
    }

    /// Whether the change may have come by the path for all that is known: the source of the evidence does not tell what decides.
    pub fn is_unknown(&self) -> bool {
        matches!(self.0, Reason::Impersonator { .. } | Reason::Admission { .. } | Reason::NoAddress)
    }
}

/// The beginning of a text, for reasons.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
