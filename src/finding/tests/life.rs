//! The life of a finding, step by step, as the API server would keep it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::super::{Attribution, Record, Subject, Write, closing, expired, plan, reference};
use super::{UID, cron_job, judged};
use crate::api::ScheduledWorkloadFinding;
use crate::api::finding::{Campaign, ScheduledWorkloadFindingSpec, Triage, WorkloadReference};
use crate::assess::{Assessment, Surroundings, assess, missing};
use crate::identity::path::Paths;
use crate::identity::{Actor, Deed, Provenance, Source, User, Verb};
use crate::inventory::{Approval, Inventory, Labels};
use crate::workload::{Workload, WorkloadKey, WorkloadKind};

/// One finding in a cluster, and the clock.
struct Life {
    now: Timestamp,
    finding: Option<ScheduledWorkloadFinding>,
}

impl Life {
    fn new() -> Self {
        Self { now: "2026-06-01T00:00:00Z".parse().unwrap(), finding: None }
    }

    fn wait(&mut self, hours: i64) -> &mut Self {
        self.now += SignedDuration::from_hours(hours);
        self
    }

    fn record(&self) -> Option<Record> {
        self.finding.as_ref().map(Record::of)
    }

    /// Judges the workload with this schedule, of which `0 2 * * *` is approved.
    fn judge(&mut self, schedule: &str) -> String {
        let workload = cron_job(schedule, &json!({"containers": [{"name": "a", "image": "app:1"}]}));
        let approval = json!({"match": {"names": ["nightly-backup"]}, "expected": {"schedules": ["0 2 * * *"]}});
        let assessment = judged(&workload, &[approval], self.now);
        self.settle(&reference(&workload.key, UID), Some(&workload), &assessment)
    }

    /// Judges the same workload against an approval that it satisfies, but for a deployment path that nobody can tell.
    fn judge_without_evidence(&mut self) -> String {
        let workload = cron_job("0 2 * * *", &json!({"containers": [{"name": "a", "image": "app:1"}]}));
        let approval = json!({"match": {"names": ["nightly-backup"]}, "expected": {"deploymentPaths": ["argocd"]}});
        let assessment = judged(&workload, &[approval], self.now);
        self.settle(&reference(&workload.key, UID), Some(&workload), &assessment)
    }

    /// Plans and writes, and makes sure that there is nothing left to write: not now, and not any later by itself.
    fn settle(
        &mut self,
        reference: &WorkloadReference,
        workload: Option<&Workload>,
        assessment: &Assessment,
    ) -> String {
        let subject = Subject { workload, ..Subject::of(reference) };
        let write = plan(subject, assessment, self.record().as_ref(), self.now);
        let told = self.carry_out(write);
        assert_eq!(plan(subject, assessment, self.record().as_ref(), self.now), None, "written twice");
        told
    }

    /// Writes, and says what was written and told.
    fn carry_out(&mut self, write: Option<Write>) -> String {
        let Some(write) = write else { return "nothing".to_owned() };
        let told = match write {
            Write::Apply { name, workload, status, create, notice } => {
                assert_eq!(create, self.finding.is_none());
                let spec = ScheduledWorkloadFindingSpec { workload, ..ScheduledWorkloadFindingSpec::default() };
                let finding = self.finding.get_or_insert_with(|| ScheduledWorkloadFinding::new(&name, spec));
                finding.status = Some(*status);
                notice.map_or_else(|| "told nobody".to_owned(), |notice| notice.reason.as_str().to_owned())
            }
            Write::Close { name, closing, notice } => {
                let finding = self.finding.as_mut().unwrap();
                assert_eq!(finding.metadata.name.as_ref(), Some(&name));
                closing.apply(finding.status.get_or_insert_default());
                notice.reason.as_str().to_owned()
            }
            Write::Attribute { name, verdict } => {
                let finding = self.finding.as_mut().unwrap();
                assert_eq!(finding.metadata.name.as_ref(), Some(&name));
                verdict.apply(finding);
                return "attributed".to_owned();
            }
            Write::Delete { .. } => {
                self.finding = None;
                return "dropped".to_owned();
            }
        };
        // As it comes back from the API server.
        let text = serde_json::to_string(&self.finding).unwrap();
        self.finding = serde_json::from_str(&text).unwrap();
        let status = self.finding.as_ref().unwrap().status.as_ref().unwrap();
        format!("{}, {told}", status.state.as_str())
    }

    fn acknowledge(&mut self, fingerprint: Option<&str>, until: Option<Timestamp>) -> &mut Self {
        let finding = self.finding.as_mut().unwrap();
        let current = finding.status.as_ref().unwrap().fingerprint.clone();
        finding.spec.triage = Some(Triage {
            fingerprint: fingerprint.map_or(current, str::to_owned),
            until: until.map(Time),
            ..Triage::default()
        });
        self
    }

    fn disappear(&mut self) -> String {
        let write = closing(&self.record().unwrap(), self.now);
        self.carry_out(write)
    }

    fn retire(&mut self) -> String {
        let write = expired(&self.record().unwrap(), SignedDuration::from_hours(90 * 24), self.now);
        self.carry_out(write)
    }

    /// First seen, last seen and closed, in hours since the beginning.
    fn times(&self) -> [Option<i64>; 3] {
        let status = self.finding.as_ref().unwrap().status.as_ref().unwrap();
        [&status.first_seen, &status.last_seen, &status.closed_at]
            .map(|time| time.as_ref().map(|time| time.0.duration_since(Life::new().now).as_hours()))
    }
}

#[test]
fn from_the_first_sight_to_the_end() {
    let mut life = Life::new();
    assert_eq!(life.judge("0 2 * * *"), "nothing", "what is clean and was never deviating is not recorded");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "Open, FindingOpened");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "nothing");
    assert_eq!(life.times(), [Some(1), Some(1), None], "seeing the same again moves no time");
    assert_eq!(life.wait(1).judge("0 4 * * *"), "Open, FindingChanged");
    assert_eq!(life.times(), [Some(1), Some(3), None]);
    assert_eq!(life.wait(1).acknowledge(None, None).judge("0 4 * * *"), "Acknowledged, told nobody");
    assert_eq!(life.times(), [Some(1), Some(3), None], "an acknowledgement is no evidence");
    assert_eq!(life.wait(1).judge("0 4 * * *"), "nothing");
    assert_eq!(life.wait(1).judge("0 5 * * *"), "Open, FindingReopened");
    assert_eq!(life.wait(1).judge("0 2 * * *"), "Resolved, FindingResolved");
    assert_eq!(life.times(), [Some(1), Some(6), Some(7)]);
    assert_eq!(life.wait(1).judge("0 2 * * *"), "nothing");
    assert_eq!(life.disappear(), "nothing", "what is over stays as it ended");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "Open, FindingReopened");
    assert_eq!(life.times(), [Some(1), Some(9), None], "it was first seen long ago");
    assert_eq!(life.retire(), "nothing", "an open finding is never dropped");
    assert_eq!(life.wait(1).disappear(), "Deleted, WorkloadDeleted");
    assert_eq!(life.times(), [Some(1), Some(9), Some(10)]);
    assert_eq!(life.wait(90 * 24 - 1).retire(), "nothing");
    assert_eq!(life.wait(1).retire(), "dropped");
}

#[test]
fn an_acknowledgement_holds_for_what_was_reviewed_and_no_longer() {
    let mut life = Life::new();
    life.judge("0 3 * * *");
    assert_eq!(life.acknowledge(Some("another"), None).judge("0 3 * * *"), "nothing");
    let end = life.now + SignedDuration::from_hours(2);
    assert_eq!(life.acknowledge(None, Some(end)).judge("0 3 * * *"), "Acknowledged, told nobody");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "nothing");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "Open, FindingReopened", "the time given ends at that moment");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "nothing");

    let mut life = Life::new();
    life.judge("0 3 * * *");
    life.acknowledge(None, None).judge("0 3 * * *");
    life.finding.as_mut().unwrap().spec.triage = None;
    assert_eq!(life.judge("0 3 * * *"), "Open, FindingReopened", "people can take it back");
    life.acknowledge(None, None).judge("0 3 * * *");
    assert_eq!(life.disappear(), "Deleted, WorkloadDeleted", "even of an acknowledged one the end is recorded");
}

#[test]
fn a_finding_that_was_never_completed_is_completed_or_closed() {
    let mut life = Life::new();
    life.judge("0 3 * * *");
    life.finding.as_mut().unwrap().status = None;
    assert_eq!(life.judge("0 3 * * *"), "Open, FindingOpened");
    life.finding.as_mut().unwrap().status = None;
    assert_eq!(life.judge("0 2 * * *"), "Resolved, FindingResolved");
}

#[test]
fn a_missing_workload_is_resolved_when_it_is_there_or_not_required() {
    let key = WorkloadKey { namespace: "payments".to_owned(), name: "backup".to_owned(), kind: WorkloadKind::CronJob };
    let spec = json!({
        "match": {"namespaces": ["payments"], "names": ["backup"]},
        "expected": {"required": true}
    });
    let approval = Approval::compile(&crate::api::ApprovedCronJob::new("a", serde_json::from_value(spec).unwrap()));
    let approval = std::sync::Arc::new(approval);
    let absent = reference(&key, "");
    let mut life = Life::new();
    assert_eq!(life.settle(&absent, None, &missing(&key, &[])), "nothing");
    assert_eq!(life.settle(&absent, None, &missing(&key, &[&approval])), "Open, FindingOpened");
    let status = life.finding.as_ref().unwrap().status.as_ref().unwrap();
    assert!(status.next_steps.iter().any(|step| step.contains("Bring it back")), "{:?}", status.next_steps);
    assert_eq!(life.disappear(), "Resolved, FindingResolved", "it was never there, so it cannot be deleted");
}

/// What is known of who deleted it comes late, and may be forgotten before the workload is back.
#[test]
fn who_deleted_what_is_missing_is_added_and_stays() {
    let key = WorkloadKey { namespace: "payments".to_owned(), name: "backup".to_owned(), kind: WorkloadKind::CronJob };
    let spec = json!({"match": {"namespaces": ["payments"], "names": ["backup"]}, "expected": {"required": true}});
    let approval = Approval::compile(&crate::api::ApprovedCronJob::new("a", serde_json::from_value(spec).unwrap()));
    let approval = std::sync::Arc::new(approval);
    let absent = reference(&key, "");
    let (mut life, paths) = (Life::new(), Paths::default());
    let judge = |life: &mut Life, deleter: Option<&str>, record: Option<&Record>| {
        let user = User { username: deleter.unwrap_or_default().to_owned(), groups: Vec::new() };
        let actor = std::sync::Arc::new(Actor { user, ..Actor::default() });
        let deed = Deed { at: life.now, id: "id".into(), source: Source::Audit, verb: Verb::Delete, actor };
        let provenance = Provenance { deleter: deleter.map(|_| deed), ..Provenance::default() };
        let attribution = Some(Attribution { provenance: &provenance, paths: &paths });
        let subject = Subject { attribution, ..Subject::of(&absent) };
        let write = plan(subject, &missing(&key, &[&approval]), record.or(life.record().as_ref()), life.now);
        life.carry_out(write)
    };
    let deleter = |life: &Life| {
        let status = life.finding.clone().unwrap().status.unwrap();
        let is_step = status.next_steps.iter().any(|step| step.contains("status.deleter"));
        assert_eq!(is_step, status.deleter.is_some());
        status.deleter.map(|deleter| deleter.shown).unwrap_or_default()
    };
    assert_eq!(judge(&mut life, None, None), "Open, FindingOpened");
    assert_eq!(deleter(&life), "");
    assert_eq!(judge(&mut life, Some("jane"), None), "Open, told nobody");
    assert_eq!(deleter(&life), "jane");
    assert_eq!(judge(&mut life, None, None), "nothing");

    // Something else has it written again, when nothing but the finding remembers.
    life.finding.as_mut().unwrap().status.as_mut().unwrap().severity_reasons.clear();
    assert_eq!(judge(&mut life, None, None), "Open, told nobody");
    assert_eq!(deleter(&life), "jane");

    let before = life.record().unwrap();
    for forged in [None, Some("john")] {
        let status = life.finding.as_mut().unwrap().status.as_mut().unwrap();
        status.deleter = status.deleter.take().zip(forged).map(|(mut deleter, forged)| {
            deleter.shown = forged.to_owned();
            deleter
        });
        let record = life.record().unwrap().insisting(&before);
        assert_eq!(judge(&mut life, None, Some(&record)), "Open, told nobody");
        assert_eq!(deleter(&life), "jane");
    }

    assert_eq!(life.disappear(), "Resolved, FindingResolved");
    assert_eq!(judge(&mut life, None, None), "Open, FindingReopened");
    assert_eq!(deleter(&life), "", "somebody else may have deleted the next one");
}

#[test]
fn a_campaign_is_news_and_its_growth_is_none() {
    let workload = cron_job("0 2 * * *", &json!({"containers": [{"name": "a", "image": "app:1"}]}));
    let reference = reference(&workload.key, UID);
    let mut life = Life::new();
    let mut judge = |namespaces: Option<i32>| {
        let campaign = |namespaces| Campaign { fingerprint: "3fa9".to_owned(), namespaces, workloads: namespaces };
        let campaign = namespaces.map(campaign);
        let labels = Labels::new();
        let surroundings = Surroundings::from(&labels).in_campaign(campaign.as_ref());
        let assessment = assess(&workload, &Inventory::default(), surroundings, life.now);
        let told = life.wait(1).settle(&reference, Some(&workload), &assessment);
        let status = life.finding.clone().unwrap().status.unwrap();
        assert_eq!(status.campaign, campaign);
        let record = life.record().unwrap();
        assert_eq!(record.campaign(), campaign.as_ref());
        assert!(status.template_hash.unwrap().contains(record.template().unwrap()));
        (told, status.severity.as_str(), status.next_steps.iter().any(|step| step.contains("== \"3fa9\"")))
    };
    assert_eq!(judge(None), ("Open, FindingOpened".to_owned(), "Medium", false));
    assert_eq!(judge(Some(3)), ("Open, FindingChanged".to_owned(), "High", true));
    assert_eq!(judge(Some(7)), ("Open, told nobody".to_owned(), "High", true));
    assert_eq!(judge(None), ("Open, FindingChanged".to_owned(), "Medium", false));
}

#[test]
fn the_worst_deviation_is_the_same_everywhere() {
    let pod = json!({"containers": [{"name": "a", "image": "evil:1", "command": ["sh"]}], "serviceAccountName": "x"});
    let workload = cron_job("0 3 * * *", &pod);
    let approval = json!({"match": {"names": ["*"]}, "expected": {
        "schedules": ["0 2 * * *"], "images": [{"repository": "app"}], "commands": [{"command": ["app"]}],
        "serviceAccounts": ["backup"]
    }});
    let mut life = Life::new();
    let assessment = judged(&workload, &[approval], life.now);
    life.settle(&reference(&workload.key, UID), Some(&workload), &assessment);
    let status = life.finding.as_ref().unwrap().status.as_ref().unwrap();
    assert_eq!(status.reasons, "Schedule,Image,Command,ServiceAccount");
    assert_eq!(status.severity_reasons.first().map(String::as_str), Some("High: Image"));
    assert_eq!(status.conditions[0].reason, "Image");
}

/// The example of a run outside of the windows is one of the current year.
#[test]
fn a_new_year_reopens_nothing() {
    let workload = cron_job("0 12 * * 1", &json!({"containers": [{"name": "a", "image": "app:1"}]}));
    let approval = json!({"match": {"names": ["*"]}, "expected": {"windows": ["22:00-05:00"]}});
    let reference = reference(&workload.key, UID);
    let mut life = Life::new();
    let assessment = judged(&workload, std::slice::from_ref(&approval), life.now);
    assert_eq!(life.settle(&reference, Some(&workload), &assessment), "Open, FindingOpened");
    life.acknowledge(None, None).settle(&reference, Some(&workload), &assessment);
    let next = judged(&workload, &[approval], life.wait(365 * 24).now);
    assert_ne!(next, assessment);
    assert_eq!(life.settle(&reference, Some(&workload), &next), "Acknowledged, told nobody");
}

#[test]
fn what_is_unknown_neither_opens_a_finding_nor_resolves_it() {
    let mut life = Life::new();
    assert_eq!(life.judge_without_evidence(), "nothing");
    assert_eq!(life.wait(1).judge("0 3 * * *"), "Open, FindingOpened");
    assert_eq!(life.wait(1).judge_without_evidence(), "nothing");
    assert_eq!(life.wait(1).judge("0 2 * * *"), "Resolved, FindingResolved");
}
