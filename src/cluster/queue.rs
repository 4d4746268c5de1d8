//! What is to be looked at again: each subject once, none while it is being written, failures after a pause.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A queue of subjects.
#[derive(Debug)]
pub(super) struct Queue<K> {
    /// Those to be looked at now, in order, each once.
    ready: VecDeque<K>,
    queued: HashSet<K>,
    /// Those that wait for a time.
    delayed: BTreeMap<Instant, Vec<K>>,
    waiting: HashSet<K>,
    /// Those that are being written, and whether they have to be looked at again afterwards.
    busy: HashMap<K, bool>,
    failures: HashMap<K, u32>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            queued: HashSet::new(),
            delayed: BTreeMap::new(),
            waiting: HashSet::new(),
            busy: HashMap::new(),
            failures: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// Adds a subject. If it is being written, it is looked at again afterwards. If it failed lately, its pause goes on, whatever else
    /// becomes known of it.
    pub(super) fn add(&mut self, subject: K) {
        if self.failures.contains_key(&subject) && self.waiting.contains(&subject) {
            return;
        }
        if let Some(again) = self.busy.get_mut(&subject) {
            *again = true;
        } else if self.queued.insert(subject.clone()) {
            self.ready.push_back(subject);
        }
    }

    /// Adds a subject after a pause, during which further additions change nothing.
    pub(super) fn add_after(&mut self, subject: K, pause: Duration, now: Instant) {
        if self.waiting.insert(subject.clone()) {
            self.delayed.entry(now + pause).or_default().push(subject);
        }
    }

    /// The next subject. It stays busy until [`Queue::done`] or [`Queue::failed`].
    pub(super) fn take(&mut self, now: Instant) -> Option<K> {
        while let Some(first) = self.delayed.first_entry()
            && *first.key() <= now
        {
            for subject in first.remove() {
                self.waiting.remove(&subject);
                self.add(subject);
            }
        }
        let subject = self.ready.pop_front()?;
        self.queued.remove(&subject);
        self.busy.insert(subject.clone(), false);
        Some(subject)
    }

    /// When the next subject that waits for a time is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().copied()
    }

    /// Marks a subject as dealt with.
    pub(super) fn done(&mut self, subject: &K) {
        self.failures.remove(subject);
        if self.busy.remove(subject) == Some(true) {
            self.add(subject.clone());
        }
    }

    /// Marks a subject as not dealt with: it is looked at again after a pause that doubles with each failure.
    pub(super) fn failed(&mut self, subject: &K, now: Instant) {
        self.busy.remove(subject);
        let failures = self.failures.entry(subject.clone()).or_default();
        let pause = FIRST_PAUSE.saturating_mul(1 << (*failures).min(16)).min(LONGEST_PAUSE);
        *failures = failures.saturating_add(1);
        self.add_after(subject.clone(), pause, now);
    }

    /// Whether nothing is ready and nothing is being written.
    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.busy.is_empty()
    }

    /// Whether a subject could be taken now.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many subjects are to be looked at, now or later.
    pub(super) fn len(&self) -> usize {
        self.ready.len() + self.waiting.len() + self.busy.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_taken_once_and_again_if_it_changed_meanwhile() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add('a');
        queue.add('a');
        assert_eq!(queue.take(now), Some('a'));
        assert_eq!(queue.take(now), None);
        queue.add('a');
        assert_eq!(queue.take(now), None, "it is being written");
        queue.done(&'a');
        assert_eq!(queue.take(now), Some('a'));
        queue.done(&'a');
        assert!(queue.is_idle());
    }

    #[test]
    fn a_failure_pauses_longer_each_time() {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        queue.add('a');
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert_eq!(queue.take(now), Some('a'));
            queue.failed(&'a', now);
            let due = queue.next_due().unwrap();
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[11], LONGEST_PAUSE);
        queue.take(now);
        queue.done(&'a');
        queue.add('a');
        queue.take(now);
        queue.failed(&'a', now);
        assert_eq!(queue.next_due(), Some(now + FIRST_PAUSE), "success forgets the failures");
    }

    #[test]
    fn news_do_not_end_the_pause_after_a_failure() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add('a');
        queue.take(now);
        queue.failed(&'a', now);
        queue.add('a');
        assert_eq!(queue.take(now), None);
        assert_eq!(queue.take(now + FIRST_PAUSE), Some('a'));
        queue.done(&'a');
        queue.add('a');
        assert_eq!(queue.take(now + FIRST_PAUSE), Some('a'));
    }

    #[test]
    fn additions_during_a_pause_are_one() {
        let now = Instant::now();
        let pause = Duration::from_secs(1);
        let mut queue = Queue::default();
        queue.add_after('a', pause, now);
        queue.add_after('a', pause, now + pause / 2);
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.take(now), None);
        assert_eq!(queue.take(now + pause), Some('a'));
        queue.done(&'a');
        assert_eq!(queue.take(now + pause * 2), None);
    }
}
