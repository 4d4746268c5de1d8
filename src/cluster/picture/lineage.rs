//! The judgement of Jobs by what accounts for them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::super::job::{Job, Membership};
use super::identity::object_of;
use super::{Concerned, Picture};
use crate::api::finding::Link;
use crate::assess::{self, Assessment, Identity, Lineage, PodReport, Surroundings};
use crate::finding::{self, Attribution, Subject, Write};
use crate::identity::{Account, Provenance};
use crate::lineage::{Case, Contradiction, Match, Origin, Parent, Traced, of_job, run_name, trace};
use crate::workload::redact::hex;
use crate::workload::{Cron, Workload, WorkloadKey};

/// How much later than another a watch may tell what happened before.
pub(super) const LATE: SignedDuration = SignedDuration::from_secs(10);

/// What came of judging a Job.
pub(super) struct Verdict {
    pub(super) workload: Option<Workload>,
    pub(super) traced: Option<Traced>,
    pub(super) provenance: Provenance,
    pub(super) assessment: Assessment,
    /// When it has to be judged again, because something is still to be told.
    pub(super) again: Option<Timestamp>,
    /// Whether it is too early to say anything.
    pub(super) is_early: bool,
}

/// A CronJob that a Job may belong to.
struct Known {
    template: Match,
    /// Whether it was the same when the Job was created.
    is_current: bool,
    /// Whether it has another template now than the Job.
    is_outdated: bool,
    workload: Option<Workload>,
}

impl Picture {
    /// Judges whatever Job is under a key, and those that are gone.
    pub(super) fn judge_job(&mut self, key: &WorkloadKey, now: Timestamp) -> (Vec<Write>, Vec<Concerned>) {
        if key.name.ends_with('*') {
            return self.judge_group(key, now);
        }
        self.recall(key, now);
        let live = self.jobs.get(key).cloned();
        if live.is_some() && !self.namespaces.contains_key(&key.namespace) {
            return (Vec::new(), Vec::new());
        }
        self.metrics.judged();
        let subject = Concerned::Workload(key.clone());
        let mut writes = self.bring_back(&subject);
        let mut concerned = Vec::new();
        for job in self.departed_jobs.take(key) {
            self.judge_departed_job(key, job, &mut writes, &mut concerned, now);
        }
        if !writes.is_empty() {
            concerned.push(subject.clone());
        }
        if let Some(job) = &live {
            if job.marks.cron_job().is_none() {
                concerned.extend(self.record_config_maps(key, || job.workload(key), now));
            }
            let verdict = self.assess_job(key, job, now);
            concerned.extend(self.selected_now(key, &job.selected_by, &verdict.assessment));
            concerned.extend(self.own.set(key, &verdict.assessment.own_approvals).into_iter().map(Concerned::Approval));
            let noted = self.note_verdict(key, job, &verdict, now);
            if let Some(job) = self.jobs.all.get_mut(key) {
                job.judged = verdict.again.is_none();
                (job.counted, job.accounted) = (noted.counted, noted.accounted);
                job.group.clone_from(&noted.group);
                if job.accounted && verdict.assessment.deviations.is_empty() {
                    job.pods = Vec::new();
                }
            }
            concerned.extend(noted.concerned);
            if noted.group.is_none() && !verdict.is_early {
                writes.extend(self.plan_job(key, job, &verdict, now));
            }
        }
        writes.extend(self.judge_strays(key, now));
        let strays = self.pods.uids(key);
        let uid = live.as_ref().map_or("", |job| &job.uid);
        let is_there = |record: &finding::Record| {
            *record.workload.uid == *uid || strays.iter().any(|stray| *record.workload.uid == **stray)
        };
        writes.extend(self.over(&subject, is_there, now));
        concerned.extend(self.told_of_campaigns());
        (writes, concerned)
    }

    /// A Job that was gone before it could be judged is judged as it was. What is written about it is over as soon as it is recorded.
    fn judge_departed_job(
        &mut self,
        key: &WorkloadKey,
        job: Job,
        writes: &mut Vec<Write>,
        concerned: &mut Vec<Concerned>,
        now: Timestamp,
    ) {
        let name = finding::name(&finding::reference(key, &job.uid));
        if let Some(known) = self.findings.get(&name).filter(|known| known.record.state().is_some()) {
            self.campaigns.gone_as_recorded(&known.record, now);
            return;
        }
        let verdict = self.assess_job(key, &job, now);
        if let Some(workload) = verdict.workload.as_ref().filter(|_| !verdict.is_early) {
            self.judged_in_campaign(workload, job.seen.created, &verdict.assessment, now);
            self.campaigns.gone(&job.uid, now);
        }
        let noted = self.note_verdict(key, &job, &verdict, now);
        if let Some(group) = &noted.group {
            self.groups.leave(group, key);
        }
        concerned.extend(noted.concerned);
        let write = match noted.group {
            None if !verdict.is_early => self.plan_job(key, &job, &verdict, now),
            _ => None,
        };
        if write.is_some() || verdict.again.is_some() {
            let (counted, accounted) = (noted.counted, noted.accounted);
            self.departed_jobs.add(key, Job { accounted, counted, ..job });
        }
        writes.extend(write);
    }

    fn plan_job(&self, key: &WorkloadKey, job: &Job, verdict: &Verdict, now: Timestamp) -> Option<Write> {
        self.plan_by_verdict(Subject::of(&finding::reference(key, &job.uid)), (key, job), verdict, now)
    }

    /// What to write by the verdict on a Job: about itself, or about all that are like it.
    pub(super) fn plan_by_verdict(
        &self,
        about: Subject<'_>,
        (key, job): (&WorkloadKey, &Job),
        verdict: &Verdict,
        now: Timestamp,
    ) -> Option<Write> {
        let lineage = verdict.chain(key, &job.pods);
        let attribution = Attribution { provenance: &verdict.provenance, paths: &self.standards.paths };
        let workload = verdict.workload.as_ref();
        let about = Subject { workload, attribution: Some(attribution), lineage: &lineage, ..about };
        self.plan(about, &verdict.assessment, now)
    }

    /// Judges a Job by what is known now.
    pub(super) fn assess_job(&mut self, key: &WorkloadKey, job: &Job, now: Timestamp) -> Verdict {
        let unpacked = job.workload(key);
        let provenance = self.job_provenance(key, job, now);
        let mut verdict = Verdict {
            workload: None,
            traced: None,
            again: None,
            is_early: false,
            assessment: Assessment::default(),
            provenance,
        };
        let workload = match unpacked {
            Ok(workload) => workload,
            Err(reason) => return Verdict { assessment: assess::unreadable(&reason), ..verdict },
        };
        let parent = self.parent(key, job);
        let namesake = self.namesake(key, job, parent.as_ref());
        let traced = match &parent {
            None if job.accounted => accounted(key, job),
            parent => {
                let case = Case {
                    workload: &workload,
                    created: job.seen.created,
                    marks: &job.marks,
                    creator: verdict.provenance.creator.as_ref(),
                    parent: parent.as_ref().map(|known| Parent {
                        template: known.template,
                        cron: known.workload.as_ref().filter(|_| known.is_current).and_then(|w| w.cron.as_ref()),
                    }),
                    namesake: namesake.as_ref(),
                };
                trace(&case, &self.standards.makers)
            }
        };
        let lineage = Lineage {
            traced: &traced,
            cron_job: parent.as_ref().and_then(|known| known.workload.as_ref()),
            is_outdated: !job.accounted && parent.as_ref().is_some_and(|known| known.is_outdated),
            pods: &job.pods,
        };
        verdict.assessment = self.job_assessment(&workload, lineage, &verdict.provenance, now);
        let late = job.seen.at.saturating_add(LATE).ok().filter(|late| *late > now && hangs_on_watches(&traced));
        let told = match verdict.provenance.account {
            Account::Awaited { until } if verdict.provenance.creator.is_none() => Some(until),
            _ => None,
        };
        let is_claimed = self.standards.makers.claimed_by(&job.marks, Some(&workload)).is_some();
        // Of those that were made before this process began nobody knows who made them, and nobody will.
        let may_be_told = matches!(verdict.provenance.account, Account::Awaited { .. } | Account::BeforeSource);
        let is_untold = verdict.provenance.creator.is_none() && may_be_told;
        verdict.is_early = late.is_some() || is_claimed && is_untold;
        // One that is gone already joins nothing, and is known to be part of it if it was there for long enough to be judged.
        let is_there = self.jobs.get(key).is_some_and(|live| live.uid == job.uid);
        let is_standalone = matches!(traced.origin, Origin::Standalone { .. });
        if is_there
            && is_standalone
            && !verdict.is_early
            && self.judged_in_campaign(&workload, job.seen.created, &verdict.assessment, now)
        {
            verdict.assessment = self.job_assessment(&workload, lineage, &verdict.provenance, now);
        }
        verdict.again = [late, told].into_iter().flatten().min();
        (verdict.workload, verdict.traced) = (Some(workload), Some(traced));
        verdict
    }

    fn job_assessment(
        &self,
        workload: &Workload,
        lineage: Lineage<'_>,
        provenance: &Provenance,
        now: Timestamp,
    ) -> Assessment {
        let labels = self.namespaces.get(&workload.key.namespace);
        let approvers = |name: &str| self.approvers(name, now);
        let identity = Identity { provenance, paths: &self.standards.paths, approvers: &approvers };
        let config_maps = self.config_maps.known();
        let surroundings = Surroundings { config_maps, ..Surroundings::from(labels).with(identity) };
        let surroundings = surroundings.in_campaign(self.campaigns.of(&workload.uid));
        assess::job(workload, lineage, &self.inventory, surroundings, now)
    }

    fn job_provenance(&mut self, key: &WorkloadKey, job: &Job, now: Timestamp) -> Provenance {
        // What is observed is kept: of most Jobs nothing has to be.
        let mut seen = job.seen.clone();
        if self.ledger.is_known(&job.uid) {
            if self.ledger.needs_content(&job.uid, seen.sighting.generation) {
                seen.sighting.content =
                    job.workload(key).ok().map(|workload| crate::identity::ledger::content_of(&workload));
            }
            self.ledger.observe(&job.uid, &object_of(key), &seen);
        }
        let mut provenance = self.ledger.provenance(&job.uid, &seen, self.standards.grace, now);
        if provenance.creator.is_none() {
            let told = self.ledger.told_creation(&object_of(key), seen.created);
            provenance.creator = job.maker.as_deref().cloned().or_else(|| told.cloned());
            if provenance.changer.is_none() && seen.sighting.generation == 1 {
                provenance.changer.clone_from(&provenance.creator);
            }
            if provenance.changer.is_some() {
                provenance.account = Account::Known;
            }
        }
        // Of those who make Jobs all the time nothing is remembered over a restart.
        let is_before = match (seen.created, self.begun) {
            (Some(created), Some(begun)) => created.as_second() <= begun.as_second(),
            _ => true,
        };
        let is_open = matches!(provenance.account, Account::Awaited { .. } | Account::Unaccounted { .. });
        if is_before && is_open && !self.ledger.is_known(&job.uid) {
            provenance.account = Account::BeforeSource;
        }
        let name = finding::name(&finding::reference(key, &job.uid));
        provenance.tampering = self.ledger.attempts().on(&name).to_vec();
        provenance
    }

    /// The CronJob that a Job names as its owner, if there is or was one.
    fn parent(&self, key: &WorkloadKey, job: &Job) -> Option<Known> {
        let owner = job.marks.cron_job()?;
        let parent = key.cron_job(&owner.name);
        let live = self.workloads.get(&parent).map(|(_, entry)| entry).filter(|entry| entry.uid == owner.uid);
        let gone = || self.parents.get(&owner.uid).filter(|gone| gone.key == parent);
        let (templates, object) = match live {
            Some(entry) => (&entry.templates, entry.object.as_ref().ok()),
            None => gone().map(|gone| (&gone.templates, gone.object.as_ref()))?,
        };
        let workload = object.and_then(|packed| packed.unpack().ok());
        let (template, is_current, is_outdated) = match (&job.content, job.seen.created) {
            (Ok(content), Some(created)) if workload.is_some() => {
                let template = content.template;
                (templates.compare(template, created), templates.is_current(created), !templates.is_now(template))
            }
            _ => (Match::Unknown, false, false),
        };
        Some(Known { template, is_current, is_outdated, workload })
    }

    /// The CronJob whose run a Job is named like, if there is one.
    fn namesake(&self, key: &WorkloadKey, job: &Job, parent: Option<&Known>) -> Option<Cron> {
        let (name, _) = run_name::parts(&key.name)?;
        let (_, entry) = self.workloads.get(&key.cron_job(name))?;
        // It is the one that the Job names as its owner, as a rule.
        match parent.filter(|_| job.marks.cron_job().is_some_and(|owner| owner.uid == entry.uid)) {
            Some(known) => known.workload.as_ref()?.cron.clone(),
            None => entry.object.as_ref().ok()?.unpack().ok()?.cron,
        }
    }

    /// Takes in what came of judging a Job: whose run it is, and to which finding about many Jobs it belongs.
    fn note_verdict(&mut self, key: &WorkloadKey, job: &Job, verdict: &Verdict, now: Timestamp) -> Noted {
        let mut noted = Noted { counted: job.counted, accounted: job.accounted, group: None, concerned: Vec::new() };
        if let Some(again) = verdict.again {
            self.deadlines.add(again, Concerned::Workload(key.clone()));
        }
        if verdict.is_early {
            noted.group.clone_from(&job.group);
            return noted;
        }
        let is_found = !verdict.assessment.deviations.is_empty();
        if let (Some(Origin::Run { template, .. }), Some(owner)) =
            (verdict.traced.as_ref().map(|traced| &traced.origin), job.marks.cron_job())
        {
            // Runs of a CronJob that deviates are accounted for only as long as it has their template.
            let deviates = is_found || self.runs.contains_key(&owner.uid);
            noted.accounted |= *template == Match::Same && !deviates;
            if !noted.counted {
                noted.counted = true;
                noted.concerned.extend(self.count_run(key, job, &owner.uid, &owner.name));
            }
        }
        noted.group = if is_found { membership(key, job, verdict) } else { None };
        if let Some(before) = job.group.as_ref().filter(|before| noted.group.as_ref() != Some(*before)) {
            self.groups.forsake(before, key);
            noted.concerned.push(Concerned::Workload(before.key.clone()));
        }
        if let Some(group) = &noted.group {
            let base = || {
                let reference =
                    finding::group_reference(&key.namespace, group.key.name.trim_end_matches('*'), &group.alike);
                let known = self.findings.get(&finding::name(&reference));
                known.and_then(|known| known.record.runs().cloned()).unwrap_or_default()
            };
            self.groups.join(group, key, job, base, now);
            noted.concerned.push(Concerned::Workload(group.key.clone()));
        }
        if is_found
            && let Some(creator) = &verdict.provenance.creator
            && !self.ledger.is_known(&job.uid)
        {
            self.ledger.adopt(&job.uid, &object_of(key), creator);
        }
        noted
    }
}

/// What a verdict on a Job changes beside what is written about it.
struct Noted {
    counted: bool,
    accounted: bool,
    group: Option<Arc<Membership>>,
    concerned: Vec<Concerned>,
}

impl Verdict {
    /// The chain of the Job, down to what ran in the Pod that matters most.
    fn chain(&self, key: &WorkloadKey, pods: &[PodReport]) -> Vec<Link> {
        let mut links = self.traced.as_ref().map(|traced| of_job(key, traced)).unwrap_or_default();
        let pod = pods.iter().find(|pod| !pod.is_clean()).or(pods.last());
        links.extend(pod.into_iter().flat_map(PodReport::chain));
        links
    }
}

/// Whether it could come out otherwise once the watch of CronJobs has told what it knows.
fn hangs_on_watches(traced: &Traced) -> bool {
    match &traced.origin {
        Origin::Run { template, .. } | Origin::Manual { template, .. } => *template == Match::Other,
        Origin::Forged { why, .. } => !matches!(why, Contradiction::Maker(_)),
        Origin::Child { .. } | Origin::Standalone { .. } | Origin::Squatting { .. } => false,
    }
}

/// A Job that was found to be a run when its CronJob was there.
fn accounted(key: &WorkloadKey, job: &Job) -> Traced {
    let cron_job = job.marks.cron_job().map(|owner| owner.name.to_string()).unwrap_or_default();
    let tick = run_name::parts(&key.name).and_then(|(_, number)| run_name::tick(number));
    let origin = Origin::Run { cron_job, tick, template: Match::Same };
    Traced { origin, basis: crate::lineage::Basis::default() }
}

/// The finding about many Jobs that one belongs to that deviates: runs of a CronJob that drift alike, and Jobs of one generator.
pub(super) fn membership(key: &WorkloadKey, job: &Job, verdict: &Verdict) -> Option<Arc<Membership>> {
    let beginning = match &verdict.traced.as_ref()?.origin {
        Origin::Run { cron_job, .. } => format!("{cron_job}-"),
        Origin::Standalone { .. } => job.marks.generated.as_deref()?.to_owned(),
        _ => return None,
    };
    let workload = verdict.workload.as_ref()?;
    let mut hash = Sha256::new();
    for deviation in &verdict.assessment.deviations {
        for part in [deviation.code.as_str(), &deviation.path, &deviation.expected, &deviation.observed] {
            hash.update(part);
            hash.update([0]);
        }
    }
    hash.update(workload.template_hash());
    hash.update(workload.run_settings());
    let key = WorkloadKey { name: format!("{beginning}*"), ..key.clone() };
    Some(Arc::new(Membership { key, alike: hex(&hash.finalize(), 32).into() }))
}
