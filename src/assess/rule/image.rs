//! `expected.images`: repositories, tags and digests of every image that the pod uses.

use super::super::SHOWN;
use super::super::facts::Facts;
use super::{deviation, one_of};
use crate::api::code::DeviationCode;
use crate::api::finding::Deviation;
use crate::inventory::{ImageRule, Rules};
use crate::workload::image::ImageRef;
use crate::workload::redact::printable;

pub(super) fn check(facts: &Facts<'_>, rules: &Rules, found: &mut Vec<Deviation>) {
    if rules.images.is_empty() {
        return;
    }
    for image in &facts.images {
        // An image that cannot be parsed is reported as malformed, whatever the approval says.
        let Ok(reference) = &image.reference else { continue };
        if let Some((code, expected)) = differs(reference, &rules.images) {
            found.push(deviation(code, image.path.clone(), expected, printable(image.text, SHOWN)));
        }
    }
}

/// How an image differs from all the rules, if it does: by repository first, then by tag, then by digest.
fn differs(image: &ImageRef, rules: &[ImageRule]) -> Option<(DeviationCode, String)> {
    let of_repository: Vec<&ImageRule> = rules.iter().filter(|rule| rule.repository.value.matches(image)).collect();
    if of_repository.is_empty() {
        return Some((DeviationCode::Image, one_of(rules)));
    }
    let of_tag: Vec<&ImageRule> = of_repository.iter().copied().filter(|rule| rule.tag_fits(image)).collect();
    if of_tag.is_empty() {
        return Some((DeviationCode::Image, one_of(&of_repository)));
    }
    if of_tag.iter().any(|rule| rule.digest_fits(image)) {
        return None;
    }
    Some((DeviationCode::ImageDigest, one_of(&of_tag)))
}
