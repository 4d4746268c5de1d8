//! The history of a log does not depend on how the log is cut into files, in what order they come, or how often.

use std::collections::BTreeMap;
use std::path::Path;

use cronwarden::identity::audit;
use cronwarden::identity::path::Paths;
use cronwarden::lineage::Makers;
use cronwarden::report::{Style, replay};
use cronwarden::timeline::{Collector, Known, Origin, Record, Window};
use proptest::prelude::*;

/// Every record of the cases that are written on lines.
fn records() -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut logs: Vec<_> =
        std::fs::read_dir(data).unwrap().map(|case| case.unwrap().path().join("audit.log")).collect();
    logs.sort();
    let texts = logs.iter().filter_map(|log| std::fs::read(log).ok());
    texts.flat_map(|text| text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
}

/// What a log with these records in this order is told as.
fn told<'a>(records: impl Iterator<Item = &'a Vec<u8>>) -> String {
    let makers = Makers::default();
    let mut collector = Collector::default();
    for (line, record) in records.enumerate() {
        for fact in audit::read(record).facts {
            let origin = Origin { source: line % 3, line: line as u64 };
            if let Some(record) = Record::of(fact, origin, &makers) {
                collector.add(record);
            }
        }
    }
    let known =
        Known { inventory: None, namespaces: &BTreeMap::new(), paths: &Paths::default(), makers: &Makers::default() };
    let history = collector.replay(known, &Window::default());
    assert!(!history.entries.is_empty());
    let replayed = replay::Replay { history, ..replay::Replay::default() };
    replay::table(&replayed, &Style::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_change_nothing(order in Just((0..records().len()).collect::<Vec<_>>()).prop_shuffle(), twice in any::<u64>()) {
        let all = records();
        let again = order.iter().filter(|index| twice >> (**index % 64) & 1 == 1);
        let shuffled = order.iter().chain(again).filter_map(|index| all.get(*index));
        prop_assert_eq!(told(shuffled), told(all.iter()));
    }
}
