//! The names of the runs of a CronJob, which hold the time of their tick.

use jiff::Timestamp;

/// How many digits a tick has in minutes, from 1989 to 2160.
const MINUTES: usize = 8;
/// How many digits a tick has in seconds, from 2001 to 2286.
const SECONDS: usize = 10;

/// The name of a run taken apart: the CronJob, and the number of its tick.
///
/// Follows `getJobName` of the CronJob controller: minutes since 1970, and in releases before 1.21 seconds.
pub fn parts(name: &str) -> Option<(&str, u64)> {
    let (cron_job, number) = name.rsplit_once('-')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let is_tick = is_number && [MINUTES, SECONDS].contains(&number.len()) && !cron_job.is_empty();
    is_tick.then(|| number.parse().ok())?.map(|number| (cron_job, number))
}

/// When the tick is that a run has in its name.
pub fn tick(number: u64) -> Option<Timestamp> {
    let seconds = if number < 10_u64.pow(9) { number * 60 } else { number };
    Timestamp::from_second(seconds.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_are_taken_apart() {
        assert_eq!(parts("nightly-backup-29012345"), Some(("nightly-backup", 29_012_345)));
        assert_eq!(parts("nightly-1612345680"), Some(("nightly", 1_612_345_680)));
        assert_eq!(tick(29_012_345), tick(29_012_345 * 60));
        for name in ["backup", "backup-2901234", "backup-02901234", "backup-2901234x", "-29012345", "backup-+2901234"] {
            assert_eq!(parts(name), None, "{name}");
        }
    }
}
