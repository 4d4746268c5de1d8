//! Names that imitate a system component: `kube-pr0xy`, `corednss`, `kube-proxy-x7f2q`.
//!
//! A name is judged as a tired reader sees it, not by a bare edit distance: names that are openly derived from a
//! component, such as `etcd-backup` or `cert-manager-renew`, are what honest jobs are called, and stay quiet.

/// Components of Kubernetes, of common network and storage plugins and of the large managed offerings, whose names an
/// intruder borrows because nobody wonders at them in a list.
///
/// That a workload bears one of these names *exactly* outside the namespace where it belongs is for the caller to
/// judge.
#[rustfmt::skip]
pub const SYSTEM_COMPONENTS: &[&str] = &[
    // Control plane and node.
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
    "cloud-controller-manager", "etcd", "coredns", "kube-dns", "node-local-dns", "konnectivity-agent",
    "konnectivity-server",
    // Found in nearly every cluster.
    "metrics-server", "kube-state-metrics", "node-problem-detector", "cluster-autoscaler",
    "snapshot-controller", "cert-manager", "ingress-nginx-controller",
    // Network plugins.
    "cilium", "cilium-operator", "calico-node", "calico-typha", "calico-kube-controllers", "tigera-operator",
    "kube-flannel-ds", "kube-router", "kube-vip", "kindnet",
    // Managed offerings.
    "aws-node", "ebs-csi-node", "ebs-csi-controller", "efs-csi-node", "eks-pod-identity-agent",
    "azure-ip-masq-agent", "azure-cns", "csi-azuredisk-node", "csi-azurefile-node", "cloud-node-manager",
    "gke-metadata-server", "gke-metrics-agent", "fluentbit-gke", "ip-masq-agent", "pdcsi-node",
];

/// The longest name that Kubernetes allows for an object, in bytes. Nothing longer is judged.
const MAX_NAME_BYTES: usize = 253;

/// The characters from which Kubernetes draws generated suffixes (`k8s.io/apimachinery/pkg/util/rand`): no vowels, so
/// that no words arise, and nothing that could be misread.
const SUFFIX_ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Words of five characters that happen to lie within [`SUFFIX_ALPHABET`].
const VOWELLESS_WORDS: &[&str] =
    &["https", "http2", "html5", "pgsql", "btrfs", "tmpfs", "grpcs", "24hrs", "48hrs", "72hrs"];

/// The component among `known` that `name` imitates without being equal to any of them; the first in their order.
///
/// It does if, for one of them,
/// - both are equal once separators (`-`, `.`, `_`) are left out and characters that look alike are folded
///   (`0`/`o`, `1`/`i`/`l`, `5`/`s`, `rn`/`m`, `vv`/`w` and the like), or the name begins with such a forgery;
/// - it is a slip of the pen away: one inserted, lost, changed or swapped character in names of six letters and more,
///   two in names of ten and more (separators not counted), the first letter excepted. In shorter names, and in words
///   of up to four letters other than `kube`, only a swap counts: `etdc` is meant to be read as `etcd`, but
///   `cart-manager` is no `cert-manager`;
/// - it continues one of them, or such an imitation, like a generated Pod or `ReplicaSet` name (`kube-proxy-x7f2q`).
///
/// The cost is bounded: names over 253 bytes are not judged, and distances are never computed beyond two.
#[must_use]
pub fn lookalike<'a>(name: &str, known: &'a [&'a str]) -> Option<&'a str> {
    if name.len() > MAX_NAME_BYTES || known.contains(&name) {
        return None;
    }
    let find = |stem: &str| known.iter().copied().find(|component| imitates(stem, component));
    // A Deployment's Pod bears two generated suffixes, its ReplicaSet's and its own.
    let without_one = strip_generated(name);
    let without_two = without_one.and_then(strip_generated);
    find(name).or_else(|| {
        [without_one, without_two]
            .into_iter()
            .flatten()
            .find_map(|stem| known.iter().copied().find(|component| *component == stem).or_else(|| find(stem)))
    })
}

/// Whether `name` looks like `component` without being equal to it.
fn imitates(name: &str, component: &str) -> bool {
    if !begins_alike(name, component) {
        return false;
    }
    if fold(&join(name)) == fold(&join(component)) {
        return name != component;
    }
    begins_with_forgery(name, component) || is_slip(name, component)
}

/// Whether two names begin with letters that look alike. No imitation begins otherwise, and most names end here, before
/// anything is copied.
fn begins_alike(name: &str, component: &str) -> bool {
    let start = |text: &str| {
        let mut letters = text.chars().filter(|c| !is_separator(*c)).map(fold_character);
        let (first, second) = (letters.next(), letters.next());
        let pair = match (first, second) {
            (Some('r'), Some('n')) => Some('m'),
            (Some('v'), Some('v')) => Some('w'),
            (Some('c'), Some('l')) => Some('d'),
            _ => first,
        };
        (first, pair)
    };
    let ((first, pair), (wanted, wanted_pair)) = (start(name), start(component));
    first == wanted || pair == wanted_pair
}

/// Whether the first words of `name` are those of `component` with some characters replaced by look-alikes. Nobody
/// writes `c0redns-backup` by accident, while `core-dns-backup` is a matter of taste.
fn begins_with_forgery(name: &str, component: &str) -> bool {
    let component = join(component);
    let folded_component = fold(&component);
    name.char_indices()
        // A forgery is never twice as long as the original: longer names cost nothing more.
        .take_while(|&(end, _)| end <= component.len().saturating_mul(2))
        .filter(|&(_, c)| is_separator(c))
        .filter_map(|(end, _)| name.get(..end))
        .any(|words| {
            let words = join(words);
            words != component && words.len().abs_diff(component.len()) <= 2 && fold(&words) == folded_component
        })
}

/// Whether `name` differs from `component` as by mistyping. Names with more words than the component have words of
/// their own and are not compared: `coredns-2`, `cert-manager-ca`.
fn is_slip(name: &str, component: &str) -> bool {
    let (joined, wanted) = (fold_characters(&join(name)), fold_characters(&join(component)));
    let budget = if wanted.len() < 10 { 1 } else { 2 };
    let is_long = wanted.len() >= 6;
    if joined.len().abs_diff(wanted.len()) > budget || joined.bytes().next() != wanted.bytes().next() {
        return false;
    }
    let (words, component_words) = (name.split(is_separator).count(), component.split(is_separator).count());
    if words < component_words {
        // A separator is gone: which word was mistyped is no longer known, so the first decides how strictly to look.
        let first = component.split(is_separator).next().unwrap_or_default();
        return slips(&joined, &wanted, is_long && is_distinctive(first)).is_some_and(|slips| slips == 1);
    }
    words == component_words
        && name
            .split(is_separator)
            .zip(component.split(is_separator))
            .try_fold(0, |sum: usize, (word, wanted)| {
                Some(sum.saturating_add(slips(
                    &fold_characters(word),
                    &fold_characters(wanted),
                    is_long && is_distinctive(wanted),
                )?))
            })
            .is_some_and(|sum| sum <= budget)
}

/// Whether a word is unlike others, so that one changed letter does not make another honest word of it, as it makes
/// `cart` of `cert`.
fn is_distinctive(word: &str) -> bool {
    word.len() > 4 || word == "kube"
}

/// How many slips lie between two folded words, if few enough to be overlooked: at most one, or two in words of eight
/// letters and more, and only a swap where the word is not distinctive.
fn slips(word: &str, wanted: &str, distinctive: bool) -> Option<usize> {
    let limit = if wanted.len() >= 8 { 2 } else { 1 };
    (0..=limit)
        .find(|&edits| within(word.as_bytes(), wanted.as_bytes(), edits))
        .filter(|&edits| edits == 0 || distinctive || edits == 1 && is_swap(word, wanted))
}

/// Whether two words at distance one differ by a swap: their letters are the same.
fn is_swap(word: &str, wanted: &str) -> bool {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    sorted(word) == sorted(wanted)
}

/// Whether the restricted Damerau–Levenshtein distance (insert, delete, change or swap neighbours, each place edited
/// once) is at most `edits`. Linear in the length for a fixed number of edits.
fn within(left: &[u8], right: &[u8], edits: usize) -> bool {
    let (left, right) = skip_common_prefix(left, right);
    let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right) else {
        return left.len().max(right.len()) <= edits;
    };
    let Some(edits) = edits.checked_sub(1) else {
        return false;
    };
    let swapped = match (left_rest, right_rest) {
        ([l2, left_rest @ ..], [r2, right_rest @ ..]) if l == r2 && l2 == r => within(left_rest, right_rest, edits),
        _ => false,
    };
    swapped
        || within(left_rest, right_rest, edits)
        || within(left_rest, right, edits)
        || within(left, right_rest, edits)
}

fn skip_common_prefix<'a>(mut left: &'a [u8], mut right: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    while let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right)
        && l == r
    {
        (left, right) = (left_rest, right_rest);
    }
    (left, right)
}

/// The name before a suffix that looks generated, if it has one.
fn strip_generated(name: &str) -> Option<&str> {
    name.rsplit_once('-').filter(|(_, suffix)| is_generated(suffix)).map(|(stem, _)| stem)
}

/// Whether a suffix looks drawn at random and not like a word, a number, a version or a date: as long as Kubernetes
/// makes them (or one less, as forgers do), with letters and digits mixed, or without anything outside of its
/// alphabet.
fn is_generated(suffix: &str) -> bool {
    let bytes = suffix.as_bytes();
    if !bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) || is_version(suffix) {
        return false;
    }
    let mixed = bytes.windows(2).filter(|pair| pair.iter().filter(|b| b.is_ascii_digit()).count() == 1).count() >= 2;
    let drawn =
        suffix.chars().all(|c| SUFFIX_ALPHABET.contains(c)) && suffix.contains(|c: char| c.is_ascii_lowercase());
    match suffix.len() {
        4 | 8..=10 => mixed,
        5 => mixed || drawn && !VOWELLESS_WORDS.contains(&suffix),
        _ => false,
    }
}

/// Whether a suffix is a version as in `v2`, `v1beta1` or `v2rc1`.
fn is_version(suffix: &str) -> bool {
    let Some(rest) = suffix.strip_prefix('v') else {
        return false;
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let stage = ["alpha", "beta", "rc"].into_iter().find_map(|stage| rest.strip_prefix(stage));
    stage.unwrap_or(rest).bytes().all(|b| b.is_ascii_digit())
}

fn is_separator(character: char) -> bool {
    matches!(character, '-' | '.' | '_')
}

fn join(name: &str) -> String {
    name.split(is_separator).collect()
}

/// Brings what looks alike to one form. Pairs come last: `c1` must become `cl` before it can become `d`.
fn fold(text: &str) -> String {
    fold_characters(text).replace("rn", "m").replace("vv", "w").replace("cl", "d")
}

/// Brings single characters that look alike to one form. Distances are taken from this one, where a pair that arises
/// from a swap is not yet another letter.
fn fold_characters(text: &str) -> String {
    text.chars().map(fold_character).collect()
}

fn fold_character(character: char) -> char {
    match character.to_ascii_lowercase() {
        '0' => 'o',
        '1' | 'i' => 'l',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '8' => 'b',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Components, and names that imitate them.
    const HOSTILE: &[(&str, &str)] = &[
        (
            "kube-proxy",
            "kube-pr0xy kubeproxy kube.proxy kube-porxy kube-proxi kude-proxy kuber-proxy kubeporxy \
             kube-proxy-x7f2q kube-proxy-x7f2 kube-proxy-bdfgh kube-porxy-x7f2q kube-pr0xy-cleanup",
        ),
        ("coredns", "c0redns coredsn core-dns corednss coreclns coredns-5d78c9869d coredns-5d78c9869d-x7f2q"),
        ("etcd", "etcd-x7f2q et-cd etdc ectd etdc-x7f2q"),
        ("cilium", "ci1ium cillium"),
        ("kubelet", "ku6elet kube1et"),
        ("kube-apiserver", "kube-api-server kube-apisevrer"),
        ("kube-scheduler", "kube-schedular kube-sheduler"),
        ("kube-controller-manager", "kube-controler-manger"),
        ("metrics-server", "metric-server rnetrics-server metrics-5erver"),
        ("cert-manager", "cret-manager cert-manger"),
        ("cluster-autoscaler", "c1uster-autoscaler cluster-autoscaller"),
        ("aws-node", "avvs-node"),
        ("calico-node", "ca1ico-node calcio-node"),
        ("gke-metadata-server", "gke-metdata-server"),
        ("konnectivity-agent", "konectivity-agent"),
        ("kube-state-metrics", "kube-state-metrlcs"),
    ];

    const BENIGN: &str = "
        backup nightly-backup etcd-backup etcd-defrag etcd-0 etcd-2024q1 etc etcx etcds etdc-backup coredns-autoscaler coredns-2
        coredns-https coredns-v1beta1 core-dns-backup kube-dns-autoscaler kube-proxy-cleanup kube-proxy-clean
        kube-proxy-prod1 kube-proxy-20240 kube-prod kube-bench kube-net kube-ns kube-hunter kubeless
        cert-manager-renew cert-manager-ca cert-manager-1 cert-renewer cart-manager cost-manager card-manager
        port-manager metrics-server-v2 metrics-server-28391234 metrics-sender metrics-export my-kube-proxy
        x-coredns node-exporter code-exporter calico-mode aws-nodes aws-cost-report cluster-cleanup
        cilium-cli-backup snapshot-cleaner velero-x7f2q payments-report-28391234-x7f2q ci-runner
    ";

    #[test]
    fn imitations_name_the_component() {
        for (component, names) in HOSTILE {
            for name in names.split_whitespace() {
                assert_eq!(lookalike(name, SYSTEM_COMPONENTS), Some(*component), "{name}");
            }
        }
    }

    #[test]
    fn honest_names_stay_quiet() {
        for name in BENIGN.split_whitespace().chain(SYSTEM_COMPONENTS.iter().copied()).chain([""]) {
            assert_eq!(lookalike(name, SYSTEM_COMPONENTS), None, "{name}");
        }
    }

    #[test]
    fn longest_names_stay_cheap() {
        let name = "kube-proxy-x7f2q-".repeat(15);
        let known = [name.as_str(); 50];
        let near = format!("{}y", &name[..252]);
        assert_eq!(lookalike(&name[..253], SYSTEM_COMPONENTS), None);
        assert_eq!(lookalike(&near, &known), None);
        assert_eq!(lookalike(&"-".repeat(253), SYSTEM_COMPONENTS), None);
        assert_eq!(lookalike(&"a".repeat(254), SYSTEM_COMPONENTS), None);
    }

    /// The textbook table of the restricted Damerau–Levenshtein distance.
    fn distance(left: &[u8], right: &[u8]) -> usize {
        let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
        for i in 0..=left.len() {
            for j in 0..=right.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let changed = table[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                    let swap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                    let swapped = if swap { table[i - 2][j - 2] + 1 } else { usize::MAX };
                    changed.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(swapped)
                };
            }
        }
        table[left.len()][right.len()]
    }

    proptest! {
        #[test]
        fn bounded_distance_agrees_with_the_table(left in "[abc]{0,8}", right in "[abc]{0,8}", edits in 0..3_usize) {
            let (left, right) = (left.as_bytes(), right.as_bytes());
            prop_assert_eq!(within(left, right, edits), distance(left, right) <= edits);
        }

        #[test]
        fn any_name_is_safe(name in "\\PC{0,60}") {
            let _ = lookalike(&name, SYSTEM_COMPONENTS);
        }
    }
}
