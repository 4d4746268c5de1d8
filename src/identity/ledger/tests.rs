//! What comes of facts, in whatever order they arrive.

mod gone;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::identity::{User, Version};

const OWN: &str = "system:serviceaccount:cronwarden:cronwarden";
const GRACE: SignedDuration = SignedDuration::from_mins(10);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn cron_job(name: &str) -> Object {
    Object { kind: ObjectKind::CronJob, namespace: "apps".to_owned(), name: name.to_owned() }
}

/// A request of a user about a version of an object.
fn fact(id: &str, user: &str, verb: Verb, generation: i64, resource_version: u64) -> Fact {
    Fact {
        source: Source::Audit,
        id: id.to_owned(),
        at: at(generation * 10),
        actor: Actor { user: User { username: user.to_owned(), groups: Vec::new() }, ..Actor::default() },
        verb,
        object: cron_job("report"),
        version: Version {
            uid: Some("u1".to_owned()),
            generation: Some(generation),
            resource_version: Some(resource_version),
            created: Some(at(10)),
            may_change_spec: true,
        },
        body: None,
    }
}

/// An admission request for an object with this schedule.
fn admitted(id: &str, user: &str, generation: i64, schedule: &str) -> Fact {
    let mut fact = fact(id, user, Verb::Update, generation, 0);
    fact.source = Source::Admission;
    fact.version.resource_version = None;
    fact.body = Some(manifest(schedule).into());
    fact
}

fn manifest(schedule: &str) -> String {
    json!({
        "metadata": {"name": "report", "namespace": "apps", "uid": "u1"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "app:1"}]}}}}},
    })
    .to_string()
}

/// A ledger that has a source since long, with these facts.
fn ledger(facts: &[Fact]) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.begin(std::iter::empty(), at(0));
    for fact in facts {
        ledger.record(fact, OWN, at(100));
    }
    ledger
}

fn seen(generation: i64, became: Option<u64>) -> Seen {
    let sighting = Sighting { generation, became, content: None };
    Seen { sighting, created: Some(at(10)), at: at(100), claim: None }
}

/// Who created and who last changed it, by name.
fn makers(ledger: &Ledger, seen: &Seen) -> (Option<String>, Option<String>) {
    let known = ledger.provenance("u1", seen, GRACE, at(100));
    let name = |deed: Option<Deed>| deed.map(|deed| deed.actor.effective().username.clone());
    (name(known.creator), name(known.changer))
}

fn some(creator: &str, changer: &str) -> (Option<String>, Option<String>) {
    (Some(creator.to_owned()), Some(changer.to_owned()))
}

#[test]
fn a_change_is_tied_to_its_generation() {
    let facts = [
        fact("1", "argocd", Verb::Create, 1, 100),
        fact("2", "jane", Verb::Patch, 2, 120),
        fact("3", "bob", Verb::Patch, 3, 130),
    ];
    let ledger = ledger(&facts);
    assert_eq!(makers(&ledger, &seen(1, None)), some("argocd", "argocd"));
    assert_eq!(makers(&ledger, &seen(2, None)), some("argocd", "jane"));
    assert_eq!(makers(&ledger, &seen(3, Some(130))), some("argocd", "bob"));
    // The event of this change has not come yet: none of the others accounts for it.
    assert_eq!(makers(&ledger, &seen(4, None)), (Some("argocd".to_owned()), None));
    assert_eq!(ledger.provenance("u1", &seen(4, None), GRACE, at(100)).account, Account::Awaited { until: at(700) });
    assert_eq!(ledger.provenance("u1", &seen(4, None), GRACE, at(700)).account, Account::Unaccounted { generation: 4 });
    assert_eq!(ledger.provenance("u2", &seen(1, None), GRACE, at(100)).changer, None, "another uid is another object");
}

#[test]
fn whoever_only_touches_metadata_afterwards_did_not_make_the_spec() {
    // Both requests led to generation 2; only the first of them changed the spec.
    let facts = [fact("2", "jane", Verb::Patch, 2, 120), fact("3", "labeller", Verb::Patch, 2, 125)];
    assert_eq!(makers(&ledger(&facts), &seen(2, None)).1.as_deref(), Some("jane"));
    // Where the watch saw the change happen, only the request with exactly that version counts: the other event was lost.
    assert_eq!(makers(&ledger(&facts[1..]), &seen(2, Some(120))).1, None);
    assert_eq!(makers(&ledger(&facts), &seen(2, Some(120))).1.as_deref(), Some("jane"));
    let mut label = fact("4", "labeller", Verb::Patch, 5, 150);
    label.version.may_change_spec = false;
    assert_eq!(makers(&ledger(&[label]), &seen(5, None)).1, None, "its body shows that it could not");
}

#[test]
fn what_was_only_admitted_counts_if_it_is_what_is_there() {
    let facts = [admitted("a", "mallory", 2, "* * * * *"), admitted("b", "jane", 2, "0 6 * * *")];
    let ledger = ledger(&facts);
    let content = |schedule: &str| {
        let workload = Workload::from_json(crate::workload::WorkloadKind::CronJob, &manifest(schedule)).unwrap();
        Some(content_of(&workload))
    };
    let mut there = seen(2, Some(120));
    assert!(ledger.needs_content("u1", 2));
    assert_eq!(makers(&ledger, &there).1, None);
    there.sighting.content = content("0 6 * * *");
    assert_eq!(makers(&ledger, &there).1.as_deref(), Some("jane"));
    there.sighting.content = content("0 7 * * *");
    assert_eq!(makers(&ledger, &there).1, None, "somebody refused both");
}

#[test]
fn an_audit_event_is_better_than_an_admission_request() {
    let mut request = fact("a", "system:serviceaccount:tenants:deployer", Verb::Create, 1, 0);
    request.source = Source::Admission;
    let event = fact("1", "argocd", Verb::Create, 1, 100);
    for facts in [[request.clone(), event.clone()], [event, request]] {
        assert_eq!(makers(&ledger(&facts), &seen(1, Some(100))), some("argocd", "argocd"));
    }
}

#[test]
fn what_was_there_before_the_first_event_is_nobodys() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.provenance("u1", &seen(3, None), GRACE, at(100)).account, Account::NoSource);
    assert!(ledger.begin([("u1", cron_job("report"), 3)].into_iter(), at(50)));
    assert!(!ledger.begin(std::iter::empty(), at(60)), "it begins once");
    let account = |seen: Seen| ledger.provenance("u1", &seen, GRACE, at(10_000)).account;
    assert_eq!(account(seen(3, None)), Account::BeforeSource);
    assert_eq!(account(seen(4, None)), Account::Unaccounted { generation: 4 });
    let old = ledger.provenance("u9", &seen(1, None), GRACE, at(10_000)).account;
    assert_eq!(old, Account::BeforeSource, "it was created before");
    let new = Seen { created: Some(at(60)), ..seen(1, None) };
    assert_eq!(ledger.provenance("u9", &new, GRACE, at(10_000)).account, Account::Unaccounted { generation: 1 });
}

#[test]
fn a_creation_without_a_body_is_tied_by_its_time() {
    let nameless = |id: &str, user: &str, second| {
        let mut fact = fact(id, user, Verb::Create, 1, 0);
        fact.version = Version::default();
        fact.at = at(second);
        fact
    };
    let known = |facts: &[Fact]| {
        let mut ledger = ledger(facts);
        ledger.observe("u1", &cron_job("report"), &seen(1, None));
        makers(&ledger, &seen(1, None)).0
    };
    assert_eq!(known(&[nameless("1", "jane", 11)]).as_deref(), Some("jane"));
    assert_eq!(known(&[nameless("1", "jane", 9)]), None, "it ended before the object was made");
    assert_eq!(known(&[nameless("1", "jane", 14)]), None, "it is another object of that name");
    assert_eq!(known(&[nameless("1", "jane", 10), nameless("2", "mallory", 12)]), None, "it may have been either");
    let mut ledger = ledger(&[nameless("1", "jane", 11)]);
    ledger.observe("u1", &cron_job("report"), &seen(1, None));
    ledger.record(&nameless("2", "mallory", 12), OWN, at(100));
    ledger.observe("u1", &cron_job("report"), &seen(1, None));
    assert_eq!(makers(&ledger, &seen(1, None)).0, None, "what was believed is doubtful now");
}

#[test]
fn an_event_with_the_uid_of_another_object_changes_nothing() {
    let lie = Fact { object: cron_job("other"), ..fact("9", "mallory", Verb::Create, 1, 90) };
    let truth = fact("1", "jane", Verb::Create, 1, 100);
    let after = ledger(&[truth.clone(), lie.clone()]);
    assert_eq!(makers(&after, &seen(1, Some(100))), some("jane", "jane"));
    // Told first, it is believed until the object is seen.
    let mut before = ledger(&[lie]);
    before.observe("u1", &cron_job("report"), &seen(1, None));
    before.record(&truth, OWN, at(100));
    assert_eq!(makers(&before, &seen(1, Some(100))), some("jane", "jane"));
}

#[test]
fn attempts_on_the_record_are_remembered_once() {
    let finding = |kind| Object { kind, namespace: String::new(), name: "apps-report-1".to_owned() };
    let on = |kind, id: &str, user: &str, verb| Fact { object: finding(kind), ..fact(id, user, verb, 1, 1) };
    let mut ledger = ledger(&[
        on(ObjectKind::Finding, "1", OWN, Verb::Delete),
        on(ObjectKind::FindingStatus, "2", OWN, Verb::Patch),
        on(ObjectKind::Finding, "3", "soc", Verb::Patch),
    ]);
    assert_eq!(ledger.attempts().on("apps-report-1"), [], "its own writes and triage are none");
    assert!(ledger.note_attempt("apps-report-1", Attempt::seen(Verb::Delete, at(12))));
    let deletion = on(ObjectKind::Finding, "4", "mallory", Verb::Delete);
    assert!(ledger.record(&deletion, OWN, at(100)).is_some(), "the event says who it was");
    assert!(ledger.record(&deletion, OWN, at(100)).is_none(), "twice");
    assert!(!ledger.note_attempt("apps-report-1", Attempt::seen(Verb::Delete, at(13))), "it is the same");
    ledger.record(&on(ObjectKind::FindingStatus, "5", "mallory", Verb::Patch), OWN, at(100));
    let attempts = ledger.attempts().on("apps-report-1");
    let by: Vec<_> = attempts.iter().map(|a| (a.verb, a.deed.as_ref().unwrap().id.to_string())).collect();
    assert_eq!(by, [(Verb::Patch, "5".to_owned()), (Verb::Delete, "4".to_owned())]);
}

/// A restart over a cluster with more objects than strangers are remembered.
#[test]
fn however_many_objects_are_there_all_of_them_are_remembered() {
    let count = 2 * MOST_STRANGERS;
    let mut before = ledger(&[]);
    let uids: Vec<String> = (0..count).map(|number| format!("uid-{number}")).collect();
    for uid in &uids {
        let mut fact = fact(uid, "jane", Verb::Create, 1, 100);
        fact.version.uid = Some(uid.clone());
        before.record(&fact, OWN, at(100));
        before.observe(uid, &cron_job("report"), &seen(1, None));
    }
    let mut after = Ledger::default();
    for number in 0..PAGES {
        after.restore(number, before.page(number));
    }
    after.tidy(at(200));
    // One is not there any more.
    after.settle(uids[1..].iter().map(String::as_str), at(200));
    after.tidy(at(200) + SignedDuration::from_hours(2));
    let is_known = |uid: &str| after.provenance(uid, &seen(1, None), GRACE, at(200)).changer.is_some();
    assert_eq!(uids.iter().filter(|uid| is_known(uid)).count(), count - 1);
    assert!(!is_known(&uids[0]));
}

/// The event of a change is lost, and whoever applies the same again afterwards changes nothing.
#[test]
fn a_restart_launders_no_change() {
    let mut before = ledger(&[]);
    let changed = seen(5, Some(120));
    before.observe("u1", &cron_job("report"), &changed);
    before.record(&fact("1", "argocd", Verb::Patch, 5, 130), OWN, at(100));
    let account = |ledger: &Ledger, seen: &Seen, now| ledger.provenance("u1", seen, GRACE, now).account;
    assert_eq!(account(&before, &changed, at(9_000)), Account::Unaccounted { generation: 5 });
    let mut after = Ledger::default();
    for number in 0..PAGES {
        after.restore(number, before.page(number));
    }
    let listed = Seen { at: at(9_000), ..seen(5, None) };
    after.observe("u1", &cron_job("report"), &listed);
    assert_eq!(account(&after, &listed, at(9_000)), Account::Unaccounted { generation: 5 }, "nor is it awaited again");
}

#[test]
fn what_was_lost_of_the_ledger_accuses_nobody() {
    let uid = "u1";
    let account = |ledger: &Ledger, seen: &Seen| ledger.provenance(uid, seen, GRACE, at(9_000)).account;
    let mut whole = ledger(&[fact("1", "jane", Verb::Create, 1, 100)]);
    let mut page = whole.page(page::of(uid));
    assert_eq!(page.halve(at(200)), 1);
    let mut rest = ledger(&[]);
    assert_eq!(account(&rest, &seen(1, None)), Account::Unaccounted { generation: 1 });
    rest.restore(page::of(uid), Page::from_json(&page.to_json().unwrap()).unwrap());
    assert_eq!(account(&rest, &seen(1, None)), Account::BeforeSource);
    let later = Seen { created: Some(at(300)), ..seen(1, None) };
    assert_eq!(account(&rest, &later), Account::Unaccounted { generation: 1 }, "it came afterwards");
    whole.note_gap(page::of(uid), at(200));
    assert_eq!(account(&whole, &seen(1, None)), Account::Known, "what is known is known");
}

#[test]
fn absurd_generations_push_out_nothing() {
    let mut ledger = ledger(&[fact("1", "jane", Verb::Create, 1, 100)]);
    ledger.observe("u1", &cron_job("report"), &seen(1, Some(100)));
    for lie in 0..8 {
        let mut fact = fact(&format!("lie-{lie}"), "mallory", Verb::Patch, 2, 200);
        fact.version.generation = Some(if lie < 6 { i64::MAX - lie } else { -lie });
        assert_eq!(ledger.record(&fact, OWN, at(100)), None);
    }
    assert_eq!(makers(&ledger, &seen(1, Some(100))), some("jane", "jane"));
    assert_eq!(ledger.farewell("u1").changer.unwrap().actor.user.username, "jane");
}

#[test]
fn a_page_of_another_form_is_not_read() {
    assert!(matches!(Page::from_json(br#"{"form":2,"what":[]}"#), Err(PageError::Form(2))));
    assert!(matches!(Page::from_json(b"[]"), Err(PageError::Unreadable(_))));
}

/// A few things that happened to one object and its record, as several API servers and an admission webhook tell them.
fn history() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0..6_usize, 1..5_i64, 0..4_u64, 0..3_usize, any::<bool>());
    prop::collection::vec(one, 0..14).prop_map(|told| {
        told.into_iter()
            .map(|(user, generation, later, what, is_admitted)| {
                let verb = [Verb::Create, Verb::Patch, Verb::Delete][what];
                let id = format!("{user}-{generation}-{later}-{what}-{is_admitted}");
                let version = u64::try_from(generation).unwrap() * 100 + later;
                let mut fact = fact(&id, &format!("user-{user}"), verb, generation, version);
                if is_admitted {
                    fact = Fact { verb, ..admitted(&id, &format!("user-{user}"), generation, "0 6 * * *") };
                }
                fact
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn who_did_it_does_not_depend_on_the_order_of_arrival(
        (told, shuffled) in history().prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        twice in 0..14_usize,
        generation in 1..5_i64,
        later in 0..4_u64,
        is_live in any::<bool>(),
        is_seen_first in any::<bool>(),
    ) {
        let mut shuffled = shuffled;
        let again = shuffled.get(twice).cloned();
        shuffled.extend(again);
        let mut one = ledger(&told);
        let mut other = ledger(&[]);
        one.observe("u1", &cron_job("report"), &seen(1, None));
        if is_seen_first {
            other.observe("u1", &cron_job("report"), &seen(1, None));
        }
        for fact in &shuffled {
            other.record(fact, OWN, at(100));
        }
        other.observe("u1", &cron_job("report"), &seen(1, None));
        let mut seen = seen(generation, is_live.then_some(u64::try_from(generation).unwrap() * 100 + later));
        let workload = Workload::from_json(crate::workload::WorkloadKind::CronJob, &manifest("0 6 * * *")).unwrap();
        seen.sighting.content = Some(content_of(&workload));
        prop_assert_eq!(one.provenance("u1", &seen, GRACE, at(100)), other.provenance("u1", &seen, GRACE, at(100)));
        prop_assert_eq!(one.farewell("u1"), other.farewell("u1"));
    }

    #[test]
    fn what_is_kept_is_what_is_known(told in history(), generation in 1..5_i64) {
        let mut ledger = ledger(&told);
        ledger.note_attempt("apps-report-1", Attempt::seen(Verb::Delete, at(5)));
        let mut restored = Ledger::default();
        for number in 0..PAGES {
            let text = ledger.page(number).to_json().unwrap();
            restored.restore(number, Page::from_json(&text).unwrap());
        }
        let seen = seen(generation, None);
        prop_assert_eq!(ledger.provenance("u1", &seen, GRACE, at(100)), restored.provenance("u1", &seen, GRACE, at(100)));
        prop_assert_eq!(ledger.farewell("u1"), restored.farewell("u1"));
        prop_assert_eq!(&ledger.attempts, &restored.attempts);
        prop_assert_eq!(restored.take_changed(), [], "reading it changes nothing");
    }
}
