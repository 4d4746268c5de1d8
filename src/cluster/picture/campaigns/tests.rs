//! The index of campaigns: who belongs to one, what its findings say, and how often they have to be written for that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::index::{Campaigns, Joining};
use crate::workload::{WorkloadKey, WorkloadKind};

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

fn key(namespace: &str, uid: &str) -> WorkloadKey {
    WorkloadKey { namespace: namespace.to_owned(), name: uid.to_owned(), kind: WorkloadKind::CronJob }
}

/// The index together with what the findings say, and how often they were written for that.
#[derive(Default)]
struct Cluster {
    index: Campaigns,
    findings: BTreeMap<WorkloadKey, Option<(i32, i32)>>,
    writes: usize,
}

impl Cluster {
    /// Somebody creates a workload that nothing approves, and it is judged at once.
    fn plant(&mut self, namespace: &str, uid: &str, second: i64) {
        let key = key(namespace, uid);
        self.index.join(Joining { uid, key: &key, template: "t", created: at(second) }, at(second));
        self.index.is_told(&key);
        self.write(key);
        self.settle();
    }

    fn approve(&mut self, namespace: &str, uid: &str, second: i64) {
        self.index.leave(uid, at(second));
        self.findings.remove(&key(namespace, uid));
        self.settle();
    }

    fn delete(&mut self, namespace: &str, uid: &str, second: i64) {
        self.index.gone(uid, at(second));
        self.findings.remove(&key(namespace, uid));
        self.settle();
    }

    /// Time passes, and whatever is due by itself is done at its time.
    fn wait_until(&mut self, second: i64) {
        while let Some(next) = self.index.next_deadline().filter(|next| *next <= at(second)) {
            self.index.pass(next);
            self.settle();
        }
    }

    fn settle(&mut self) {
        for key in self.index.take_concerned() {
            assert!(self.findings.contains_key(&key), "{key} is gone or approved, and judged all the same");
            self.write(key);
        }
    }

    fn write(&mut self, key: WorkloadKey) {
        let said = self.index.of(&key.name).map(|campaign| (campaign.namespaces, campaign.workloads));
        if self.findings.get(&key) != Some(&said) {
            self.writes += 1;
            self.findings.insert(key, said);
        }
    }

    /// What all findings say, which has to be the same.
    fn said(&self) -> Option<(i32, i32)> {
        let mut said = self.findings.values().copied();
        let first = said.next().flatten();
        assert!(said.all(|other| other == first), "{:?}", self.findings);
        first
    }
}

#[test]
fn the_third_namespace_makes_it_a_campaign_of_all() {
    let mut cluster = Cluster::default();
    cluster.plant("a", "1", 0);
    cluster.plant("b", "2", 10);
    cluster.plant("a", "3", 20);
    assert_eq!((cluster.said(), cluster.writes), (None, 3));
    cluster.plant("c", "4", 30);
    assert_eq!((cluster.said(), cluster.writes), (Some((3, 4)), 7), "each is written once more");
    cluster.plant("d", "5", 31);
    assert_eq!((cluster.said(), cluster.writes), (Some((3, 4)), 8), "the others are told later");
    cluster.wait_until(40);
    assert_eq!((cluster.said(), cluster.writes), (Some((4, 5)), 13));
    cluster.wait_until(100_000);
    assert_eq!(cluster.writes, 13, "nothing is told twice");
}

#[test]
fn whoever_deletes_quickly_does_not_make_it_smaller() {
    let mut cluster = Cluster::default();
    for (namespace, uid) in [("a", "1"), ("b", "2")] {
        cluster.plant(namespace, uid, 0);
        cluster.delete(namespace, uid, 1);
    }
    cluster.plant("c", "3", 600);
    assert_eq!(cluster.said(), Some((3, 3)));
    cluster.wait_until(3600);
    assert_eq!(cluster.said(), Some((3, 3)));
    cluster.wait_until(3602);
    assert_eq!(cluster.said(), None, "it is alone by now");
}

#[test]
fn what_is_approved_leaves_and_what_is_left_of_a_campaign_is_none() {
    let mut cluster = Cluster::default();
    for namespace in ["a", "b", "c", "d"] {
        cluster.plant(namespace, namespace, 0);
    }
    cluster.wait_until(60);
    assert_eq!(cluster.said(), Some((4, 4)));
    cluster.approve("a", "a", 61);
    assert_eq!(cluster.said(), Some((4, 4)), "what is recorded does not shrink");
    cluster.approve("b", "b", 62);
    assert_eq!(cluster.said(), None);
}

#[test]
fn another_template_is_another_campaign() {
    let mut index = Campaigns::default();
    for (uid, template) in [("1", "t"), ("2", "t"), ("3", "u")] {
        index.join(Joining { uid, key: &key(uid, uid), template, created: at(0) }, at(0));
    }
    assert_eq!(index.of("1"), None);
    index.join(Joining { uid: "3", key: &key("3", "3"), template: "t", created: at(0) }, at(1));
    let fingerprint = |uid| index.of(uid).map(|campaign| campaign.fingerprint.as_str());
    assert_eq!(["1", "2", "3"].map(fingerprint), [Some("t"); 3], "it has changed into the same");
}

#[test]
fn after_a_restart_nothing_else_is_said() {
    let mut before = Cluster::default();
    for namespace in ["a", "b", "c", "d", "e"] {
        before.plant(namespace, namespace, 0);
    }
    before.wait_until(60);
    before.delete("a", "a", 61);
    before.delete("b", "b", 62);
    before.wait_until(3700);
    assert_eq!(before.said(), Some((5, 5)), "three are left, which is still a campaign");

    let mut after = Cluster::default();
    for uid in ["c", "d", "e"] {
        after.index.add(Joining { uid, key: &key(uid, uid), template: "t", created: at(0) }, None, at(3701));
    }
    after.index.recall(before.index.of("c").unwrap(), at(3701));
    after.index.begin(at(3701));
    assert_eq!(after.index.take_concerned().len(), 0, "all of them are judged anyway");
    for uid in ["c", "d", "e"] {
        assert_eq!(after.index.of(uid), before.index.of(uid));
    }
    after.findings = before.findings;
    after.wait_until(100_000);
    assert_eq!(after.writes, 0);
}

#[test]
fn memory_is_bounded_and_campaigns_go_last() {
    let mut cluster = Cluster::default();
    for namespace in ["a", "b", "c"] {
        cluster.plant(namespace, namespace, 0);
    }
    for number in 0..11_000 {
        let (uid, template) = (format!("other-{number}"), format!("template-{number}"));
        cluster.index.join(Joining { uid: &uid, key: &key("z", &uid), template: &template, created: at(10) }, at(10));
    }
    assert_eq!(cluster.said(), Some((3, 3)));
    assert!(cluster.index.len() <= 11_000, "{}", cluster.index.len());
    assert!(cluster.index.len() >= 10_000, "{}", cluster.index.len());
}

/// How often findings are written if so many namespaces come one after the other, so many milliseconds apart.
fn writes(namespaces: usize, apart: i64) -> usize {
    let mut cluster = Cluster::default();
    for number in 0..namespaces {
        let second = i64::try_from(number).unwrap() * apart / 1000;
        cluster.wait_until(second);
        cluster.plant(&format!("namespace-{number}"), &format!("uid-{number}"), second);
    }
    cluster.wait_until(1_000_000);
    let all = i32::try_from(namespaces).unwrap();
    assert_eq!(cluster.said(), Some((all, all)), "in the end all findings say how large it is");
    cluster.writes
}

#[test]
fn writes_grow_with_the_campaign_and_not_with_its_square() {
    let within_ten_minutes = writes(300, 2000);
    assert!(within_ten_minutes <= 5 * 300, "{within_ten_minutes} writes");
    for (namespaces, apart) in [(300, 0), (300, 10), (300, 100), (300, 500), (300, 10_000), (300, 60_000), (1000, 30)] {
        let writes = writes(namespaces, apart);
        assert!(writes <= 6 * namespaces, "{writes} writes for {namespaces} that come {apart} ms apart");
    }
}

#[derive(Clone, Debug)]
struct Planted {
    namespace: u8,
    second: i64,
}

fn planted() -> impl Strategy<Value = Vec<Planted>> {
    let one = (0..5u8, 0..20_000i64).prop_map(|(namespace, second)| Planted { namespace, second });
    proptest::collection::vec(one, 0..24)
}

/// Who belongs to a campaign if they become known in this order.
fn members(order: &[(usize, Planted)]) -> Vec<usize> {
    let mut index = Campaigns::default();
    let uids: Vec<String> = order.iter().map(|(number, _)| number.to_string()).collect();
    for (uid, (_, planted)) in uids.iter().zip(order) {
        let key = key(&format!("n{}", planted.namespace), uid);
        index.join(Joining { uid, key: &key, template: "t", created: at(planted.second) }, at(30_000));
    }
    let mut members: Vec<usize> =
        order.iter().zip(&uids).filter(|(_, uid)| index.of(uid).is_some()).map(|((number, _), _)| *number).collect();
    members.sort_unstable();
    members
}

proptest! {
    #[test]
    fn who_belongs_to_a_campaign_does_not_depend_on_the_order(
        all in planted().prop_map(|all| all.into_iter().enumerate().collect::<Vec<_>>()),
        seed in any::<u64>(),
    ) {
        let expected = members(&all);
        let mut shuffled = all.clone();
        shuffled.sort_by_key(|(number, _)| (*number as u64 + 1).wrapping_mul(seed | 1));
        prop_assert_eq!(members(&shuffled), expected.clone());

        // By the simplest means: whoever shares an hour with two other namespaces, and all who are within an hour of those.
        let near = |a: &Planted, b: &Planted| (a.second - b.second).abs() <= 3600;
        let mut simple: Vec<bool> = all.iter().map(|(_, one)| all.iter().any(|(_, first)| {
            let window = all.iter().filter(|(_, other)| (first.second..=first.second + 3600).contains(&other.second));
            let namespaces: std::collections::BTreeSet<u8> = window.map(|(_, other)| other.namespace).collect();
            namespaces.len() >= 3 && (first.second..=first.second + 3600).contains(&one.second)
        })).collect();
        for _ in 0..all.len() {
            let before = simple.clone();
            for (number, one) in &all {
                simple[*number] |= all.iter().any(|(other_number, other)| before[*other_number] && near(one, other));
            }
        }
        let simple: Vec<usize> = (0..all.len()).filter(|number| simple[*number]).collect();
        prop_assert_eq!(simple, expected);
    }

    /// Whatever comes, is approved and is deleted: each finding says what the index says.
    #[test]
    fn findings_follow_the_index(steps in proptest::collection::vec((0..4u8, 0..6u8, 0..2000i64), 0..60)) {
        let mut cluster = Cluster::default();
        let (mut second, mut planted) = (0, Vec::<(String, String)>::new());
        for (number, (kind, namespace, pause)) in steps.into_iter().enumerate() {
            second += pause;
            cluster.wait_until(second);
            let namespace = format!("n{namespace}");
            match (kind, planted.pop()) {
                (0, Some((namespace, uid))) => cluster.approve(&namespace, &uid, second),
                (1, Some((namespace, uid))) => cluster.delete(&namespace, &uid, second),
                (_, last) => {
                    planted.extend(last);
                    let uid = format!("u{number}");
                    cluster.plant(&namespace, &uid, second);
                    planted.push((namespace, uid));
                }
            }
            for (key, said) in &cluster.findings {
                let now = cluster.index.of(&key.name).map(|campaign| (campaign.namespaces, campaign.workloads));
                prop_assert_eq!(&now, said, "{}", key);
            }
        }
    }
}
