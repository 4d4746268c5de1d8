//! The ledger: who made the objects that are there what they are, from facts that come late, early, out of order, twice or never.
//!
//! Facts are tied to an object by its uid and to a change by its generation and resource version, never by a name alone. What comes of
//! them does not depend on the order in which they arrive.

mod attempt;
mod histories;
mod history;
mod page;
#[cfg(test)]
mod tests;
mod unbound;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::provenance::{Account, Claim, Provenance};
use super::{Actor, Deed, Fact, Object, ObjectKind, Source, Verb};
use crate::workload::Workload;

pub use attempt::{Attempt, Attempts};
use histories::Histories;
use history::{Candidate, History};
pub use history::{Content, Sighting};
pub use page::{PAGES, Page, PageError};
use unbound::{Creation, Unbound};

/// How long what is known of objects that are not there is remembered: their watch may be late, or they may be gone already.
const STRANGERS: SignedDuration = SignedDuration::from_hours(1);

/// How many objects that are not there are remembered.
const MOST_STRANGERS: usize = 10_000;

/// Who made the objects that are there what they are.
#[derive(Debug, Default)]
pub struct Ledger {
    histories: Histories,
    /// Facts that name an object without its uid.
    unbound: Unbound,
    attempts: Attempts,
    actors: HashSet<Arc<Actor>>,
    /// When the first fact was received.
    since: Option<Timestamp>,
    /// Since when an object is not there, as far as is known: it may not be there yet.
    strangers: HashMap<Box<str>, Timestamp>,
    /// Objects that are gone, and of which what is known is needed all the same.
    retained: HashSet<Box<str>>,
    /// When something was lost of a page.
    gaps: BTreeMap<u8, Timestamp>,
    /// The pages that say something else than what was kept of them last.
    changed: BTreeSet<u8>,
}

/// What a fact was about, where it said something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The object.
    pub object: Object,
    /// Its uid, if the fact told it.
    pub uid: Option<Box<str>>,
}

/// What a watch knows of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it is now.
    pub sighting: Sighting,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When the watch saw that it is what it is now.
    pub at: Timestamp,
    /// What it says of who last changed its spec.
    pub claim: Option<Claim>,
}

impl Ledger {
    /// Whether anything was ever received.
    pub fn has_source(&self) -> bool {
        self.since.is_some()
    }

    /// Notes that a source speaks, and what generation each object has at that time: nobody can say who made those. Says whether it is the
    /// first time.
    pub fn begin<'a>(&mut self, live: impl Iterator<Item = (&'a str, Object, i64)>, now: Timestamp) -> bool {
        if self.since.is_some() {
            return false;
        }
        self.since = Some(now);
        self.changed.insert(page::FIRST);
        for (uid, object, generation) in live {
            if let Some(history) = self.histories.entry(uid, || History::of(object)) {
                history.witnessed = Some(generation);
                self.changed.insert(page::of(uid));
            }
        }
        true
    }

    /// Takes in a fact. `own` is the user name of this operator, whose writes are no news. Returns whom it says something new of.
    pub fn record(&mut self, fact: &Fact, own: &str, now: Timestamp) -> Option<News> {
        let object = fact.object.clone();
        match object.kind {
            ObjectKind::Finding | ObjectKind::FindingStatus => {
                let is_own = fact.actor.impersonated.is_none() && fact.actor.user.username == own;
                // Nothing but triage and metadata can be changed beside the status.
                let is_attempt = object.kind == ObjectKind::FindingStatus
                    || matches!(fact.verb, Verb::Create | Verb::Delete | Verb::DeleteCollection);
                if own.is_empty() || is_own || !is_attempt || object.name.is_empty() {
                    return None;
                }
                let deed = Deed::of(fact, self.shared(&fact.actor));
                let is_news = self.attempts.note(&object.name, Attempt::by(deed));
                is_news.then(|| self.changed.insert(page::of(&object.name)));
                is_news.then_some(News { object, uid: None })
            }
            ObjectKind::CronJob | ObjectKind::Job | ObjectKind::Approval => self.record_change(fact, object, now),
        }
    }

    fn record_change(&mut self, fact: &Fact, object: Object, now: Timestamp) -> Option<News> {
        let deed = Deed::of(fact, self.shared(&fact.actor));
        let Some(uid) = fact.version.uid.as_deref().filter(|uid| !uid.is_empty()) else {
            // Without a uid only a creation can be tied to an object: by its time.
            let is_news = fact.verb == Verb::Create && self.unbound.note(&object, deed);
            return is_news.then_some(News { object, uid: None });
        };
        if self.histories.get(uid).is_none() {
            self.estrange(uid, now);
        }
        let content = content(fact);
        let history = self.histories.entry(uid, || History::of(object.clone()))?;
        if history.object != object {
            // Uids are never given twice: whoever tells this is mistaken, or lies.
            return None;
        }
        let mut is_news = false;
        if fact.verb.deletes() {
            is_news = history.note_deleted(deed);
        } else {
            if fact.verb == Verb::Create {
                is_news = history.note_created(deed.clone());
            }
            if let Some(generation) = fact.version.generation.filter(|_| fact.version.may_change_spec) {
                let resource_version = fact.version.resource_version.filter(|_| fact.source == Source::Audit);
                is_news |= history.note_generation(generation, Candidate { resource_version, deed, content });
            }
        }
        is_news.then(|| self.changed.insert(page::of(uid)));
        is_news.then(|| News { object, uid: Some(uid.into()) })
    }

    /// Notes what a watch sees of an object: what is known of it is kept from now on.
    pub fn observe(&mut self, uid: &str, object: &Object, seen: &Seen) {
        self.strangers.remove(uid);
        // Whoever told of another object with this uid was mistaken, or lied.
        if self.histories.get(uid).is_some_and(|history| history.object != *object) {
            self.histories.remove(uid);
            self.changed.insert(page::of(uid));
        }
        let creation = seen.created.map_or(Creation::Unknown, |created| self.unbound.creation(object, created));
        // Without a source there is nothing to remember.
        if self.since.is_none() && creation == Creation::Unknown {
            return;
        }
        let Some(history) = self.histories.entry(uid, || History::of(object.clone())) else { return };
        let is_bound = match creation {
            Creation::Unknown => false,
            Creation::By(deed) => history.note_created(deed.clone()),
            // What was believed before the second event came was a guess.
            Creation::Ambiguous => history.generations.is_empty() && history.created.take().is_some(),
        };
        if history.note_sighting(seen.sighting, seen.at) || is_bound {
            self.changed.insert(page::of(uid));
        }
    }

    /// Notes which objects are there, once all of them are known. Whatever else was restored is gone.
    pub fn settle<'a>(&mut self, live: impl Iterator<Item = &'a str>, now: Timestamp) {
        let live: HashSet<&str> = live.collect();
        let gone = self.histories.uids().filter(|uid| !live.contains(*uid));
        self.strangers.extend(gone.map(|uid| (uid.into(), now)));
    }

    /// Notes that an object is gone. What is known of it is kept for a while: that somebody deleted it may be told late.
    pub fn gone(&mut self, uid: &str, now: Timestamp) {
        if self.histories.get(uid).is_some() {
            self.estrange(uid, now);
        }
    }

    /// Remembers what is known of an object that is gone for as long as it is needed.
    pub fn retain(&mut self, uid: &str) {
        self.retained.insert(uid.into());
    }

    /// Remembers what is known of an object that is gone as long as of any other.
    pub fn release(&mut self, uid: &str, now: Timestamp) {
        if self.retained.remove(uid) {
            self.gone(uid, now);
        }
    }

    /// The last object of each of these names, as far as is known. The cost grows with all that is known.
    pub fn last_of(&self, names: &HashSet<Object>) -> HashMap<Object, Box<str>> {
        let mut last: HashMap<Object, (Option<Timestamp>, &str)> = HashMap::new();
        for (uid, history) in self.histories.iter().filter(|(_, history)| names.contains(&history.object)) {
            let candidate = (history.told_last(), uid);
            let latest = last.entry(history.object.clone()).or_insert(candidate);
            *latest = candidate.max(*latest);
        }
        last.into_iter().map(|(object, (_, uid))| (object, uid.into())).collect()
    }

    /// What is known of who made an object what a watch saw. A change is waited for as long as `grace`.
    pub fn provenance(&self, uid: &str, seen: &Seen, grace: SignedDuration, now: Timestamp) -> Provenance {
        let history = self.histories.get(uid);
        let (sighting, at) =
            history.map_or((seen.sighting, seen.at), |history| history.remembered(seen.sighting, seen.at));
        let changer = history.and_then(|history| history.changer(sighting)).cloned();
        let account = match self.since {
            _ if changer.is_some() => Account::Known,
            None => Account::NoSource,
            Some(since) => {
                let witnessed = history.and_then(|history| history.witnessed);
                // The time of an object has whole seconds.
                let is_older = seen.created.is_some_and(|created| created.as_second() < since.as_second());
                let is_before = witnessed.map_or(is_older, |witnessed| sighting.generation <= witnessed)
                    || self.is_in_gap(uid, seen.created);
                let until = at.saturating_add(grace).unwrap_or(Timestamp::MAX);
                if is_before {
                    Account::BeforeSource
                } else if now < until {
                    Account::Awaited { until }
                } else {
                    Account::Unaccounted { generation: sighting.generation }
                }
            }
        };
        Provenance {
            creator: history.and_then(|history| history.created.clone()),
            changer,
            deleter: None,
            account,
            claim: seen.claim.clone(),
            tampering: Vec::new(),
        }
    }

    /// Notes that a page could not be read, or not be kept in full: of what was on it nobody can say who made it.
    pub fn note_gap(&mut self, number: u8, now: Timestamp) {
        self.gaps.insert(number, now);
        self.changed.insert(number);
    }

    /// Whether what was known of an object may have been lost.
    fn is_in_gap(&self, uid: &str, created: Option<Timestamp>) -> bool {
        let is_known = self.histories.get(uid).is_some_and(History::is_told);
        let lost = self.gaps.get(&page::of(uid));
        !is_known && lost.is_some_and(|lost| created.is_none_or(|created| created < *lost))
    }

    /// What is known of an object that is gone.
    pub fn farewell(&self, uid: &str) -> Provenance {
        let Some(history) = self.histories.get(uid) else { return Provenance::default() };
        let last = || history.generations.keys().next_back().copied().unwrap_or(1);
        let sighting = history.sighted.map(|(sighting, _)| sighting);
        let sighting = sighting.unwrap_or_else(|| Sighting { generation: last(), became: None, content: None });
        let changer = history.changer(sighting).cloned();
        Provenance {
            creator: history.created.clone(),
            account: if changer.is_some() { Account::Known } else { Account::default() },
            changer,
            deleter: history.deleted.clone(),
            ..Provenance::default()
        }
    }

    /// Whether any request is known that may have made this generation but was only admitted: then the content of the object tells
    /// whether it was carried out.
    pub fn needs_content(&self, uid: &str, generation: i64) -> bool {
        let candidates = self.histories.get(uid).and_then(|history| history.generations.get(&generation));
        candidates.into_iter().flatten().any(|candidate| candidate.resource_version.is_none())
    }

    /// Whether any event told of an object, or a watch did that was asked for it.
    pub fn is_known(&self, uid: &str) -> bool {
        self.histories.get(uid).is_some()
    }

    /// Whether a watch ever saw an object.
    pub fn is_sighted(&self, uid: &str) -> bool {
        self.histories.get(uid).is_some_and(|history| history.sighted.is_some())
    }

    /// What somebody did, as it is remembered. The ledger itself does not keep it.
    pub fn deed(&mut self, fact: &Fact) -> Deed {
        Deed::of(fact, self.shared(&fact.actor))
    }

    /// Who created the object of that name that was made at that time, as an event without its uid tells.
    pub fn told_creation(&self, object: &Object, created: Option<Timestamp>) -> Option<&Deed> {
        match self.unbound.creation(object, created?) {
            Creation::By(deed) => Some(deed),
            Creation::Unknown | Creation::Ambiguous => None,
        }
    }

    /// Notes who created an object of which nothing was recorded yet.
    pub fn adopt(&mut self, uid: &str, object: &Object, creator: &Deed) {
        let Some(history) = self.histories.entry(uid, || History::of(object.clone())) else { return };
        if history.note_created(creator.clone()) {
            self.changed.insert(page::of(uid));
        }
    }

    /// Who tried to remove or change the finding of that name.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Notes an attempt that a watch saw: nobody knows whose it was.
    pub fn note_attempt(&mut self, finding: &str, attempt: Attempt) -> bool {
        let is_news = self.attempts.note(finding, attempt);
        is_news.then(|| self.changed.insert(page::of(finding)));
        is_news
    }

    /// Forgets the attempts on a finding that is not kept any longer.
    pub fn forget_attempts(&mut self, finding: &str) {
        if self.attempts.forget(finding) {
            self.changed.insert(page::of(finding));
        }
    }

    fn shared(&mut self, actor: &Actor) -> Arc<Actor> {
        if let Some(known) = self.actors.get(actor) {
            return known.clone();
        }
        let shared = Arc::new(actor.clone());
        self.actors.insert(shared.clone());
        shared
    }

    fn estrange(&mut self, uid: &str, now: Timestamp) {
        self.strangers.insert(uid.into(), now);
        // A tenth more than may stay, so that this does not happen at every fact.
        if self.strangers.len() > MOST_STRANGERS + MOST_STRANGERS / 10 {
            self.tidy(now);
        }
    }

    /// Forgets objects that have not been there for long, and the actors that nothing refers to any more.
    pub fn tidy(&mut self, now: Timestamp) {
        let forgettable = self.strangers.iter().filter(|(uid, _)| !self.retained.contains(*uid));
        let mut strangers: Vec<(Timestamp, Box<str>)> = forgettable.map(|(uid, since)| (*since, uid.clone())).collect();
        strangers.sort_unstable();
        let surplus = strangers.len().saturating_sub(MOST_STRANGERS);
        for (place, (since, uid)) in strangers.into_iter().enumerate() {
            if place < surplus || now.duration_since(since) > STRANGERS {
                self.strangers.remove(&uid);
                if self.histories.remove(&uid).is_some() {
                    self.changed.insert(page::of(&uid));
                }
            }
        }
        // Such an actor is held by this set alone.
        self.actors.retain(|actor| Arc::strong_count(actor) > 1);
    }
}

/// Identifies what is judged of the object that a fact tells, where it has to be compared with what is there.
fn content(fact: &Fact) -> Option<Content> {
    if fact.source != Source::Admission {
        return None;
    }
    let kind = fact.object.kind.workload()?;
    Workload::from_json(kind, fact.body.as_deref()?).ok().map(|workload| content_of(&workload))
}

/// Identifies what is judged of a workload.
pub fn content_of(workload: &Workload) -> Content {
    let mut hash = Sha256::new();
    hash.update(workload.template_hash());
    hash.update(workload.run_settings());
    let mut content = Content::default();
    content.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    content
}
