//! Which workloads are one campaign: the same template, approved nowhere, in several namespaces within a short time.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// How far apart workloads of a campaign may have been created.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// In how many namespaces a template has to appear within the window: twice the same is a copy, three times is a habit.
pub const FEWEST_NAMESPACES: usize = 3;

/// How many digits of the hash of the template identify its campaign.
const DIGITS: usize = 16;

/// Identifies the campaign of a template by the beginning of its hash, as [`Workload::template_hash`] writes it.
///
/// It names the template alone, and no time and no place: it stays the same whoever joins or leaves, and after a restart.
///
/// [`Workload::template_hash`]: crate::workload::Workload::template_hash
pub fn fingerprint(template_hash: &str) -> Option<&str> {
    template_hash.strip_prefix("sha256:")?.get(..DIGITS)
}

/// Which workloads of one template belong to a campaign. Each is told by its time and namespace, in the order of time; the times are
/// those of the API server.
///
/// Workloads of which each was created within [`WINDOW`] of the next hang together. They are a campaign if some of them were created
/// in [`FEWEST_NAMESPACES`] within one window. It does not matter in which order they became known.
pub fn belonging<'a>(created: impl Iterator<Item = (Timestamp, &'a str)>) -> Vec<bool> {
    let all: Vec<(Timestamp, &str)> = created.collect();
    let mut belonging = Vec::with_capacity(all.len());
    for chain in all.chunk_by(|(earlier, _), (later, _)| later.duration_since(*earlier) <= WINDOW) {
        let is_campaign = is_dense(chain);
        belonging.extend(chain.iter().map(|_| is_campaign));
    }
    belonging
}

/// Whether any window holds enough namespaces.
fn is_dense(chain: &[(Timestamp, &str)]) -> bool {
    let mut within: HashMap<&str, usize> = HashMap::new();
    let mut earliest = chain.iter();
    for (at, namespace) in chain {
        *within.entry(namespace).or_default() += 1;
        // Whoever was created longer ago than a window is left behind.
        while let Some((_, left)) = earliest.clone().next().filter(|(first, _)| at.duration_since(*first) > WINDOW) {
            earliest.next();
            if let Some(count) = within.get_mut(left) {
                *count -= 1;
                if *count == 0 {
                    within.remove(left);
                }
            }
        }
        if within.len() >= FEWEST_NAMESPACES {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Workloads by minute and namespace, and how many of them belong to a campaign.
    fn count(created: &[(i64, &str)]) -> usize {
        let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        let belonging = belonging(created.iter().map(|(minute, namespace)| (at(*minute), *namespace)));
        assert_eq!(belonging.len(), created.len());
        belonging.into_iter().filter(|belongs| *belongs).count()
    }

    #[test]
    fn three_namespaces_within_an_hour_are_a_campaign() {
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(0, "a"), (1, "b")]), 0);
        assert_eq!(count(&[(0, "a"), (1, "b"), (1, "a"), (2, "b"), (3, "a")]), 0, "it is two namespaces all the same");
        assert_eq!(count(&[(0, "a"), (30, "b"), (60, "c")]), 3);
        assert_eq!(count(&[(0, "a"), (30, "b"), (61, "c")]), 0, "no hour holds three");
        assert_eq!(count(&[(0, "a"), (30, "b"), (61, "c"), (90, "d")]), 4, "the last three are within an hour");
    }

    #[test]
    fn whoever_comes_within_an_hour_of_a_member_joins() {
        assert_eq!(count(&[(0, "a"), (1, "b"), (2, "c"), (62, "a"), (122, "d")]), 5);
        assert_eq!(count(&[(0, "a"), (1, "b"), (2, "c"), (63, "a")]), 3, "it comes too late");
        assert_eq!(count(&[(0, "z"), (60, "a"), (119, "b"), (120, "c")]), 4, "whoever came before belongs to it too");
        let waves = [(0, "a"), (1, "b"), (2, "c"), (500, "d"), (1000, "a"), (1001, "e"), (1002, "f")];
        assert_eq!(count(&waves), 6, "a second wave is the same campaign, a lone one between them is none");
    }

    #[test]
    fn a_campaign_is_named_by_its_template() {
        assert_eq!(fingerprint("sha256:0123456789abcdef0123"), Some("0123456789abcdef"));
        assert_eq!(fingerprint("sha256:"), None);
        assert_eq!(fingerprint("unknown"), None);
    }
}
