//! The repositories that an approval names, as patterns of host and path.

use std::fmt;

use thiserror::Error;

use super::{ImageError, ImageRef, check_characters, check_host, check_path_length, check_segment};
use super::{is_number, is_registry, split_optional, split_registry};
use crate::workload::pattern::{Pattern, PatternError, excerpt, is_wildcard};

/// The repositories that one line of an approval allows, such as `nginx`, `registry.example.com/team/*` or
/// `*.example.com/app`.
///
/// Host and path are compared apart, each as what it is. The short forms of Docker Hub are completed as in an image
/// reference. In the path, `*` and `?` never cross `/` ([`Pattern::path`]). In the host, `*` stands for exactly one
/// whole label left of the last two, as in the kubelet's `matchImages`, so that `registry.example.com.evil.io` is
/// never reached; which domains hand out names to everyone, as those of cloud registries do, is for the author of the
/// approval to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryPattern {
    host: Box<str>,
    path: Pattern,
}

/// Why a text is not a [`RepositoryPattern`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RepositoryPatternError {
    /// A part without wildcards breaks the grammar of image references.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The path is no glob.
    #[error(transparent)]
    Glob(#[from] PatternError),
    /// The text contains a tag or a digest.
    #[error("repository \"{0}\" contains a tag or digest: list those under `tags` or `digests`")]
    TagOrDigest(String),
    /// The text has a wildcard before the first `/`, and does not say which registry is meant.
    #[error(
        "repository \"{0}\" does not say in which registry: write the host in full, such as `docker.io/library/*` or \
         `registry.example.com/*`; to allow any image, leave `images` out"
    )]
    NoRegistry(String),
    /// The text is a registry host alone, which in an image reference would be read as a repository of Docker Hub.
    #[error("repository \"{0}\" looks like a registry without a path: add one, such as `{0}/*`")]
    NoPath(String),
    /// A wildcard in the registry host could match hosts that belong to someone else.
    #[error(
        "a wildcard in the registry host \"{0}\" could match a host of someone else: `*` may only stand for one whole \
         label left of the last two, as in `*.example.com`"
    )]
    HostWildcard(String),
}

impl RepositoryPattern {
    /// Reads the `repository` of an approval.
    ///
    /// # Errors
    /// A [`RepositoryPatternError`] if the text could match nothing, or more than its author may have meant.
    pub fn new(text: &str) -> Result<Self, RepositoryPatternError> {
        check_characters(text)?;
        let (first, has_path) = text.split_once('/').map_or((text, false), |(first, _)| (first, true));
        if text.contains('@') || !has_path && text.contains(':') {
            return Err(RepositoryPatternError::TagOrDigest(excerpt(text)));
        }
        if first.contains(is_wildcard) && !(has_path && is_registry(first)) {
            return Err(RepositoryPatternError::NoRegistry(excerpt(text)));
        }
        if !has_path && (first.contains('.') || first == "localhost") {
            return Err(RepositoryPatternError::NoPath(excerpt(text)));
        }
        let (host, path) = split_registry(text);
        if path.contains(':') {
            return Err(RepositoryPatternError::TagOrDigest(excerpt(text)));
        }
        check_host_pattern(host)?;
        check_path_length(&path)?;
        let glob = Pattern::path(&path)?;
        // With a letter for each wildcard a segment must still be one, or no repository could ever match.
        path.split('/').try_for_each(|segment| check_segment(&segment.replace(is_wildcard, "x")))?;
        Ok(Self { host: host.into(), path: glob })
    }

    /// Whether the repository of `image` is one of those meant; its tag and digest are not looked at.
    #[must_use]
    pub fn matches(&self, image: &ImageRef) -> bool {
        let (host, path) = image.registry_and_path();
        host_matches(&self.host, host) && self.path.matches(path)
    }

    /// Whether exactly one repository is meant.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.path.is_literal() && !self.host.contains(is_wildcard)
    }
}

/// The canonical form, with the registry that a short form leaves out.
impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

fn check_host_pattern(host: &str) -> Result<(), RepositoryPatternError> {
    if host.contains(is_wildcard) {
        let (name, port) = split_optional(host, ':');
        let mut labels = name.rsplit('.');
        let literal = |label: Option<&str>| label.is_some_and(|label| !label.contains(is_wildcard));
        let last = labels.next();
        // Addresses are read from the left: `*.*.0.1` would be a choice of networks, not of subdomains.
        let anchored = literal(last) && !last.is_some_and(is_number) && literal(labels.next());
        let whole_labels = labels.all(|label| label == "*" || literal(Some(label)));
        if !anchored || !whole_labels || port.is_some_and(|port| port.contains(is_wildcard)) {
            return Err(RepositoryPatternError::HostWildcard(excerpt(host)));
        }
    }
    Ok(check_host(&host.replace('*', "x"))?)
}

/// Whether `host` has as many labels as `pattern`, and each is equal or faces a `*`.
fn host_matches(pattern: &str, host: &str) -> bool {
    pattern.split('.').count() == host.split('.').count()
        && pattern.split('.').zip(host.split('.')).all(|(wanted, label)| wanted == "*" || wanted == label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(text: &str) -> ImageRef {
        ImageRef::parse(text).unwrap()
    }

    #[test]
    fn repository_patterns_match_what_they_say() {
        for (pattern, text, expected) in [
            ("nginx", "index.docker.io/library/nginx:1", true),
            ("library/nginx", "nginx", true),
            ("docker.io/nginx*", "nginx-exporter", true),
            ("docker.io/*", "nginx", true),
            ("backup/*", "docker.io/backup/pgdump:v3", true),
            ("backup/*", "backup.io/backup/pgdump", false),
            ("registry.example.com/*", "registry.example.com/app:1", true),
            ("registry.example.com/*", "registry.example.com/team/app", false),
            ("registry.example.com/*", "registry.example.com.evil.io/app", false),
            ("registry.example.com/*", "evil.io/registry.example.com/app", false),
            ("registry.example.com/*", "registry.example.com:5000/app", false),
            ("registry.example.com/*/*", "registry.example.com/team/app", true),
            ("registry.example.com/team/v?", "registry.example.com/team/v1", true),
            ("*.example.com/x", "eu.example.com/x", true),
            ("*.example.com/x", "example.com/x", false),
            ("*.example.com/x", "a.b.example.com/x", false),
            ("*.example.com/x", "evilexample.com/x", false),
            ("*.dkr.ecr.*.amazonaws.com/x", "1234.dkr.ecr.eu-west-1.amazonaws.com/x", true),
            ("*.example.com:5000/x", "eu.example.com:5000/x", true),
            ("*.example.com:5000/x", "eu.example.com/x", false),
            ("localhost:5000/x", "localhost:5000/x:1", true),
            ("[::1]:5000/*", "[::1]:5000/x", true),
        ] {
            let compiled = RepositoryPattern::new(pattern).unwrap();
            assert_eq!(compiled.matches(&image(text)), expected, "{pattern} against {text}");
            assert_eq!(RepositoryPattern::new(&compiled.to_string()), Ok(compiled));
        }
        assert_eq!(RepositoryPattern::new("nginx").unwrap().to_string(), "docker.io/library/nginx");
        for (pattern, literal) in [("nginx", true), ("a/*", false), ("*.a.io/x", false)] {
            assert_eq!(RepositoryPattern::new(pattern).unwrap().is_literal(), literal, "{pattern}");
        }
    }

    #[test]
    fn repository_patterns_that_say_too_much_or_nothing_are_refused() {
        for (pattern, part) in [
            ("", "is empty"),
            ("*", "leave `images` out"),
            ("*/*", "does not say in which registry"),
            ("nginx*", "`docker.io/library/*`"),
            ("back*/x", "does not say in which registry"),
            ("nginx:1.27", "under `tags` or `digests`"),
            ("r.io/app:v*", "under `tags` or `digests`"),
            ("r.io/app@sha256:*", "under `tags` or `digests`"),
            ("registry.example.com", "`registry.example.com/*`"),
            ("localhost", "without a path"),
            ("registry.example.com*/x", "could match a host of someone else"),
            ("reg*.example.com/x", "one whole label"),
            ("registry.*/x", "one whole label"),
            ("*.com/x", "one whole label"),
            ("a.?.example.com/x", "one whole label"),
            ("*.*.0.1/x", "one whole label"),
            ("r.example.com:*/x", "one whole label"),
            ("*.example.com:x/x", "is not a registry host"),
            ("https://r.io/*", "without scheme"),
            ("r.io/**", "`team/*/*`"),
            ("r.io/[ab]", "only `*`"),
            ("r.io/Team/*", "lowercase"),
            ("r.io/a..*", "is not a repository path segment"),
            ("r.io/team/", "is not a repository path segment"),
            ("r.io/ *", "without spaces"),
        ] {
            let message = RepositoryPattern::new(pattern).unwrap_err().to_string();
            assert!(message.contains(part), "{pattern:?}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_safe(text in "\\PC{0,40}|[a/*?.:@\\[\\]0-]{0,20}") {
            let _ = RepositoryPattern::new(&text);
        }
    }
}
