//! Which template ran: that of a Job, and those that a CronJob has had.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::workload::{JobSettings, Workload};

/// How long after a change the controller may still run the template from before: it acts on what its watch has told it. The clocks of the
/// API server and of this process may differ, too.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// How many templates from before are remembered of a CronJob.
const MOST: usize = 8;

/// Identifies what a Job runs: its pod template and its settings. Only ever compared within one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Template([u8; 16]);

impl Template {
    /// The template of a Job, or that of the Jobs of a CronJob. Whether it is suspended does not count: queues start and stop Jobs.
    pub fn of(workload: &Workload) -> Self {
        let job = JobSettings { suspend: false, ..workload.job.clone() };
        let mut digest = Self::default();
        // A pod is made of text, numbers, maps and lists: it always has this form.
        let bytes = postcard::to_allocvec(&(&workload.pod, &job)).unwrap_or_default();
        digest.0.iter_mut().zip(Sha256::digest(&bytes)).for_each(|(to, from)| *to = from);
        digest
    }
}

/// Whether a Job has the template that its CronJob had when it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Match {
    /// It has.
    Same,
    /// It has another.
    Other,
    /// Nobody knows what the CronJob was like then.
    #[default]
    Unknown,
}

/// The templates that a CronJob has had, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Since when the CronJob is what it is now; absent if that is not known.
    since: Option<Timestamp>,
    /// From when on every template that it had is known.
    known_since: Option<Timestamp>,
    now: Template,
    /// Since when it has the template that it has now; absent if that is not known.
    now_since: Option<Timestamp>,
    /// Those before, oldest first.
    before: Vec<Past>,
}

/// A template that a CronJob had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Past {
    template: Template,
    from: Option<Timestamp>,
    until: Timestamp,
}

impl Templates {
    /// A CronJob that has this template, since this time if that is known.
    pub fn new(now: Template, since: Option<Timestamp>) -> Self {
        Self { since, known_since: since, now, now_since: since, before: Vec::new() }
    }

    /// Notes that the CronJob was changed then, and which template it has since. What changed may be its schedule only.
    pub fn replace(&mut self, by: Template, at: Timestamp) {
        self.since = Some(at);
        if by == self.now {
            return;
        }
        self.before.push(Past { template: self.now, from: self.now_since, until: at });
        self.known_since = self.known_since.or(Some(at));
        (self.now, self.now_since) = (by, Some(at));
        if self.before.len() > MOST {
            self.known_since = Some(self.before.remove(0).until);
        }
    }

    /// Compares a Job that was created at some time.
    pub fn compare(&self, job: Template, created: Timestamp) -> Match {
        // One that is new may be in use before its watch has told of it.
        let began = |from: Option<Timestamp>| {
            from.is_none_or(|from| created.saturating_add(LATE).is_ok_and(|created| created >= from))
        };
        let ended = |until: Timestamp| until.saturating_add(LATE).is_ok_and(|until| created > until);
        let was = |past: &Past| past.template == job && began(past.from) && !ended(past.until);
        if job == self.now && began(self.now_since) || self.before.iter().any(was) {
            return Match::Same;
        }
        match self.known_since {
            Some(since) if created >= since => Match::Other,
            _ => Match::Unknown,
        }
    }

    /// Whether it is the template that the CronJob has now.
    pub fn is_now(&self, job: Template) -> bool {
        job == self.now
    }

    /// Whether the CronJob was at that time what it is now.
    pub fn is_current(&self, at: Timestamp) -> bool {
        self.since.is_some_and(|since| at >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const A: Template = Template([1; 16]);
    const B: Template = Template([2; 16]);
    const C: Template = Template([3; 16]);

    #[test]
    fn a_run_is_compared_with_the_template_of_its_time() {
        let mut templates = Templates::new(A, Some(at(1_000)));
        templates.replace(B, at(2_000));
        for (template, created, expected) in [
            (A, 1_500, Match::Same),
            (B, 2_500, Match::Same),
            // The controller had not seen the change yet.
            (A, 2_030, Match::Same),
            (C, 1_500, Match::Other),
            (C, 500, Match::Unknown),
            (A, 2_500, Match::Other),
            (B, 1_500, Match::Other),
            (C, 2_500, Match::Other),
        ] {
            assert_eq!(templates.compare(template, at(created)), expected, "{template:?} at {created}");
        }
    }

    #[test]
    fn what_was_before_the_first_sight_is_unknown() {
        let listed = Templates::new(A, None);
        assert_eq!(listed.compare(B, at(5_000)), Match::Unknown);
        assert_eq!(listed.compare(A, at(5_000)), Match::Same);
        let mut changed = listed;
        changed.replace(B, at(6_000));
        assert_eq!(changed.compare(C, at(5_000)), Match::Unknown);
        assert_eq!(changed.compare(C, at(6_500)), Match::Other);
    }

    /// A run of yesterday is not judged by a schedule of today.
    #[test]
    fn a_change_of_the_schedule_alone_is_a_change() {
        let mut templates = Templates::new(A, Some(at(1_000)));
        assert!(templates.is_current(at(1_500)));
        templates.replace(A, at(2_000));
        assert!(!templates.is_current(at(1_500)) && templates.is_current(at(2_000)));
        assert_eq!(templates.compare(A, at(1_500)), Match::Same);
        assert_eq!(templates.compare(B, at(1_500)), Match::Other);
    }

    #[test]
    fn little_is_remembered() {
        let mut templates = Templates::new(A, Some(at(0)));
        for round in 0..40 {
            templates.replace(if round % 2 == 0 { B } else { A }, at(round * 100));
        }
        assert_eq!(templates.before.len(), MOST);
        assert_eq!(templates.compare(C, at(3_500)), Match::Other);
        assert_eq!(templates.compare(C, at(500)), Match::Unknown);
    }
}
