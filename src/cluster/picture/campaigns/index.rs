//! The index of campaigns: who belongs to which, and when whom has to be told how large it is.
//!
//! A campaign grows with each workload that joins, and each of its findings says how large it is. Were all of them written whenever one
//! joins, the writes would grow with the square of the campaign. So they are told together, always the same: when it becomes a campaign,
//! when it has doubled, and otherwise after a pause that grows with the age of the campaign.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::super::store::Deadlines;
use crate::api::finding::Campaign;
use crate::finding::campaign::belonging;
use crate::workload::WorkloadKey;

/// How long a workload counts that was deleted: whoever deletes quickly does not make the campaign smaller.
pub(super) const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// How many workloads are remembered. Beyond that those go first that belong to no campaign, the oldest before the others.
const MOST: usize = 10_000;

/// How long it takes at least until findings are told how large a campaign has become: what comes together is told together.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// How long it takes at most. The pause is as long as there was a campaign when it was told last.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Workloads that nothing approves, of whatever kind, by their templates.
#[derive(Debug, Default)]
pub(in crate::cluster::picture) struct Campaigns {
    /// By what identifies them, as [`fingerprint`](crate::finding::campaign::fingerprint) does.
    templates: HashMap<Arc<str>, Template>,
    /// Template and time of creation of each workload, by its uid.
    by_uid: HashMap<Arc<str>, (Arc<str>, Timestamp)>,
    deadlines: Deadlines<Arc<str>>,
    /// Those of which something else is to be said than before.
    concerned: BTreeSet<WorkloadKey>,
}

/// A workload that nothing approves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joining<'a> {
    pub(super) uid: &'a str,
    pub(super) key: &'a WorkloadKey,
    /// What identifies its template.
    pub(super) template: &'a str,
    /// When the API server says that it was created: the same before and after a restart.
    pub(super) created: Timestamp,
}

/// All workloads that have the same template.
#[derive(Debug, Default)]
struct Template {
    /// In the order of their creation.
    members: BTreeMap<(Timestamp, Arc<str>), Member>,
    /// What their findings say, as long as there is a campaign.
    told: Option<Told>,
}

#[derive(Debug)]
struct Member {
    key: WorkloadKey,
    /// When it was deleted.
    gone: Option<Timestamp>,
    /// Whether it belongs to the campaign.
    belongs: bool,
}

/// What the findings of a campaign say of it.
#[derive(Debug)]
struct Told {
    campaign: Campaign,
    /// Since when there is a campaign.
    since: Timestamp,
    /// When this was told.
    at: Timestamp,
    /// When it is told again, if it has grown since.
    next: Option<Timestamp>,
}

impl Campaigns {
    /// The campaign that a workload belongs to, as all of its findings tell it.
    pub(in crate::cluster::picture) fn of(&self, uid: &str) -> Option<&Campaign> {
        let (uid, (template, created)) = self.by_uid.get_key_value(uid)?;
        let template = self.templates.get(template)?;
        let member = template.members.get(&(*created, uid.clone()))?;
        template.told.as_ref().filter(|_| member.belongs).map(|told| &told.campaign)
    }

    /// Takes in a workload that nothing approves. One that is known with another template leaves that.
    pub(super) fn join(&mut self, joining: Joining<'_>, now: Timestamp) {
        if let Some(template) = self.add(joining, None, now) {
            self.settle(&template, now);
            self.bound(now);
        }
    }

    /// The same for one of many that were there before, or that is gone already. What comes of it is told by [`Campaigns::begin`].
    pub(super) fn add(&mut self, joining: Joining<'_>, gone: Option<Timestamp>, now: Timestamp) -> Option<Arc<str>> {
        let Joining { uid, key, template, created } = joining;
        match self.by_uid.get(uid) {
            Some((known, _)) if **known == *template => return None,
            Some(_) => self.leave(uid, now),
            None => {}
        }
        let template =
            self.templates.get_key_value(template).map_or_else(|| template.into(), |(known, _)| known.clone());
        let member = Member { key: key.clone(), gone: None, belongs: false };
        let shared: Arc<str> = uid.into();
        self.templates.entry(template.clone()).or_default().members.insert((created, shared.clone()), member);
        self.by_uid.insert(shared, (template.clone(), created));
        if let Some(at) = gone {
            self.gone(uid, at);
        }
        Some(template)
    }

    /// Takes in a workload that is gone as the one that it is recorded to have been, whatever it was taken for before.
    pub(super) fn gone_as(&mut self, joining: Joining<'_>, now: Timestamp) {
        if let Some(template) = self.add(joining, Some(now), now) {
            self.settle(&template, now);
            self.bound(now);
        }
        self.gone(joining.uid, now);
    }

    /// When a workload was created, if it is known.
    pub(super) fn created(&self, uid: &str) -> Option<Timestamp> {
        self.by_uid.get(uid).map(|(_, created)| *created)
    }

    pub(super) fn knows(&self, uid: &str) -> bool {
        self.by_uid.contains_key(uid)
    }

    /// Takes in what a finding says of a campaign, so that it does not say less after a restart.
    pub(super) fn recall(&mut self, campaign: &Campaign, now: Timestamp) {
        let Some(template) = self.templates.get_mut(&*campaign.fingerprint) else { return };
        let told = Told { campaign: campaign.clone(), since: now, at: now, next: None };
        enlarge(&mut template.told.get_or_insert(told).campaign, campaign);
    }

    /// Sees what campaigns there are among all that were added. Whoever belongs to them is judged anyway.
    pub(super) fn begin(&mut self, now: Timestamp) {
        let templates: Vec<Arc<str>> = self.templates.keys().cloned().collect();
        for template in templates {
            self.settle(&template, now);
        }
        self.bound(now);
        self.concerned.clear();
    }

    /// Forgets a workload that something speaks for now.
    pub(in crate::cluster::picture) fn leave(&mut self, uid: &str, now: Timestamp) {
        if let Some(template) = self.remove(uid) {
            self.settle(&template, now);
        }
    }

    /// Notes that a workload was deleted. It counts for a while.
    pub(in crate::cluster::picture) fn gone(&mut self, uid: &str, at: Timestamp) {
        let Some((uid, (template, created))) = self.by_uid.get_key_value(uid) else { return };
        let members = self.templates.get_mut(template).map(|template| &mut template.members);
        if let Some(member) = members.and_then(|members| members.get_mut(&(*created, uid.clone())))
            && member.gone.is_none()
        {
            member.gone = Some(at);
            self.deadlines.add(at.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX), template.clone());
        }
    }

    /// When something happens by itself.
    pub(in crate::cluster::picture) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Does what is due.
    pub(in crate::cluster::picture) fn pass(&mut self, now: Timestamp) {
        for template in self.deadlines.due(now) {
            let members = self.templates.get(&template).into_iter().flat_map(|template| &template.members);
            let forgotten = |gone: Timestamp| gone.saturating_add(REMEMBERED).is_ok_and(|end| end <= now);
            let over: Vec<Arc<str>> = members
                .filter(|(_, member)| member.gone.is_some_and(forgotten))
                .map(|((_, uid), _)| uid.clone())
                .collect();
            for uid in over {
                self.remove(&uid);
            }
            self.settle(&template, now);
        }
    }

    /// Those of whom something else is to be said than when they were judged last.
    pub(super) fn take_concerned(&mut self) -> BTreeSet<WorkloadKey> {
        std::mem::take(&mut self.concerned)
    }

    /// One of them is being judged.
    pub(super) fn is_told(&mut self, key: &WorkloadKey) {
        self.concerned.remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_uid.len()
    }

    fn remove(&mut self, uid: &str) -> Option<Arc<str>> {
        let (uid, (template, created)) = self.by_uid.remove_entry(uid)?;
        let members = self.templates.get_mut(&template).map(|template| &mut template.members)?;
        members.remove(&(created, uid));
        if members.is_empty() {
            self.templates.remove(&template);
        }
        Some(template)
    }

    /// Sees who belongs to the campaign of a template now, and whether its findings have to be told anew.
    fn settle(&mut self, name: &Arc<str>, now: Timestamp) {
        let Some(template) = self.templates.get_mut(name) else { return };
        let created = template.members.iter().map(|((created, _), member)| (*created, member.key.namespace.as_str()));
        let belonging = belonging(created);
        for (member, belongs) in template.members.values_mut().zip(belonging) {
            if member.belongs != belongs {
                member.belongs = belongs;
                self.concerned.extend(member.gone.is_none().then(|| member.key.clone()));
            }
        }
        let Some(campaign) = template.campaign(name) else {
            template.told = None;
            return;
        };
        let Some(told) = &mut template.told else {
            template.told = Some(Told { campaign, since: now, at: now, next: None });
            return;
        };
        if is_within(&campaign, &told.campaign) {
            return;
        }
        if is_double(&campaign, &told.campaign) || told.next.is_some_and(|next| next <= now) {
            enlarge(&mut told.campaign, &campaign);
            (told.at, told.next) = (now, None);
            let live = template.members.values().filter(|member| member.belongs && member.gone.is_none());
            self.concerned.extend(live.map(|member| member.key.clone()));
        } else if told.next.is_none() {
            let next = told.again(now);
            told.next = Some(next);
            self.deadlines.add(next, name.clone());
        }
    }

    /// Forgets some if there are too many: a tenth more than may stay, so that this does not happen each time.
    fn bound(&mut self, now: Timestamp) {
        if self.by_uid.len() <= MOST + MOST / 10 {
            return;
        }
        let members = self.templates.values().flat_map(|template| &template.members);
        let mut all: Vec<(bool, Timestamp, Arc<str>)> =
            members.map(|((created, uid), member)| (member.belongs, *created, uid.clone())).collect();
        all.sort_unstable();
        let surplus = all.len().saturating_sub(MOST);
        let touched: BTreeSet<Arc<str>> =
            all.into_iter().take(surplus).filter_map(|(_, _, uid)| self.remove(&uid)).collect();
        for template in touched {
            self.settle(&template, now);
        }
    }
}

impl Template {
    /// What there is to tell, if there is a campaign.
    fn campaign(&self, name: &Arc<str>) -> Option<Campaign> {
        let members = || self.members.values().filter(|member| member.belongs);
        let namespaces: BTreeSet<&str> = members().map(|member| member.key.namespace.as_str()).collect();
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        (!namespaces.is_empty()).then(|| Campaign {
            fingerprint: name.to_string(),
            namespaces: number(namespaces.len()),
            workloads: number(members().count()),
        })
    }
}

impl Told {
    /// When to tell of what is new now.
    fn again(&self, now: Timestamp) -> Timestamp {
        let pause = self.at.duration_since(self.since).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let [rested, collected] =
            [(self.at, pause), (now, SHORTEST_PAUSE)].map(|(from, pause)| from.saturating_add(pause));
        rested.unwrap_or(Timestamp::MAX).max(collected.unwrap_or(Timestamp::MAX))
    }
}

/// Whether nothing of a campaign is larger than it was.
fn is_within(campaign: &Campaign, before: &Campaign) -> bool {
    campaign.namespaces <= before.namespaces && campaign.workloads <= before.workloads
}

/// Whether something of a campaign is at least twice as large as it was.
fn is_double(campaign: &Campaign, before: &Campaign) -> bool {
    campaign.namespaces / 2 >= before.namespaces || campaign.workloads / 2 >= before.workloads
}

/// Takes over what is larger.
fn enlarge(campaign: &mut Campaign, other: &Campaign) {
    campaign.namespaces = campaign.namespaces.max(other.namespaces);
    campaign.workloads = campaign.workloads.max(other.workloads);
}
