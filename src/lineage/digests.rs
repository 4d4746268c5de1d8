//! Which contents ran under the name of an image, and whether they are approved.
//!
//! The digest that the status of a Pod tells is that which the runtime resolved the image to. containerd tells the digest that the tag
//! points to, which for an image of several platforms is that of the index (`internal/cri/server/container_status.go` and
//! `images/image_pull.go` of `containerd/containerd`), and so did dockershim. CRI-O can tell that of the manifest of the node's
//! platform: approve both where it runs, or name the image by its digest in the workload.

use crate::inventory::ImageRule;
use crate::workload::image::ImageRef;

/// The most images that are remembered of one workload. More than its containers, so that changes of its version do not matter.
const MOST_IMAGES: usize = 32;
/// The most digests that are remembered of one image.
const MOST_DIGESTS: usize = 8;

/// What ran under each image of a workload so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// The images, the one that ran last at the end.
    images: Vec<Image>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Image {
    /// In canonical form.
    reference: String,
    /// The digests, the one that ran last at the end.
    digests: Vec<String>,
}

/// What a run says of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same content as on an earlier tick, the first one, or one that the name of the image settles.
    None,
    /// Content that was not seen before.
    Another {
        /// The digest that ran last before.
        before: String,
    },
}

/// What approvals say of the content that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestVerdict {
    /// Nothing: no approved image of this repository and tag names digests, or one does not.
    Unsaid,
    /// It is one of those that are approved.
    Approved,
    /// It is none of them.
    Unapproved {
        /// The digests that are approved.
        approved: Vec<String>,
    },
}

impl Digests {
    /// Takes note of what ran under an image, as the spec of a Pod names it. Another digest than before is told once, and known
    /// from then on. An image that is named by its digest has no other content.
    pub fn check(&mut self, image: &str, digest: &str) -> Change {
        let Ok(reference) = ImageRef::parse(image) else { return Change::None };
        if reference.is_pinned() {
            return Change::None;
        }
        let reference = reference.to_string();
        let known = self.images.iter().position(|image| image.reference == reference);
        let mut image =
            known.map_or_else(|| Image { reference, digests: Vec::new() }, |place| self.images.remove(place));
        let before = image.digests.last().cloned();
        let is_known = image.digests.iter().any(|known| known == digest);
        image.digests.retain(|known| known != digest);
        image.digests.push(digest.to_owned());
        forget_oldest(&mut image.digests, MOST_DIGESTS);
        self.images.push(image);
        forget_oldest(&mut self.images, MOST_IMAGES);
        match before {
            Some(before) if !is_known => Change::Another { before },
            _ => Change::None,
        }
    }
}

fn forget_oldest<T>(list: &mut Vec<T>, most: usize) {
    let excess = list.len().saturating_sub(most);
    list.drain(..excess);
}

/// What the images of an approval say of the content that ran. Only those of the image's repository and tag count. One that names
/// no digests approves any.
///
/// Where the workload names the image by a digest that is approved, the runtime has checked it, whatever it calls the content.
pub fn is_approved(rules: &[ImageRule], image: &str, digest: &str) -> DigestVerdict {
    let Ok(image) = ImageRef::parse(image) else { return DigestVerdict::Unsaid };
    let speak: Vec<&ImageRule> =
        rules.iter().filter(|rule| rule.repository.value.matches(&image) && rule.tag_fits(&image)).collect();
    if speak.is_empty() || speak.iter().any(|rule| rule.digests.is_empty()) {
        return DigestVerdict::Unsaid;
    }
    let approved: Vec<String> = speak.iter().flat_map(|rule| rule.digests.iter().cloned()).collect();
    let is_one = |digest: &str| approved.iter().any(|one| one == digest);
    if is_one(digest) || image.digest().is_some_and(is_one) {
        return DigestVerdict::Approved;
    }
    DigestVerdict::Unapproved { approved }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::inventory::Approval;

    fn digest(c: char) -> String {
        format!("sha256:{}", c.to_string().repeat(64))
    }

    fn rules(images: &serde_json::Value) -> Vec<ImageRule> {
        let spec = json!({"match": {}, "owner": {"team": "t"}, "expected": {"images": images}});
        let object = json!({"apiVersion": "cronwarden.dev/v1alpha1", "kind": "ApprovedCronJob",
            "metadata": {"name": "a"}, "spec": spec});
        Approval::compile(&serde_json::from_value(object).unwrap()).rules.unwrap().images
    }

    #[test]
    fn another_digest_is_told_once() {
        let mut digests = Digests::default();
        let another = |c: char| Change::Another { before: digest(c) };
        assert_eq!(digests.check("busybox", &digest('a')), Change::None);
        assert_eq!(digests.check("docker.io/library/busybox:latest", &digest('a')), Change::None);
        assert_eq!(digests.check("busybox", &digest('b')), another('a'));
        assert_eq!(digests.check("busybox", &digest('b')), Change::None);
        assert_eq!(digests.check("busybox", &digest('a')), Change::None);
        assert_eq!(digests.check("busybox", &digest('c')), another('a'));
        assert_eq!(digests.check("busybox:1", &digest('d')), Change::None);
    }

    #[test]
    fn an_image_that_is_named_by_digest_never_changes() {
        let mut digests = Digests::default();
        let image = format!("busybox@{}", digest('a'));
        assert_eq!(digests.check(&image, &digest('a')), Change::None);
        assert_eq!(digests.check(&image, &digest('b')), Change::None);
        assert_eq!(digests, Digests::default());
    }

    #[test]
    fn digests_count_where_an_approval_names_them() {
        let unapproved = |c: char| DigestVerdict::Unapproved { approved: vec![digest(c)] };
        let named = rules(&json!([
            {"repository": "busybox", "tags": ["1.*"], "digests": [digest('a')]},
            {"repository": "busybox", "tags": ["2.*"]},
        ]));
        for (image, ran, expected) in [
            ("busybox:1.36", digest('a'), DigestVerdict::Approved),
            ("busybox:1.36", digest('b'), unapproved('a')),
            ("busybox:2.0", digest('b'), DigestVerdict::Unsaid),
            ("busybox:3.0", digest('b'), DigestVerdict::Unsaid),
            ("alpine:1.0", digest('b'), DigestVerdict::Unsaid),
            ("Not an image", digest('b'), DigestVerdict::Unsaid),
        ] {
            assert_eq!(is_approved(&named, image, &ran), expected, "{image}");
        }
        let pinned = rules(&json!([{"repository": "busybox", "digests": [digest('a')]}]));
        let by_digest = |c: char| format!("busybox@{}", digest(c));
        // The index in the workload, and the manifest of a platform in the status.
        assert_eq!(is_approved(&pinned, &by_digest('a'), &digest('b')), DigestVerdict::Approved);
        assert_eq!(is_approved(&pinned, &by_digest('b'), &digest('b')), unapproved('a'));
    }

    proptest! {
        #[test]
        fn memory_is_bounded(runs in prop::collection::vec((0u8..60, 0u8..20), 0..500)) {
            let mut digests = Digests::default();
            for (image, digest) in runs {
                let _ = digests.check(&format!("r.io/a:{image}"), &format!("sha256:{digest}"));
            }
            prop_assert!(digests.images.len() <= MOST_IMAGES);
            prop_assert!(digests.images.iter().all(|image| image.digests.len() <= MOST_DIGESTS));
        }

        #[test]
        fn any_text_is_safe(image in "\\PC{0,60}", digest in "\\PC{0,80}") {
            let _ = Digests::default().check(&image, &digest);
        }
    }
}
