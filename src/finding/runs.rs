//! Counting the Jobs that a finding speaks of, without writing each of them down.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::event::fit;
use crate::api::finding::Runs;

/// How many of the last Jobs are named.
const LATEST: usize = 5;

/// How long a count may be behind.
const BEHIND: SignedDuration = SignedDuration::from_mins(10);

/// The longest name of a Job that is shown, in bytes.
const LONGEST_NAME: usize = 253;

/// How many Jobs there were, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    jobs: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    latest: VecDeque<Box<str>>,
    /// Until when those were created that were counted before this process began.
    recorded_until: Option<Timestamp>,
}

impl Count {
    /// Counts a Job.
    pub fn note(&mut self, name: &str, created: Timestamp) {
        self.jobs = self.jobs.saturating_add(1);
        self.first = Some(self.first.map_or(created, |first| first.min(created)));
        self.last = Some(self.last.map_or(created, |last| last.max(created)));
        self.latest.push_front(fit(name, LONGEST_NAME).into());
        self.latest.truncate(LATEST);
    }

    /// Whether a Job that was created then is in what was recorded before this process began.
    pub fn has(&self, created: Timestamp) -> bool {
        self.recorded_until.is_some_and(|until| created <= until)
    }

    /// Whether there were more since.
    pub fn is_behind(&self, other: &Self) -> bool {
        self.jobs < other.jobs
    }

    /// When the last one was created.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// The names of the last ones, newest first.
    pub fn latest(&self) -> impl Iterator<Item = &str> {
        self.latest.iter().map(|name| &**name)
    }

    /// From when on a count that was recorded may be written anew, whatever it is.
    pub fn due(&self) -> Option<Timestamp> {
        self.last?.checked_add(BEHIND).ok()
    }

    /// Whether it is worth a write beside what is recorded.
    pub(super) fn is_due(&self, recorded: Option<&Self>, now: Timestamp) -> bool {
        let Some(recorded) = recorded else { return self.jobs > 0 };
        let is_much_more = self.jobs >= recorded.jobs.saturating_mul(2);
        recorded.is_behind(self) && (is_much_more || recorded.due().is_none_or(|due| due <= now))
    }

    /// What a finding says of it.
    pub(super) fn told(&self) -> Runs {
        Runs {
            count: self.jobs,
            first_seen: self.first.map(Time),
            last_seen: self.last.map(Time),
            latest: self.latest.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Runs> for Count {
    fn from(runs: &Runs) -> Self {
        let at = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        Self {
            jobs: runs.count,
            first: at(&runs.first_seen),
            last: at(&runs.last_seen),
            latest: runs.latest.iter().take(LATEST).map(|name| name.as_str().into()).collect(),
            recorded_until: at(&runs.last_seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_minutes_is_written_a_thousand_times_at_most() {
        let mut count = Count::default();
        let mut recorded: Option<Count> = None;
        let mut writes = 0;
        for minute in 0..7 * 24 * 60 {
            let at = Timestamp::from_second(minute * 60).unwrap();
            count.note(&format!("nightly-{minute}"), at);
            if count.is_due(recorded.as_ref(), at) {
                writes += 1;
                recorded = Some(Count::from(&count.told()));
            }
        }
        assert!(writes <= 7 * 24 * 6 + 10, "{writes}");
        let told = count.told();
        assert_eq!((told.count, told.latest.len()), (7 * 24 * 60, LATEST));
        assert_eq!(told.latest[0], "nightly-10079");
    }
}
