//! Reading the logs on all processors: most of what is in them is passed over at the speed of memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use indicatif::ProgressBar;
use memchr::{memchr, memchr_iter};

use super::feed::{Block, Failure, Feed};
use super::log::Log;
use crate::cli::input::joined;
use crate::identity::audit;
use crate::lineage::Makers;
use crate::timeline::{Collector, Origin, Record};

/// So many records of each log are read whatever is in them, so that what is no audit log is noticed.
const SAMPLE: u64 = 50;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) collector: Collector,
    /// Why logs could not be read to their ends.
    pub(super) failures: Vec<Failure>,
    /// What was met in each log.
    pub(super) logs: Vec<Met>,
}

/// What was met in one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Met {
    /// How many records there are.
    pub(super) records: u64,
    /// Whether there is any audit event among those that were read.
    pub(super) has_events: bool,
    /// What could not be read: how often, and the first line, by reason.
    pub(super) unreadable: BTreeMap<&'static str, (u64, u64)>,
}

/// Reads the logs on as many threads as there are processors.
pub(super) fn gather(logs: &[Log], makers: &Makers, bar: &ProgressBar) -> Gathered {
    let feed = Mutex::new(Feed::new(logs, bar));
    let collector = Mutex::new(Collector::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<Vec<Met>> = thread::scope(|scope| {
        let work = || work(&feed, &collector, logs.len(), makers);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(joined).collect()
    });
    let mut met = vec![Met::default(); logs.len()];
    for part in parts {
        met.iter_mut().zip(part).for_each(|(all, part)| all.join(part));
    }
    // A thread that panics takes the command with it, so nobody has left a lock poisoned.
    let failures = feed.into_inner().map(|feed| feed.failures).unwrap_or_default();
    Gathered { collector: collector.into_inner().unwrap_or_default(), failures, logs: met }
}

/// Takes one block after the other until there is none left.
fn work(feed: &Mutex<Feed<'_>>, collector: &Mutex<Collector>, logs: usize, makers: &Makers) -> Vec<Met> {
    let mut met = vec![Met::default(); logs];
    let mut block = Block::default();
    let mut found = Vec::new();
    loop {
        let has_block = feed.lock().is_ok_and(|mut feed| feed.next(&mut block));
        if !has_block {
            return met;
        }
        if let Some(met) = met.get_mut(block.source) {
            each_record(&block, |line, text| {
                met.read(text, Origin { source: block.source, line }, makers, &mut found);
            });
        }
        if !found.is_empty()
            && let Ok(mut collector) = collector.lock()
        {
            found.drain(..).for_each(|record| collector.add(record));
        }
    }
}

/// Calls with every record of a block and the line on which it begins.
fn each_record(block: &Block, mut each: impl FnMut(u64, &[u8])) {
    let Block { source: _, text, line, records } = block;
    let mut number = *line;
    let Some(records) = records else {
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let (record, after) = match memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
                None => (rest, [].as_slice()),
            };
            if !record.is_empty() {
                each(number, record);
            }
            number += 1;
            rest = after;
        }
        return;
    };
    let mut counted = 0;
    for record in records {
        number += memchr_iter(b'\n', text.get(counted..record.start).unwrap_or_default()).count() as u64;
        counted = record.start;
        each(number, text.get(record.clone()).unwrap_or_default());
    }
}

impl Met {
    fn read(&mut self, text: &[u8], origin: Origin, makers: &Makers, found: &mut Vec<Record>) {
        self.records += 1;
        let is_sample = self.records <= SAMPLE;
        if !is_sample && !audit::may_matter(text) {
            return;
        }
        let reading = audit::read(text);
        self.has_events |= reading.events > 0;
        for unreadable in &reading.unreadable {
            let (count, line) = self.unreadable.entry(unreadable.reason).or_insert((0, origin.line));
            *count += unreadable.count as u64;
            *line = origin.line.min(*line);
        }
        found.extend(reading.facts.into_iter().filter_map(|fact| Record::of(fact, origin, makers)));
    }

    fn join(&mut self, other: Self) {
        let Self { records, has_events, unreadable } = other;
        self.records += records;
        self.has_events |= has_events;
        for (reason, (count, line)) in unreadable {
            let (all, first) = self.unreadable.entry(reason).or_insert((0, line));
            *all += count;
            *first = line.min(*first);
        }
    }
}
