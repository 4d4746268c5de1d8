//! What accounts for a Job.
//!
//! Who created it decides, where an event tells. Otherwise its marks have to agree with each other and with the CronJob: whoever forges one
//! of them forges all of them, so what rests on marks alone says so.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::maker::Makers;
use super::marks::{ClaimedTick, Marks, Owner};
use super::run_name;
use super::template::Match;
use crate::identity::path::Mismatch;
use crate::identity::{Deed, Source};
use crate::workload::redact::printable;
use crate::workload::schedule::{Schedule, time_zone};
use crate::workload::{Cron, Workload};

/// How far the clocks of those who create Jobs may differ from that of the API server.
const CLOCKS: SignedDuration = SignedDuration::from_secs(10);

/// How far ahead a tick may be for a name to be taken for that of a run: numbers in names are often dates.
const HORIZON: SignedDuration = SignedDuration::from_hours(366 * 24);

/// How many characters of a name of a user or an object are shown.
const SHOWN: usize = 128;

/// A Job, and what is known around it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The Job.
    pub workload: &'a Workload,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What it says of where it comes from.
    pub marks: &'a Marks,
    /// Who created it, if anything tells.
    pub creator: Option<&'a Deed>,
    /// The CronJob that it names as its owner, by name and uid, if there is or was one.
    pub parent: Option<Parent<'a>>,
    /// The CronJob whose run it is named like, if there is one.
    pub namesake: Option<&'a Cron>,
}

/// The CronJob that a Job names as its owner.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Whether the Job has the template that the CronJob had then.
    pub template: Match,
    /// Its schedule, where that is known to have been the same when the Job was created.
    pub cron: Option<&'a Cron>,
}

/// What accounts for a Job, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// What accounts for it.
    pub origin: Origin,
    /// How it is known.
    pub basis: Basis,
}

/// What accounts for a Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is a run of a CronJob.
    Run {
        /// The CronJob.
        cron_job: String,
        /// The tick, if its name or its annotation tells.
        tick: Option<Timestamp>,
        /// Whether it has the template that the CronJob had then.
        template: Match,
    },
    /// Somebody ran a CronJob by hand.
    Manual {
        /// The CronJob.
        cron_job: String,
        /// Whether it has the template that the CronJob had then.
        template: Match,
        /// Why it is no run of the schedule.
        why: Contradiction,
    },
    /// A controller that is trusted to made it.
    Child {
        /// The object that owns it, if there is one.
        owner: Option<String>,
        /// The name of the controller in the configuration.
        maker: String,
    },
    /// Nothing does.
    Standalone {
        /// The object that it names as its controller.
        owner: Option<String>,
    },
    /// It names an owner that has nothing to do with it.
    Forged {
        /// The owner.
        owner: String,
        /// What gives it away.
        why: Contradiction,
    },
    /// It took the name of a run that was yet to come.
    Squatting {
        /// The CronJob.
        cron_job: String,
        /// When the run was due.
        due: Timestamp,
        /// Who created it, if anything tells.
        by: Option<String>,
    },
}

/// How it is known what accounts for a Job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// An audit event tells who created it.
    Audit,
    /// An admission request tells who wanted to create it.
    Admission,
    /// Only what it says of itself.
    #[default]
    Marks,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audit => "an audit event tells who created it",
            Self::Admission => "an admission request tells who created it",
            Self::Marks => "what it says of itself; no event tells who created it",
        })
    }
}

/// Why a Job is not what it says. The texts are safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Somebody else created it.
    Creator(String),
    /// Somebody else created it than the identities of the trusted controller.
    Maker(String),
    /// There is no such CronJob.
    NoSuchOwner,
    /// It has the mark of a run by hand.
    ByHand,
    /// Its name is not that of a run.
    Name,
    /// Its owner reference is not like those that the controller writes.
    OwnerReference,
    /// It does not tell its tick.
    NoTick,
    /// It tells another tick than its name.
    OtherTick,
    /// The CronJob was not due at that time.
    NotDue,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creator(who) => write!(f, "it was created by {who}"),
            Self::Maker(why) => f.write_str(why),
            Self::NoSuchOwner => f.write_str("there is no CronJob of that name and uid"),
            Self::ByHand => f.write_str("it has the annotation of kubectl create job --from"),
            Self::Name => f.write_str("its name is not that of a run"),
            Self::OwnerReference => f.write_str("its owner reference does not block the deletion of the owner"),
            Self::NoTick => f.write_str("it does not tell its tick"),
            Self::OtherTick => f.write_str("it tells another tick than its name"),
            Self::NotDue => f.write_str("the CronJob was not due at that time"),
        }
    }
}

/// What accounts for a Job.
pub fn trace(case: &Case<'_>, makers: &Makers) -> Traced {
    let basis = match case.creator.map(|deed| deed.source) {
        Some(Source::Audit) => Basis::Audit,
        Some(Source::Admission) => Basis::Admission,
        None => Basis::Marks,
    };
    let is_run = case.creator.map(|deed| makers.is_cron_job_controller(&deed.actor));
    let origin =
        squatting(case, is_run).or_else(|| orphan(case, is_run)).unwrap_or_else(|| match case.marks.cron_job() {
            Some(owner) => of_cron_job(case, owner, is_run),
            None => of_others(case, makers),
        });
    Traced { origin, basis }
}

/// Whether it was created before the tick that is in its name.
fn squatting(case: &Case<'_>, is_run: Option<bool>) -> Option<Origin> {
    let (name, number) = run_name::parts(&case.workload.key.name)?;
    let (due, created) = (run_name::tick(number)?, case.created?);
    let is_parent = case.marks.cron_job().is_some_and(|owner| *owner.name == *name) && case.parent.is_some();
    let cron = case.parent.filter(|_| is_parent).and_then(|parent| parent.cron).or(case.namesake);
    let slack = if is_run == Some(false) { SignedDuration::ZERO } else { CLOCKS };
    let early = due.duration_since(created);
    let is_early = early > slack && early <= HORIZON && is_run != Some(true);
    let is_meant = (is_parent || case.namesake.is_some()) && cron.is_none_or(|cron| is_due(cron, due) != Some(false));
    (is_early && is_meant).then(|| Origin::Squatting { cron_job: name.to_owned(), due, by: case.creator.map(who) })
}

/// A run that lost its CronJob: who created it tells what it was.
fn orphan(case: &Case<'_>, is_run: Option<bool>) -> Option<Origin> {
    let is_orphan = is_run == Some(true) && case.marks.owner.is_none();
    let (cron_job, _) = run_name::parts(&case.workload.key.name).filter(|_| is_orphan)?;
    Some(Origin::Run { cron_job: cron_job.to_owned(), tick: claimed_tick(case), template: Match::Unknown })
}

fn of_cron_job(case: &Case<'_>, owner: &Owner, is_run: Option<bool>) -> Origin {
    let cron_job = owner.name.to_string();
    let template = case.parent.map(|parent| parent.template).unwrap_or_default();
    let why = match (is_run, case.parent) {
        (Some(true), _) => None,
        (_, None) => Some(Contradiction::NoSuchOwner),
        (Some(false), Some(_)) => Some(Contradiction::Creator(case.creator.map(who).unwrap_or_default())),
        (None, Some(parent)) => contradiction(case, owner, parent),
    };
    match why {
        None => Origin::Run { cron_job, tick: claimed_tick(case), template },
        Some(why) if template == Match::Other || why == Contradiction::NoSuchOwner => {
            Origin::Forged { owner: printable(&owner.to_string(), SHOWN), why }
        }
        Some(why) => Origin::Manual { cron_job, template, why },
    }
}

/// What of its marks is not as the CronJob controller writes it.
fn contradiction(case: &Case<'_>, owner: &Owner, parent: Parent<'_>) -> Option<Contradiction> {
    if case.marks.is_manual {
        return Some(Contradiction::ByHand);
    }
    let Some((_, number)) = run_name::parts(&case.workload.key.name).filter(|(name, _)| **name == *owner.name) else {
        return Some(Contradiction::Name);
    };
    if !owner.blocks_deletion {
        return Some(Contradiction::OwnerReference);
    }
    let tick = run_name::tick(number)?;
    match case.marks.tick {
        ClaimedTick::None | ClaimedTick::Unreadable => Some(Contradiction::NoTick),
        ClaimedTick::At(at) if at != tick => Some(Contradiction::OtherTick),
        ClaimedTick::At(_) => {
            parent.cron.filter(|cron| is_due(cron, tick) == Some(false)).map(|_| Contradiction::NotDue)
        }
    }
}

fn of_others(case: &Case<'_>, makers: &Makers) -> Origin {
    let owner = case.marks.owner.as_deref().map(|owner| printable(&owner.to_string(), SHOWN));
    let made = case.creator.map(|creator| makers.made_by(case.marks, case.workload, creator));
    match (made, owner) {
        (Some(Ok(Some(maker))), owner) => Origin::Child { owner, maker: maker.to_owned() },
        (Some(Err((_, mismatch))), Some(owner)) if !mismatch.is_unknown() => {
            Origin::Forged { owner, why: Contradiction::Maker(told(&mismatch)) }
        }
        (_, owner) => Origin::Standalone { owner },
    }
}

/// Who created it. Whoever acts as somebody else is named first: the other one did nothing.
fn who(deed: &Deed) -> String {
    let user = printable(&deed.actor.user.username, SHOWN);
    match &deed.actor.impersonated {
        Some(other) => format!("{user}, who acted as {}", printable(&other.username, SHOWN)),
        None => user,
    }
}

fn told(mismatch: &Mismatch) -> String {
    printable(&mismatch.to_string(), 2 * SHOWN)
}

/// The tick of a run: that of its name, or else that of its annotation.
fn claimed_tick(case: &Case<'_>) -> Option<Timestamp> {
    let of_name = run_name::parts(&case.workload.key.name).and_then(|(_, number)| run_name::tick(number));
    of_name.or(match case.marks.tick {
        ClaimedTick::At(at) => Some(at),
        ClaimedTick::None | ClaimedTick::Unreadable => None,
    })
}

/// Whether a CronJob is due at a time. `None` if that depends on the zone of the controller manager, or on when it ran before.
fn is_due(cron: &Cron, at: Timestamp) -> Option<bool> {
    let schedule = Schedule::parse(&cron.schedule).ok().filter(|schedule| schedule.interval().is_none())?;
    let zone: TimeZone = time_zone(schedule.zone_prefix().or(cron.time_zone.as_deref())?)?;
    let before = at.saturating_sub(SignedDuration::from_secs(1)).ok()?;
    Some(schedule.next_after(before, &zone) == Some(at))
}
