//! Whether an actor comes by a path.

use core::net::IpAddr;

use super::mismatch::{Mismatch, Reason, excerpt};
use super::{AccountPattern, Path};
use crate::identity::{Actor, Source, User};
use crate::workload::pattern::Pattern;

/// What names begin with that belong to Kubernetes.
const SYSTEM: &str = "system:";

impl Path {
    /// Checks all that can be told from who did it and from where.
    pub(super) fn check_actor(&self, actor: &Actor, source: Source) -> Result<(), Mismatch> {
        if actor.user.is_anonymous() {
            return Err(Reason::Anonymous.into());
        }
        let user = || excerpt(&actor.user.username);
        let path = || self.name.clone();
        if !self.is_identity(&actor.user) {
            let impersonated = actor.impersonated.as_ref().filter(|impersonated| self.is_identity(impersonated));
            let acted_as = |impersonated: &User| Reason::Impersonation {
                user: user(),
                impersonated: excerpt(&impersonated.username),
                path: path(),
            };
            return Err(Mismatch::from(match impersonated {
                Some(impersonated) => acted_as(impersonated),
                None if source == Source::Admission && matches(&self.impersonates, &actor.user.username) => {
                    Reason::Impersonator { user: user(), path: path() }
                }
                None => Reason::Identity { user: user(), path: path() },
            }));
        }
        if let Some(User { username, .. }) = &actor.impersonated
            && !matches(&self.impersonates, username)
        {
            return Err(Reason::Assumed { user: user(), impersonated: excerpt(username), path: path() }.into());
        }
        if source == Source::Admission && !self.accept_admission {
            return Err(Reason::Admission { user: user(), path: path() }.into());
        }
        self.check_pod(actor)?;
        self.check_address(actor, source)
    }

    /// Whether a user is one of the path's identities.
    fn is_identity(&self, user: &User) -> bool {
        let account = user.service_account();
        let is_user = || account.is_none() && matches(&self.users, &user.username);
        let is_account = || account.is_some_and(|account| self.service_accounts.iter().any(|one| one.matches(account)));
        is_user() || is_account() || user.groups.iter().any(|group| matches(&self.groups, group))
    }

    fn check_pod(&self, actor: &Actor) -> Result<(), Mismatch> {
        if !self.pod_bound && self.pods.is_empty() {
            return Ok(());
        }
        let user = || excerpt(&actor.user.username);
        let pod = actor.pod.as_ref().map(|pod| pod.name.as_str()).filter(|name| !name.is_empty());
        let pod = pod.ok_or_else(|| Reason::Unbound { user: user() })?;
        if self.pods.is_empty() || self.pods.iter().any(|pattern| pattern.matches(pod)) {
            return Ok(());
        }
        Err(Reason::Pod { user: user(), pod: excerpt(pod), path: self.name.clone() }.into())
    }

    /// The last address is the one that the API server saw; the client can claim others before it (`SourceIPs` in
    /// `k8s.io/apimachinery/pkg/util/net/http.go`).
    fn check_address(&self, actor: &Actor, source: Source) -> Result<(), Mismatch> {
        if self.source_ranges.is_empty() {
            return Ok(());
        }
        let seen = actor.source_ips.last().filter(|_| source == Source::Audit).ok_or(Reason::NoAddress)?;
        let address: Option<IpAddr> = seen.parse().ok();
        match address.map(|address| address.to_canonical()) {
            Some(address) if self.source_ranges.iter().any(|range| range.contains(&address)) => Ok(()),
            _ => Err(Reason::Address { address: excerpt(seen), path: self.name.clone() }.into()),
        }
    }
}

impl AccountPattern {
    /// A name that itself contains `:` is none that the API server gives to a service account.
    fn matches(&self, (namespace, name): (&str, &str)) -> bool {
        !name.contains(':') && self.namespace.matches(namespace) && self.name.matches(name)
    }
}

/// Whether one of the patterns matches, where a wildcard at the beginning does not stand for what belongs to Kubernetes.
fn matches(patterns: &[Pattern], name: &str) -> bool {
    let may_cover = |pattern: &Pattern| !name.starts_with(SYSTEM) || pattern.literal_prefix().starts_with(SYSTEM);
    patterns.iter().any(|pattern| may_cover(pattern) && pattern.matches(name))
}
