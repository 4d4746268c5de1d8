//! `expected.images`: repositories, tags and digests of every image that the pod uses.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::super::notes::{Notes, Texts};
use super::one_of;
use crate::api::code::DeviationCode;
use crate::inventory::{ImageRule, Rules};
use crate::workload::image::ImageRef;
use crate::workload::redact::printable;

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, notes: &mut Notes) {
    if rules.images.is_empty() {
        return;
    }
    for image in &facts.images {
        // An image that cannot be parsed is reported as malformed, whatever the approval says.
        let Ok(reference) = &image.reference else { continue };
        let (holds, code, rules) = compare(reference, &rules.images);
        notes.compare(holds, code, "spec.expected.images", || {
            Texts::new(image.path.as_str(), one_of(&rules), printable(image.text, SHOWN))
        });
    }
}

/// Whether an image fits a rule, and else how it differs from all of them: by repository first, then by tag, then by digest. With
/// the rules that it was compared with last.
fn compare<'a>(image: &ImageRef, rules: &'a [ImageRule]) -> (bool, DeviationCode, Vec<&'a ImageRule>) {
    let of_repository: Vec<&ImageRule> = rules.iter().filter(|rule| rule.repository.value.matches(image)).collect();
    if of_repository.is_empty() {
        return (false, DeviationCode::Image, rules.iter().collect());
    }
    let of_tag: Vec<&ImageRule> = of_repository.iter().copied().filter(|rule| rule.tag_fits(image)).collect();
    if of_tag.is_empty() {
        return (false, DeviationCode::Image, of_repository);
    }
    if of_tag.iter().any(|rule| rule.digest_fits(image)) {
        return (true, DeviationCode::Image, of_tag);
    }
    (false, DeviationCode::ImageDigest, of_tag)
}
