//! What events tell of workloads before a watch does: who made them, and what those were like that no watch ever saw.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::job::Job;
use super::super::store::Entry;
use super::lineage::LATE;
use super::{Concerned, Picture};
use crate::finding;
use crate::identity::ledger::{Seen, Sighting};
use crate::identity::{Deed, Fact, Source, Verb};
use crate::lineage::{Marks, Template, Templates};
use crate::workload::{Packed, Unreadable, Workload, WorkloadKey, WorkloadKind};

/// How many creations are remembered.
const MOST: usize = 4_000;

/// How long they are.
const MEMORY: SignedDuration = SignedDuration::from_mins(10);

/// Creations of workloads that no watch has seen.
#[derive(Debug, Default)]
pub(super) struct Told {
    by_key: HashMap<WorkloadKey, Vec<Creation>>,
    in_order: VecDeque<(Timestamp, WorkloadKey)>,
}

/// The creation of a workload.
#[derive(Debug)]
struct Creation {
    uid: Box<str>,
    at: Timestamp,
    created: Option<Timestamp>,
    /// Who made it, if that is one who makes Jobs all the time.
    maker: Option<Arc<Deed>>,
    /// What was made; absent if the event does not tell.
    body: Option<Box<str>>,
}

impl Told {
    /// Forgets what is told of a workload that a watch sees now. Gives who made it.
    pub(super) fn seen(&mut self, key: &WorkloadKey, uid: &str) -> Option<Arc<Deed>> {
        let creations = self.by_key.get_mut(key)?;
        let place = creations.iter().position(|creation| *creation.uid == *uid)?;
        let creation = creations.swap_remove(place);
        if creations.is_empty() {
            self.by_key.remove(key);
        }
        creation.maker
    }

    fn add(&mut self, key: &WorkloadKey, creation: Creation, now: Timestamp) {
        self.in_order.push_back((now, key.clone()));
        self.by_key.entry(key.clone()).or_default().push(creation);
        let is_old = |at: Timestamp| now.duration_since(at) > MEMORY;
        while self.in_order.len() > MOST || self.in_order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((at, key)) = self.in_order.pop_front() else { break };
            if let Some(creations) = self.by_key.get_mut(&key) {
                creations.retain(|creation| creation.at > at);
                if creations.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
    }

    /// Those under a key that no watch will see any more.
    fn take(&mut self, key: &WorkloadKey, now: Timestamp) -> Vec<Creation> {
        let is_late = |creation: &mut Creation| creation.at.saturating_add(LATE).is_ok_and(|until| until <= now);
        let Some(creations) = self.by_key.get_mut(key) else { return Vec::new() };
        let taken = creations.extract_if(.., is_late).collect();
        if creations.is_empty() {
            self.by_key.remove(key);
        }
        taken
    }
}

impl Picture {
    /// Whether the ledger has to keep a fact. Jobs come and go by the thousand: of those that are made by who makes Jobs all the time, and
    /// removed when their time has come, nothing has to outlive this process.
    pub(super) fn is_kept(&self, fact: &Fact) -> bool {
        let Some(key) = fact.object.workload().filter(|key| key.kind == WorkloadKind::Job) else { return true };
        let is_known = fact.version.uid.as_deref().is_some_and(|uid| {
            self.ledger.is_known(uid) || self.findings.get(&finding::name(&finding::reference(&key, uid))).is_some()
        });
        let makers = &self.standards.makers;
        let is_routine = match fact.verb {
            // Without a uid it is only remembered for a while.
            Verb::Create => fact.version.uid.is_some() && makers.is_maker(&fact.actor, fact.source),
            Verb::Update | Verb::Patch => makers.is_cleaner(&fact.actor),
            Verb::Delete | Verb::DeleteCollection => true,
        };
        is_known || !is_routine
    }

    /// Takes in that a workload was created, for as long as no watch has seen it.
    pub(super) fn take_creation(&mut self, fact: &Fact, now: Timestamp) -> Vec<Concerned> {
        let Fact { source, actor, verb, object, version, body, .. } = fact;
        let (Some(key), Verb::Create, Some(uid)) = (object.workload(), verb, version.uid.as_deref()) else {
            return Vec::new();
        };
        let is_maker = key.kind == WorkloadKind::Job && self.standards.makers.is_maker(actor, *source);
        let maker = is_maker.then(|| Arc::new(self.ledger.deed(fact)));
        if self.is_seen(&key, uid, maker.as_ref()) {
            return if is_maker { vec![Concerned::Workload(key)] } else { Vec::new() };
        }
        // A request that was only admitted may have been refused by somebody else.
        let body = body.clone().filter(|_| *source == Source::Audit);
        let creation = Creation { uid: uid.into(), at: now, created: version.created, maker, body };
        self.told.add(&key, creation, now);
        if let Ok(late) = now.saturating_add(LATE) {
            self.deadlines.add(late, Concerned::Workload(key));
        }
        Vec::new()
    }

    /// Whether a watch has seen a workload. If it is a Job, who made it is known from now on.
    fn is_seen(&mut self, key: &WorkloadKey, uid: &str, maker: Option<&Arc<Deed>>) -> bool {
        match key.kind {
            WorkloadKind::CronJob => {
                let is_live = self.workloads.get(key).is_some_and(|(_, entry)| *entry.uid == *uid);
                is_live || self.departed.get_mut(key).any(|entry| *entry.uid == *uid) || self.ledger.is_sighted(uid)
            }
            WorkloadKind::Job => {
                let live = self.jobs.all.get_mut(key).into_iter();
                let job = live.chain(self.departed_jobs.get_mut(key)).find(|job| *job.uid == *uid);
                let Some(job) = job else { return self.pods.is_of_gone_job(uid) };
                job.maker = job.maker.take().or_else(|| maker.cloned());
                true
            }
        }
    }

    /// Takes what events told of workloads under a key that no watch has seen for those that are gone.
    pub(super) fn recall(&mut self, key: &WorkloadKey, now: Timestamp) {
        for creation in self.told.take(key, now) {
            let Creation { uid, at, created, maker, body: Some(body) } = creation else { continue };
            let seen = Seen { sighting: Sighting { generation: 1, ..Sighting::default() }, created, at, claim: None };
            let workload = Workload::from_json(key.kind, &body);
            match key.kind {
                WorkloadKind::CronJob => {
                    let object = workload.and_then(|workload| Packed::pack(&workload));
                    let template = object.as_ref().ok().and_then(|packed| packed.unpack().ok());
                    let template = template.map(|workload| Template::of(&workload)).unwrap_or_default();
                    let templates = Templates::new(template, created);
                    let entry = Entry { uid, seen, object, selected_by: Box::default(), judged: false, templates };
                    self.parents.bury(key, &entry, now);
                    self.departed.add(key, entry);
                }
                WorkloadKind::Job => {
                    let marks = self.jobs.shared.marks(Marks::of(&body));
                    let content: Result<_, Unreadable> =
                        workload.and_then(|workload| self.jobs.shared.content(workload));
                    self.departed_jobs.add(key, Job { maker, ..Job::new(uid, seen, marks, content) });
                }
            }
        }
    }
}
