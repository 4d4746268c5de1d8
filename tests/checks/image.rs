//! Image references and the repositories that approvals name. The input is a reference, a line feed and the pattern of a repository.

use cronwarden::workload::image::{ImageError, ImageRef, RepositoryPattern, is_digest};

use super::{assert_harmless, pattern};

pub fn check(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (reference, repositories) = input.split_once('\n').unwrap_or((&input, &input));
    let image = match ImageRef::parse(reference) {
        Ok(image) => Some(image),
        Err(error) => {
            assert_harmless(&error.to_string());
            None
        }
    };
    if let Some(image) = &image {
        canonical(image);
    }
    match RepositoryPattern::new(repositories) {
        Ok(pattern) => repository(&pattern, image.as_ref()),
        Err(error) => assert_harmless(&error.to_string()),
    }
}

fn canonical(image: &ImageRef) {
    let text = image.to_string();
    assert_eq!(ImageRef::parse(&text).as_ref(), Ok(image), "{text}");
    assert_eq!(image.repository(), format!("{}/{}", image.registry(), image.path()));
    assert!(image.tag().is_some() || image.digest().is_some());
    assert!(image.digest().is_none_or(is_digest));
    assert_eq!(image.is_pinned(), image.digest().is_some());
    assert!(!image.is_pinned() || !image.is_mutable_tag());

    let own = RepositoryPattern::new(image.repository()).expect("a repository is a pattern of itself");
    assert!(own.is_literal() && own.matches(image), "{own} against {image}");
    let path_of_this_depth = format!("{}/{}", image.registry(), vec!["*"; depth(image.path())].join("/"));
    let own = RepositoryPattern::new(&path_of_this_depth).expect("wildcards for a whole path");
    assert!(own.matches(image), "{own} against {image}");
}

fn repository(pattern: &RepositoryPattern, image: Option<&ImageRef>) {
    let text = pattern.to_string();
    assert_eq!(RepositoryPattern::new(&text).as_ref(), Ok(pattern), "{text}");
    assert_eq!(pattern.is_literal(), !text.contains(['*', '?']));
    if pattern.is_literal() {
        match ImageRef::parse(&text) {
            Ok(image) => assert!(pattern.matches(&image) && image.repository() == text, "{image}"),
            // With the tag that is added.
            Err(error) => assert_eq!(error, ImageError::TooLong(text.len() + ":latest".len())),
        }
    }
    if let Some(image) = image {
        let expected = matches(&text, image);
        assert_eq!(pattern.matches(image), expected, "{text} against {image}");
    }
}

/// Label by label and segment by segment, so that nothing can match across a border.
fn matches(pattern: &str, image: &ImageRef) -> bool {
    let (host, path) = pattern.split_once('/').expect("a canonical pattern has a host");
    let same = |wanted: &str, given: &str| pattern::matches(wanted, given, |_| true);
    let each = |wanted: &str, given: &str, border: char| {
        wanted.matches(border).count() == given.matches(border).count()
            && wanted.split(border).zip(given.split(border)).all(|(wanted, given)| same(wanted, given))
    };
    each(host, image.registry(), '.') && each(path, image.path(), '/')
}

fn depth(path: &str) -> usize {
    path.split('/').count()
}
