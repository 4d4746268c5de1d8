//! Who made a request, as the API server authenticated them.

use serde::{Deserialize, Serialize};

/// The longest name of a user or group that is kept, in bytes.
const LONGEST_NAME: usize = 256;
/// The longest other text that is kept, in bytes.
const LONGEST_TEXT: usize = 512;
const MOST_GROUPS: usize = 32;
const MOST_ADDRESSES: usize = 8;

/// Who made a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    /// Who was authenticated.
    pub user: User,
    /// In whose name the request was made, if it was made in another's name.
    pub impersonated: Option<User>,
    /// The addresses that the request came from, as `sourceIPs` has them. Only the last one was seen by the API server; the client
    /// chose the others. Empty where the source does not tell.
    pub source_ips: Vec<String>,
    /// What the client called itself. The client chose it.
    pub user_agent: String,
    /// The pod that the token of a service account is bound to.
    pub pod: Option<PodIdentity>,
    /// Why the request was allowed, such as the binding that granted it: the annotation `authorization.k8s.io/reason`.
    pub authorization: String,
}

/// An identity of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct User {
    /// The user name.
    pub username: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// The pod that a token is bound to, as the API server told by `authentication.kubernetes.io/…` in the user's extra values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodIdentity {
    /// `pod-name`.
    pub name: String,
    /// `pod-uid`.
    pub uid: String,
    /// `node-name`; empty if it is not told.
    pub node: String,
}

impl Actor {
    /// In whose name the request was made: the impersonated user, or else the one who was authenticated.
    pub fn effective(&self) -> &User {
        self.impersonated.as_ref().unwrap_or(&self.user)
    }

    /// The same actor with every text and list cut to what is kept of it: whoever makes requests chooses some of them.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for user in [Some(&mut self.user), self.impersonated.as_mut()].into_iter().flatten() {
            cut(&mut user.username, LONGEST_NAME);
            user.groups.truncate(MOST_GROUPS);
            user.groups.iter_mut().for_each(|group| cut(group, LONGEST_NAME));
        }
        // The last one is the one that counts.
        let surplus = self.source_ips.len().saturating_sub(MOST_ADDRESSES);
        self.source_ips.drain(..surplus);
        self.source_ips.iter_mut().for_each(|address| cut(address, LONGEST_NAME));
        cut(&mut self.user_agent, LONGEST_TEXT);
        cut(&mut self.authorization, LONGEST_TEXT);
        if let Some(pod) = &mut self.pod {
            for text in [&mut pod.name, &mut pod.uid, &mut pod.node] {
                cut(text, LONGEST_NAME);
            }
        }
        self
    }
}

impl User {
    /// Whether this is a client that did not say who it is.
    pub fn is_anonymous(&self) -> bool {
        self.username == "system:anonymous" || self.groups.iter().any(|group| group == "system:unauthenticated")
    }

    /// Namespace and name, if this is a service account.
    ///
    /// Follows `pkg/apis/serviceaccount` of Kubernetes: the API server gives names that begin like this to nobody else, as long as no
    /// other authenticator is configured to.
    pub fn service_account(&self) -> Option<(&str, &str)> {
        self.username.strip_prefix("system:serviceaccount:")?.split_once(':')
    }

    /// Whether this is a person, as far as a name can tell: neither a service account, nor a part of the system, nor a node.
    pub fn is_person(&self) -> bool {
        !self.username.starts_with("system:") && !self.username.is_empty() && !self.is_anonymous()
    }
}

/// Cuts a text so that what is left of it is never taken for a name that ends there.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
    }
}
