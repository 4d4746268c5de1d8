//! The ledger as it is kept: in pages, so that a change writes a part of it only.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::{Actor, Deed, Object, ObjectKind, Source, Verb};
use super::history::{Candidate, Content, History, Sighting};
use super::{Attempt, Ledger};

/// How many pages there are.
pub const PAGES: u8 = 64;

/// The page that tells when the ledger begins.
pub(super) const FIRST: u8 = 0;

/// The form in which pages are written. A page of another form is not read.
const FORM: u8 = 1;

/// One page of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    form: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// When something was lost of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gap: Option<Timestamp>,
    /// Each once: the rest refers to them by their place.
    actors: Vec<Actor>,
    histories: Vec<KeptHistory>,
    attempts: Vec<(Box<str>, Vec<KeptAttempt>)>,
}

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// It is no page.
    #[error("it is no page of the ledger: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Another version of Cronwarden wrote it.
    #[error("it has the form {0}, of which this version knows nothing")]
    Form(u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeptHistory {
    uid: Box<str>,
    kind: KeptKind,
    namespace: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    witnessed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sighted: Option<KeptSighting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<KeptDeed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<KeptDeed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    generations: Vec<(i64, Vec<KeptCandidate>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptSighting {
    generation: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    became: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum KeptKind {
    CronJob,
    Job,
    ApprovedCronJob,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptDeed {
    at: Timestamp,
    id: Box<str>,
    source: Source,
    verb: Verb,
    actor: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptCandidate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    deed: KeptDeed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptAttempt {
    at: Timestamp,
    verb: Verb,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deed: Option<KeptDeed>,
}

/// The page of a uid, or of the name of a finding. The same in every process: pages outlive them.
pub fn of(key: &str) -> u8 {
    Sha256::digest(key.as_bytes()).first().map_or(FIRST, |byte| byte % PAGES)
}

impl Page {
    /// Reads a page.
    pub fn from_json(text: &[u8]) -> Result<Self, PageError> {
        #[derive(Deserialize)]
        struct Form {
            form: u8,
        }
        let Form { form } = serde_json::from_slice(text)?;
        if form != FORM {
            return Err(PageError::Form(form));
        }
        Ok(serde_json::from_slice(text)?)
    }

    /// Writes a page.
    pub fn to_json(&self) -> Result<Vec<u8>, PageError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Whether nothing is written on it.
    pub fn is_empty(&self) -> bool {
        self.since.is_none() && self.gap.is_none() && self.histories.is_empty() && self.attempts.is_empty()
    }

    /// Drops the older half of the histories, or of the attempts if there are no histories. Returns how many. The page tells from now on
    /// that something was lost of it.
    pub fn halve(&mut self, now: Timestamp) -> usize {
        self.gap = Some(now);
        if self.histories.is_empty() {
            let kept = self.attempts.len() / 2;
            return self.attempts.drain(kept..).count();
        }
        let age = |kept: &KeptHistory| {
            let last =
                kept.generations.iter().flat_map(|(_, candidates)| candidates).map(|candidate| candidate.deed.at);
            last.chain(kept.created.iter().map(|deed| deed.at)).max()
        };
        self.histories.sort_by_cached_key(|kept| std::cmp::Reverse(age(kept)));
        let kept = self.histories.len() / 2;
        let dropped = self.histories.len() - kept;
        self.histories.truncate(kept);
        dropped
    }
}

impl Ledger {
    /// The pages that say something else than what was kept of them, which are taken as kept from now on.
    pub fn take_changed(&mut self) -> Vec<(u8, Page)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|number| (number, self.page(number))).collect()
    }

    /// Notes that a page could not be kept.
    pub fn not_kept(&mut self, number: u8) {
        self.changed.insert(number);
    }

    /// Whether anything has to be kept.
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// One page as it is now.
    pub fn page(&self, number: u8) -> Page {
        let mut actors = Actors::default();
        let mut histories: Vec<KeptHistory> = self
            .histories
            .on_page(number)
            .into_iter()
            .flatten()
            .filter_map(|(uid, history)| keep_history(uid, history, &mut actors))
            .collect();
        histories.sort_unstable_by(|a, b| a.uid.cmp(&b.uid));
        let attempts = self.attempts.iter().filter(|(finding, _)| of(finding) == number);
        let attempts = attempts
            .map(|(finding, attempts)| {
                let kept = attempts.iter().map(|Attempt { at, verb, deed }| KeptAttempt {
                    at: *at,
                    verb: *verb,
                    deed: deed.as_ref().map(|deed| actors.keep(deed)),
                });
                (finding.into(), kept.collect())
            })
            .collect();
        let since = self.since.filter(|_| number == FIRST);
        let gap = self.gaps.get(&number).copied();
        Page { form: FORM, since, gap, actors: actors.list, histories, attempts }
    }

    /// Takes in what was kept on a page. What is known already stays. Whether the objects are still there is told by
    /// [`Ledger::settle`].
    pub fn restore(&mut self, number: u8, page: Page) {
        let Page { form: _, since, gap, actors, histories, attempts } = page;
        self.gaps.extend(gap.map(|gap| (number, gap)));
        let actors: Vec<Arc<Actor>> = actors.iter().map(|actor| self.shared(actor)).collect();
        let deed = |kept: KeptDeed| {
            let KeptDeed { at, id, source, verb, actor } = kept;
            Some(Deed { at, id, source, verb, actor: actors.get(actor)?.clone() })
        };
        self.since = [self.since, since].into_iter().flatten().min();
        for kept in histories {
            let KeptHistory { uid, kind, namespace, name, witnessed, sighted, created, deleted, generations } = kept;
            let kind = match kind {
                KeptKind::CronJob => ObjectKind::CronJob,
                KeptKind::Job => ObjectKind::Job,
                KeptKind::ApprovedCronJob => ObjectKind::Approval,
            };
            let begin = || History::of(Object { kind, namespace, name });
            let Some(history) = self.histories.entry(&uid, begin) else { continue };
            history.witnessed = witnessed.or(history.witnessed);
            if let Some(KeptSighting { generation, became, content, at }) = sighted {
                history.note_sighting(Sighting { generation, became, content }, at);
            }
            if let Some(deed) = created.and_then(deed) {
                history.note_created(deed);
            }
            if let Some(deed) = deleted.and_then(deed) {
                history.note_deleted(deed);
            }
            for (generation, candidates) in generations {
                for KeptCandidate { version, deed: kept, content } in candidates {
                    let Some(deed) = deed(kept) else { continue };
                    history.note_generation(generation, Candidate { resource_version: version, deed, content });
                }
            }
        }
        for (finding, kept) in attempts {
            for KeptAttempt { at, verb, deed: kept } in kept {
                self.attempts.note(&finding, Attempt { at, verb, deed: kept.and_then(deed) });
            }
        }
    }
}

fn keep_history(uid: &str, history: &History, actors: &mut Actors) -> Option<KeptHistory> {
    let History { object, created, deleted, generations, witnessed, sighted } = history;
    let kind = match object.kind {
        ObjectKind::CronJob => KeptKind::CronJob,
        ObjectKind::Job => KeptKind::Job,
        ObjectKind::Approval => KeptKind::ApprovedCronJob,
        ObjectKind::Finding | ObjectKind::FindingStatus => return None,
    };
    Some(KeptHistory {
        uid: uid.into(),
        kind,
        namespace: object.namespace.clone(),
        name: object.name.clone(),
        witnessed: *witnessed,
        sighted: sighted.map(|(Sighting { generation, became, content }, at)| KeptSighting {
            generation,
            became,
            content,
            at,
        }),
        created: created.as_ref().map(|deed| actors.keep(deed)),
        deleted: deleted.as_ref().map(|deed| actors.keep(deed)),
        generations: generations
            .iter()
            .map(|(generation, candidates)| {
                let kept = candidates.iter().map(|Candidate { resource_version, deed, content }| KeptCandidate {
                    version: *resource_version,
                    deed: actors.keep(deed),
                    content: *content,
                });
                (*generation, kept.collect())
            })
            .collect(),
    })
}

/// The actors of a page, each once.
#[derive(Default)]
struct Actors {
    list: Vec<Actor>,
    places: HashMap<Arc<Actor>, usize>,
}

impl Actors {
    fn keep(&mut self, deed: &Deed) -> KeptDeed {
        let list = &mut self.list;
        let actor = *self.places.entry(deed.actor.clone()).or_insert_with(|| {
            list.push(Actor::clone(&deed.actor));
            list.len() - 1
        });
        KeptDeed { at: deed.at, id: deed.id.clone(), source: deed.source, verb: deed.verb, actor }
    }
}
