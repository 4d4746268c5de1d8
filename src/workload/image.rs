//! Container image references in canonical form; the repositories that an approval names are in [`RepositoryPattern`].
//!
//! The grammar and the normalisation are those of `github.com/distribution/reference`, which the kubelet and
//! containerd use: `nginx` is `docker.io/library/nginx:latest`, `index.docker.io` is `docker.io`, and nothing else is
//! rewritten (`registry-1.docker.io`, `Docker.io` and `docker.io:443` are registries of their own). Where this parser
//! differs, it refuses: text over 1 KiB, and `_` in a registry host, which upstream takes for a path without a
//! registry.

mod repository;

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::pattern::excerpt;

pub use repository::{RepositoryPattern, RepositoryPatternError};

/// The longest reference that is accepted, in bytes, as it is written and in canonical form; the grammar itself leaves only the
/// registry host unbounded.
pub const MAX_REFERENCE_BYTES: usize = 1024;

/// The longest repository path that registries accept, in bytes, without the registry host.
const MAX_PATH_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_LEGACY: &str = "index.docker.io";
const DEFAULT_TAG: &str = "latest";

/// The digest algorithms that the kubelet and containerd know, with the length of their hexadecimal form.
const DIGEST_ALGORITHMS: &[(&str, usize)] = &[("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// Tags that are moved to a new image as a matter of course, in any case. Every tag *can* be moved; these are meant
/// to be.
const MOVING_TAGS: &[&str] = &[
    "latest", "stable", "main", "master", "trunk", "head", "edge", "nightly", "canary", "rolling", "lts", "dev",
    "develop", "unstable", "testing", "snapshot",
];

/// A container image reference in canonical form.
///
/// Equality is equality of the canonical text. `Display` writes `registry/path[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    repository: Box<str>,
    tag: Option<Box<str>>,
    digest: Option<Box<str>>,
}

/// Why a text is not an image reference. Messages repeat at most the beginning of the offending part, escaped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Nothing is written where a reference is expected.
    #[error("image reference is empty: write one such as `registry.example.com/team/app:1.2`")]
    Empty,
    /// The text is longer than [`MAX_REFERENCE_BYTES`].
    #[error("image reference is {0} bytes long, at most {MAX_REFERENCE_BYTES} are allowed")]
    TooLong(usize),
    /// White space, a control character, or anything else that is not printable ASCII.
    #[error(
        "image reference \"{text}\" contains `{}`: only printable ASCII is allowed, without spaces",
        .character.escape_default()
    )]
    Character {
        /// The first such character.
        character: char,
        /// The beginning of the reference, escaped.
        text: String,
    },
    /// The whole text is 64 hexadecimal digits, which container runtimes take for an image ID.
    #[error("image reference \"{0}\" is an image ID: write `repository@sha256:` before the digits")]
    Identifier(String),
    /// The part before the first `/` is meant as a registry but is no `host` or `host:port`.
    #[error("\"{0}\" is not a registry host: write `host` or `host:port`, without scheme, user or `_`")]
    Host(String),
    /// A segment of the repository path is empty or breaks the grammar, such as by an uppercase letter or `..`.
    #[error(
        "\"{0}\" is not a repository path segment: write lowercase letters and digits, joined by `.`, `_`, `__` or \
         `-`, and one `/` between segments"
    )]
    Segment(String),
    /// The repository path is longer than 255 bytes.
    #[error("repository path is {0} bytes long, at most {MAX_PATH_BYTES} are allowed")]
    PathTooLong(usize),
    /// What follows `:` is no tag.
    #[error(
        "\"{0}\" is not a tag: write at most {MAX_TAG_BYTES} letters, digits, `_`, `.` and `-`, no `.` or `-` first"
    )]
    Tag(String),
    /// What follows `@` is no digest.
    #[error("\"{0}\" is not a digest: write `sha256:` and 64 lowercase hexadecimal digits")]
    Digest(String),
}

impl ImageRef {
    /// Reads a reference as the kubelet does and brings it into canonical form. Nothing is trimmed.
    ///
    /// # Errors
    /// An [`ImageError`] for every text that no container runtime could pull, and for the few cases named in the
    /// module documentation.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        check_characters(text)?;
        if is_lower_hex(text, 64) {
            return Err(ImageError::Identifier(text.to_owned()));
        }
        let (named, digest) = split_optional(text, '@');
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Err(ImageError::Digest(excerpt(digest)));
        }
        let (host, rest) = split_registry(named);
        check_host(host)?;
        let (path, tag) = split_optional(&rest, ':');
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ImageError::Tag(excerpt(tag)));
        }
        check_path_length(path)?;
        path.split('/').try_for_each(check_segment)?;
        let tag = tag.or(if digest.is_none() { Some(DEFAULT_TAG) } else { None });
        let after = |part: Option<&str>| part.map_or(0, |part| 1 + part.len());
        check_length(host.len() + 1 + path.len() + after(tag) + after(digest))?;
        Ok(Self {
            repository: format!("{host}/{path}").into(),
            tag: tag.map(Into::into),
            digest: digest.map(Into::into),
        })
    }

    /// The registry and the path, such as `docker.io/library/nginx`; neither tag nor digest.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The registry: host and, if written, port.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.registry_and_path().0
    }

    /// The path within the registry, such as `library/nginx`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.registry_and_path().1
    }

    fn registry_and_path(&self) -> (&str, &str) {
        // `parse` puts a registry, which cannot contain `/`, in front of every path.
        self.repository.split_once('/').unwrap_or_default()
    }

    /// The tag, `latest` if neither tag nor digest was written.
    ///
    /// Beside a digest a tag is a mere remark: the runtime pulls by the digest and never looks at the tag. Whoever
    /// judges such a reference by its tag alone trusts a text that the author of the workload chose freely.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest with its algorithm, such as `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether the reference names its content by digest, so that what runs cannot change behind it.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }

    /// Whether the content is chosen by a tag that is meant to move, such as `latest`, `stable`, `main` or `nightly`.
    /// Never true beside a digest.
    #[must_use]
    pub fn is_mutable_tag(&self) -> bool {
        let moves = |tag: &str| MOVING_TAGS.iter().any(|moving| tag.eq_ignore_ascii_case(moving));
        !self.is_pinned() && self.tag().is_none_or(moves)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        self.tag().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// Whether `text` is a digest that a container runtime accepts: `sha256:` and 64, `sha384:` and 96 or `sha512:` and
/// 128 lowercase hexadecimal digits.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        DIGEST_ALGORITHMS.iter().any(|&(known, length)| algorithm == known && is_lower_hex(hex, length))
    })
}

fn check_characters(text: &str) -> Result<(), ImageError> {
    if text.is_empty() {
        return Err(ImageError::Empty);
    }
    check_length(text.len())?;
    if let Some(character) = text.chars().find(|c| !c.is_ascii_graphic()) {
        let text = excerpt(text);
        return Err(ImageError::Character { character, text });
    }
    Ok(())
}

fn check_length(length: usize) -> Result<(), ImageError> {
    if length > MAX_REFERENCE_BYTES { Err(ImageError::TooLong(length)) } else { Ok(()) }
}

/// The text before the first `separator` and, if there is one, the text after it.
fn split_optional(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Upstream's `splitDockerDomain`: the registry, and what follows with the prefix that Docker Hub's own images leave
/// out.
fn split_registry(named: &str) -> (&str, Cow<'_, str>) {
    let (host, rest) = match named.split_once('/') {
        Some((DOCKER_HUB_LEGACY, rest)) => (DOCKER_HUB, rest),
        Some((first, rest)) if is_registry(first) => (first, rest),
        _ => (DOCKER_HUB, named),
    };
    if host == DOCKER_HUB && !rest.contains('/') {
        return (host, Cow::Owned(format!("library/{rest}")));
    }
    (host, Cow::Borrowed(rest))
}

/// Whether the part before the first `/` is a registry, and not the first segment of a path on Docker Hub.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(|c: char| matches!(c, '.' | ':') || c.is_ascii_uppercase())
}

fn check_host(host: &str) -> Result<(), ImageError> {
    let valid = if let Some(rest) = host.strip_prefix('[') {
        rest.split_once(']').is_some_and(|(address, port)| {
            !address.is_empty()
                && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_number))
        })
    } else {
        let (name, port) = split_optional(host, ':');
        name.split('.').all(is_label) && port.is_none_or(is_number)
    };
    valid.then_some(()).ok_or_else(|| ImageError::Host(excerpt(host)))
}

fn check_path_length(path: &str) -> Result<(), ImageError> {
    let fits = path.len() <= MAX_PATH_BYTES;
    fits.then_some(()).ok_or(ImageError::PathTooLong(path.len()))
}

fn check_segment(segment: &str) -> Result<(), ImageError> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let joint = |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|b| b == b'-');
    if segment.starts_with(letter) && segment.ends_with(letter) && segment.split(letter).all(joint) {
        return Ok(());
    }
    Err(ImageError::Segment(excerpt(segment)))
}

fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG_BYTES
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_label(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(letter) && text.ends_with(letter) && text.chars().all(|c| letter(c) || c == '-')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(text: &str) -> ImageRef {
        ImageRef::parse(text).unwrap()
    }

    fn sha256() -> String {
        format!("sha256:{}", "0123456789abcdef".repeat(4))
    }

    #[test]
    fn references_become_canonical() {
        for (text, canonical) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("docker.io/library/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("bitnami/redis:Tag_1.2-x", "docker.io/bitnami/redis:Tag_1.2-x"),
            ("registry-1.docker.io/library/nginx", "registry-1.docker.io/library/nginx:latest"),
            ("docker.io:443/nginx", "docker.io:443/nginx:latest"),
            ("Docker.io/nginx", "Docker.io/nginx:latest"),
            ("Team/app", "Team/app:latest"),
            ("example.com", "docker.io/library/example.com:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("localhost:5000/a/b:5050", "localhost:5000/a/b:5050"),
            ("local/x", "docker.io/local/x:latest"),
            ("[2001:db8::1]:5000/x:t", "[2001:db8::1]:5000/x:t"),
            ("r.io/a.b_c__d---e/0", "r.io/a.b_c__d---e/0:latest"),
        ] {
            assert_eq!(image(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn parts_of_a_reference() {
        let both = image(&format!("r.example.com:5000/team/app:latest@{}", sha256()));
        assert_eq!(both.repository(), "r.example.com:5000/team/app");
        assert_eq!((both.registry(), both.path()), ("r.example.com:5000", "team/app"));
        assert_eq!((both.tag(), both.digest()), (Some("latest"), Some(sha256().as_str())));
        assert!(both.is_pinned() && !both.is_mutable_tag());
        let digest_only = image(&format!("nginx@{}", sha256()));
        assert_eq!(digest_only.tag(), None);
        assert_eq!(digest_only.to_string(), format!("docker.io/library/nginx@{}", sha256()));
        for (text, mutable) in
            [("a", true), ("a:Nightly", true), ("a:main", true), ("a:v1", false), ("a:latest-1", false)]
        {
            assert_eq!(image(text).is_mutable_tag(), mutable, "{text}");
        }
    }

    #[test]
    fn hostile_references_are_refused_and_named() {
        let (digest, long) = (sha256(), "a".repeat(MAX_REFERENCE_BYTES + 1));
        for (text, part) in [
            ("", "is empty"),
            (&*long, "1025 bytes"),
            (&long[..256], "264 bytes"),
            (&format!("{}.io/app", &long[..1016]), "1030 bytes"),
            (&digest[7..], "image ID"),
            ("nginx ", "without spaces"),
            ("nginx\n", "`\\n`"),
            ("\u{1b}[2Jnginx", "`\\u{1b}`"),
            ("nginх", "`\\u{445}`"),
            ("Nginx", "lowercase"),
            ("r.io/Team/app", "\"Team\""),
            ("r.io/../app", "\"..\""),
            ("r.io//app", "\"\""),
            ("/app", "\"\""),
            ("r.io/", "\"\""),
            ("r.io/a___b", "joined by"),
            ("r.io/-a", "joined by"),
            ("https://r.io/app", "without scheme"),
            ("r_x.io/app", "\"r_x.io\""),
            ("-r.io/app", "is not a registry host"),
            ("r.io:/app", "is not a registry host"),
            ("r.io:80:80/app", "is not a registry host"),
            ("[fe80::1%eth0]/app", "is not a registry host"),
            ("registry.example.com@evil", "\"evil\" is not a digest"),
            ("user:password@r.io/app", "is not a digest"),
            ("app:", "is not a tag"),
            ("app:-x", "is not a tag"),
            ("app:a:b", "is not a tag"),
            (&format!("app:{}", &long[..129]), "at most 128"),
            (&format!("app@{}", digest.to_uppercase()), "lowercase hexadecimal"),
            (&format!("app@{digest}@{digest}"), "is not a digest"),
            (&format!("app@{}", &digest[..70]), "64 lowercase"),
            ("app@md5:d41d8cd98f00b204e9800998ecf8427e", "is not a digest"),
        ] {
            let message = ImageRef::parse(text).unwrap_err().to_string();
            assert!(message.contains(part) && message.len() < 300, "{text:?}: {message}");
            assert!(message.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{message:?}");
        }
    }

    #[test]
    fn digests() {
        assert!(is_digest(&sha256()) && is_digest(&format!("sha512:{}", "f".repeat(128))));
        for text in ["", "sha256:", "sha256:abc", &sha256()[7..], &format!("sha512:{}", "f".repeat(64))] {
            assert!(!is_digest(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_form_is_stable(text in "([a-z.:A-Z_-]{1,6}/)?[a-z0-9._/-]{1,8}(:[a-zA-Z0-9_.-]{1,4})?") {
            if let Ok(image) = ImageRef::parse(&text) {
                prop_assert_eq!(ImageRef::parse(&image.to_string()), Ok(image.clone()));
                prop_assert_eq!(image.repository(), format!("{}/{}", image.registry(), image.path()));
                prop_assert!(RepositoryPattern::new(image.repository()).unwrap().matches(&image));
            }
        }

        #[test]
        fn any_text_is_safe(text in "\\PC{0,40}|[a/*?.:@\\[\\]0-]{0,20}") {
            let _ = ImageRef::parse(&text);
        }
    }
}
